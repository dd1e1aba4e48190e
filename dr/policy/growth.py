"""When a disk will be full, from how its free space went. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from dr.model.base import Seconds

WINDOW = timedelta(days=14)
SPAN = timedelta(hours=24)
"""Less than a day's readings say nothing: every disk fills and empties between two nights."""
FEWEST = 6
_MOST = 60
Free = tuple[datetime, float]
"""When, and how many bytes were free."""


def slope(readings: Sequence[Free], now: datetime) -> float | None:
    """Bytes a second by which free space changes; less than nothing where it fills. None: too little is known.

    The median of the slopes between any two readings (Theil and Sen): one big file that came and went does not sway it.
    """
    recent = sorted((at, free) for at, free in readings if now - WINDOW <= at <= now)
    if len(recent) < FEWEST or recent[-1][0] - recent[0][0] < SPAN:
        return None
    step = max(1, len(recent) // _MOST)
    thin = [*recent[::step], recent[-1]]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]).total_seconds() for a, b in combinations(thin, 2) if b[0] > a[0]]
    return median(slopes) if slopes else None


def full_in(readings: Sequence[Free], now: datetime) -> Seconds | None:
    """Seconds until nothing is free, if it goes on so. None: it does not fill, or too little is known."""
    change = slope(readings, now)
    if change is None or change >= 0:
        return None
    newest = max(((at, free) for at, free in readings if at <= now), default=None)
    return None if newest is None else Seconds(newest[1] / -change)
