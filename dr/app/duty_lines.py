"""Who holds what, as `dr duties` lists it: from the board of this machine, and what the store of claims says of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dr.actions.duty_desk import Desk
from dr.clock import iso
from dr.model.base import JsonObject
from dr.model.duty import Assignment, Board
from dr.model.duty_log import REAL
from dr.policy.affected import affected
from dr.policy.candidates import candidates
from dr.policy.claim_stores import said as stores_said
from dr.stream.claims import Stand


@dataclass(frozen=True)
class Line:
    """One duty, as it is listed. `number` 0: held in normal times, which nobody claimed."""

    duty: str
    title: str
    state: str
    office: str
    office_title: str
    normal: str
    """The office that holds it in normal times."""
    normal_title: str
    number: int
    since: datetime
    why: str
    asked: str
    asked_title: str
    asked_number: int
    until: datetime | None
    accepted: bool
    """Whether who is asked said yes, and the store has not answered yet."""
    later: tuple[str, ...]
    """Of a duty that nobody holds: whom else it can be asked of, and who can not, and why; but for offices that are lost or affected."""
    next: tuple[tuple[str, str], ...]
    """Of one that nobody is asked for either: what may be so, and what is typed then."""

    def to_facts(self) -> JsonObject:
        return {name: iso(value) if isinstance(value, datetime) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Listing:
    """Who holds what. `warnings`: what keeps this from being the whole truth, or from staying it."""

    exercise: str
    lines: tuple[Line, ...]
    lost: tuple[str, ...]
    """Offices that may hold nothing now, and why."""
    returned: tuple[str, ...]
    stores: str
    warnings: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return all(line.state == "held" for line in self.lines)

    def to_facts(self) -> JsonObject:
        facts = {"exercise": self.exercise, "lost": [*self.lost], "returned": [*self.returned], "stores": self.stores}
        return {**facts, "duties": [line.to_facts() for line in self.lines], "warnings": [*self.warnings]}


def listing_of(desk: Desk, stands: Mapping[str, Stand], trouble: tuple[str, ...] = ()) -> Listing:
    """`stands`: what the store said just now, nothing where it did not answer; `trouble`: why it did not."""
    board, title = desk.board(), desk.roster.office_title
    return Listing(
        exercise=desk.log,
        lines=tuple(line_of(desk, each, board) for each in board.assignments if each.duty in desk.roster.duties),
        lost=tuple(f"{title(name)} {why}" for name, why in affected(desk.roster, board).items()),
        returned=tuple(title(each.office) for each in board.returned),
        stores=stores_said(desk.world.inventory),
        warnings=(*trouble, *(words for duty, stand in stands.items() for words in _strange(desk, board, duty, stand))),
    )


def line_of(desk: Desk, each: Assignment, board: Board) -> Line:
    asked, title, duty = each.asked, desk.roster.office_title, desk.roster.duties.get(each.duty)
    return Line(
        duty=each.duty,
        title=desk.roster.duty_title(each.duty),
        state=each.state,
        office=str(each.office or ""),
        office_title=title(each.office) if each.office else "",
        normal=duty.office if duty else "",
        normal_title=title(duty.office) if duty else "",
        number=each.number,
        since=each.since,
        why=each.why,
        asked=str(asked.office) if asked else "",
        asked_title=title(asked.office) if asked else "",
        asked_number=asked.number if asked else 0,
        until=each.until,
        accepted=asked is not None and asked.accepted,
        later=() if each.state == "held" else _later(desk, each, board),
        next=tuple(_next(desk, each, board)) if each.state == "unheld" else (),
    )


def _later(desk: Desk, each: Assignment, board: Board) -> tuple[str, ...]:
    gone, title = affected(desk.roster, board), desk.roster.office_title
    found = candidates(desk.roster, board, each.duty, gone)
    asked = each.asked.office if each.asked else None
    able = [f"{title(one.office)}: can be asked" for one in found.able if one.office != asked]
    return (*able, *(f"{title(one.office)}: {one.why}" for one in found.passed if one.office not in (asked, *gone)))


def _next(desk: Desk, each: Assignment, board: Board) -> Iterator[tuple[str, str]]:
    """Whoever said no, or nothing, may say yes after all; an office that works after all, or again, can be asked."""
    flag, title, gone = "" if desk.log == REAL else " --exercise", desk.roster.office_title, affected(desk.roster, board)
    for office in dict.fromkeys(one.office for one in each.passed if one.office not in gone):
        yield f"{title(office)} takes it after all", f"dr office accept {each.duty} --office {office}{flag}"
    for name in gone:
        if board.loss(name) is None:
            yield f"{title(name)} works after all", f"dr office works {name}{flag}"
        else:
            yield f"{title(name)} works again", f"dr office back {name}{flag}"


def _strange(desk: Desk, board: Board, duty: str, stand: Stand) -> Iterator[str]:
    """What of a duty's claims a person must look at."""
    known = board.of(duty)
    if known is not None and known.number > stand.number:
        yield (
            f"{desk.roster.duty_title(duty)}: the store of claims knows number {stand.number} as the newest, this machine {known.number}: "
            "was the store rolled back, or is it another one? The next claim goes above both"
        )
    if stand.unsure:
        yield f"{desk.roster.duty_title(duty)}: a newer claim may hold; only {', '.join(stand.silent)} can tell"
    yield from (f"not believed: {words}" for words in stand.strange)
