"""When a scheduled runbook is due: once an occurrence, through daylight saving, downtime and wrong clocks. Pure.

An occurrence is an instant. A schedule for a fixed time of day has one occurrence a local date: in spring's missing hour it comes right
after the gap, in autumn's repeated hour it comes the first time only (cronsim follows Debian's cron in both).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim

from dr.model.base import Instant, Seconds, StrictModel

WRONG_CLOCK = timedelta(minutes=5)
"""An occurrence that was begun further ahead of now than this was begun by a clock that ran ahead: it does not count."""
FIRST_LOOK = timedelta(minutes=15)
"""A schedule that was never looked at begins now; what it would have fired longer ago is not caught up."""
MOST_COUNTED = 1000
"""Missed occurrences are counted up to here."""


class Claim(StrictModel):
    """The newest occurrence that was begun: which one, when by the clock of then, and the run that carries it ('' : none was needed)."""

    occurrence: Instant
    begun: Instant
    run: str = ""


class Due(StrictModel):
    """What a schedule asks for now."""

    state: Literal["due", "done", "unknown"]
    """`unknown`: never looked at, and nothing has just come due."""
    occurrence: Instant | None
    """The newest that is not after now; None if there never was one."""
    next: Instant
    missed: int = 0
    """Occurrences before it, since the last that was begun, which nothing was begun for: they are not caught up one by one."""
    late: Seconds = Seconds(0.0)


def upcoming(cron: str, zone: str, now: datetime) -> Iterator[datetime]:
    """Occurrences after now, as aware instants in the zone."""
    return iter(CronSim(cron, now.astimezone(ZoneInfo(zone))))


def latest(cron: str, zone: str, now: datetime) -> Iterator[datetime]:
    """Occurrences up to and including now, newest first."""
    return iter(CronSim(cron, now.astimezone(ZoneInfo(zone)) + timedelta(seconds=1), reverse=True))


def believed(claims: tuple[Claim, ...], now: datetime) -> Claim | None:
    """The newest claim that a clock could have made which was right; those from ahead of now are left out."""
    good = [claim for claim in claims if claim.begun <= now + WRONG_CLOCK]
    return max(good, key=lambda claim: claim.occurrence, default=None)


def decide(cron: str, zone: str, claims: tuple[Claim, ...], now: datetime) -> Due:
    """Whether the newest occurrence still waits to be begun. However many were missed, one is due: the newest."""
    newest = next(latest(cron, zone, now), None)
    following = next(upcoming(cron, zone, now))
    claim = believed(claims, now)
    if newest is None:
        return Due(state="done", occurrence=None, next=following)
    late = Seconds((now - newest).total_seconds())
    if claim is None:
        fresh = now - newest <= FIRST_LOOK
        return Due(state="due" if fresh else "unknown", occurrence=newest, next=following, late=late)
    if claim.occurrence >= newest:
        return Due(state="done", occurrence=newest, next=following)
    return Due(state="due", occurrence=newest, next=following, missed=_between(cron, zone, claim.occurrence, newest), late=late)


def _between(cron: str, zone: str, after: datetime, before: datetime) -> int:
    counted = 0
    for occurrence in islice(upcoming(cron, zone, after), MOST_COUNTED):
        if occurrence >= before:
            break
        counted += 1
    return counted
