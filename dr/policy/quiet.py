"""When somebody is left alone: at night, and while they are away. On their own clock, which may be put back or forward. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dr.model.inventory import Contact, Inventory
from dr.model.notices import quiet_times


@dataclass(frozen=True)
class Person:
    """A contact, as one decides about them: by name, in how many ways they can be told, and when not."""

    name: str
    channels: int
    zone: str = "UTC"
    quiet: str | None = None
    away: tuple[tuple[str, str], ...] = ()
    """First and last day."""
    deputy: str | None = None


def person(inventory: Inventory, name: str, contact: Contact) -> Person:
    """Their own zone and quiet hours go before their office's zone and everybody's quiet hours."""
    office = inventory.offices.get(contact.office or "")
    zone = contact.zone or (office.zone if office else None) or inventory.organisation.zone
    away = tuple((absence.from_, absence.until) for absence in contact.away)
    return Person(name, len(contact.channels), zone, contact.quiet or inventory.notices.quiet, away, contact.deputy)


def away(one: Person, now: datetime) -> bool:
    if not one.away:
        return False
    today = now.astimezone(ZoneInfo(one.zone)).date()
    return any(date.fromisoformat(first) <= today <= date.fromisoformat(last) for first, last in one.away)


def quiet_until(one: Person, now: datetime) -> datetime | None:
    """When their quiet time ends, if it is now; always later than now."""
    if one.quiet is None:
        return None
    begins, ends = quiet_times(one.quiet)
    here = now.astimezone(ZoneInfo(one.zone))
    inside = begins <= here.time() < ends if begins < ends else (here.time() >= begins or here.time() < ends)
    if not inside:
        return None
    until = _next(here, ends)
    return until if until > now else now + timedelta(minutes=1)  # an end within the hour that the clock jumps over or repeats


def _next(here: datetime, at: time) -> datetime:
    day = here.date() if here.time() < at else here.date() + timedelta(days=1)
    return datetime.combine(day, at, here.tzinfo).astimezone(UTC)
