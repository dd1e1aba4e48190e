"""How long one waits at a door that opens by the clock: at the worst hour of a week, not on the average. Pure.

Hours are the wall clock's, so a weekend in which the clock is put back is an hour longer to wait through. Where that makes an hour happen
twice, or not at all, the place is taken to open at the later reading and to close at the earlier one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from dr.model.base import Seconds
from dr.model.forecast import Closed, Unmeasured
from dr.model.opening import Span, spans_of

WEEK = timedelta(days=7)
_SPOKEN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPARE = 28
"""Days more that are looked at than the holidays could close: a clock that is put forward may swallow a short opening as well."""

Open = tuple[datetime, datetime]


def worst(said: Unmeasured | None, zone: str, since: datetime) -> Closed | None:
    """Of everybody who comes in the week from `since` on, the one who waits longest. None: nobody waits, or no hours are declared."""
    if said is None or said.open is None:
        return None
    there = _openings(said, zone, since, since + WEEK)
    comings = [since, *(closes for _, closes in there if since <= closes < since + WEEK)]
    at = max(comings, key=lambda coming: (_wait(there, coming), -coming.timestamp()))
    seconds = _wait(there, at)
    here = at.astimezone(ZoneInfo(zone))
    return Closed(seconds=Seconds(seconds), at=at.astimezone(UTC), when=f"{_SPOKEN[here.weekday()]} {here:%H:%M}") if seconds > 0 else None


def wait(said: Unmeasured | None, zone: str, now: datetime) -> Seconds:
    """For whoever comes now; nothing where it is open, or no hours are declared."""
    if said is None or said.open is None:
        return Seconds(0.0)
    return Seconds(_wait(_openings(said, zone, now, now), now))


def _wait(there: Sequence[Open], coming: datetime) -> float:
    """The door closes at the end of an opening: who comes on the stroke stands outside."""
    return next((max(0.0, (opens - coming).total_seconds()) for opens, closes in there if closes > coming), 0.0)


def _openings(said: Unmeasured, zone: str, since: datetime, until: datetime) -> list[Open]:
    """In their order: all that touch the time between, and one after it."""
    spans, closed = spans_of(said.open or ()), {date.fromisoformat(day) for day in said.holidays}
    here = ZoneInfo(zone)
    first, last = (at.astimezone(here).date() for at in (since - timedelta(days=1), until))
    days = (last - first).days + _SPARE + 7 * (len(closed) + 1)
    found = []
    for begins, ends in _joined(_of_days(spans, closed, first, days)):
        opens, closes = _later(begins, here), _earlier(ends, here)
        if closes > max(opens, since):
            found.append((opens, closes))
        if found and found[-1][0] > until:
            break
    return found


def _of_days(spans: Sequence[Span], closed: set[date], first: date, days: int) -> Iterator[Open]:
    """On the wall clock, without a zone, in their order."""
    for day in (first + timedelta(days=number) for number in range(days)):
        midnight = datetime.combine(day, time())
        todays = sorted((span.begins, span.ends) for span in spans if day.weekday() in span.days and day not in closed)
        yield from ((midnight + timedelta(minutes=begins), midnight + timedelta(minutes=ends)) for begins, ends in todays)


def _joined(openings: Iterator[Open]) -> Iterator[Open]:
    """A place that is open until midnight and from midnight on does not close between."""
    number, last = 0, None

    def row(one: Open) -> int:
        nonlocal number, last
        number += last is not None and one[0] != last
        last = one[1]
        return number

    for _, group in groupby(openings, row):
        pieces = list(group)
        yield pieces[0][0], pieces[-1][1]


def _later(wall: datetime, zone: ZoneInfo) -> datetime:
    return max(_readings(wall, zone))


def _earlier(wall: datetime, zone: ZoneInfo) -> datetime:
    return min(_readings(wall, zone))


def _readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Both instants that a wall clock may mean; the same one but where the clock is put forward or back."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second
