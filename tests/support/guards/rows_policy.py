"""The pure decisions: retention, the chain of sets, readiness, verdicts, what is odd about a source."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/policy/anomalies.py",
        "tests/unit/policy/test_policy_anomalies.py",
        Off(
            "a set is compared with the newest good one before it",
            "if than.good is not None:",
            "if False:",
            "test_each_kind_of_loss_is_named_and_graded",
        ),
        Off(
            "a schema that no drill has seen is told",
            "if than.proven is not None:",
            "if False:",
            "test_a_schema_that_no_drill_has_seen_needs_one",
        ),
        Off(
            "what appeared beside the file sets is told",
            "if than.known is not None:",
            "if False:",
            "test_a_folder_that_appeared_beside_the_file_set_is_told_every_night",
            by="ValueError",
        ),
        Off("an emptied table is graded by itself", "if after == 0:", "if False:", "test_a_queue_that_ran_empty_is_no_disaster"),
        Off("a shrunken table is told", "if after and grade:", "if False:", "test_each_kind_of_loss_is_named_and_graded"),
    ),
    *guards_of(
        "dr/policy/approval.py",
        "tests/unit/policy/test_policy_approval.py",
        Off(
            "one person behind two accounts is one person",
            "return bool({person, account} & {second}) or person == its",
            "return person == second and account == its",
            "test_one_person_behind_two_accounts_is_one",
        ),
    ),
    *guards_of(
        "dr/policy/chain.py",
        "tests/unit/policy/test_policy_chain.py",
        Off(
            "a tombstone excuses only the very bytes that it names",
            "return stone is not None and stone.manifest == copy.manifest",
            "return stone is not None",
            "test_a_tombstone_of_other_bytes_excuses_nothing",
            by="ValueError",
        ),
        Off(
            "a pruned set that is back says that the repository was put back",
            "if any(one.signed and self.reappeared(one) for one in self.holdings.sets):",
            "if False:",
            "test_a_pruned_set_that_is_back_is_a_rollback",
        ),
        Off(
            "another organisation's set is foreign",
            ("OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)"),
            "OF_HELD: tuple[OfHeld, ...] = (_unsigned, _in_anothers_place, _back_again, _another_manifest, _unrecorded)",
            "test_control_without_its_rule_the_disturbance_passes",
        ),
        Off(
            "a set that no key of ours signed is bad",
            ("OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)"),
            "OF_HELD: tuple[OfHeld, ...] = (_of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)",
            "test_control_without_its_rule_the_disturbance_passes",
        ),
        Off(
            "a removed set that is there again is a rollback",
            ("OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)"),
            "OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _another_manifest, _unrecorded)",
            "test_a_repository_put_back_to_an_earlier_night_is_never_taken_for_a_prune",
        ),
        Off(
            "a set in another's place is swapped",
            ("OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)"),
            "OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _back_again, _another_manifest, _unrecorded)",
            "test_a_set_in_anothers_place_is_swapped",
        ),
        Off(
            "an older manifest under the same id is a rollback",
            ("OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)"),
            "OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _unrecorded)",
            "test_without_a_catalog_a_later_set_still_tells_what_the_one_before_it_was",
        ),
        Off(
            "a prune that died before its record is a prune",
            "OF_MISSING: tuple[OfMissing, ...] = (_buried, _cut_off, _vanished)",
            "OF_MISSING: tuple[OfMissing, ...] = (_cut_off, _vanished)",
            "test_a_prune_that_died_before_its_record_is_a_prune",
        ),
        Off(
            "the newest gone is a rollback, not a mere loss",
            "OF_MISSING: tuple[OfMissing, ...] = (_buried, _cut_off, _vanished)",
            "OF_MISSING: tuple[OfMissing, ...] = (_buried, _vanished)",
            "test_the_newest_gone_is_a_rollback",
        ),
        Off(
            "a set that is gone without a tombstone is lost",
            "OF_MISSING: tuple[OfMissing, ...] = (_buried, _cut_off, _vanished)",
            "OF_MISSING: tuple[OfMissing, ...] = (_buried, _cut_off)",
            "test_exactly_what_was_lost_is_bad",
        ),
        Off(
            "a tombstone that nobody signed is said",
            "found += [*_forged(scene), *_catalog_behind(scene)]",
            "found += [*_catalog_behind(scene)]",
            "test_a_tombstone_that_nobody_signed_is_said",
            by="ValueError",
        ),
        Off(
            "a catalog behind its own sets is said",
            "found += [*_forged(scene), *_catalog_behind(scene)]",
            "found += [*_forged(scene)]",
            "test_a_catalog_that_is_behind_its_own_sets_is_said",
            by="ValueError",
        ),
        Off(
            "a set of which only a later one tells is lost",
            "return [*found, *(_broken_links(places, known) if whole else ())]",
            "return found",
            "test_a_set_that_only_a_later_one_tells_of_is_lost",
            by="ValueError",
        ),
    ),
    *guards_of(
        "dr/policy/readiness.py",
        "tests/unit/policy/test_policy_readiness.py",
        Off(
            "a failed or missing nightly is seen by itself",
            " *_night_reasons(entry, night, now),",
            "",
            "test_the_last_night_is_looked_at_itself",
        ),
        Off(
            "open findings colour the system", "*_finding_reasons(system, findings), ", "", "test_open_findings_colour_the_system"
        ),
        Off(
            "a notice that did not arrive is seen",
            ", *_notice_reasons(notices, now))",
            ",)",
            "test_without_looking_at_notices_it_would_be_green",
        ),
        Off(
            "a shrunken copy is no good copy",
            "not c.damaged and not c.shrunken and c.instant <= now + CLOCK_TOLERANCE",
            "not c.damaged and c.instant <= now + CLOCK_TOLERANCE",
            "test_a_newer_copy_that_is_not_good_is_amber",
        ),
        Off("nothing to judge is red", "if not tiers:", "if False:", "test_nothing_at_all_is_red_never_green"),
        Off(
            "without any proven copy a system is red",
            'if not any(c.level == "proven" and not c.damaged for c in copies):',
            "if False:",
            "test_nothing_at_all_is_red_never_green",
        ),
        Off(
            "a nightly that never ran is seen",
            "if night is None:",
            "if False:",
            "test_the_last_night_is_looked_at_itself",
            by="AttributeError",
        ),
        Off("an incomplete nightly is seen", 'if night.verdict == "INCOMPLETE":', "if False:", "test_the_last_night_is_looked_at_itself"),
        Off(
            "a shrunken newest copy is said",
            "if any(c.shrunken for c in newer):",
            "if False:",
            "test_a_newer_copy_that_is_not_good_is_amber",
        ),
        Off(
            "a tier without a proof is not green",
            "if proven is None:",
            "if False:",
            "test_nothing_at_all_is_red_never_green",
            by="AttributeError",
        ),
        Off(
            "a tier that was never drilled is not green",
            "if drill is None:",
            "if False:",
            "test_nothing_at_all_is_red_never_green",
            by="AttributeError",
        ),
        Off("a failed drill is red", 'if drill.verdict == "FAIL":', "if False:", "test_the_last_drill_of_the_tier_decides"),
        Off(
            "an incomplete drill is not green", 'if drill.verdict == "INCOMPLETE":', "if False:", "test_the_last_drill_of_the_tier_decides"
        ),
        Off(
            "a drill that measured nothing is not green",
            "if rto is None:",
            "if False:",
            "test_the_last_drill_of_the_tier_decides",
            by="TypeError",
        ),
        Off("a drill over the objective is red", "if rto > objective.rto:", "if False:", "test_the_last_drill_of_the_tier_decides"),
        Off(
            "a drill over the target is not green",
            "if objective.target is not None and rto > objective.target:",
            "if False:",
            "test_the_last_drill_of_the_tier_decides",
        ),
        Off(
            "a notice that reached nobody is red",
            'if notice.state == "nobody":',
            "if False:",
            "test_without_looking_at_notices_it_would_be_green",
        ),
        Off(
            "a notice that was not delivered is red",
            'if notice.state == "failed":',
            "if False:",
            "test_a_later_delivery_shows_that_the_way_works_again",
        ),
        Off(
            "a notice that reached only some is seen",
            'if notice.state == "partial":',
            "if False:",
            "test_a_notice_that_did_not_arrive_is_seen",
        ),
        Off(
            "a notice still owed is red",
            'if notice.state == "owed" and now - notice.created > OWED_TOO_LONG:',
            "if False:",
            "test_a_notice_that_did_not_arrive_is_seen",
        ),
    ),
)
