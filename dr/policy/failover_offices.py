"""What is said of offices and people: lost, back, spared, away, there again. It changes the board's facts; settling does the rest. Pure."""

from typing import TypeVar

from dr.model.base import OfficeName
from dr.model.duty import Absence, LostOffice, ReturnedOffice
from dr.model.duty_events import Away, Lost, Present, Returned, Spared
from dr.policy.affected import neighbours, touched
from dr.policy.sitting import Sitting

T = TypeVar("T")


def heed(sitting: Sitting, event: Lost | Returned | Spared | Away | Present) -> None:
    if isinstance(event, Away | Present):
        _person(sitting, event)
    elif event.office not in sitting.roster.offices:
        sitting.reject(f"'{event.office}' is not an office", office=event.office)
    elif isinstance(event, Lost):
        _lost(sitting, event)
    elif isinstance(event, Returned):
        _returned(sitting, event)
    else:
        _spared(sitting, event)


def _lost(sitting: Sitting, event: Lost) -> None:
    board, title = sitting.board, sitting.roster.office_title(event.office)
    if event.exercise != board.exercise:
        sitting.reject("a rehearsal and the real duties have a board each", office=event.office)
        return
    known = board.loss(event.office)
    if known is not None and known.through == event.through:
        sitting.note(f"{title} is lost already, by the word of {known.by}")
        return
    here = LostOffice(office=event.office, since=known.since if known else board.at, by=event.by, through=event.through)
    along = [
        LostOffice(office=name, since=board.at, by=f"{event.by} (shares the building of {title})", through=())
        for name in neighbours(sitting.roster, event.office)
        if board.loss(name) is None
    ]
    gone = {event.office, *(each.office for each in along)}
    sitting.alter(
        lost=(*(each for each in board.lost if each.office not in gone), here, *along),
        returned=tuple(each for each in board.returned if each.office not in gone),
    )
    # Who said that it works said so of the losses that were known then.
    sitting.alter(spared=tuple(each for each in board.spared if each not in gone and each not in _newly(sitting, here)))
    sitting.note(f"{title} is lost" + "".join(f", {sitting.roster.office_title(each.office)} with it (one building)" for each in along))


def _newly(sitting: Sitting, loss: LostOffice) -> set[str]:
    only = sitting.board.model_copy(update={"lost": (loss,)})
    return {name for name in sitting.roster.offices if touched(sitting.roster, only, name)}


def _returned(sitting: Sitting, event: Returned) -> None:
    board, title = sitting.board, sitting.roster.office_title(event.office)
    if board.loss(event.office) is None:
        sitting.note(f"{title} was not lost")
        return
    before = set(sitting.affected)
    sitting.alter(lost=tuple(each for each in board.lost if each.office != event.office))
    if touched(sitting.roster, sitting.board, event.office):  # it says of itself that it works, whatever it shares with others
        sitting.alter(spared=_with(board.spared, event.office))
    sitting.alter(spared=tuple(each for each in sitting.board.spared if touched(sitting.roster, sitting.board, each)))
    back = before - set(sitting.affected)
    fresh = tuple(ReturnedOffice(office=OfficeName(name), since=board.at) for name in sitting.roster.offices if name in back)
    sitting.alter(returned=(*(each for each in board.returned if each.office not in back), *fresh))
    sitting.note(f"{title} is back, and holds only what it is handed")


def _spared(sitting: Sitting, event: Spared) -> None:
    board, title = sitting.board, sitting.roster.office_title(event.office)
    if board.loss(event.office) is not None:
        sitting.reject(f"{title} is lost itself; it must return first", office=event.office)
    elif not touched(sitting.roster, board, event.office):
        sitting.note(f"{title} is not affected by any loss")
    elif event.office in board.spared:
        sitting.note(f"{title} said so already")
    else:
        sitting.alter(spared=_with(board.spared, event.office))
        sitting.note(f"{title} works, whatever it shares")


def _person(sitting: Sitting, event: Away | Present) -> None:
    board = sitting.board
    if event.contact not in sitting.roster.people:
        sitting.reject(f"'{event.contact}' is not a contact")
        return
    others = tuple(each for each in board.away if each.contact != event.contact)
    absent = (Absence(contact=event.contact, until=event.until),) if isinstance(event, Away) else ()
    sitting.alter(away=(*others, *absent))
    name = sitting.roster.people[event.contact].name
    sitting.note(f"{name} is away" if absent else f"{name} is there")


def _with(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    return items if item in items else (*items, item)
