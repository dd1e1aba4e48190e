"""How long a judgement holds if nothing else happens: colours change at instants that are known beforehand."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from dr.model.backup import Copy
from dr.model.inventory import SystemEntry
from dr.model.readiness import DrillFact, NightFact
from dr.policy.readiness import CLOCK_TOLERANCE, valid_for

_FOR_EVER = datetime.max.replace(tzinfo=UTC)
_EARLY = timedelta(microseconds=1)
"""Seconds are floats: an instant that is reckoned with them may be one microsecond late."""


def holds_until(
    entry: SystemEntry, copies: Sequence[Copy], drills: Sequence[DrillFact], night: NightFact | None, now: datetime
) -> datetime:
    """From `now` until before this instant `readiness` gives the colour that it gives now, and has the same newest good copy.

    The other arguments are those of `readiness`, with every copy of the system that a judgement rests on. Findings and notices are not
    looked at here.
    """
    return min((at - _EARLY for at in _turns(entry, copies, drills, night) if at >= now), default=_FOR_EVER)


def _turns(entry: SystemEntry, copies: Sequence[Copy], drills: Sequence[DrillFact], night: NightFact | None) -> Iterator[datetime]:
    """Every instant at which `readiness` may find something otherwise than before; also some at which it does not."""
    rpo = entry.objectives.rpo
    for copy in copies:
        yield _later(copy.as_of, rpo)
        yield copy.instant - CLOCK_TOLERANCE
        if copy.proven_at is not None:
            yield _later(copy.proven_at, valid_for(entry, copy.tier).total_seconds())
    for drill in drills:
        yield _later(drill.ended, valid_for(entry, drill.tier).total_seconds())
    if night is not None:
        yield _later(night.began, rpo)


def _later(at: datetime, seconds: float) -> datetime:
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return _FOR_EVER
