"""What every model refuses."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/model/base.py",
        "tests/unit/config/test_config_home_corpus.py",
        Off("an unknown key is an error", 'extra="forbid"', 'extra="ignore"', "test_a_bad_home_is_told_exactly"),
    ),
)
