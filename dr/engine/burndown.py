"""How a drill stands against its objective, at every sign of life of a step; and the warning, before it is missed."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from dr.clock import local
from dr.model.base import RunId, Seconds, SetId, StepId, SystemName
from dr.model.forecast import DrillSample
from dr.model.ports import Records
from dr.model.record import Finding, RunRecord, StepRecord
from dr.model.runbook import Plan, PlannedStep
from dr.policy.burndown import CLOCKED, Outlook, after, burns, outlook
from dr.policy.drill_times import sample_of
from dr.policy.still import spoils
from dr.policy.unmeasured import left_to_the_machine
from dr.units import show_duration

_LOOKED_AT = 20
"""Runs among which the last drill of the same tier is looked for."""


def late_key(plan: Plan, run: RunId | str) -> str:
    """Of the finding that a run foresees to miss its objective; with no run the beginning of all of that tier's."""
    return f"late:{plan.system}:{plan.tier or plan.runbook}:{run}"


def forget_earlier(run: RunId, plan: Plan, records: Records, now: datetime) -> None:
    """What an earlier drill of the tier foresaw is over when a new one begins, which makes its own."""
    if plan.kind in CLOCKED and plan.objective is not None:
        records.close_findings(late_key(plan, ""), [late_key(plan, run)], now, run)


class Burndown:
    """Of one attempt at a step. `see` may be called by any thread."""

    def __init__(self, run: RunId, plan: Plan, planned: PlannedStep, records: Records, zone: str) -> None:
        self._run, self._plan, self._planned, self._records, self._zone = run, plan, planned, records, zone
        self._lock = threading.Lock()
        self._recognised: datetime | None = None
        self._after = Seconds(0.0)
        self._warned = False
        self.running = burns(plan, planned.id)

    def see(self, began: datetime, now: datetime, done: int | None, total: int | None) -> tuple[Outlook | None, str]:
        """How it stands; and, the first time that it will be too late, the warning in words, which is on record then."""
        may = left_to_the_machine(self._plan)
        if not self.running or may is None:
            return None, ""
        with self._lock:
            self._look_up(now)
            found = outlook(self._recognised or began, may, began, now, done=done, total=total, after=self._after)
            if found.late is None or self._warned:
                return found, ""
            self._warned = True
        said = self._words(found, now)
        self._records.finding(self._finding(said, now))
        return found, said

    def over(self, now: datetime) -> None:
        """The step is done: where it ended in time after all, what was foreseen is no warning any more, but stays on record."""
        may = left_to_the_machine(self._plan)
        if not self.running or may is None:
            return
        key = late_key(self._plan, self._run)
        warned = [f for f in self._records.open_findings(self._system()) if f.key == key and f.severity == "warning"]
        with self._lock:
            self._look_up(now)
        in_time = now + timedelta(seconds=self._after) <= (self._recognised or now) + timedelta(seconds=may)
        if warned and in_time:
            said = warned[0].message.removeprefix(f"{self._run}: ")
            after_all = f"'{self._planned.id}' ended in time after all; while it ran it was said: {said}"
            self._records.finding(self._finding(after_all, now).model_copy(update={"severity": "info"}))

    def _system(self) -> SystemName | None:
        return SystemName(self._plan.system) if self._plan.system else None

    def _look_up(self, now: datetime) -> None:
        """Once: when the clock began, and what the last drill of the tier says of the time after this step."""
        if self._recognised is not None:
            return
        record = self._records.run(self._run)
        self._recognised = record.started if record else now
        self._after = after(self._planned.phase, self._last())

    def _last(self) -> DrillSample | None:
        if self._plan.system is None:
            return None
        for run in self._records.runs(system=SystemName(self._plan.system), kind="drill", limit=_LOOKED_AT):
            if run.tier == self._plan.tier and run.run != self._run and run.ended is not None:
                steps = self._records.steps(run.run)
                restored = next((SetId(s.facts["set"]) for s in steps if s.action == "restore" and s.facts.get("set")), None)
                sample = self._sample(run, steps, restored) if restored else None
                if sample is not None:
                    return sample
        return None

    def _sample(self, run: RunRecord, steps: Sequence[StepRecord], restored: SetId) -> DrillSample | None:
        """One that lay still is passed over: what a pause took says nothing of this run."""
        found = sample_of(run, steps, self._records.manifest(restored), None, self._records.audit_of(run.run))
        return found if found and not spoils(found.still, sum(p.seconds for p in found.phases if p.inside)) else None

    def _words(self, found: Outlook, now: datetime) -> str:
        may = left_to_the_machine(self._plan)
        assert self._plan.objective is not None and may is not None
        rto = self._plan.objective.rto
        declared = f" ({show_duration(rto - may)} of it declared)" if may < rto else ""
        objective = f"the objective of {show_duration(rto)}{declared}"
        deadline = local(found.deadline, self._zone)
        if now >= found.deadline:
            return f"{objective} was missed at {deadline}, in '{self._planned.id}'"
        late = f"missed by about {show_duration(found.late or 0)} at this rate"
        return f"{objective}, which ends {deadline}, will be {late} (in '{self._planned.id}')"

    def _finding(self, said: str, now: datetime) -> Finding:
        return Finding(
            key=late_key(self._plan, self._run),
            severity="warning",
            system=self._system(),
            message=f"{self._run}: {said}",
            hint="this was said while it ran; the next run of the same kind looks anew",
            run=self._run,
            step=StepId(self._planned.id),
            at=now,
        )
