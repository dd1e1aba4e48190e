"""How each duty stands, in a line, and what is new since somebody last looked. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from dr.clock import clock
from dr.model.base import StrictModel
from dr.model.duty import Assignment, Board
from dr.policy.roster import Roster


class Change(StrictModel):
    """What is new of a duty: `held` by somebody, `asked` of somebody, or `nobody` is left to ask."""

    kind: Literal["held", "asked", "nobody"]
    words: str


def standing(roster: Roster, each: Assignment, now: datetime) -> str:
    """`Help desk: Milwaukee is asked, until 12:15`."""
    return f"{roster.duty_title(each.duty)}: {_stands(roster, each, now)}"


def still_open(roster: Roster, board: Board, now: datetime) -> list[str]:
    """Of each duty that nobody holds, or that is being moved; nothing where all are held."""
    return [standing(roster, each, now) for each in board.assignments if each.state != "held" or each.asked is not None]


def changes(roster: Roster, before: Board | None, after: Board, now: datetime) -> Iterator[Change]:
    """`before`: as it was seen last; None: never yet, and then what stands still is not told."""
    for each in after.assignments:
        known = before.of(each.duty) if before is not None else None
        if known is None and each.state == "held" and each.asked is None:
            continue
        if known is None or _stood(known) != _stood(each):
            passed = [one for one in each.passed if known is not None and one not in known.passed]
            why = [f"{roster.office_title(one.office)} {one.why}" for one in passed]
            words = "; ".join([*why, _stands(roster, each, now)])
            yield Change(kind=_kind(each), words=f"{roster.duty_title(each.duty)}: {words}")


def _stands(roster: Roster, each: Assignment, now: datetime) -> str:
    asked = each.asked
    if asked is None and each.office is not None:
        return f"{roster.office_title(each.office)} holds it, by number {each.number}"
    if asked is None:
        return "NOBODY holds it" + (f", all are asked again {clock(each.again, now, roster.zone)}" if each.again else "")
    who = roster.office_title(asked.office)
    if asked.accepted:
        return f"{who} accepted, the store of claims has not answered yet"
    return f"{who} is asked, until {clock(asked.until, now, roster.zone)}"


def _stood(each: Assignment) -> tuple[object, ...]:
    asked = each.asked
    return each.state, each.office, each.number, each.again, (asked.office, asked.number, asked.accepted) if asked is not None else None


def _kind(each: Assignment) -> Literal["held", "asked", "nobody"]:
    return "asked" if each.asked is not None else "held" if each.office is not None else "nobody"
