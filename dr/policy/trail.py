"""Whether the audit trail is the one that sets and evidence bear witness to: each was sealed with the head of its time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dr.model.base import Sha256
from dr.model.record import AuditEntry, AuditHead

BEGUN_ANEW = frozenset({"catalog.rebuilt", "home.restored"})
"""Events after which the trail is known not to reach back to all that was sealed before."""
SHOWN = 3


@dataclass(frozen=True)
class Witness:
    """What bears a head of the trail: a copy of a set, or an evidence file."""

    where: str
    head: AuditHead


@dataclass(frozen=True)
class Trail:
    """`missing`: what is not explained, in words, empty when the trail is whole. `before`: what is known to have been lost, and why."""

    vouched: int
    """Witnesses whose entry is here."""
    missing: str = ""
    before: str = ""


def judge_trail(head: AuditHead, hashes: Mapping[int, Sha256], begun_anew: Sequence[AuditEntry], witnesses: Sequence[Witness]) -> Trail:
    """`hashes`: those of the trail's entries with the witnesses' numbers. `begun_anew`: its entries of `BEGUN_ANEW`.

    What was sealed before the trail was begun anew is explained by that, and said; what was sealed later must be in it.
    """
    sworn = [one for one in witnesses if one.head.seq]
    here = [one for one in sworn if hashes.get(one.head.seq) == one.head.hash]
    absent = sorted((one for one in sworn if one not in here), key=lambda one: (one.head.seq, one.where))
    last = max(begun_anew, key=lambda entry: entry.seq, default=None)
    old = [one for one in absent if last is not None and one.head.at <= last.at]
    lost = [one for one in absent if one not in old]
    common = max((one.head.seq for one in here), default=0)
    before = (
        f"before entry {last.seq} ({last.event}) another trail reached entry {old[-1].head.seq}: it went with its catalog"
        if last and old
        else ""
    )
    return Trail(len(here), _missing(head, common, lost) if lost else "", before)


def _missing(head: AuditHead, common: int, lost: Sequence[Witness]) -> str:
    top = lost[-1].head.seq
    entries = f"entry {top} is" if top == common + 1 else f"entries {common + 1} to {top} are"
    kept = f"of which 1 to {common} are vouched for" if common else "none of which is vouched for"
    has = f"{head.seq} entries" if head.seq != 1 else "1 entry"
    named = "; ".join(f"{one.where} was sealed at entry {one.head.seq}, {one.head.hash[:12]}" for one in lost[-SHOWN:])
    more = f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return f"the audit trail has {has}, {kept}; {entries} missing, or not as they were: {named}{more}"
