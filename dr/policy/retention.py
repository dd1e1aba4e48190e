"""Which copies of a system stay, and by which rule. Pure: copies, proofs, holds, pins, policy and now in; a decision for each copy out.

Precedence, highest first:
  1. held by a person, or in use by a run
  2. the last proven copy of the tier, stale or not
  3. the newest intact copy of the tier
  4. the privacy limit (`expire_after`)
  5. the keep rules, ORed
A copy in 1-3 that is past the privacy limit stays, and is loud. Damaged copies are never good, proven or intact. *Good* is intact or
better, undamaged and not shrunken; silence expires nothing, because windows count back from the newest good copy and a tier without one
loses nothing at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from dr.model.backup import Copy, ProofLevel, at_least
from dr.model.base import SetId
from dr.model.inventory import RetentionPolicy
from dr.model.record import Decision, RetentionOutcome
from dr.policy.retention_rules import Fate, Kept, by_rules, shrank
from dr.policy.words import short, spoken

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A copy dated further ahead of now than this says that a clock is wrong."""
CONFIRM = "a person confirms with `dr retention --confirm`"

Tier = tuple[str, str]
"""System and tier."""
_LAST_OF_A_TIER: tuple[tuple[str, ProofLevel, str], ...] = (
    ("last-proven", "proven", "last proven copy"),
    ("newest-intact", "intact", "newest intact copy"),
)


def decide(
    copies: Sequence[Copy],
    policies: Mapping[str, RetentionPolicy],
    now: datetime,
    zone: str,
    *,
    expiry: bool = True,
    previous_policies: Mapping[str, RetentionPolicy] | None = None,
    clock_tolerance: timedelta = CLOCK_TOLERANCE,
) -> RetentionOutcome:
    """Say for every copy whether it is kept, by which rule, and why. The order of `copies` does not matter.

    `policies` and `previous_policies` (last night's) are by tier; a tier without a policy keeps everything. `expiry=False` is the switch
    that a rebuilt catalog leaves off. Slots are cut in `zone`. When `frozen` is set every copy is kept; when `needs_person` is set the
    decisions stand, but nothing may be deleted before a person confirmed.
    """
    ahead = [c for c in copies if _ahead(c, now, clock_tolerance)]
    frozen = _frozen(ahead, now, expiry)
    decided: list[tuple[Copy, Decision]] = []
    person: list[str] = []
    for key, tier_copies in sorted(_tiers(copies).items()):
        dated = [c for c in tier_copies if c not in ahead]
        room = _Room(dated, copies, policies.get(key[1]), now, zone, key)
        fates = [(c, room.fate(c) if c in dated else _ahead_fate(c, now)) for c in tier_copies]
        outcome = [(c, _decision(c, fate, frozen)) for c, fate in fates]
        decided += outcome
        person += _brakes(key, outcome, policies, previous_policies)
    return RetentionOutcome(
        decisions=tuple(decision for _, decision in sorted(decided, key=lambda pair: _order(pair[0]))),
        frozen=frozen,
        needs_person="" if frozen or not person else f"{'; '.join(person)}: {CONFIRM}",
    )


def _order(copy: Copy) -> tuple[str, str, float, str, str]:
    return (copy.system, copy.tier, -copy.instant.timestamp(), copy.set, copy.repository)


def _tiers(copies: Sequence[Copy]) -> dict[Tier, list[Copy]]:
    tiers: dict[Tier, list[Copy]] = {}
    for copy in sorted(copies, key=_order):
        tiers.setdefault((copy.system, copy.tier), []).append(copy)
    return tiers


def _ahead(copy: Copy, now: datetime, tolerance: timedelta) -> bool:
    return max(copy.instant, copy.committed) > now + tolerance


def _ahead_fate(copy: Copy, now: datetime) -> Fate:
    lead = spoken((max(copy.instant, copy.committed) - now).total_seconds())
    return Fate(True, "dated-ahead", f"kept: dated {lead} ahead of now, so a clock is wrong", loud=True)


def _frozen(ahead: Sequence[Copy], now: datetime, expiry: bool) -> str:
    if not expiry:
        return "expiry is off until a person turns it on (`dr retention --turn-on`)"
    if ahead:
        worst = max(ahead, key=lambda c: (max(c.instant, c.committed), c.set, c.repository))
        lead = spoken((max(worst.instant, worst.committed) - now).total_seconds())
        return f"set {worst.set} in {worst.repository} is dated {lead} ahead of now; check the clocks, nothing expires until then"
    return ""


def _decision(copy: Copy, fate: Fate, frozen: str) -> Decision:
    if frozen and not fate.keep:
        fate = Fate(True, "frozen", f"kept: expiry is frozen; otherwise {fate.reason}", loud=True)
    return Decision(
        set=copy.set, repository=copy.repository, tier=copy.tier, keep=fate.keep, rule=fate.rule, reason=fate.reason, loud=fate.loud
    )


