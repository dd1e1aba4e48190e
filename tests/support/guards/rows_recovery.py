"""What a recovery refuses, and what is refused because of one."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/app/reprotect.py",
        "tests/unit/app/test_reprotect_write.py",
        Off(
            "what somebody wrote into the inventory meanwhile is not written over",
            "    if edited:",
            "    if False:",
            "test_what_somebody_wrote_while_the_question_stood_is_not_written_over",
        ),
    ),
    *guards_of(
        "dr/policy/recovery.py",
        "tests/unit/policy/test_policy_recovery.py",
        Off("only a recovery opens", "if opens:", "if False:", "test_a_plan_that_would_do_harm_is_refused_before_it_begins"),
        Off("a recovery scrubs nothing", "if scrubs:", "if False:", "test_a_plan_that_would_do_harm_is_refused_before_it_begins"),
        Off(
            "a recovery is declared",
            "if plan.declaration is None:",
            "if False:",
            "test_a_plan_that_would_do_harm_is_refused_before_it_begins",
        ),
        Off(
            "a system is opened with a second person's word, or with a reason to be alone",
            "if not _asked(plan, step):",
            "if False:",
            "test_a_plan_that_would_do_harm_is_refused_before_it_begins",
        ),
    ),
    *guards_of(
        "dr/actions/opening.py",
        "tests/unit/actions/test_opening.py",
        Off(
            "nothing is opened but in a declared recovery",
            'if ctx.plan.kind != "recovery" or ctx.plan.declaration is None:',
            "if False:",
            "test_nothing_is_opened_outside_of_a_declared_recovery",
        ),
        Off(
            "whatever the runbook left out, a second person's word is there before it is opened",
            "if not any(not same_person(by, ctx.requested_by) for by in given):",
            "if False:",
            "test_nobodys_or_ones_own_word_does_not_open",
        ),
        Off(
            "only what this very run restored is opened",
            "if not host.holds(params.set):",
            "if False:",
            "test_what_this_run_did_not_restore_is_not_opened",
        ),
        Off(
            "what is in service is opened as the set that it is",
            'if settled["set"] != params.set:',
            "if False:",
            "test_a_host_that_went_into_service_with_another_set_is_not_opened_as_this_one",
        ),
    ),
    *guards_of(
        "dr/actions/scrub.py",
        "tests/unit/actions/test_opening.py",
        Off(
            "a recovery removes nothing, whatever its runbook says",
            'if ctx.plan.kind == "recovery":',
            "if False:",
            "test_a_scrub_never_runs_in_a_recovery",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/app/in_service.py",
        "tests/unit/app/test_in_service.py",
        Off("a plan that would do harm is not begun", "if wrong:", "if False:", "test_a_plan_that_would_do_harm_is_not_begun"),
        Off(
            "no run writes to what a recovery made production",
            "if host is not None:",
            "if False:",
            "test_a_run_that_would_write_to_production_is_refused_and_says_what_comes_next",
        ),
    ),
    *guards_of(
        "dr/app/enrolling.py",
        "tests/unit/app/test_in_service.py",
        Off(
            "a name that went into service is no standby's again",
            'if request.role == "standby" and host in in_service(app.records):',
            "if False:",
            "test_a_name_that_went_into_service_is_no_standbys_again",
        ),
    ),
    *guards_of(
        "dr/app/recover.py",
        "tests/unit/app/test_in_service.py",
        Off(
            "a recovery is not begun onto a standby that a drill holds",
            "        if shared:",
            "        if False:",
            "test_a_recovery_does_not_wait_for_a_drill_that_holds_its_standby",
        ),
        Off(
            "nobody is told to end a recovery that is under way",
            'if shared and theirs is not None and theirs.kind == "recovery":',
            "if False:",
            "test_nobody_is_told_to_end_a_colleagues_recovery",
        ),
    ),
    *guards_of(
        "dr/config/inventory_edit.py",
        "tests/unit/config/test_config_inventory_edit.py",
        Off(
            "what is not one value in a line is not exchanged by a guess",
            "if not isinstance(node, Scalar) or node.line != node.end_line:",
            "if False:",
            "test_a_place_that_is_not_there_or_not_one_value_is_refused_with_what_to_do",
        ),
        Off(
            "a key is added to a mapping, and to nothing else",
            "if not isinstance(table, Table) or not table.entries:",
            "if False:",
            "test_a_place_that_is_not_there_or_not_one_value_is_refused_with_what_to_do",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/hosts/serving.py",
        "tests/integration/test_host_service.py",
        Off(
            "what is in service is touched by the run that opened it, and by no other",
            "if said is None or (said.organisation, said.host, said.run) != (standing.organisation, target.name, run):",
            "if said is None:",
            "test_it_is_given_to_the_run_that_opened_it_and_to_no_other",
            by="Damaged",
        ),
        Off(
            "what was restored there is there when users are let in",
            "if place is None or place.adopted is None or place.adopted.set != said.set:",
            "if place is None:",
            "test_a_forged_marker_and_data_that_is_not_there_are_damage",
        ),
    ),
)
