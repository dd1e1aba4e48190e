"""The last night of a system as readiness judges it, read from the runs that were recorded."""

from dr.model.base import SystemName
from dr.model.ports import Records
from dr.model.readiness import NightFact
from dr.model.record import RunRecord


def last_night(records: Records, system: SystemName, runbook: str | None, *, limit: int = 20) -> NightFact | None:
    """The newest run of a system's nightly runbook that is over; None if there is none. One without a verdict is INCOMPLETE."""
    runs = records.runs(runbook=runbook, system=system, limit=limit) if runbook else []
    return next((fact for run in runs if (fact := _fact(records, run)) is not None), None)


def _fact(records: Records, run: RunRecord) -> NightFact | None:
    if run.ended is None:
        return None
    failed = tuple(step.step for step in records.steps(run.run) if step.state == "failed")
    return NightFact(run=run.run, verdict=run.verdict or "INCOMPLETE", began=run.started, ended=run.ended, failed=failed)
