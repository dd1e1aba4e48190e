"""Drills as readiness judges them, read from the runs that were recorded."""

from dr.model.base import JsonObject, Seconds, SetId, Sha256, SystemName
from dr.model.ports import Records
from dr.model.readiness import DrillFact
from dr.model.record import RunRecord


def drill_facts(records: Records, system: SystemName, *, limit: int = 100) -> list[DrillFact]:
    """The finished drills of a system, newest first. One that ended without a verdict (cancelled, say) is INCOMPLETE."""
    found = [fact for run in records.runs(system=system, kind="drill", limit=limit) if (fact := _fact(records, run)) is not None]
    last = {fact.tier: fact.run for fact in sorted(found, key=lambda fact: (fact.ended, fact.run))}
    return [fact.model_copy(update={"rests_on": _rests_on(records, fact)}) if last[fact.tier] == fact.run else fact for fact in found]


def _rests_on(records: Records, fact: DrillFact) -> dict[str, Sha256]:
    """Of the last drill of its tier alone: nobody asks whether an older one still stands."""
    plan = records.plan(fact.run)
    return plan.rests_on if plan else {}


def _fact(records: Records, run: RunRecord) -> DrillFact | None:
    """RTO as the `report` step measured it, with what was declared beside it; the set as `select-backup` chose it."""
    if run.ended is None or run.tier is None:
        return None
    facts = {step.action: step.facts for step in records.steps(run.run) if step.facts}
    chosen = facts.get("select-backup", {}).get("set")
    return DrillFact(
        run=run.run,
        tier=run.tier,
        verdict=run.verdict or "INCOMPLETE",
        ended=run.ended,
        rto=_seconds(facts.get("report", {}), "rto_total", "rto_seconds"),
        measured=_seconds(facts.get("report", {}), "rto_seconds"),
        waited=_seconds(facts.get("restore", {}), "waited") or Seconds(0.0),
        set=SetId(chosen) if chosen else None,
    )


def _seconds(facts: JsonObject, *names: str) -> Seconds | None:
    """The first that is there: an older release wrote no total."""
    return next((Seconds(float(facts[name])) for name in names if facts.get(name) is not None), None)
