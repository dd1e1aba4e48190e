"""The one source of time. Inside, every instant is aware and UTC; zones belong to the edge."""

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What tells the time; a fake one is handed in by tests."""

    def now(self) -> datetime:
        """The instant, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring how long something took."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        import time

        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is moved; for tests and golden output."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._at.timestamp()

    def move_to(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)


def iso(at: datetime) -> str:
    """`2026-11-22T07:00:00Z`, to the second (to the microsecond where there is one)."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local(at: datetime, zone: str) -> str:
    """The instant as the organisation's people read it: `Sun 22 Nov 2026, 01:00 CST`."""
    return at.astimezone(ZoneInfo(zone)).strftime("%a %d %b %Y, %H:%M %Z")


def clock(at: datetime, now: datetime, zone: str) -> str:
    """`14:05`; with its day where that is not today."""
    there, here = (one.astimezone(ZoneInfo(zone)) for one in (at, now))
    return there.strftime("%H:%M" if there.date() == here.date() else "%a %d %b, %H:%M")
