"""`dr recover`: what it would bring back, what is lost, who must agree, said before it begins; then the runbook, for real.

The clock starts at recognition: when the failure was declared (here, or as an outage of the system), else when the command was typed. It
never pauses.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dr import plugins
from dr.actions.select_backup import choose
from dr.app.approvals import how_second
from dr.app.beforehand import goes_on, still_answering, stopped_by_journal, unplaced
from dr.app.forecasts import forecasts
from dr.app.home import App, whoami
from dr.app.in_service import require_fit
from dr.app.reach import beside, require_reachable, shut
from dr.app.unrecorded import require_catalog
from dr.clock import local
from dr.config.plan import compile_plan
from dr.errors import ConfigError, Refused
from dr.model.backup import Copy, at_least
from dr.model.base import RunId, SystemName
from dr.model.record import RunRecord
from dr.model.runbook import Declaration, Plan, PlannedStep, Runbook
from dr.policy.forecast_words import in_words
from dr.policy.opening import wait
from dr.policy.recovery import best_tier, declared_already, loss_words, taken_after, targets
from dr.units import show_duration

_AHEAD = timedelta(minutes=1)
"""A declared time may be this far ahead: it is written to the minute."""


@dataclass(frozen=True)
class Asked:
    """What a person types. `which`: as select-backup takes it. `alone`: why nobody else approves; empty: somebody must."""

    system: str
    reason: str
    which: str | None = None
    tier: str | None = None
    runbook: str | None = None
    declared: str | None = None
    alone: str | None = None
    parameters: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Prepared:
    """A recovery that may be begun. `lines` say what it means, `warnings` what to think of before it begins."""

    plan: Plan
    lines: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def prepare(app: App, asked: Asked) -> Prepared:
    """Choose, compile and look. Nothing is begun. Raises ConfigError for what was typed, Refused for what may not be."""
    system = app.system(asked.system)
    now = app.clock.now()
    declaration = Declaration(
        declared=_recognised(app, system, asked.declared, now),
        reason=_words("--reason", asked.reason),
        by=whoami(),
        alone=_words("--alone", asked.alone) if asked.alone is not None else "",
    )
    require_catalog(app.records, app.repositories(), now, system)
    runbook = _runbook(app, system, asked.runbook)
    given = _parameters(app, system, runbook, asked)
    plan = compile_plan(runbook, app.inventory, given, plugins.kinds(), "recovery", declaration)
    require_fit(plan, app.records, app.inventory)
    _require_standbys(app, plan)
    require_free(app, plan)
    chosen = _foreseen(app, system, plan)
    warnings = (*_beforehand(app, system, plan, chosen), *_warnings(app, system, plan, chosen, now))
    return Prepared(plan, tuple(_lines(app, system, plan, chosen, now)), warnings)


def carry_out(app: App, prepared: Prepared) -> RunRecord:
    """For real. Raises Refused where somebody else began something onto that standby while this person was asked.

    Raises ConfigError where what it opens could not be reached, and its own probe not pass.
    """
    require_reachable(app, prepared.plan)
    require_free(app, prepared.plan)
    return app.carry_out(prepared.plan)


# ---------------------------------------------------------------- what was typed


def _words(option: str, text: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise ConfigError(f"{option} says nothing", hint=f'write why in a few words: {option} "..."; it goes into the evidence')
    return said[:500]


def _recognised(app: App, system: SystemName, typed: str | None, now: datetime) -> datetime:
    if typed is None:
        return declared_already(app.records.outages(open_only=True), system) or now
    return recognised_at("--declared", typed, now, app.inventory.organisation.zone)


def recognised_at(option: str, text: str | None, now: datetime, zone: str) -> datetime:
    """When a failure was recognised: `14:05` is today's, in the organisation's zone. ConfigError for no time, or one still to come."""
    if text is None:
        return now
    here = now.astimezone(ZoneInfo(zone))
    try:
        clock = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
        at = (
            here.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            if clock
            else datetime.fromisoformat(text.strip())
        )
    except ValueError:
        raise ConfigError(f"{option} '{text}' is not a time", hint="write 14:05 (today), or 2026-11-01T14:05") from None
    at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    if at > now + _AHEAD:
        raise ConfigError(
            f"{option} {local(at, zone)} is still to come", hint="it is when the failure was recognised; of yesterday, with its date"
        )
    return min(at, now)


def _runbook(app: App, system: SystemName, named: str | None) -> Runbook:
    name = named or app.inventory.systems[system].runbooks.recover
    if name is None:
        hint = f"write `recover: recover` under the system's `runbooks`; where runbooks/recover.yaml is missing, dr init {app.home} adds it"
        raise ConfigError(f"inventory/systems.yaml names no runbook for a recovery of {system}", hint=hint)
    if name not in app.runbooks:
        raise ConfigError(f"there is no runbook '{name}'", hint=f"runbooks/ has {', '.join(sorted(app.runbooks)) or 'none'}")
    return app.runbooks[name]


def _parameters(app: App, system: SystemName, runbook: Runbook, asked: Asked) -> dict[str, str]:
    """Those that the runbook has; the tier that gives the most back where none is named. What was typed and it does not have is refused."""
    given = {"system": str(system), **({"tier": asked.tier} if asked.tier else {}), **({"select": asked.which} if asked.which else {})}
    if "system" not in runbook.parameters:
        del given["system"]
    if "tier" in runbook.parameters and "tier" not in given and "tier" not in (asked.parameters or {}):
        given["tier"] = _tier(app, system, asked.which or "newest")
    return {**given, **(asked.parameters or {})}


def _tier(app: App, system: SystemName, which: str) -> str:
    objectives = app.inventory.systems[system].objectives.tiers
    copies = [c for c in app.records.copies(system) if not c.damaged]
    found, refusals = {}, []
    for tier in dict.fromkeys([*objectives, *(c.tier for c in copies)]):
        here = [c for c in copies if c.tier == tier]
        try:
            found[tier] = _choose(app, which, here)
        except Refused as refusal:
            refusals.append(refusal)
    best = best_tier(found, {name: float(objective.rto) for name, objective in objectives.items()})
    if best is None:
        raise refusals[-1] if refusals else Refused(f"there is no undamaged copy of {system}", hint="dr backups list")
    return best


def _choose(app: App, which: str, copies: Sequence[Copy]) -> Copy:
    if not copies:
        raise Refused(
            "there is no undamaged copy at all",
            hint="`dr backups list` shows what there is; after a loss of the catalog, dr catalog rebuild",
        )
    return choose(which, copies, app.clock.now(), app.inventory.organisation.zone, seed="recovery")[0]


def _require_standbys(app: App, plan: Plan) -> None:
    """Raises ConfigError for a host that is no standby, before anybody is told of a recovery that its guard would refuse."""
    hosts = app.inventory.hosts
    for host in [one for one in targets(plan) if one in hosts and hosts[one].role != "standby"]:
        spare = [name for name, entry in hosts.items() if entry.role == "standby"]
        raise ConfigError(
            f"host '{host}' is no standby: its role in the inventory is '{hosts[host].role}'",
            hint=f"nothing is ever restored there; the inventory's standbys: {', '.join(spare) or 'none'}",
        )


def require_free(app: App, plan: Plan) -> None:
    """Raises Refused where a drill is under way on the standby: one that was broken off would be taken up first. A person ends it, now.

    A recovery that is under way is nobody's to end: whoever types the same in a second terminal is told where to look on.
    """
    interrupted = set(app.interrupted())
    for run in sorted(app.services.active()):
        theirs = app.records.plan(run)
        shared = [host for host in targets(theirs) if host in targets(plan)] if theirs else []
        if shared and theirs is not None and theirs.kind == "recovery":
            goes_on = f"dr runs resume {run}" if run in interrupted else f"look on: dr runs watch {run}"
            raise Refused(f"a recovery onto host '{shared[0]}' is under way already: {run}", hint=goes_on)
        if shared:
            how = "cancel --hard" if run in interrupted else "cancel"
            raise Refused(f"host '{shared[0]}' is held by {run}", hint=f"dr runs {how} {run}, then type this again")


# ---------------------------------------------------------------- what it means


def _foreseen(app: App, system: SystemName, plan: Plan) -> Copy | None:
    """The copy that will be chosen; None where an earlier step decides. Raises Refused where there is none."""
    step = _select(plan)
    which, tier = (str(step.with_.get(key, "newest")) for key in ("which", "tier")) if step else ("${steps", "")
    if "${steps" in which or "${steps" in tier:
        return None
    here = [c for c in app.records.copies(system) if c.tier == tier and not c.damaged]
    if not here:
        raise Refused(
            f"there is no undamaged copy of {system} in tier {tier}", hint="`dr backups list` shows what there is; name another --tier"
        )
    return _choose(app, which, here)


def _select(plan: Plan) -> PlannedStep | None:
    return next((s for s in plan.steps if s.action == "select-backup"), None)


def _lines(app: App, system: SystemName, plan: Plan, chosen: Copy | None, now: datetime) -> Iterator[tuple[str, str]]:
    zone, said = app.inventory.organisation.zone, plan.declaration
    assert said is not None
    declared = local(said.declared, zone)
    if chosen is None:
        yield "comes back", "the backup that this runbook itself makes"
    else:
        yield "comes back", f"{chosen.set} from {chosen.repository} ({chosen.tier}, {chosen.level}), as of {local(chosen.as_of, zone)}"
        yield "IS LOST", loss_words(said.declared, chosen.as_of, zone)
    onto = ", ".join(targets(plan)) or "the host that the runbook names"
    yield "onto", f"{onto}, which is production from `open` on: no standby any more, and no drill until there is a new one"
    yield "clock", f"runs since {declared}, when the failure was recognised{_left(plan, said.declared, now, zone)}"
    for one in forecasts(system, app.inventory, app.records, app.clock):
        if one.tier == plan.tier:
            yield "foreseen", in_words(one)
    shut = _until_open(app, system, plan, now)
    if shut:
        yield "CLOSED", shut
    yield "reason", said.reason
    yield (
        "approval",
        f"nobody else is asked: {said.alone}"
        if said.alone
        else f"somebody other than {said.by} must approve before it is opened; {how_second(app, said.by, 'RUN')}",
    )


def _until_open(app: App, system: SystemName, plan: Plan, now: datetime) -> str:
    """Where the place of the tier cannot be entered now: from when on it can."""
    objective = app.inventory.systems[system].objectives.tiers.get(plan.tier or "")
    zone = app.inventory.organisation.zone
    waits = wait(objective.unmeasured if objective else None, zone, now)
    return f"{plan.tier} opens {local(now + timedelta(seconds=waits), zone)}, {show_duration(waits)} from now" if waits else ""


def _left(plan: Plan, declared: datetime, now: datetime, zone: str) -> str:
    if plan.objective is None:
        return ""
    deadline = declared + timedelta(seconds=plan.objective.rto)
    left = (deadline - now).total_seconds()
    ends = f"; the objective of {show_duration(plan.objective.rto)} ends {local(deadline, zone)}"
    return f"{ends}, {show_duration(left)} from now" if left > 0 else f"{ends}: it is missed already"


def _beforehand(app: App, system: SystemName, plan: Plan, chosen: Copy | None) -> Iterator[str]:
    yield from (one.message for one in shut(app, plan))
    yield from still_answering(app, system) if chosen is not None else goes_on(app, system, plan)
    yield from stopped_by_journal(app, system)
    yield from unplaced(app, plan)
    yield from beside(app, system, plan)


def _warnings(app: App, system: SystemName, plan: Plan, chosen: Copy | None, now: datetime) -> Iterator[str]:
    said = plan.declaration
    if chosen is None or said is None:
        return
    zone = app.inventory.organisation.zone
    if chosen.shrunken:
        yield f"{chosen.set} is much smaller than the one before it: was the damage in it already? `--at TIME` takes an earlier one"
    if not at_least(chosen.level, "intact"):
        yield f"{chosen.set} is only {chosen.level}: it was never read back; an older one may be surer (dr backups list)"
    if taken_after(said.declared, chosen.as_of):
        yield f"{chosen.set} was taken after the failure was recognised: `--at TIME` takes an earlier one, if it holds the damage"
    newer = [c for c in app.records.copies(system) if c.as_of > chosen.as_of and not c.damaged and c.instant <= now]
    if newer and (_select(plan) or plan.steps[0]).with_.get("which") == "newest":
        one = newer[0]
        yield f"tier {one.tier} has a newer set, as of {local(one.as_of, zone)}: --tier {one.tier} loses less"


def interrupted_recovery(app: App, system: SystemName) -> RunId | None:
    """A recovery of the system that was broken off: it goes on where it was, which is sooner than another."""
    for run in app.interrupted():
        record = app.records.run(run)
        if record is not None and (record.kind, record.system) == ("recovery", system):
            return run
    return None
