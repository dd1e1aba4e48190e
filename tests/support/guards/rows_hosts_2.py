"""What may be written to, what is removed, and what is looked for afterwards."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/places.py",
        "tests/integration/test_host_guard.py",
        Off(
            "a link in place of the drills' folder is astray",
            "elif name in (DRILLS, KEPT) and stat.S_ISLNK(at.st_mode):",
            "elif False:",
            "test_a_symbolic_link_below_the_root_is_refused",
        ),
        Off(
            "whatever else lies in a root is strange",
            'elif name not in _ROOT and not (name == "lost+found" and stat.S_ISDIR(at.st_mode)):',
            "elif False:",
            "test_productions_data_directory_is_refused_by_inode_wherever_it_was_moved",
        ),
        Off(
            "a cluster that nobody claimed is known by its system identifier",
            "if found:",
            "if False:",
            "test_a_cluster_with_productions_identifier_is_named_as_such",
        ),
        Off(
            "a place without a claim is strange",
            "if claim is None:",
            "if False:",
            "test_an_unclaimed_place_is_refused",
            by="AttributeError",
        ),
        Off(
            "a claim must cover the very folder it lies in",
            "if not self._covers(claim, name, at):",
            "if False:",
            "test_a_claim_copied_to_another_folder_covers_nothing",
        ),
        Off(
            "a claim that was copied to another folder covers nothing",
            " and (said.device, said.inode) == identity(at)",
            "",
            "tests/unit/hosts/test_host_judge.py::test_a_claim_that_was_carried_here_covers_nothing",
        ),
        Off(
            "a claim of another host, run or organisation covers nothing",
            "owner == (self._organisation, self._host, name) and ",
            "",
            "tests/unit/hosts/test_host_judge.py::test_a_claim_that_was_carried_here_covers_nothing",
        ),
        Off(
            "an adoption that was carried here is none",
            "self._covers(adopted, name, at) and ",
            "",
            "tests/unit/hosts/test_host_judge.py::test_an_adoption_that_was_carried_here_is_none",
        ),
        Off(
            "an adoption of another set is none",
            " and adopted.set == claim.set",
            "",
            "tests/unit/hosts/test_host_judge.py::test_an_adoption_that_was_carried_here_is_none",
        ),
    ),
    *guards_of(
        "dr/hosts/process.py",
        "tests/integration/test_host_process.py",
        Off(
            "a child inherits none of our secrets",
            "inherited = {key: os.environ[key] for key in _KEPT if key in os.environ}",
            "inherited = dict(os.environ)",
            "test_the_environment_is_scrubbed",
        ),
    ),
    *guards_of(
        "dr/hosts/removal.py",
        "tests/integration/test_host_drills.py",
        Off(
            "a removal stops before production's folder, however it came there",
            "if identity(at) in self._protected:",
            "if False:",
            "test_removal_never_enters_a_protected_folder",
        ),
    ),
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
        Off(
            "two claims at the same moment are one",
            "while not _lock(drills):\n                if time.monotonic() >= until:",
            "while False:\n                if time.monotonic() >= until:",
            "tests/integration/test_host_drills.py::test_two_claims_at_the_same_moment_are_one",
        ),
        Off("a standby in use by a living run is not scrubbed", "if place.run in active:", "if False:", "test_one_living_run_at_a_time"),
    ),
)
