"""A runbook's schedule as systemd's `OnCalendar=`: never less often than the schedule means, since `dr` itself decides what is due.

systemd.time(7) is the source for the form: `Sun *-*-01 03:00:00 America/Chicago`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from cronsim import CronSim

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_events(cron: str, zone: str) -> list[str]:
    """One or two events: cron fires on either of a restricted day of the month and a restricted weekday, systemd only on both.

    The last day of a month, or the second Monday, are left to `dr` itself: the event then comes every day.
    """
    parsed = CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    at = f"{_numbers(parsed.hours, 24)}:{_numbers(parsed.minutes, 60)}:00 {zone}"
    months, days = _numbers(parsed.months, 12), _days(parsed.days)
    weekdays = _weekdays(parsed.weekdays)
    if parsed.day_and or days == "*" or not weekdays:
        dates = [(weekdays, days)] if parsed.day_and else [("", "*")]
    else:
        dates = [("", days), (weekdays, "*")]
    return [f"{on + ' ' if on else ''}*-{months}-{day} {at}" for on, day in dates]


def _numbers(values: Iterable[int], count: int) -> str:
    numbers = sorted(set(values))
    return "*" if len(numbers) == count else ",".join(f"{number:02d}" for number in numbers)


def _days(values: Iterable[int]) -> str:
    numbers = set(values)
    return "*" if min(numbers) < 1 else _numbers(numbers, 31)


def _weekdays(values: Iterable[object]) -> str:
    """Nothing where every day is meant, or where days are counted within their month."""
    numbers = {value % 7 for value in values if isinstance(value, int)}
    counted = any(not isinstance(value, int) for value in values)
    return "" if counted or len(numbers) == 7 else ",".join(_DAYS[number] for number in sorted(numbers))
