"""What the loss of an office would do, before anybody says that it is lost: each of its duties, who would be asked, and why. Pure."""

from dr.model.duty import Board, DutyName
from dr.model.duty_events import Ask, Lost, Release, Unheld
from dr.model.duty_proposal import Proposed
from dr.policy.failover import turn
from dr.policy.roster import Roster


def proposal(roster: Roster, board: Board, lost: Lost) -> list[Proposed]:
    """Every duty that the loss would take from its holder, or for which somebody else would be asked, the most important first."""
    found = turn(roster, board, lost)
    asks = {each.duty: each for each in found.transitions if isinstance(each, Ask)}
    nobody = {each.duty: each for each in found.transitions if isinstance(each, Unheld)}
    freed = {each.duty: each for each in found.transitions if isinstance(each, Release)}
    return [
        _proposed(roster, board, each.duty, freed.get(each.duty), asks.get(each.duty), nobody.get(each.duty))
        for each in found.board.assignments
        if each.duty in asks or each.duty in nobody
    ]


def _proposed(roster: Roster, board: Board, duty: DutyName, freed: Release | None, ask: Ask | None, nobody: Unheld | None) -> Proposed:
    before = board.of(duty)
    passed = ask.passed if ask else nobody.passed if nobody else ()
    return Proposed(
        duty=duty,
        title=roster.duty_title(duty),
        holder=roster.office_title(before.office) if before and before.office else "",
        why=freed.why if freed else "",
        to=ask.office if ask else None,
        to_title=roster.office_title(ask.office) if ask else "",
        until=ask.until if ask else None,
        reasons=ask.reasons if ask else (),
        passed=passed,
    )
