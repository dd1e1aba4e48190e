"""The keep rules, as restic's: each looks at the good copies of one tier, and one that says yes is enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dr.model.backup import Copy
from dr.model.base import SetId
from dr.model.inventory import RetentionPolicy
from dr.policy.words import short, spoken

_COUNTED = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly")


@dataclass(frozen=True)
class Fate:
    """What becomes of one copy."""

    keep: bool
    rule: str
    reason: str
    loud: bool = False


@dataclass(frozen=True)
class Kept:
    """The rule that keeps a copy (empty: none does) and why."""

    rule: str
    reason: str


def by_rules(copy: Copy, good: Sequence[Copy], policy: RetentionPolicy, zone: str) -> Kept:
    """Which keep rule holds `copy`. `good` are the tier's good copies, at least one; they anchor every rule."""
    if not _limits(policy):
        return Kept("no-limit", "the policy of its tier names no keep rule")
    anchor = max(good, key=lambda c: (*c.age_order, c.set))  # no date that was contradicted ends a window early
    if copy.instant > anchor.instant and copy not in good:
        return Kept("newer-than-good", "newer than the newest good copy, and not verified yet")
    if policy.keep_within is not None and copy.instant >= anchor.as_of - timedelta(seconds=policy.keep_within):
        return Kept("keep-within", f"within {short(policy.keep_within)} of the newest good copy")
    slot = _slot_that_keeps(copy.set, good, policy, zone)
    if slot:
        return slot
    return Kept("", _why_not(copy, anchor, policy))


def _why_not(copy: Copy, anchor: Copy, policy: RetentionPolicy) -> str:
    if policy.keep_within is None:
        return "no keep rule holds it"
    over = (anchor.as_of - copy.instant).total_seconds() - policy.keep_within
    return f"its {short(policy.keep_within)} ended {spoken(over)} before the newest good copy, and no other rule holds it"


def _limits(policy: RetentionPolicy) -> bool:
    return policy.keep_within is not None or any(getattr(policy, name) for name in _COUNTED)


def _slot_that_keeps(set_id: SetId, good: Sequence[Copy], policy: RetentionPolicy, zone: str) -> Kept | None:
    where = ZoneInfo(zone)
    newest_first = _one_per_set(good)
    slots: tuple[tuple[str, int, str, Callable[[datetime], object]], ...] = (
        ("keep-last", policy.keep_last, "copies", lambda at: at.timestamp()),
        ("keep-daily", policy.keep_daily, "days", lambda at: at.astimezone(where).date()),
        ("keep-weekly", policy.keep_weekly, "weeks", lambda at: at.astimezone(where).isocalendar()[:2]),
        ("keep-monthly", policy.keep_monthly, "months", lambda at: (at.astimezone(where).year, at.astimezone(where).month)),
        ("keep-yearly", policy.keep_yearly, "years", lambda at: at.astimezone(where).year),
    )
    for rule, count, unit, slot in slots:
        if count and set_id in _holders(newest_first, count, slot, distinct=rule != "keep-last"):
            return Kept(
                rule, f"one of the last {count} copies" if unit == "copies" else f"the newest good copy of one of the last {count} {unit}"
            )
    return None


def _one_per_set(good: Sequence[Copy]) -> list[Copy]:
    """Two repositories of one tier may hold the same set: it takes one place, and all its copies stay."""
    by_set = {c.set: c for c in good}
    return sorted(by_set.values(), key=lambda c: (c.instant, c.set), reverse=True)


def _holders(newest_first: Sequence[Copy], count: int, slot: Callable[[datetime], object], *, distinct: bool) -> frozenset[SetId]:
    """The newest set of each of the last `count` slots that have one."""
    if not distinct:
        return frozenset(c.set for c in newest_first[:count])
    taken: dict[object, SetId] = {}
    for copy in newest_first:
        taken.setdefault(slot(copy.instant), copy.set)
    return frozenset(list(taken.values())[:count])


def shrank(old: RetentionPolicy | None, new: RetentionPolicy, *, expiring: bool) -> str:
    """How `new` keeps less than `old` did, in words; empty if it does not. No policy, or one without limits, keeps everything."""
    if old is None:
        return "the tier had no policy before" if expiring else ""
    return _less_protected(old, new) or _less_kept(old, new)


def _less_protected(old: RetentionPolicy, new: RetentionPolicy) -> str:
    if new.expire_after is not None and new.expire_after < (old.expire_after or float("inf")):
        return f"expire_after is now {short(new.expire_after)}"
    if old.requires_copy_in is not None and new.requires_copy_in != old.requires_copy_in:
        return f"requires_copy_in was {old.requires_copy_in}"
    return ""


def _less_kept(old: RetentionPolicy, new: RetentionPolicy) -> str:
    if not _limits(new):
        return ""
    if not _limits(old):
        return "it had no keep rule before, so it kept everything"
    if (new.keep_within or 0) < (old.keep_within or 0):
        return f"keep_within was {short(old.keep_within or 0)}"
    return next((f"{name} was {getattr(old, name)}" for name in _COUNTED if getattr(new, name) < getattr(old, name)), "")
