"""What a loss would find missing: duties that nobody could take over. Pure, and known beforehand, so that it need not be found out then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dr.model.base import OfficeName
from dr.model.duty import Board, LostOffice
from dr.policy.affected import affected, neighbours
from dr.policy.candidates import candidates
from dr.policy.failover import open_board
from dr.policy.roster import Roster

_ANY = datetime(2000, 1, 1, tzinfo=UTC)
"""When it is does not matter for who could hold a duty; only for who is asked first."""


@dataclass(frozen=True)
class Gap:
    """A duty with nobody behind it, in words, and what closes the gap."""

    duty: str
    why: str
    hint: str


def gaps(roster: Roster) -> tuple[Gap, ...]:
    """Everything that is wrong with who would take over, were every duty's own office lost, and all people there."""
    return tuple(gap for duty in roster.duties for gap in _gaps(roster, duty))


def _gaps(roster: Roster, duty: str) -> Iterator[Gap]:
    own, title = roster.duties[duty].office, roster.duty_title(duty)
    needs = " and ".join(roster.duties[duty].needs)
    board = open_board(roster, _ANY)
    able = {str(each.office) for each in candidates(roster, board, duty, {}).able}
    if own not in able:
        why = f"{roster.office_title(own)} holds {title}, and has nobody"
        yield Gap(duty, f"{why} with {needs}" if needs else why, "write the skills of its people into inventory/contacts.yaml")
    left = able - {own}
    if not left:
        yield Gap(duty, f"no office but {roster.office_title(own)} could hold {title}", _train(needs))
    elif left <= set(_lost_with(roster, board, own)):
        names = ", ".join(roster.office_title(each) for each in sorted(left))
        yield Gap(duty, f"whoever could take {title} over ({names}) would be lost with {roster.office_title(own)}", _train(needs))


def _train(needs: str) -> str:
    return f"have somebody in another office learn {needs}" if needs else "write a contact of another office into inventory/contacts.yaml"


def _lost_with(roster: Roster, board: Board, office: str) -> tuple[str, ...]:
    names = [office, *neighbours(roster, office)]
    lost = tuple(LostOffice(office=OfficeName(name), since=_ANY, by="", through=None if name == office else ()) for name in names)
    return tuple(affected(roster, Board(at=board.at, lost=lost)))
