"""How duties move when offices are lost: a pure state machine. An event comes in; a new board and what must be done come out.

`turn` takes the event for what it says, then settles: whoever holds or is asked for a duty and may not is let go, whoever was silent for
too long is passed over, and for every duty that nobody holds the next candidate is asked, or it is said loudly that nobody is left. A
yes is followed by a claim in the store that all machines share; only a claim that was taken makes a holder, so that of two machines that
moved one duty at once, one did. The clock is the event's; it never runs back.
"""

from datetime import timedelta

from dr.model.base import Instant, OfficeName
from dr.model.duty import Assignment, Board, DutyName
from dr.model.duty_events import Away, Claim, Event, Lost, Present, Returned, Spared, Ticked, Turn
from dr.policy import failover_answers, failover_offices
from dr.policy.roster import Roster
from dr.policy.sitting import RULES, Rules, Sitting, claim_of
from dr.policy.words import spoken

LEAP = timedelta(minutes=5)
"""By so much two looks at the clock may differ, without its having been wrong."""


def open_board(roster: Roster, at: Instant, *, exercise: bool = False) -> Board:
    """Normal times: every duty held by its own office, by number 0, which nobody claimed."""
    return abreast(roster, Board(at=at, exercise=exercise))


def abreast(roster: Roster, board: Board) -> Board:
    """The board with the duties that the inventory has since been given, each held as it says; one that it has no more stays as it is."""
    known = {str(each.duty): each for each in board.assignments}
    ours = [known.get(name) or _normal(roster, name, board.at) for name in roster.duties]
    return board.model_copy(update={"assignments": (*ours, *(each for name, each in known.items() if name not in roster.duties))})


def _normal(roster: Roster, duty: str, at: Instant) -> Assignment:
    return Assignment(duty=DutyName(duty), state="held", office=OfficeName(roster.duties[duty].office), since=at, why="in normal times")


def set_right(board: Board, now: Instant) -> Board:
    """The board of a machine whose clock ran ahead and was put right: everybody has as long still as they had, and nobody is waited for
    until an hour that is far off. What differs by less than `LEAP` is left: nobody gets more time by it."""
    ahead = board.at - now
    if ahead <= LEAP:
        return board
    return board.model_copy(update={"at": now, "assignments": tuple(_sooner(each, ahead) for each in board.assignments)})


def _sooner(said: Assignment, by: timedelta) -> Assignment:
    asked = said.asked
    if asked is not None:
        asked = asked.model_copy(update={"since": asked.since - by, "until": asked.until - by})
    return said.model_copy(update={"asked": asked, "again": said.again - by if said.again is not None else None})


def turn(roster: Roster, board: Board, event: Event, rules: Rules = RULES) -> Turn:
    """What follows from an event. The same roster, board and event give the same turn; no event passes without a word on it."""
    sitting = Sitting(roster, abreast(roster, board), rules)
    sitting.alter(at=max(board.at, event.at))
    if isinstance(event, Lost | Returned | Spared | Away | Present):
        failover_offices.heed(sitting, event)
    elif not isinstance(event, Ticked):
        failover_answers.heed(sitting, event)
    _settle(sitting)
    _forget(sitting)
    if not sitting.said and not isinstance(event, Ticked):
        sitting.note("nothing follows from it for any duty")
    return Turn(event=event, transitions=tuple(sitting.said), board=sitting.board)


def claims(board: Board) -> tuple[Claim, ...]:
    """Every claim that waits for the store's answer: to be put (again) by whoever begins anew after a crash."""
    return tuple(claim_of(each, each.asked) for each in board.assignments if each.asked is not None and each.asked.accepted)


def due(board: Board) -> Instant | None:
    """When time itself changes something: a `Ticked` is owed then."""
    return min((each.until for each in board.assignments if each.until is not None), default=None)


def _settle(sitting: Sitting) -> None:
    """First everybody is let go who must be, so that whoever is asked then is asked with what it carries now."""
    ours = [each for each in sitting.board.assignments if each.duty in sitting.roster.duties]
    free = [_let_go(sitting, _pass_over(sitting, each)) for each in ours]
    for said in free:
        if said.office is None and said.asked is None:
            _ask_next(sitting, said)


def _let_go(sitting: Sitting, said: Assignment) -> Assignment:
    why = sitting.affected.get(said.office) if said.office is not None else None
    return sitting.release(said, f"{sitting.roster.office_title(str(said.office))} {why}") if why else said


def _pass_over(sitting: Sitting, said: Assignment) -> Assignment:
    """Whoever accepted waits for the store, and is let go by its answer only: the claim may have been taken already."""
    asked = said.asked
    if asked is None or asked.accepted:
        return said
    why = sitting.affected.get(asked.office)
    if why:
        return sitting.withdraw(said, why, passing=False)
    if asked.until <= sitting.board.at:
        return sitting.withdraw(said, f"was silent for {spoken((asked.until - asked.since).total_seconds())}", passing=True)
    return said


def _ask_next(sitting: Sitting, said: Assignment) -> None:
    """The best candidate; where none is left and all were given their pause, all from the beginning."""
    anew = said.again is not None and said.again <= sitting.board.at
    if anew:
        said = sitting.put(said, passed=())
    found = sitting.rules.candidates(sitting.roster, sitting.board, said.duty, sitting.affected)
    if found.able:
        sitting.ask(said, found.able[0], found.behind)
    elif anew or said.again is None:
        sitting.unheld(said, found.passed)


def _forget(sitting: Sitting) -> None:
    """An office that has its own duties again is no stranger; an absence that is over is none."""
    board = sitting.board
    elsewhere = {
        sitting.roster.duties[each.duty].office
        for each in board.assignments
        if each.duty in sitting.roster.duties and each.office != sitting.roster.duties[each.duty].office
    }
    returned = tuple(each for each in board.returned if each.office in elsewhere)
    away = tuple(each for each in board.away if each.until is None or each.until > board.at)
    if (returned, away) != (board.returned, board.away):
        sitting.alter(returned=returned, away=away)