def _brakes(
    key: Tier,
    outcome: Sequence[tuple[Copy, Decision]],
    policies: Mapping[str, RetentionPolicy],
    previous: Mapping[str, RetentionPolicy] | None,
) -> list[str]:
    """Why a person must look first: more than half of the tier would go, or the policy shrank since last night."""
    system, tier = key
    going = sum(not decision.keep for _, decision in outcome)
    reasons = []
    if going * 2 > len(outcome):
        reasons.append(f"{going} of {len(outcome)} copies of {system} in tier {tier} would go, more than half")
    if previous is not None and tier in policies:
        less = shrank(previous.get(tier), policies[tier], expiring=going > 0)
        reasons += [f"the policy of tier {tier} shrank since last night ({less})"] if less else []
    return reasons


@dataclass(frozen=True)
class _Room:
    """One tier of one system: its believable copies, its policy, and what the other tiers hold."""

    copies: Sequence[Copy]
    everywhere: Sequence[Copy]
    policy: RetentionPolicy | None
    now: datetime
    zone: str
    key: Tier

    @cached_property
    def good(self) -> list[Copy]:
        return [c for c in self.copies if _good(c)]

    @cached_property
    def newest(self) -> dict[ProofLevel, frozenset[SetId]]:
        """What rules 2 and 3 protect."""
        return {level: _newest(self.copies, level) for _, level, _ in _LAST_OF_A_TIER}

    def fate(self, copy: Copy) -> Fate:
        protection = self._protection(copy)
        lapse = self._lapse(copy)
        if protection is not None:
            rule, why = protection
            return Fate(True, rule, f"kept: {why}{lapse.words}", loud=lapse.past_privacy)
        if not self.good:
            reason = f"kept: tier {self.key[1]} has no good copy at all, so nothing expires"
            return Fate(True, "no-good-copy", reason + lapse.words, loud=lapse.past_privacy)
        if self.policy is None:
            return Fate(True, "no-policy", f"kept: no retention policy names tier {self.key[1]}", loud=True)
        if lapse.past_privacy and self.policy.expire_after is not None:
            over = spoken(_age(copy, self.now) - self.policy.expire_after)
            return Fate(False, "privacy-limit", f"expired: past its privacy limit of {short(self.policy.expire_after)} by {over}")
        return self._by_rules(copy, self.policy)

    def _protection(self, copy: Copy) -> tuple[str, str] | None:
        """Rules 1-3, which nothing overrides."""
        if copy.held:
            return "held", "held by a person"
        if copy.pinned_by:
            return "in-use", f"in use by run {copy.pinned_by}"
        for rule, level, words in _LAST_OF_A_TIER:
            if copy.set in self.newest[level] and not copy.damaged and at_least(copy.level, level):
                return rule, f"{words} of tier {self.key[1]}"
        return None

    def _lapse(self, copy: Copy) -> "_Lapse":
        """What a protected copy has outlived, for its reason."""
        policy, age = self.policy, _age(copy, self.now)
        if policy is None:
            return _Lapse("", False)
        if policy.expire_after is not None and age > policy.expire_after:
            return _Lapse(f"; its privacy limit of {short(policy.expire_after)} passed {spoken(age - policy.expire_after)} ago", True)
        if policy.keep_within is not None and age > policy.keep_within:
            return _Lapse(f"; its {short(policy.keep_within)} ended {spoken(age - policy.keep_within)} ago", False)
        return _Lapse("", False)

    def _by_rules(self, copy: Copy, policy: RetentionPolicy) -> Fate:
        twin = policy.requires_copy_in
        if twin is not None and not _has_twin(copy, twin, self.everywhere):
            return Fate(True, "requires-copy", f"kept: tier {twin} has no intact copy of this set yet")
        kept: Kept = by_rules(copy, self.good, policy, self.zone)
        if kept.rule:
            return Fate(True, kept.rule, f"kept: {kept.reason}")
        return Fate(False, "no-rule-keeps-it", f"expired: {kept.reason}")


@dataclass(frozen=True)
class _Lapse:
    words: str
    past_privacy: bool


def _age(copy: Copy, now: datetime) -> float:
    return (now - copy.instant).total_seconds()


def _good(copy: Copy) -> bool:
    return at_least(copy.level, "intact") and not copy.damaged and not copy.shrunken


def _newest(copies: Sequence[Copy], level: ProofLevel) -> frozenset[SetId]:
    """The newest set at a level, and the newest that is not shrunken where that is another: a shrunken one cannot stand for it.

    Where a clock was wrong, both the newest by its date and the one that came last: neither stands for the other.
    """
    able = [c for c in copies if not c.damaged and at_least(c.level, level)]
    kinds = [kind for kind in (able, [c for c in able if not c.shrunken]) if kind]
    dated = {max(kind, key=lambda c: (c.instant, c.set)).set for kind in kinds}
    return frozenset(dated | {max(kind, key=lambda c: (*c.age_order, c.set)).set for kind in kinds})


def _has_twin(copy: Copy, tier: str, everywhere: Sequence[Copy]) -> bool:
    return any(
        c.set == copy.set and c.system == copy.system and c.tier == tier and not c.damaged and at_least(c.level, "intact")
        for c in everywhere
    )
