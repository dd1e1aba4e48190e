"""What is refused to who would take up, or end, work on a standby that is another's."""

from tests.support.guards.guard import Guard, Off, guards_of

TESTS = "tests/unit/app/test_agent_unit.py"
GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/app/agent/unit.py",
        TESTS,
        Off(
            "who does not know a unit's token neither takes it up nor ends it",
            'if not hmac.compare_digest(str(unit["token"]), str(self._epoch.unit["token"])):',
            "if False:",
            "test_who_does_not_know_its_token_is_refused",
        ),
        Off(
            "a login that may do something else does not take a unit up",
            'if told["allowed"] != repr(self._allowed):',
            "if False:",
            "test_a_login_that_may_do_something_else_does_not_take_it_up",
        ),
        Off(
            "who was given up takes nothing back",
            "if again is not (ours and self._epoch.begun):",
            "if False:",
            "test_a_first_process_that_comes_back_takes_nothing_from_the_second",
            by="Unreachable",
        ),
    ),
    *guards_of(
        "dr/app/agent/greeting.py",
        TESTS,
        Off(
            "what is no greeting disturbs no unit",
            "if not _is_greeting(hello):",
            "if False:",
            "test_a_strange_greeting_is_refused_before_anything_is_done_for_it",
        ),
        Off(
            "a login that reads production leaves nothing at work there",
            "if allowed.only is not None:",
            "if False:",
            "test_a_login_that_is_no_standbys_begins_no_unit",
        ),
        Off(
            "a login of one standby begins nothing in the name of another",
            'if allowed.root is not None and unit["root"] != allowed.root:',
            "if False:",
            "test_a_login_begins_units_on_its_own_standby_only",
        ),
    ),
    *guards_of(
        "dr/wire/rejoin.py",
        TESTS,
        Off(
            "another version begins no unit",
            'if not isinstance(ok, dict) or ok.get("protocol") != PROTOCOL:',
            "if False:",
            "test_a_dr_of_another_version_is_refused",
        ),
    ),
)
