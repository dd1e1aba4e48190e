"""Incidents, and standbys that belong to somebody else."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/guard.py",
        "tests/unit/hosts/test_host_judge.py",
        Off(
            "nothing is restored on somebody else's machine without an agreement in force",
            "    if not why or _has_place(seen, tidying):",
            "    if True:",
            "test_nothing_is_restored_on_somebody_elses_machine_without_an_agreement",
        ),
    ),
    *guards_of(
        "dr/app/incidents.py",
        "tests/integration/test_incidents.py",
        Off(
            "what is closed is not written on",
            '        if known.state == "closed":',
            "        if False:",
            "test_from_a_stolen_disk_to_the_end",
            by="Failed",
        ),
    ),
)
