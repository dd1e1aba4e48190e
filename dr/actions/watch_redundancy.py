"""`watch-redundancy`: look at everything that there are two of, keep what was found, and say what changed since the last look.

What is not whole is a finding for as long as that lasts, and no failure of the run: it was looked at. That nothing was looked at is one.
Safe to repeat: what changed is told against the looks of other runs, so a second attempt says the same. And against those only that came
to where people are told: a run that ended before has told nobody what it saw, and the next one does.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from dr.actions.looking import keep, look_at
from dr.errors import Failed
from dr.model.base import RunId, Slug, StrictModel
from dr.model.ports import Action, Effect, Outcome, Records, Rehearsal, RehearseContext, StepContext
from dr.model.redundancy import KeptReading, Reading, RedundancyEntry, RedundancyState
from dr.policy import redundancy
from dr.units import visible

KEPT = timedelta(days=35)
"""How long a reading is kept: enough to see where a disk goes."""
PREFIX = "redundancy:"
KIND = "watch-redundancy"
_HINTS: dict[RedundancyState, str] = {
    "degraded": "mend it now: one more failure ends it",
    "rebuilding": "until it is done, one more failure ends it",
    "lost": "no half works: is this an outage? dr outage declare",
    "absent": "is it gone, or does inventory/redundancy.yaml name what was never there?",
    "unknown": "look there by hand: what cannot be looked at may have failed",
}


class Params(StrictModel):
    only: tuple[Slug, ...] = ()
    """Names of the inventory's `redundancy`; without any, all."""


class Facts(StrictModel):
    looked: int
    whole: int
    states: dict[str, str]
    any_lost: bool
    lost: str
    """What got worse since the last look, a line each."""
    any_regained: bool
    regained: str


def run(params: Params, ctx: StepContext) -> Outcome:
    entries = {name: entry for name, entry in ctx.inventory.redundancy.items() if not params.only or name in params.only}
    if not entries:
        raise Failed(
            "nothing was looked at: inventory/redundancy.yaml names nothing of that",
            hint="name what there are two of, or take the step out",
        )
    found: dict[str, KeptReading] = {}
    ended = cache(lambda run: _came_to_tell(run, ctx.records))
    changed: dict[str, list[tuple[int, str]]] = {"lost": [], "regained": []}
    for name, entry in entries.items():
        ctx.check_stop()
        ctx.progress(f"looking at {name}")
        before = [kept for kept in ctx.records.readings(name) if kept.run != ctx.run]
        found[name] = kept = keep(name, look_at(entry, before, ctx), before, ctx)
        _note(name, entry, kept.reading, ctx)
        known = [one.reading.state for one in before[: redundancy.REMEMBERED] if one.run is None or ended(one.run)]
        told = redundancy.told([kept.reading.state, *known])
        ctx.failpoint("after-reading")
        if told:
            changed[told].append((-redundancy.GRAVITY[kept.reading.state], "- " + said(name, entry, kept.reading)))
            ctx.audit(f"redundancy.{told}", name, {"state": kept.reading.state})
    _settle_strangers(ctx)
    ctx.records.prune_readings(ctx.clock.now() - KEPT)
    facts = Facts(
        looked=len(found),
        whole=sum(kept.reading.state == "whole" for kept in found.values()),
        states={name: kept.reading.state for name, kept in found.items()},
        any_lost=bool(changed["lost"]),
        lost=_lines(changed["lost"]),
        any_regained=bool(changed["regained"]),
        regained=_lines(changed["regained"]),
    )
    return Outcome(changed=False, facts=facts.to_facts())


def _came_to_tell(run: RunId, records: Records) -> bool:
    """Whether it ended, and had looked at everything: what comes behind the look is its telling. One that nobody knows any more did."""
    record = records.run(run)
    if record is None:
        return True
    looked = any(step.action == KIND and step.state == "done" for step in records.steps(run))
    return looked and record.ended is not None


def _lines(changed: Sequence[tuple[int, str]]) -> str:
    """The gravest first: a notice's subject is its first line."""
    return "\n".join(line for _, line in sorted(changed))


def said(name: str, entry: RedundancyEntry, reading: Reading) -> str:
    """One line for a person: the thing, how it stands, which halves are to blame."""
    title = f"{name} ({entry.title})" if entry.title else name
    where = f" on {entry.host}" if entry.host else ""
    halves = "; ".join(f"{half.name} {half.state}" + (f" ({half.words})" if half.words else "") for half in reading.failing)
    why = halves or reading.words
    return visible(f"{title}{where} is {reading.state.upper()}" + (f": {why}" if why else ""))


def _note(name: str, entry: RedundancyEntry, reading: Reading, ctx: StepContext) -> None:
    """One finding for as long as it is not whole, in the words of the last look."""
    prefix = f"{PREFIX}{name}:"
    standing = []
    if reading.state != "whole":
        standing = [f"{prefix}{reading.state}"]
        ctx.finding(standing[0], redundancy.severity(reading.state), said(name, entry, reading), hint=_HINTS[reading.state])
    ctx.records.close_findings(prefix, standing, ctx.clock.now(), ctx.run)


def _settle_strangers(ctx: StepContext) -> None:
    """What the inventory names no more will never be looked at again."""
    for finding in ctx.records.open_findings():
        if finding.key.startswith(PREFIX) and finding.key.split(":")[1] not in ctx.inventory.redundancy:
            ctx.records.close_finding(finding.key, ctx.clock.now(), ctx.run)


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """Nothing is looked at now."""
    names = [name for name in ctx.inventory.redundancy if not params.only or name in params.only]
    problems = () if names else ("inventory/redundancy.yaml names nothing to look at",)
    return Rehearsal((f"would look at {', '.join(names) or 'nothing'}",), problems=problems)


ACTION = Action(kind=KIND, params=Params, facts=Facts, effect=Effect.READS, run=run, rehearse=rehearse, failpoints=("after-reading",))
