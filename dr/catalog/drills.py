"""Drills as readiness judges them, read from the runs that were recorded."""

from dr.model.base import JsonObject, Seconds, SetId, SystemName
from dr.model.ports import Records
from dr.model.readiness import DrillFact
from dr.model.record import RunRecord


def drill_facts(records: Records, system: SystemName, *, limit: int = 100) -> list[DrillFact]:
    """The finished drills of a system, newest first. One that ended without a verdict (cancelled, say) is INCOMPLETE."""
    return [fact for run in records.runs(system=system, kind="drill", limit=limit) if (fact := _fact(records, run)) is not None]


def _fact(records: Records, run: RunRecord) -> DrillFact | None:
    """RTO as the `report` step measured it, the set as `select-backup` chose it."""
    if run.ended is None or run.tier is None:
        return None
    facts = {step.action: step.facts for step in records.steps(run.run) if step.facts}
    chosen = facts.get("select-backup", {}).get("set")
    return DrillFact(
        run=run.run,
        tier=run.tier,
        verdict=run.verdict or "INCOMPLETE",
        ended=run.ended,
        rto=_seconds(facts.get("report", {})),
        set=SetId(chosen) if chosen else None,
    )


def _seconds(facts: JsonObject) -> Seconds | None:
    measured = facts.get("rto_seconds")
    return Seconds(float(measured)) if measured is not None else None
