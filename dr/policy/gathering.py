"""What is said in one message instead of a flood of them. Pure.

The first few to the same people go by themselves; what comes on top within the same minutes is gathered into one. Something more severe
than all that was said lately does not wait for it, and what is critical never waits: somebody may be asked to take a duty within minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model.notice_record import Notice
from dr.model.notices import NoticeRules
from dr.model.record import Severity

RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True)
class Gathering:
    """Notices to the same people about the same: said in one now, or, where `until` is set, not before then."""

    notices: tuple[Notice, ...]
    until: datetime | None = None


def gatherings(fresh: Sequence[Notice], recent: Sequence[Notice], rules: NoticeRules, now: datetime) -> Iterator[Gathering]:
    """`fresh`: due, and begun with by nobody. `recent`: the ledger's latest. What is in no gathering goes by itself."""
    begun = now - timedelta(seconds=rules.gather)
    said: dict[tuple[object, ...], list[Notice]] = {}
    for notice in recent:
        if not notice.digest and notice.begun and notice.created > begun:
            said.setdefault(_key(notice), []).append(notice)
    kept: dict[tuple[object, ...], list[Notice]] = {}
    for notice in fresh:
        kept.setdefault(_key(notice), []).append(notice)
    for key, group in kept.items():
        gathering = _gathering(group, sorted(said.get(key, ()), key=lambda n: n.created), rules)
        if gathering is not None:
            yield gathering


def worst(notices: Sequence[Notice]) -> Severity:
    return max((notice.severity for notice in notices), key=RANK.__getitem__)


def _key(notice: Notice) -> tuple[object, ...]:
    return notice.to, notice.outage, notice.exercise


def _gathering(group: Sequence[Notice], said: Sequence[Notice], rules: NoticeRules) -> Gathering | None:
    digests = [notice for notice in said if notice.gathered]
    if not digests and len(group) + len(said) <= rules.flood:
        return None
    gravest = worst(group)
    if said and gravest != "critical" and RANK[gravest] <= RANK[worst(said)]:
        since = digests[-1].created if digests else said[0].created
        return Gathering(tuple(group), since + timedelta(seconds=rules.gather))
    return Gathering(tuple(group)) if len(group) > 1 else None  # alone, and more severe than all that was said
