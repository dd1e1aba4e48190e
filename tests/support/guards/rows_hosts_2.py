"""What may be written to, what is removed, and what is looked for afterwards."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/standby.py",
        "tests/contracts/test_host_contract.py",
        Off(
            "a place that was adopted is not claimed again",
            "if own is not None and own.adopted is not None:",
            "if False:",
            "tests/integration/test_host_drills.py::test_what_was_adopted_is_held_and_not_claimed_again",
        ),
        Off(
            "what was not adopted is not held",
            "if own.adopted is None:",
            "if False:",
            "test_nothing_is_held_before_it_is_adopted",
            by="AttributeError",
        ),
        Off(
            "a run's place is for the set that it claimed it for",
            "if own.claim.set != set_id:",
            "if False:",
            "tests/integration/test_host_drills.py::test_only_what_was_claimed_can_be_adopted",
        ),
        Off(
            "only what was claimed can be adopted",
            "if own is None:",
            "if False:",
            "test_nothing_is_held_before_it_is_adopted",
            by="AttributeError",
        ),
        Off(
            "a restore that does not fit is refused before it begins", "if free < needed:", "if False:", "test_too_little_space_is_refused"
        ),
        Off("a standby in use by a living run is not scrubbed", "if place.run in active:", "if False:", "test_one_living_run_at_a_time"),
    ),
)
