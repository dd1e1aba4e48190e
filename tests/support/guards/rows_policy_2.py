"""The pure decisions: retention, the chain of sets, readiness, verdicts, what is odd about a source."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/policy/retention.py",
        "tests/unit/policy/test_policy_retention.py",
        Off(
            "the last proven copy of a tier stays",
            '    ("last-proven", "proven", "last proven copy"),\n',
            "",
            "test_tiers_and_systems_are_judged_apart",
        ),
        Off(
            "the newest intact copy of a tier stays",
            '    ("newest-intact", "intact", "newest intact copy"),\n',
            "",
            "test_the_newest_intact_copy_stays_beside_an_older_proven_one",
        ),
        Off(
            "a copy dated ahead anchors nothing and freezes expiry",
            "return max(copy.instant, copy.committed) > now + tolerance",
            "return False",
            "test_a_copy_dated_ahead_anchors_nothing_and_freezes_expiry",
        ),
        Off("while expiry is off nothing goes", "if not expiry:", "if False:", "test_expiry_that_is_off_keeps_everything"),
        Off(
            "while expiry is frozen every copy is kept",
            "if frozen and not fate.keep:",
            "if False:",
            "test_expiry_that_is_off_keeps_everything",
        ),
        Off(
            "more than half of a tier needs a person",
            "if going * 2 > len(outcome):",
            "if False:",
            "test_more_than_half_of_a_tier_needs_a_person",
        ),
        Off(
            "a policy that shrank needs a person",
            "less = shrank(previous.get(tier), policies[tier], expiring=going > 0)",
            'less = ""',
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "a tier without a policy keeps everything",
            "if self.policy is None:",
            "if False:",
            "test_a_tier_without_a_policy_or_without_rules_keeps_everything",
            by="AttributeError",
        ),
        Off("a held copy stays", "if copy.held:", "if False:", "test_a_protected_copy_past_the_privacy_limit_stays_and_is_loud"),
        Off(
            "a copy in use by a run stays",
            "if copy.pinned_by:",
            "if False:",
            "test_a_protected_copy_past_the_privacy_limit_stays_and_is_loud",
        ),
        Off(
            "an online copy waits for its vault twin",
            "if twin is not None and not _has_twin(copy, twin, self.everywhere):",
            "if False:",
            "test_an_online_copy_stays_until_its_vault_twin_is_intact",
        ),
        Off(
            "a damaged copy anchors no rule",
            'return at_least(copy.level, "intact") and not copy.damaged and not copy.shrunken',
            'return at_least(copy.level, "intact") and not copy.shrunken',
            "test_a_tier_without_a_good_copy_loses_nothing",
        ),
        Off(
            "a damaged copy anchors no rule",
            'return at_least(copy.level, "intact") and not copy.damaged and not copy.shrunken',
            "return not copy.damaged and not copy.shrunken",
            "test_a_tier_without_a_good_copy_loses_nothing",
        ),
        Off(
            "a damaged copy does not stand for the last proven one",
            "able = [c for c in copies if not c.damaged and at_least(c.level, level)]",
            "able = [c for c in copies if at_least(c.level, level)]",
            "test_a_damaged_copy_is_neither_proven_nor_intact_nor_an_anchor",
        ),
        Off(
            "a shrunken copy does not replace the whole one before it",
            "for found in (able, whole) if found",
            "for found in (able,) if found",
            "test_a_shrunken_copy_does_not_replace_the_whole_one_before_it",
        ),
        Off(
            "a damaged twin is no twin",
            'and c.tier == tier and not c.damaged and at_least(c.level, "intact")',
            'and c.tier == tier and at_least(c.level, "intact")',
            "test_an_online_copy_stays_until_its_vault_twin_is_intact",
        ),
        Off(
            "a twin that was never read back is no twin",
            'and c.tier == tier and not c.damaged and at_least(c.level, "intact")',
            "and c.tier == tier and not c.damaged",
            "test_an_online_copy_stays_until_its_vault_twin_is_intact",
        ),
    ),
    *guards_of(
        "dr/policy/retention_rules.py",
        "tests/unit/policy/test_policy_retention.py",
        Off(
            "a policy without rules keeps everything",
            "if not _limits(policy):",
            "if False:",
            "test_a_tier_without_a_policy_or_without_rules_keeps_everything",
        ),
        Off(
            "what is newer than the newest good copy stays",
            "if copy.instant > anchor.instant:",
            "if False:",
            "test_a_damaged_copy_is_neither_proven_nor_intact_nor_an_anchor",
        ),
        Off(
            "what is within its window stays",
            "if policy.keep_within is not None and copy.instant >= anchor.instant - timedelta(seconds=policy.keep_within):",
            "if False:",
            "test_more_than_half_of_a_tier_needs_a_person",
        ),
        Off(
            "a shorter privacy limit is a shrunken policy",
            "return _less_protected(old, new) or _less_kept(old, new)",
            "return _less_kept(old, new)",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "fewer kept copies are a shrunken policy",
            "return _less_protected(old, new) or _less_kept(old, new)",
            "return _less_protected(old, new)",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "an earlier expiry is a shrunken policy",
            'if new.expire_after is not None and new.expire_after < (old.expire_after or float("inf")):',
            "if False:",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "a twin that is no longer asked for is a shrunken policy",
            "if old.requires_copy_in is not None and new.requires_copy_in != old.requires_copy_in:",
            "if False:",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "a first rule is a shrunken policy",
            "if not _limits(old):",
            "if False:",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
        Off(
            "a shorter window is a shrunken policy",
            "if (new.keep_within or 0) < (old.keep_within or 0):",
            "if False:",
            "test_a_policy_that_shrank_since_last_night_needs_a_person",
        ),
    ),
    *guards_of(
        "dr/policy/verdict.py",
        "tests/unit/engine/test_verdict.py",
        Off(
            "a drill without any check's verdict is FAIL",
            "if plan.kind in _JUDGED_BY_CHECKS and not checks else []",
            "if False else []",
            "test_a_drill_without_any_check_is_a_fail",
        ),
        Off(
            "a check's FAIL is the run's",
            "if failed_checks or told_fail or (not cancelled and (failures or nothing_checked)):",
            "if told_fail or (not cancelled and (failures or nothing_checked)):",
            "test_what_the_checks_found_dominates",
        ),
        Off(
            "a drill without any check's verdict is FAIL",
            'if plan.kind in _JUDGED_BY_CHECKS and proven and not any(proven) and set(checks.values()) == {"PASS"}:',
            "if False:",
            "test_a_drill_that_compared_nothing_with_the_source_is_incomplete",
        ),
    ),
)
