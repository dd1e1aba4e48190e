"""How many people must say that an office is lost. Pure."""

from dataclasses import dataclass

from dr.model.duty import Board
from dr.policy.roster import Roster


@dataclass(frozen=True)
class Confirming:
    people: int
    why: str


def confirming(roster: Roster, board: Board, office: str) -> Confirming:
    """One, where the main office says so of another. Where the main office itself is silent, as many as the policy wants: a cut cable
    between two offices looks like a loss from both its ends."""
    main = next((name for name, each in roster.offices.items() if each.main), None)
    silent = main is not None and (main == office or board.loss(main) is not None)
    if not silent:
        return Confirming(1, "the main office is there to say so")
    return Confirming(roster.failover.confirm, f"the main office, {roster.office_title(str(main))}, is silent")
