"""Who answers for what: a duty, the office that holds it and by which number, and which offices are lost. `duty_events`: how it changes."""

from typing import Literal, NewType

from dr.model.base import ContactName, Instant, OfficeName, Slug, StrictModel

DutyName = NewType("DutyName", str)
Fence = NewType("Fence", int)
"""A fencing number of one duty: each that is given out is higher than all before. 0: held as the inventory says, and never moved."""
DutyState = Literal["held", "proposed", "unheld"]


class PassedOver(StrictModel):
    """An office that is not asked, or not any more, and why: `refused: three of us are ill`."""

    office: OfficeName
    why: str


class Asked(StrictModel):
    """The office that is to take a duty by a number: it is asked, or (`accepted`) it said yes and the number is being claimed."""

    office: OfficeName
    number: Fence
    since: Instant
    until: Instant
    """Silent until then, it is passed over. Nothing is passed over once it accepted."""
    accepted: bool = False
    by: str = ""
    """Who accepted; where a duty is handed back, who gave it and who took it."""
    reasons: tuple[str, ...] = ()


class Assignment(StrictModel):
    """Who holds a duty now.

    `held`: `office` does, by `number`; `asked` is then to whom it is being handed. `proposed`: nobody does, and `asked` is the next.
    `unheld`: nobody does and nobody is asked: loudly so, and asked anew at `again`.
    """

    duty: DutyName
    state: DutyState
    office: OfficeName | None = None
    number: Fence = Fence(0)
    """The newest that was claimed, whoever claimed it."""
    issued: Fence = Fence(0)
    """The highest that was given out here: never given out again."""
    asked: Asked | None = None
    since: Instant
    why: str = ""
    passed: tuple[PassedOver, ...] = ()
    """Who refused or was silent since the duty was last asked for from the beginning."""
    again: Instant | None = None

    @property
    def until(self) -> Instant | None:
        """By when somebody must have answered, or everybody is asked again."""
        return self.asked.until if self.asked is not None and not self.asked.accepted else self.again


class LostOffice(StrictModel):
    office: OfficeName
    since: Instant
    by: str
    through: tuple[Slug, ...] | None = None
    """As in `duty_events.Lost`."""


class ReturnedOffice(StrictModel):
    """It works again, and is a stranger: it holds nothing until it is handed back, duty by duty."""

    office: OfficeName
    since: Instant


class Absence(StrictModel):
    contact: ContactName
    until: Instant | None = None
    """None: nobody knows."""


class Board(StrictModel):
    """All of it at one instant: every duty in the inventory's order, the offices that are lost or back, the people who are away."""

    at: Instant
    exercise: bool = False
    """A rehearsal has a board of its own (and claims of its own): no rehearsal moves a real duty."""
    assignments: tuple[Assignment, ...] = ()
    lost: tuple[LostOffice, ...] = ()
    spared: tuple[OfficeName, ...] = ()
    """They share what a lost one depends on, and said that they work."""
    returned: tuple[ReturnedOffice, ...] = ()
    away: tuple[Absence, ...] = ()

    def of(self, duty: str) -> Assignment | None:
        return next((each for each in self.assignments if each.duty == duty), None)

    def loss(self, office: str) -> LostOffice | None:
        return next((each for each in self.lost if each.office == office), None)
