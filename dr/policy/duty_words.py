"""Who is told what of a turn of the failover machine, in few messages: one to a person however many duties it moves. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dr.clock import clock
from dr.model.base import OfficeName
from dr.model.duty import Assignment, PassedOver
from dr.model.duty_events import Accepted, Ask, Assign, Lost, Moved, RaceLost, Refused, Rejected, Returned, Spared, Unheld, Withdraw
from dr.model.duty_log import DutyTurn
from dr.model.duty_story import DutyLine, DutyStory
from dr.model.inventory import Inventory
from dr.model.record import Severity
from dr.policy.answering import stranger
from dr.policy.roster import Roster

Kind = TypeVar("Kind", Ask, Assign, Unheld, Withdraw)
AUDIENCES = ("management", "partners")
"""The groups of contacts who hear of every loss, every return and every duty that moved: those of them that the inventory has."""
ALARMED = ("management", "administrators")
"""Who hears that nobody holds a duty, until somebody of them says that they saw it; where there is neither, everybody does."""

NOBODY = "duty-unheld"
"""The template of what they hear."""


@dataclass(frozen=True)
class DutyWord:
    """A message that is owed. `id` follows from the turn, so that the same word owed twice is one notice."""

    id: str
    to: str
    template: str
    severity: Severity
    acknowledge: bool
    story: DutyStory


@dataclass(frozen=True)
class Teller:
    """Writes what a turn gives to tell."""

    inventory: Inventory
    roster: Roster
    taken: DutyTurn

    def words(self) -> list[DutyWord]:
        """In the order of their urgency."""
        return [*self._asks(), *self._unheld(), *self._lost(), *self._moved(), *self._withdrawn(), *self._back(), *self._by_a_stranger()]

    # ------------------------------------------------------------ what happened

    def _asks(self) -> Iterator[DutyWord]:
        asks = sorted(self._of(Ask), key=lambda each: each.until)  # the subject names the first by which an answer is wanted
        for office in dict.fromkeys(each.office for each in asks):
            lines = tuple(self._asked(each) for each in asks if each.office == office)
            yield from self._to(self.staff(office), "duty-asked", "critical", office, lines)

    def _withdrawn(self) -> Iterator[DutyWord]:
        gone = self._of(Withdraw)
        for office in dict.fromkeys(each.office for each in gone):
            lines = tuple(self.line(each.duty, each.number, why=each.why) for each in gone if each.office == office)
            yield from self._to(self.staff(office), "duty-withdrawn", "info", office, lines)

    def _moved(self) -> Iterator[DutyWord]:
        if isinstance(self.taken.turn.event, Moved | RaceLost):
            return  # the machine that claimed it tells of it
        for each in self._of(Assign):
            before = self._title(each.before) if each.before and each.before != each.office else ""
            line = self.line(each.duty, each.number, office=each.office, before=before, why=each.why)
            normal = self.roster.duties[each.duty].office if each.duty in self.roster.duties else each.office
            both = [name for office in (each.office, each.before, normal) if office for name in self.staff(office)]
            yield from self._to([*both, *self._groups(AUDIENCES)], "duty-moved", "warning", each.office, (line,))

    def _unheld(self) -> Iterator[DutyWord]:
        nobody = self._of(Unheld)
        if nobody:
            lines = tuple(self.line(each.duty, 0, why=each.why, passed=each.passed, until=each.again) for each in nobody)
            alarmed = self._groups(ALARMED) or list(self.inventory.contacts)
            yield from self._to(alarmed, NOBODY, "critical", "", lines, acknowledge=True)

    def _lost(self) -> Iterator[DutyWord]:
        event = self.taken.turn.event
        if isinstance(event, Lost):
            lines = tuple(self.standing(each) for each in self.taken.turn.board.assignments if each.state != "held")
            told = [*self._groups(AUDIENCES), *self.staff(event.office)]
            yield from self._to(told, "office-lost", "critical", event.office, lines)

    def _back(self) -> Iterator[DutyWord]:
        event = self.taken.turn.event
        if isinstance(event, Returned):
            away = [each for each in self.taken.turn.board.assignments if self._is_elsewhere(each, event.office)]
            holders = [name for each in away if each.office for name in self.staff(each.office)]
            told = [*self._groups(AUDIENCES), *self.staff(event.office), *holders]
            yield from self._to(told, "office-back", "warning", event.office, tuple(self.standing(each) for each in away))

    def _by_a_stranger(self) -> Iterator[DutyWord]:
        """Somebody else answered for an office: its people hear of it at once."""
        event = self.taken.turn.event
        counts = not any(isinstance(each, Rejected) for each in self.taken.turn.transitions)
        if isinstance(event, Accepted | Refused | Spared | Returned) and counts and stranger(self.inventory, event.office, self.taken.by):
            lines = (self._answer(event),) if isinstance(event, Accepted | Refused) else ()
            yield from self._to(self.staff(event.office), "duty-answered", "warning", event.office, lines)

    def _answer(self, event: Accepted | Refused) -> DutyLine:
        said = "yes" if isinstance(event, Accepted) else f"no ({event.why})" if event.why else "no"
        return self.line(event.duty, event.number, why=f"{said}, to number {event.number}")

    # ------------------------------------------------------------ parts

    def line(
        self,
        duty: str,
        number: int,
        *,
        office: str | None = None,
        before: str = "",
        why: str = "",
        until: datetime | None = None,
        reasons: Sequence[str] = (),
        passed: Sequence[PassedOver] = (),
    ) -> DutyLine:
        return DutyLine(
            name=duty,
            title=self.roster.duty_title(duty),
            number=number,
            office=self._title(office) if office else "",
            before=before,
            until=self._clock(until) if until else "",
            why=why,
            reasons=tuple(reasons),
            passed=tuple(f"{self._title(each.office)}: {each.why}" for each in passed),
        )

    def standing(self, each: Assignment) -> DutyLine:
        """A duty as the board has it."""
        if each.asked is not None:
            asked = each.asked
            return self.line(each.duty, asked.number, office=asked.office, why=each.why, until=asked.until, reasons=asked.reasons)
        return self.line(each.duty, each.number, office=each.office, why=each.why)

    def staff(self, office: str) -> list[str]:
        return [name for name, contact in self.inventory.contacts.items() if contact.office == office]

    def story(self, office: str, lines: tuple[DutyLine, ...], by: str) -> DutyStory:
        return DutyStory(
            organisation=self.inventory.organisation.name,
            exercise=bool(self.taken.log),
            at=self._clock(self.taken.turn.event.at),
            by=by,
            office=self._title(office) if office else "",
            office_name=office,
            duties=lines,
            flag=" --exercise" if self.taken.log else "",
        )

    def _to(
        self,
        told: Sequence[str],
        template: str,
        severity: Severity,
        office: OfficeName | str,
        lines: tuple[DutyLine, ...],
        *,
        acknowledge: bool = False,
    ) -> Iterator[DutyWord]:
        named = f"{self.taken.log or 'duties'}:{self.taken.number}:{template}"
        about = "+".join(line.name for line in lines) if template == "duty-moved" else office
        story = self.story(office, lines, self.taken.by)
        for to in self._once(told):
            yield DutyWord(f"{named}:{about}:{to}", to, template, severity, acknowledge, story)

    def _once(self, told: Sequence[str]) -> list[str]:
        """Groups first; whoever hears as one of a group hears once."""
        groups = [name for name in dict.fromkeys(told) if name not in self.inventory.contacts]
        alone = [name for name in dict.fromkeys(told) if name in self.inventory.contacts]
        return [*groups, *(name for name in alone if not {*self.inventory.contacts[name].groups} & {*groups})]

    def _asked(self, each: Ask) -> DutyLine:
        said = self.taken.turn.board.of(each.duty)
        return self.line(
            each.duty,
            each.number,
            office=each.office,
            until=each.until,
            reasons=each.reasons,
            passed=each.passed,
            why=said.why if said else "",
        )

    def _groups(self, names: Sequence[str]) -> list[str]:
        known = {group for contact in self.inventory.contacts.values() for group in contact.groups}
        return [name for name in names if name in known]

    def _is_elsewhere(self, each: Assignment, office: str) -> bool:
        duty = self.roster.duties.get(each.duty)
        return duty is not None and duty.office == office and each.office != office

    def _of(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.taken.turn.transitions if isinstance(each, kind)]

    def _title(self, office: str) -> str:
        return self.roster.office_title(office)

    def _clock(self, at: datetime) -> str:
        return clock(at, self.taken.turn.event.at, self.roster.zone)
