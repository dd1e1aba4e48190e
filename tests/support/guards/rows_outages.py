"""What may be said of an outage, and by how many at once."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/policy/outages.py",
        "tests/unit/policy/test_policy_outages.py",
        Off(
            "what is over is not gone on with, and nothing ends twice",
            "    if refusal:",
            "    if False:",
            "test_a_refusal_says_why_and_what_to_type_instead",
        ),
    ),
    *guards_of(
        "dr/app/outages.py",
        "tests/unit/app/test_app_outages.py",
        Off(
            "a system that is out is not declared a second time",
            "        if known.id != wanted.id and (known.by, known.what, known.severity) != (wanted.by, wanted.what, wanted.severity):",
            "        if False:",
            "test_the_same_system_is_not_declared_twice_but_a_rehearsal_may_go_on_beside",
        ),
    ),
)
