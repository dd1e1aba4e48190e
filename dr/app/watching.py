"""How a run stands now, for whoever watches it from any process: what the catalog has, and what its steps last said."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dr.app.approvals import Waiting, paused, waiting
from dr.app.comments import comments
from dr.app.engines import OUTAGE, all_under_way
from dr.app.home import App
from dr.clock import iso
from dr.engine.control import is_carried
from dr.engine.signs import Sign, Signs, last_signs
from dr.errors import ConfigError
from dr.model.base import JsonObject, RunId, Seconds
from dr.model.record import Comment, RunRecord, StepRecord
from dr.model.runbook import Plan, PlannedStep
from dr.policy.burndown import CLOCKED
from dr.policy.unmeasured import left_to_the_machine
from dr.report.gather import rto_so_far

StageState = Literal["to come", "running", "done", "failed", "skipped", "cancelled"]


@dataclass(frozen=True)
class Stage:
    """One step: done, under way or to come. `budget_left` is less than nothing when it is over; `rest`: seconds at this rate."""

    step: str
    section: str
    action: str
    phase: str
    state: StageState
    attempt: int
    took: float | None
    budget: float | None
    budget_left: float | None = None
    what: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    rest: float | None = None
    heard: float | None = None
    """Seconds since its last sign of life."""
    later: str = ""
    """It failed, and is tried again after that long."""


@dataclass(frozen=True)
class Watched:
    """A run as it stands at `at`. Instants are None where there is no objective, or nothing can be foreseen yet."""

    run: str
    runbook: str
    title: str
    kind: str
    system: str
    tier: str
    requested_by: str
    state: str
    verdict: str | None
    at: datetime
    started: datetime
    elapsed: float
    objective: float | None
    deadline: datetime | None
    """The moment at which the objective is missed."""
    left: float | None
    """Seconds until then, while the clock runs."""
    usable: float | None
    """Seconds after which a user could work again: the clock has stopped. Of a recovery after it was opened only."""
    back: datetime | None
    """When a user will be able to work again, at this rate."""
    late: bool
    warning: str
    carried: bool
    """Whether a living process has it; False: it was interrupted, and waits to be resumed."""
    paused_by: str
    paused_since: datetime | None
    stages: tuple[Stage, ...]
    waiting: tuple[Waiting, ...] = ()
    comments: tuple[Comment, ...] = ()

    def to_facts(self) -> JsonObject:
        facts = {name: iso(value) if isinstance(value, datetime) else value for name, value in vars(self).items()}
        return {
            **facts,
            "stages": [asdict(stage) for stage in self.stages],
            "waiting": [one.to_facts() for one in self.waiting],
            "comments": [one.to_facts() for one in self.comments],
        }


def pick(app: App, run: str | None) -> RunRecord:
    """The run of that name; without one the run that is under way. Raises ConfigError where none is, or several are."""
    if run is not None:
        return app.run_record(run)
    every = [record for record in (app.records.run(one.run) for _, one in all_under_way(app.state)) if record and record.state == "running"]
    going = [record for record in every if record.kind != OUTAGE] or every  # who asks means what is being done, not who is being told
    interrupted = app.interrupted()
    carried = [record for record in going if record.run not in interrupted]
    found = carried if len(carried) == 1 else going
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError("several runs are under way", hint=f"name one: {', '.join(record.run for record in found)}")
    last = app.records.runs(limit=1)
    raise ConfigError("no run is under way", hint=f"the last one was {last[0].run}" if last else "begin with: dr run nightly")


def look(app: App, run: RunId) -> Watched:
    """Reads only; safe and cheap to ask twice a second."""
    record = app.run_record(run)
    steps, now = app.records.steps(run), app.clock.now()
    mine = [(state, one) for state, one in all_under_way(app.state) if one.run == run]
    carried = any(is_carried(state, one) for state, one in mine) or record.state != "running"
    signs = last_signs(app.state, run) if carried else Signs()
    seen = watched(record, app.records.plan(run), steps, signs, now, carried=carried)
    pause = paused(app, record)
    return _with(seen, waiting(app, record), comments(app, run), pause)


def _with(seen: Watched, waits: Sequence[Waiting], said: Sequence[Comment], pause: tuple[str, datetime] | None) -> Watched:
    by, since = pause or ("", None)
    return replace(seen, waiting=tuple(waits), comments=tuple(said), paused_by=by, paused_since=since)


def watched(
    record: RunRecord, plan: Plan | None, steps: Sequence[StepRecord], signs: Signs, now: datetime, *, carried: bool = True
) -> Watched:
    """From what is known, without asking anybody."""
    until = record.ended or now
    rto = (record.objective or {}).get("rto") if record.kind in CLOCKED else None
    may = (left_to_the_machine(plan) if plan else None) or rto  # what is declared comes on top of what the clock measures
    deadline = record.started + timedelta(seconds=may) if rto and may else None
    usable = rto_so_far(record, steps) if record.kind in CLOCKED else None
    running = bool(deadline) and usable is None and record.ended is None
    latest = max((sign for sign in signs.steps.values()), key=lambda sign: sign.progress.at, default=None)
    return Watched(
        run=record.run,
        runbook=record.runbook,
        title=record.title,
        kind=record.kind,
        system=record.system or "",
        tier=record.tier or "",
        requested_by=record.requested_by,
        state=record.state,
        verdict=record.verdict,
        at=now,
        started=record.started,
        elapsed=(until - record.started).total_seconds(),
        objective=rto,
        deadline=deadline,
        left=(deadline - now).total_seconds() if deadline and running else None,
        usable=usable.seconds if usable else None,
        back=latest.progress.back if latest and running else None,
        late=running and ((deadline is not None and now >= deadline) or any(sign.progress.late for sign in signs.steps.values())),
        warning=next((sign.late for sign in signs.steps.values() if sign.late), "") if running else "",
        carried=carried,
        paused_by="",
        paused_since=None,
        stages=tuple(_stages(plan, steps, signs, now, over=record.ended is not None)),
    )


def _stages(plan: Plan | None, steps: Sequence[StepRecord], signs: Signs, now: datetime, *, over: bool) -> Iterator[Stage]:
    """Every step of the plan in its order; those for a failure only once there was one."""
    known = {step.step: step for step in steps}
    for planned in (*plan.steps, *plan.on_failure, *plan.always) if plan else ():
        record = known.get(planned.id)  # type: ignore[call-overload]
        if record is None and (over or planned.section == "on_failure"):
            continue
        yield _stage(planned, record, signs.steps.get(planned.id), now)  # type: ignore[call-overload]


def _stage(planned: PlannedStep, record: StepRecord | None, sign: Sign | None, now: datetime) -> Stage:
    took = ((record.ended or now) - record.started).total_seconds() if record and record.started else None
    state: StageState = record.state if record else "to come"
    stage = Stage(
        step=planned.id,
        section=planned.section,
        action=planned.action,
        phase=planned.phase or "",
        state=state,
        attempt=record.attempt if record else 0,
        took=took,
        budget=planned.budget,
        budget_left=planned.budget - (took or 0.0) if planned.budget is not None else None,
        what=record.failure.message if record and record.failure else "",
    )
    if sign is not None and sign.progress.event == "retry-later":
        return replace(stage, later=sign.progress.what)
    return _counting(stage, sign, now) if sign is not None and state == "running" else stage


def _counting(stage: Stage, sign: Sign, now: datetime) -> Stage:
    p, rate = sign.progress, sign.rate
    rest = Seconds(max(0, p.total - p.done) / rate) if rate and p.total and p.done is not None else None
    return replace(
        stage,
        what=p.what if p.event == "working" else "",
        done=p.done,
        total=p.total,
        unit=p.unit,
        rate=rate,
        rest=rest,
        heard=(now - p.at).total_seconds(),
    )
