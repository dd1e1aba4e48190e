"""A small organisation whose duties move: a main office and three regional ones, and a way to say one thing after the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dr.model.base import ContactName, OfficeName, Seconds
from dr.model.duty import Assignment, Board, DutyName, Fence
from dr.model.duty_events import Accepted, Away, Claimed, Event, HandedBack, Lost, Refused, Returned, Ticked, Transition, Turn
from dr.model.inventory import Duty, Failover, Office
from dr.policy.failover import open_board, turn
from dr.policy.roster import Person, Roster
from dr.policy.sitting import RULES, Rules

MONDAY = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
"""Ten in the morning in Madison."""
NIGHT = MONDAY + timedelta(hours=14)
HOURS = ("Mon-Fri 08:00-17:00",)


def roster(**changes: Any) -> Roster:
    """Madison holds the help desk and the servers; Milwaukee, Green Bay and Eau Claire are asked in this order."""
    offices = {
        "madison": Office(title="Madison", main=True, building="main-street", depends=("badger",)),
        "milwaukee": Office(title="Milwaukee"),
        "green-bay": Office(title="Green Bay"),
        "eau-claire": Office(title="Eau Claire", depends=("badger",)),
    }
    people = {
        "ann": Person(name="Ann", office="madison", skills=("phones", "servers")),
        "bo": Person(name="Bo", office="milwaukee", skills=("phones",)),
        "cy": Person(name="Cy", office="green-bay", skills=("phones", "servers")),
        "di": Person(name="Di", office="eau-claire", skills=("phones", "servers")),
    }
    order = ("milwaukee", "green-bay", "eau-claire")
    duties = {
        "help-desk": Duty(title="Help desk", office="madison", needs=("phones",), succession=order),
        "servers": Duty(title="Servers", office="madison", needs=("servers",), succession=order, accept_within=Seconds(3600.0)),
    }
    made = Roster(zone="America/Chicago", offices=offices, people=people, duties=duties, failover=Failover())
    return made.model_copy(update=changes)


class Story:
    """One machine, to which things happen one after the other."""

    def __init__(self, of: Roster | None = None, at: datetime = MONDAY, rules: Rules = RULES) -> None:
        self.roster, self.rules = of or roster(), rules
        self.board: Board = open_board(self.roster, at)
        self.turns: list[Turn] = []

    @property
    def now(self) -> datetime:
        return self.board.at

    def hears(self, event: Event) -> tuple[Transition, ...]:
        self.turns.append(turn(self.roster, self.board, event, self.rules))
        self.board = self.turns[-1].board
        return self.turns[-1].transitions

    def of(self, duty: str = "help-desk") -> Assignment:
        found = self.board.of(duty)
        assert found is not None
        return found

    def asked(self, duty: str = "help-desk") -> tuple[str, int] | None:
        """Who is asked, by which number."""
        asked = self.of(duty).asked
        return (asked.office, asked.number) if asked else None

    def holder(self, duty: str = "help-desk") -> tuple[str | None, int]:
        return self.of(duty).office, self.of(duty).number

    def lose(self, office: str, **changes: Any) -> tuple[Transition, ...]:
        return self.hears(Lost(at=self.now, office=OfficeName(office), by="Ann and Bo", **changes))

    def back(self, office: str) -> tuple[Transition, ...]:
        return self.hears(Returned(at=self.now, office=OfficeName(office), by="Ann"))

    def accept(self, office: str, number: int, duty: str = "help-desk") -> tuple[Transition, ...]:
        return self.hears(Accepted(at=self.now, duty=DutyName(duty), office=OfficeName(office), number=Fence(number), by="Somebody"))

    def refuse(self, office: str, number: int, duty: str = "help-desk", why: str = "") -> tuple[Transition, ...]:
        said = Refused(at=self.now, duty=DutyName(duty), office=OfficeName(office), number=Fence(number), by="Somebody", why=why)
        return self.hears(said)

    def claimed(self, office: str, number: int, duty: str = "help-desk") -> tuple[Transition, ...]:
        return self.hears(Claimed(at=self.now, duty=DutyName(duty), office=OfficeName(office), number=Fence(number)))

    def takes(self, office: str, number: int, duty: str = "help-desk") -> None:
        """Accepts, and the store takes the claim."""
        self.accept(office, number, duty)
        self.claimed(office, number, duty)

    def hand_back(self, to: str, number: int, given_by: str = "Bo", taken_by: str = "Ann") -> tuple[Transition, ...]:
        duty, office = DutyName("help-desk"), OfficeName(to)
        said = HandedBack(at=self.now, duty=duty, to=office, number=Fence(number), given_by=given_by, taken_by=taken_by)
        return self.hears(said)

    def away(self, contact: str) -> tuple[Transition, ...]:
        return self.hears(Away(at=self.now, contact=ContactName(contact)))

    def later(self, **span: float) -> tuple[Transition, ...]:
        return self.hears(Ticked(at=self.now + timedelta(**span)))
