"""`reassign-duties`: put on record that an office is lost, and ask the next office for each of its duties.

Safe to repeat: the loss is one turn of the failover machine, whatever follows from it is done once. Nothing moves here: an office holds a
duty when it accepted and the store took its claim. Where the store of claims does not answer, everybody is asked all the same.
"""

from dr.actions.duty_desk import FAILPOINTS, desk_of
from dr.actions.duty_store import follow_up, heed_store
from dr.errors import Refused
from dr.model.base import OfficeName, Slug, StepId, StrictModel
from dr.model.duty_events import Lost, Rejected
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, StepContext
from dr.policy.duty_proposal import proposal
from dr.policy.failover import open_board
from dr.policy.roster import roster_of


class Params(StrictModel):
    office: str
    through: str = "all"
    """What it depends on that failed with it, by blanks; `all`: nobody knows, so all of it; `none`: the office only."""
    exercise: str = ""
    """The rehearsal's name; empty: it is real."""
    approval: StepId = StepId("approval")
    """The step that asked a second person, if one was asked."""


class Facts(StrictModel):
    office: str
    asked: tuple[Slug, ...]
    """Duties for which an office is asked now."""
    unheld: tuple[Slug, ...]
    """Duties for which nobody is left to ask."""


def run(params: Params, ctx: StepContext) -> Outcome:
    desk = desk_of(ctx, params.exercise, confirmed_by(ctx, params.approval))
    unread = heed_store(desk, ctx)
    now = desk.clock.now()
    said = Lost(at=now, office=OfficeName(params.office), by=desk.by, through=parts(params.through), exercise=bool(params.exercise))
    taken = desk.say(said)
    rejected = [each for each in (taken.turn.transitions if taken else ()) if isinstance(each, Rejected)]
    if rejected:
        raise Refused(f"{params.office} is not put down as lost: {rejected[0].why}", hint="dr duties")
    follow_up(desk, ctx, unread)
    board = desk.board()
    asked = tuple(each.duty for each in board.assignments if each.asked is not None)
    unheld = tuple(each.duty for each in board.assignments if each.state == "unheld")
    return Outcome(changed=taken is not None, facts=Facts(office=params.office, asked=asked, unheld=unheld).to_facts())


def parts(said: str) -> tuple[Slug, ...] | None:
    """Of what an office depends on, what failed: as `Lost.through` takes it."""
    return None if said == "all" else () if said == "none" else tuple(said.split())


def confirmed_by(ctx: StepContext, approval: StepId) -> str:
    """Everybody who said that the office is lost."""
    agreed = ctx.facts_of(approval) or {}
    return f"{ctx.requested_by}, confirmed by {agreed['by']}" if agreed.get("by") else ctx.requested_by


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    roster, now = roster_of(ctx.inventory), ctx.clock.now()
    board = ctx.records.board(params.exercise) or open_board(roster, now, exercise=bool(params.exercise))
    said = Lost(
        at=now, office=OfficeName(params.office), by="(whoever begins it)", through=parts(params.through), exercise=bool(params.exercise)
    )
    found = proposal(roster, board, said)
    says = tuple(line.words for line in found)
    asked = tuple(line.duty for line in found if line.to is not None)
    unheld = tuple(line.duty for line in found if line.to is None)
    return Rehearsal(says, Facts(office=params.office, asked=asked, unheld=unheld).to_facts())


ACTION = Action(
    kind="reassign-duties",
    params=Params,
    facts=Facts,
    effect=Effect.TELLS,
    run=run,
    failpoints=FAILPOINTS,
    rehearse=rehearse,
)
