"""What the steps of a run refuse."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/actions/approve.py",
        "tests/faults/test_approvals.py",
        Off(
            "who asked for a run does not approve it where a second person is wanted",
            'if answer["verdict"] == "approved" and params.second_person and same_person(by, ctx.requested_by):',
            "if False:",
            "test_who_asked_is_no_second_person",
        ),
        Off("a denial fails the step", 'if answer["verdict"] != "approved":', "if False:", "test_a_denial_fails_the_step_and_is_told"),
        Off(
            "an answer after the time is over is none",
            'return datetime.fromisoformat(answer["at"]) > datetime.fromisoformat(answer["until"])',
            "return False",
            "test_an_answer_counts_by_when_it_was_given",
        ),
    ),
    *guards_of(
        "dr/actions/canary.py",
        "tests/integration/test_canary.py",
        Off(
            "a drill key that opens nothing fails the nightly",
            "if wrong:",
            "if False:",
            "test_a_wrong_drill_key_does_not_close_the_due_date",
        ),
        Off(
            "a repository that was away was not opened", "if unseen:", "if False:", "test_a_repository_that_is_away_is_no_fault_of_the_key"
        ),
        Off(
            "only a restore with the escrow key is its exercise",
            'if step.action == "restore" and step.state == "done" and step.facts.get("recipient") in escrow:',
            "if False:",
            "test_the_escrow_key_is_due_half_a_year_after_the_first_set",
        ),
    ),
    *guards_of(
        "dr/actions/check.py",
        "tests/unit/actions/test_check.py",
        Off(
            "a check step without a check is refused",
            "checks: tuple[CheckRef, ...] = Field(min_length=1)",
            "checks: tuple[CheckRef, ...] = ()",
            "test_no_check_at_all_is_refused",
        ),
        Off(
            "only what this very run restored is looked at",
            "if not host.holds(params.set):",
            "if False:",
            "test_what_this_run_did_not_restore_is_not_looked_at",
        ),
        Off(
            "a check that looked at nothing does not pass",
            "passed = bool(results) and all(r.passed and r.examined > 0 for r in results)",
            "passed = bool(results) and all(r.passed for r in results)",
            "test_a_check_that_examined_nothing_fails",
        ),
        Off(
            "only a set of which every artifact was compared is proven",
            "proven = passed and _covers(opened, results)",
            "proven = passed",
            "test_a_check_that_does_not_compare_with_the_source_covers_nothing",
        ),
        Off(
            "only checks that compare with the source cover an artifact",
            "{name for r in results if r.proves for name in r.artifacts}",
            "{name for r in results for name in r.artifacts}",
            "test_a_check_that_does_not_compare_with_the_source_covers_nothing",
        ),
    ),
    *guards_of(
        "dr/actions/prune.py",
        "tests/integration/test_prune_dangers.py",
        Off(
            "after a rebuild nothing expires until a person turns it on",
            'expiry = records.setting(EXPIRY) != "off"',
            "expiry = True",
            "test_sets_of_runs_that_the_catalog_never_saw_turn_expiry_off",
        ),
        Off(
            "a copy in a repository that left the inventory stands for none",
            "if copy.repository in inventory.repositories]",
            "if True]",
            "test_a_repository_that_left_the_inventory_stands_for_nothing",
        ),
        Off(
            "what needs a person is not deleted before one confirms",
            "changed = not (withheld or outcome.frozen) and carry_out(params.system, outcome, ctx)",
            "changed = not outcome.frozen and carry_out(params.system, outcome, ctx)",
            "test_a_policy_that_shrank_while_expiry_was_off_still_needs_a_person",
        ),
        Off(
            "a policy that no person has let pass is not remembered",
            "if not withheld and not outcome.frozen:  # a policy",
            "if True:  # a policy",
            "test_a_policy_that_shrank_while_expiry_was_off_still_needs_a_person",
        ),
        Off(
            "a hold in the repository counts, whatever the catalog knows",
            " or held_there(copy, repository, ctx)",
            "",
            "tests/integration/test_holds.py::test_a_hold_that_comes_while_a_prune_runs_wins",
        ),
        Off(
            "what came since the decision wins under the lock",
            " or same[0].keep",
            "",
            "tests/integration/test_retention_year.py::test_nights_across_a_change_of_clocks_delete_nothing_that_is_protected",
        ),
    ),
    *guards_of(
        "dr/actions/reconcile.py",
        "tests/integration/test_prune_dangers.py",
        Off(
            "sets of unknown runs turn expiry off",
            'ctx.records.set_setting(EXPIRY, "off")',
            "pass",
            "test_sets_of_runs_that_the_catalog_never_saw_turn_expiry_off",
        ),
    ),
    *guards_of(
        "dr/actions/select_backup.py",
        "tests/unit/actions/test_select_backup.py",
        Off(
            "where another tier has a copy, that is said",
            (
                'raise Refused(f"{said}; tier {other.tier} has one (in {other.repository})", hint=f"restore from that tier: '
                '{command}") from None'
            ),
            "raise",
            "tests/integration/test_select_elsewhere.py::test_a_refusal_names_the_tier_that_has_an_undamaged_copy_and_the_command",
        ),
        Off(
            "where nothing fits the choice, nothing is chosen",
            "if not found:",
            "if False:",
            "test_what_is_not_there_is_refused",
            by="IndexError",
        ),
    ),
    *guards_of(
        "dr/actions/verify.py",
        "tests/integration/test_verify_dangers.py",
        Off("damage fails the verification", "if damage:", "if False:", "test_bytes_that_match_again_are_believed_again"),
        Off(
            "a tier without a repository is not verified by silence",
            "if missing:",
            "if False:",
            "test_a_tier_without_a_repository_is_not_verified_in_silence",
        ),
    ),
)
