"""`keep-told`: keep people told of an outage until it is over: what they are owed is carried, and a word comes even when nothing changed.

Safe to repeat, and beside others who do the same (a command, a timer): what is owed follows from the records, and has the same name
whoever owes it. It ends with the outage, once everybody was told so, or was tried: who was not reached is left to whoever carries notices.
"""

from datetime import datetime, timedelta

from dr.actions.outage_telling import owe_words
from dr.errors import ConfigError
from dr.model.base import StrictModel
from dr.model.outage import Outage, OutageId
from dr.model.ports import Action, Effect, Outcome, Records, Rehearsal, RehearseContext, StepContext
from dr.policy.outages import rules_of
from dr.units import show_duration

_LOOK_EVERY = 2.0
"""Seconds between two looks at the records: what a command put there is carried at once."""
_ROUND_EVERY = timedelta(seconds=30)
"""After which the ledger is brought up to what is owed, and carried, in any case: half the margin with which a word is owed early."""


class Params(StrictModel):
    outage: str = ""
    """Its id; empty: the only one that is open."""


class Facts(StrictModel):
    outage: str
    state: str
    words: int
    """That this attempt put into the ledger."""


class _Rounds:
    """Of one attempt: what is owed, and when it must be carried again."""

    def __init__(self, outage: OutageId, ctx: StepContext) -> None:
        self._outage, self._ctx = outage, ctx
        self._again: datetime | None = None
        self._said = 0
        self.words = 0

    def go(self) -> Outage:
        """A look, and a round where something was said or done meanwhile, or it is time; gives back the outage as it is."""
        outage, now = _known(self._outage, self._ctx.records), self._ctx.clock.now()
        said = len(self._ctx.records.outage_entries(outage.id))
        if said != self._said or self._again is None or now >= self._again or outage.ended is not None:
            self._round(outage, now)
        self._said = said
        return outage

    def _round(self, outage: Outage, now: datetime) -> None:
        self.words += len(owe_words(outage, self._ctx, now, lambda: self._ctx.failpoint("after-owed")))
        carried = self._ctx.post.carry(outage.id)
        self._ctx.failpoint("after-carried")
        self._again = min(carried.next or now + _ROUND_EVERY, now + _ROUND_EVERY)


def run(params: Params, ctx: StepContext) -> Outcome:
    outage = which(params.outage, ctx.records)
    ctx.records.keep_outage(outage.id, ctx.run)
    ctx.progress(f"keeps people told of {outage.id}, {outage.about}, until it is over")
    rounds = _Rounds(outage.id, ctx)
    while (outage := rounds.go()).ended is None:
        ctx.stop.wait(_LOOK_EVERY)
        ctx.check_stop()
    return Outcome(changed=rounds.words > 0, facts=Facts(outage=outage.id, state=outage.state, words=rounds.words).to_facts())


def which(named: str, records: Records) -> Outage:
    """The outage of that name; without one, the only one that is open. Raises ConfigError."""
    if named:
        return _known(OutageId(named), records)
    open_ones = records.outages(open_only=True)
    if len(open_ones) != 1:
        names = ", ".join(one.id for one in open_ones)
        raise ConfigError(
            f"which outage? there are {names}" if names else "there is no open outage",
            hint="dr outage list --all" if not names else f"name one, for example {open_ones[0].id}",
        )
    return open_ones[0]


def _known(name: OutageId, records: Records) -> Outage:
    found = records.outage(name)
    if found is None:
        raise ConfigError(f"there is no outage '{name}'", hint="dr outage list --all")
    return found


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    rules = rules_of(ctx.inventory)
    often = f"{show_duration(rules.cadence.major)} (major), {show_duration(rules.cadence.minor)} (minor)"
    says = (f"would keep people told until it is over; {rules.hears} hear at least every {often}",)
    return Rehearsal(says, Facts(outage=params.outage, state="resolved", words=0).to_facts())


ACTION = Action(
    kind="keep-told",
    params=Params,
    facts=Facts,
    effect=Effect.TELLS,
    run=run,
    failpoints=("after-owed", "after-carried"),
    rehearse=rehearse,
)
