"""`forecast`: how long it would take to be back tonight, from each tier, by the drills that were held; a breach is a finding.
So is a standby of others on which nothing may be restored (any more, or soon).

Long before a disaster, and every night: the data grows, the objective does not. Safe to repeat: it only reads what is on record.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dr.errors import Refused
from dr.model.base import HostName, SetId, StrictModel, SystemName, TierName
from dr.model.forecast import DrillSample, TierForecast, Tonight
from dr.model.inventory import Inventory, TierObjective
from dr.model.ports import Action, Effect, Outcome, Records, Rehearsal, RehearseContext, StepContext
from dr.model.written import rests_on
from dr.policy.agreements import FINDING, findings
from dr.policy.drill_times import sample_of, tonight_of
from dr.policy.forecast import MOST, forecast
from dr.policy.forecast_words import breach, in_words
from dr.policy.opening import worst
from dr.policy.unmeasured import shut_out

_DRILLS = 2 * MOST
"""Runs that are looked at, the newest: of two tiers as many as count."""


class Params(StrictModel):
    system: SystemName
    set: SetId | None = None
    """What would be brought back; None: the newest."""
    tiers: tuple[TierName, ...] = ()
    """None named: every tier that has an objective."""
    standby: HostName | None = None
    """Where it would be restored; None: where the tier was last drilled."""


class Facts(StrictModel):
    forecasts: tuple[TierForecast, ...] = ()


def run(params: Params, ctx: StepContext) -> Outcome:
    _say_agreements(ctx)
    found = foresee(params, ctx.inventory, ctx.records, ctx.clock.now())
    if found is None:
        raise Refused(f"there is no set of {params.system} on record to make a forecast for", hint="a backup step must come before it")
    _say(params.system, found, ctx)
    return Outcome(changed=False, facts=Facts(forecasts=found).to_facts())


def foresee(params: Params, inventory: Inventory, records: Records, now: datetime) -> tuple[TierForecast, ...] | None:
    """For every tier that is asked for; None where there is no set whose size is known."""
    newest = records.newest(params.system) if params.set is None else None
    named = params.set or (newest.set if newest else None)
    manifest = records.manifest(named) if named else None
    if manifest is None:
        return None
    tonight = tonight_of(manifest, records.summary(manifest.set))
    written = rests_on({}, inventory.to_facts()["hosts"])
    samples, objectives = drills(params.system, records), inventory.systems[params.system].objectives.tiers
    return tuple(
        _of_tier(tier, samples, tonight, now, objectives.get(tier), params.standby, inventory.organisation.zone, written)
        for tier in params.tiers or sorted(objectives)
    )


def _of_tier(
    tier: str,
    samples: Sequence[DrillSample],
    tonight: Tonight,
    now: datetime,
    objective: TierObjective | None,
    standby: HostName | None,
    zone: str,
    written: Mapping[str, str],
) -> TierForecast:
    said = objective.unmeasured if objective else None
    closed = worst(said, zone, now)
    return forecast(tier, samples, tonight, now, objective=objective, standby=standby, unmeasured=said, closed=closed, written=written)


def drills(system: SystemName, records: Records) -> list[DrillSample]:
    """What the past drills of a system measured; those that measured nothing are left out."""
    found: list[DrillSample] = []
    for run in records.runs(system=system, kind="drill", limit=_DRILLS):
        steps = records.steps(run.run)
        restored = next((SetId(s.facts["set"]) for s in steps if s.action == "restore" and s.facts.get("set")), None)
        if restored is not None:
            known = records.manifest(restored), records.summary(restored)
            sample = sample_of(run, steps, *known, records.audit_of(run.run), records.plan(run.run))
            found += [sample] if sample else []
    return found


def _say(system: SystemName, found: Sequence[TierForecast], ctx: StepContext) -> None:
    """Where there is no forecast what is open stays open: today nobody can tell. That a door is shut can be told without any drill."""
    prefix = f"forecast:{system}:"
    keep = [f"{prefix}{one.tier}" for one in found if one.p50 is None]
    for wrong in [wrong for one in found for wrong in (breach(system, one), shut_out(system, one)) if wrong]:
        keep.append(wrong.key)
        ctx.finding(wrong.key, wrong.severity, wrong.message, system=system, hint=wrong.hint)
    ctx.records.close_findings(prefix, keep, ctx.clock.now(), ctx.run)


def _say_agreements(ctx: StepContext) -> None:
    """A standby on which nothing may be restored has no time at all."""
    wrong = list(findings(ctx.inventory, ctx.clock.now()))
    for one in wrong:
        ctx.finding(one.key, one.severity, one.message, hint=one.hint)
    ctx.records.close_findings(FINDING, [one.key for one in wrong], ctx.clock.now(), ctx.run)


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """As `run`, for the newest set where the night's own is not there yet, and without its findings."""
    known = params.set is None or ctx.records.manifest(params.set) is not None
    asked = params if known else params.model_copy(update={"set": None})
    found = foresee(asked, ctx.inventory, ctx.records, ctx.clock.now())
    if found is None:
        return Rehearsal(("would say how long a recovery takes; there is no set on record yet",))
    return Rehearsal(_lines(found))


def _lines(found: Sequence[TierForecast]) -> tuple[str, ...]:
    return tuple(f"from {one.tier}: {in_words(one)}" for one in found)


ACTION = Action(kind="forecast", params=Params, facts=Facts, effect=Effect.READS, run=run, rehearse=rehearse)
