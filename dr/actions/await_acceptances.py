"""`await-acceptances`: until somebody holds every duty: whoever is silent or refuses is passed over, and the next is asked.

Safe to repeat, and beside others who do the same: what was said and what is due follows from the records. An acceptance counts when the
store of claims has it; while that does not answer, it is asked again and again.
"""

from datetime import timedelta

from dr.actions.duty_desk import FAILPOINTS, Desk, desk_of
from dr.actions.duty_store import follow_up, heed_store
from dr.errors import Failed
from dr.model.base import Duration, Seconds, Slug, StrictModel
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, StepContext
from dr.policy.duty_standing import still_open
from dr.units import show_duration

_LOOK_EVERY = 1.0
"""Seconds between two looks at the records: an answer is seen at once."""
_AGAIN = timedelta(seconds=15)
"""After which the store is read and the ledger is carried in any case: who recorded an answer may have died before it had its effect."""


class Params(StrictModel):
    exercise: str = ""
    """The rehearsal's name; empty: it is real."""
    most: Duration = Seconds(86400.0)
    """How long after the run began it is waited for at most; what nobody holds then is a failure, and stays a finding."""


class Held(StrictModel):
    duty: Slug
    office: str
    number: int


class Facts(StrictModel):
    held: tuple[Held, ...]


class _Rounds:
    """Of one attempt: when the store must be read again, and what was last said of how it stands."""

    def __init__(self, desk: Desk, ctx: StepContext) -> None:
        self._desk, self._ctx = desk, ctx
        self._again = ctx.clock.now()
        self._said = ""

    def go(self) -> None:
        now = self._ctx.clock.now()
        if self._desk.tick() or now >= self._again:
            follow_up(self._desk, self._ctx, heed_store(self._desk, self._ctx))
            self._again = now + _AGAIN
        self._say()

    def _say(self) -> None:
        line = "; ".join(standing(self._desk)) or "every duty is held"
        if line != self._said:
            self._said = line
            self._ctx.progress(line)


def run(params: Params, ctx: StepContext) -> Outcome:
    desk = desk_of(ctx, params.exercise)
    record = ctx.records.run(ctx.run)
    until = (record.started if record else ctx.clock.now()) + timedelta(seconds=params.most)
    rounds = _Rounds(desk, ctx)
    while True:
        rounds.go()
        if desk.settled() and not ctx.records.uncarried_turns(desk.log):
            break
        if ctx.clock.now() >= until:
            raise Failed(
                f"after {show_duration(params.most)}: {'; '.join(standing(desk))}",
                hint="`dr duties` shows who could take it; an office that takes it says: dr office accept DUTY --office OFFICE",
            )
        ctx.stop.wait(_LOOK_EVERY)
        ctx.check_stop()
    held = tuple(Held(duty=each.duty, office=str(each.office), number=each.number) for each in desk.board().assignments if each.office)
    return Outcome(changed=True, facts=Facts(held=held).to_facts())


def standing(desk: Desk) -> list[str]:
    """What is still open, a piece a duty; nothing when every duty is held."""
    return still_open(desk.roster, desk.board(), desk.clock.now())


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:  # noqa: ARG001
    says = f"would wait, {show_duration(params.most)} at most, until an office has accepted every duty, and ask the next when one is silent"
    return Rehearsal((says,), Facts(held=()).to_facts())


ACTION = Action(
    kind="await-acceptances",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=FAILPOINTS,
    rehearse=rehearse,
)
