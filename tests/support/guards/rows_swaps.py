"""What a restored file set is not put at, and what is refused round it."""

from tests.support.guards.guard import Guard, Off, guards_of

_PLAN = "test_a_place_that_would_do_harm_is_refused_and_says_why"
_LEFT = "tests/integration/test_host_swap.py::test_a_place_that_may_not_be_taken_is_left_as_it_is"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/swap_plan.py",
        "tests/unit/hosts/test_host_swap_plan.py",
        Off(
            "nothing is put where the inventory names no place",
            "if seen.place in allowed:",
            "if True:",
            "test_a_place_that_the_inventory_does_not_name_is_refused",
        ),
        Off("no link leads elsewhere", "if seen.real != seen.place:", "if False:", _PLAN, by="ValueError"),
        Off("what is no folder is not moved", 'if seen.kind == "other":', "if False:", _PLAN, by="ValueError"),
        Off("what is mounted is not moved", "if seen.mounts:", "if False:", _PLAN, by="ValueError"),
        Off("a name that is taken is not replaced", "if seen.kept:", "if False:", _PLAN, by="ValueError"),
        Off("the standby's own folder is not moved", "if overlap(seen.real, seen.root):", "if False:", _PLAN, by="ValueError"),
        Off(
            "production's folders are not touched, whatever they are called",
            "{off_limits.folders[one] for one in seen.above if one in off_limits.folders}",
            "set()",
            "test_productions_recorded_places_are_not_touched",
        ),
        Off(
            "nothing is put in, round or at a folder of production's",
            "hosts |= {host for path, host in off_limits.paths.items() if overlap(path, seen.real)}",
            "pass",
            "test_productions_recorded_places_are_not_touched",
        ),
    ),
    *guards_of(
        "dr/hosts/swap.py",
        "tests/integration/test_host_swap.py",
        Off("a place that may not be taken is left as it is", "    if problems:", "    if False:", _LEFT, by="Failed AssertionError"),
        Off(
            "nothing is copied to where there is no room",
            "if free < needed or",
            "if False and",
            "test_where_there_is_no_room_nothing_is_copied",
            by="CalledProcessError",
        ),
    ),
    *guards_of(
        "dr/actions/swap_in.py",
        "tests/unit/actions/test_swap_in.py",
        Off(
            "nothing takes a place before the host is opened, or in a drill",
            "    if serving is None:",
            "    if False:",
            "test_before_it_is_opened_and_outside_of_a_recovery_nothing_takes_a_place",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/app/agent/allowed.py",
        "tests/unit/app/test_agent_allowed.py",
        Off(
            "a login puts nothing where its forced command names no place",
            "        if not self.free and place not in self.swaps:",
            "        if False:",
            "test_a_login_puts_nothing_where_its_forced_command_names_no_place",
        ),
        Off(
            "a place without a root does not let everything else through",
            "if self.swaps and (self.only is not None or not self.roots):",
            "if False:",
            "test_a_place_goes_with_a_standbys_root_and_with_nothing_else",
        ),
    ),
    *guards_of(
        "dr/app/agent/verbs.py",
        "tests/faults/test_ssh_strangers.py",
        Off(
            "a login is asked whether it may put anything there",
            "self._allowed.place(place)",
            "pass",
            "test_a_login_for_one_root_knows_no_other",
        ),
    ),
    *guards_of(
        "dr/hosts/serving.py",
        "tests/integration/test_host_service.py",
        Off(
            "only a file set that this run restored takes a place",
            "        if told is None:",
            "        if False:",
            "test_what_was_not_restored_as_a_file_set_takes_no_place",
            by="TypeError",
        ),
    ),
)
