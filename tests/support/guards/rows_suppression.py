"""What keeps the forgotten forgotten, a restored server quiet, and a drill's word from standing longer than it should."""

from tests.support.guards.guard import Guard, Off, guards_of

_SUPPRESSION = "tests/integration/test_suppression.py"
_NEUTRAL = "tests/integration/test_neutralised.py"
_READINESS = "tests/unit/policy/test_policy_readiness.py"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/actions/journal.py",
        _SUPPRESSION,
        Off(
            "a key that was exchanged under an entry is found",
            "if not hmac.compare_digest(hmac_of(key, keys), entry.subject):",
            "if False:",
            "test_another_key_under_an_entry_is_found",
        ),
        Off(
            "a journal that cannot be relied on stops the replay",
            "if self.judged.journal is not None:",
            "if True:",
            "test_a_journal_that_is_whole_nowhere_stops_the_replay",
            by="AttributeError",
        ),
        Off(
            "a journal that nobody trusted signed is none",
            "keys.verify(canonical(body), signature)",
            "pass",
            "test_a_strangers_entry_is_not_believed",
        ),
        Off(
            "no system that declares suppression is opened without its replay",
            "    if declared:\n        raise Refused(",
            "    if False:\n        raise Refused(",
            "test_without_the_replay_the_erased_are_back",
        ),
        Off(
            "a replay that found nothing declared does not stand for one after it was declared",
            'if any(facts.get("declared", True) or not declared for facts in of_this):',
            "if of_this:",
            "test_a_step_that_found_nothing_to_do_does_not_open_a_system_that_declares_it_since",
        ),
        Off(
            "requests that nobody can replay are not passed over",
            "    if asked:",
            "    if False:",
            "test_requests_of_a_system_that_does_not_say_how_stop_the_run",
        ),
    ),
    *guards_of(
        "dr/actions/replay_suppressions.py",
        _SUPPRESSION,
        Off(
            "the comparison with the source comes before what would make it differ",
            "if not compared:",
            "if False:",
            "test_before_the_comparison_nothing_is_replayed",
        ),
    ),
    *guards_of(
        "dr/app/suppress.py",
        _SUPPRESSION,
        Off(
            "an empty journal takes the place of none that was",
            "if looked.judged.journal is not None or looked.damaged or any(looked.copies.values()) or places.known():",
            "if False:",
            "test_an_empty_journal_never_takes_the_place_of_one_that_was_lost",
        ),
    ),
    *guards_of(
        "dr/policy/suppression.py",
        "tests/unit/policy/test_policy_suppression.py",
        Off(
            "an entry that is not the one on record was rewritten",
            "if seq >= longest.base_seq and longest.hash_at(seq) != digest:",
            "if False:",
            "test_an_entry_that_is_not_the_one_on_record_is_found",
        ),
        Off(
            "two that go on differently are neither believed",
            "if forked:",
            "if False:",
            "test_two_that_go_on_differently_are_neither_believed",
        ),
        Off(
            "an entry is kept while a copy may need it",
            "if needed or young:",
            "if False:",
            "test_what_is_let_go_of_is_due_for_no_copy",
        ),
    ),
    *guards_of(
        "dr/drivers/postgres/replay.py",
        "tests/unit/drivers/test_pg_replay_template.py",
        Off(
            "SQL that names no key is run for nobody",
            'if not any("%(key)s" in text for text in statements):',
            "if False:",
            "test_what_cannot_be_run_safely_is_refused",
        ),
    ),
    *guards_of(
        "dr/drivers/postgres/neutralise.py",
        _NEUTRAL,
        Off(
            "no event trigger of a restored database fires",
            'connection.execute(f"ALTER EVENT TRIGGER {quoted(name)} DISABLE".encode())',
            "pass",
            "test_no_event_trigger_fires_on_the_restored_server",
        ),
        Off(
            "files that restored code wrote are put back",
            "if not (data / name).is_file() or (data / name).read_bytes() != before]",
            "if False]",
            "test_files_that_restored_code_wrote_are_put_back_and_told",
        ),
    ),
    *guards_of(
        "dr/policy/readiness.py",
        _READINESS,
        Off(
            "what the last drill went by and was changed since needs a drill",
            "elif written[named] != digest:",
            "elif False:",
            "test_what_was_changed_since_the_last_drill_needs_one",
        ),
    ),
)
