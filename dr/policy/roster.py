"""Who could hold a duty: the offices, their people and hours, and what they carry, as the inventory has them. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dr.model.base import Slug, StrictModel
from dr.model.duty import Board
from dr.model.inventory import Duty, Failover, Inventory, Office
from dr.model.opening import spans_of


class Person(StrictModel):
    name: str
    office: Slug | None = None
    skills: tuple[Slug, ...] = ()


class Roster(StrictModel):
    """What of an inventory decides about duties."""

    zone: str = "UTC"
    offices: dict[Slug, Office]
    people: dict[Slug, Person]
    """By the contact's name."""
    duties: dict[Slug, Duty]
    failover: Failover = Failover()

    def office_title(self, office: str) -> str:
        return self.offices[office].title if office in self.offices else office

    def duty_title(self, duty: str) -> str:
        return self.duties[duty].title if duty in self.duties else duty


def roster_of(inventory: Inventory) -> Roster:
    people = {name: Person(name=each.name, office=each.office, skills=each.skills) for name, each in inventory.contacts.items()}
    return Roster(
        zone=inventory.organisation.zone,
        offices=inventory.offices,
        people=people,
        duties=inventory.duties,
        failover=inventory.failover,
    )


def is_away(board: Board, contact: str) -> bool:
    return any(each.contact == contact and (each.until is None or each.until > board.at) for each in board.away)


def present(roster: Roster, board: Board, office: str) -> tuple[str, ...]:
    """The contacts of an office that are not away."""
    return tuple(name for name, person in roster.people.items() if person.office == office and not is_away(board, name))


def clock(roster: Roster, office: str) -> ZoneInfo:
    """By which its people live."""
    found = roster.offices.get(office)
    return ZoneInfo((found.zone if found else None) or roster.zone)


def is_open(roster: Roster, office: str, at: datetime) -> bool:
    """Whether people are on duty there; always, where no hours are written."""
    hours = roster.offices[office].hours
    if hours is None:
        return True
    here = at.astimezone(clock(roster, office))
    minute = here.hour * 60 + here.minute
    return any(here.weekday() in span.days and span.begins <= minute < span.ends for span in spans_of(hours))


def load_of(roster: Roster, board: Board, office: str, without: str = "") -> int:
    """What an office carries, and what it is asked to: all but one duty."""
    return sum(
        roster.duties[each.duty].load
        for each in board.assignments
        if each.duty in roster.duties and each.duty != without and office in (each.office, each.asked.office if each.asked else None)
    )
