"""What is said in one message instead of a flood of them. Pure.

The first few to the same people go by themselves; what comes on top within the same minutes is gathered into one. Something more severe
than all that was said lately does not wait for it, and what is critical never waits: somebody may be asked to take a duty within minutes.

What backups and drills tell of themselves is alike, and asks nobody for an answer: of that the first goes by itself, and all that comes
within the same minutes is told in one, critical or not. A recovery's never waits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model.notice_record import Notice
from dr.model.notices import NoticeRules
from dr.model.record import Severity

RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
OF_RUNS = "runs-digest"
"""The template of a digest of what runs tell."""
_ALIKE = frozenset({"nightly-failed", "nightly-found", "nightly-recovered", "near-miss", "drill-failed", "drill-passed", OF_RUNS})
"""Templates by which backups and drills tell of themselves, one as the other."""


@dataclass(frozen=True)
class Gathering:
    """Notices to the same people about the same: said in one now, or, where `until` is set, not before then."""

    notices: tuple[Notice, ...]
    until: datetime | None = None


def gatherings(fresh: Sequence[Notice], recent: Sequence[Notice], rules: NoticeRules, now: datetime) -> Iterator[Gathering]:
    """`fresh`: due, and begun with by nobody. `recent`: the ledger's latest. What is in no gathering goes by itself."""
    said: dict[tuple[object, ...], list[Notice]] = {}
    for notice in recent:
        if not notice.digest and notice.begun and _lately(notice, rules, now):
            said.setdefault(_key(notice), []).append(notice)
    kept: dict[tuple[object, ...], list[Notice]] = {}
    for notice in fresh:
        kept.setdefault(_key(notice), []).append(notice)
    for key, group in kept.items():
        gathering = _gathering(group, sorted(said.get(key, ()), key=lambda n: n.created), rules)
        if gathering is not None:
            yield gathering


def told_at(notice: Notice, others: Sequence[Notice], rules: NoticeRules, now: datetime) -> datetime | None:
    """Of what a run tells: until when it waits, to be told in one with others; None: it goes by itself, at once.

    `others`: what else was owed to the same people, oldest first, for as long as one of them may still be waiting.
    """
    if not of_runs(notice):
        return None
    alike = [other for other in others if _key(other) == _key(notice) and not other.digest]
    waiting = [other for other in alike if waits(other)]
    said = [other for other in alike if not waits(other) and _lately(other, rules, now)]
    if not (said or waiting) or RANK[notice.severity] > RANK[worst(said or waiting)]:
        return None
    ends = min((other.due for other in waiting if other.due), default=None) or _ends(said, rules)
    return min(ends, now + timedelta(seconds=rules.gather))


def of_runs(notice: Notice) -> bool:
    """Whether it is one of those that backups and drills tell of themselves, or many of those in one."""
    return notice.template in _ALIKE and (notice.run is not None or notice.template == OF_RUNS)


def waits(notice: Notice) -> bool:
    """Whether it was put off before anybody was told: to be told in one with others, or until the quiet hours end."""
    return notice.due is not None and is_untouched(notice) and not (notice.digest or notice.gathered)


def is_untouched(notice: Notice) -> bool:
    return not (notice.begun or notice.claims or notice.deliveries)


def worst(notices: Sequence[Notice]) -> Severity:
    return max((notice.severity for notice in notices), key=RANK.__getitem__)


def _key(notice: Notice) -> tuple[object, ...]:
    return notice.to, notice.outage, notice.exercise, of_runs(notice)


def _lately(notice: Notice, rules: NoticeRules, now: datetime) -> bool:
    """Or soon, by a clock that was a little ahead; one that was more so keeps nobody waiting."""
    gather = timedelta(seconds=rules.gather)
    return now - gather < notice.created <= now + gather


def _gathering(group: Sequence[Notice], said: Sequence[Notice], rules: NoticeRules) -> Gathering | None:
    if of_runs(group[0]):  # they have waited already: see `told_at`
        return Gathering(tuple(group)) if len(group) > 1 else None
    if not any(notice.gathered for notice in said) and len(group) + len(said) <= rules.flood:
        return None
    gravest = worst(group)
    if said and gravest != "critical" and RANK[gravest] <= RANK[worst(said)]:
        return Gathering(tuple(group), _ends(said, rules))
    return Gathering(tuple(group)) if len(group) > 1 else None  # alone, and more severe than all that was said


def _ends(said: Sequence[Notice], rules: NoticeRules) -> datetime:
    """When the minutes are over that began with the latest digest, or else with the first that was said."""
    digests = [notice for notice in said if notice.gathered]
    since = digests[-1].created if digests else said[0].created
    return since + timedelta(seconds=rules.gather)
