"""One run's facts of record, gathered into Evidence. Reads the catalog; measures nothing that was not recorded."""

from collections.abc import Sequence
from datetime import datetime

from dr.model.base import JsonObject, Seconds, StepId, SystemName
from dr.model.evidence import Chosen, CopyFact, Evidence
from dr.model.inventory import Inventory
from dr.model.ports import Records
from dr.model.record import CheckResult, RpoMeasured, RtoMeasured, RunRecord, ScrubCertificate, StepRecord, Verdict
from dr.model.runbook import Plan
from dr.policy.rpo import worst_gap
from dr.policy.verdict import judge_records
from dr.units import show_duration


def gather(
    run: RunRecord, plan: Plan, records: Records, inventory: Inventory, now: datetime, *, tool: str, writing: StepId | None
) -> Evidence:
    """`writing`: the report step that asks, which is itself not finished; None when the run has ended."""
    steps = tuple(s for s in records.steps(run.run) if s.step != writing)
    checks = _checks(steps)
    rto, rpo = measure_rto(run, checks), _rpo(run, records, inventory, now)
    judged = judge_records(plan, steps, cancelled=run.state == "cancelled", so_far=writing is not None)
    verdict, reasons = _with_time(judged.verdict, judged.reasons, run, rto)
    return Evidence(
        organisation=inventory.organisation.name,
        zone=inventory.organisation.zone,
        written=now,
        tool=tool,
        run=run,
        verdict=verdict,
        reasons=reasons,
        scope=_scope(run.system, inventory),
        chosen=_chosen(steps, records),
        steps=tuple(_lean(s) for s in steps),
        rto=rto,
        rpo=rpo,
        copies=_copies(run.system, records),
        checks=checks,
        findings=tuple(records.open_findings(run.system)),
        scrub=_scrub(steps),
        audit=records.audit_head(),
    )


def measure_rto(run: RunRecord, checks: Sequence[CheckResult]) -> RtoMeasured | None:
    """From recognition (the run's start) to the end of the first check that succeeded as a user would; None for no drill or recovery."""
    if run.kind not in ("drill", "recovery"):
        return None
    back = [c.ended for c in checks if c.user_level and c.passed]
    if not back:
        return None
    seconds = Seconds((min(back) - run.started).total_seconds())
    objective = run.objective or {}
    rto, target = objective.get("rto"), objective.get("target")
    return RtoMeasured(seconds=seconds, objective=rto, target=target, within=None if rto is None else seconds <= rto)


def _with_time(verdict: Verdict, reasons: Sequence[str], run: RunRecord, rto: RtoMeasured | None) -> tuple[Verdict, tuple[str, ...]]:
    """A drill that was too slow, or that nobody could use at its end, did not pass."""
    if rto is not None and rto.within is False:
        over = f"RTO {show_duration(rto.seconds)} is over the objective of {show_duration(rto.objective or 0)}"
        return "FAIL", (*reasons, over)
    if run.kind == "drill" and rto is None and verdict == "PASS":
        return "INCOMPLETE", (*reasons, "no user-level check succeeded, so no RTO was measured")
    return verdict, tuple(reasons)


def _rpo(run: RunRecord, records: Records, inventory: Inventory, now: datetime) -> RpoMeasured | None:
    if run.system is None or run.system not in inventory.systems:
        return None
    instants = {c.instant for c in records.copies(SystemName(run.system)) if not c.damaged}
    return worst_gap(instants, now).against(inventory.systems[run.system].objectives.rpo)


def _checks(steps: Sequence[StepRecord]) -> tuple[CheckResult, ...]:
    return tuple(CheckResult.from_facts(r) for s in steps if s.action == "check" for r in s.facts.get("results", ()))


def _scrub(steps: Sequence[StepRecord]) -> ScrubCertificate | None:
    found = [s.facts["certificate"] for s in steps if s.action == "scrub" and "certificate" in s.facts]
    return ScrubCertificate.from_facts(found[-1]) if found else None


def _lean(step: StepRecord) -> StepRecord:
    """The step without what the evidence says elsewhere (checks, certificate) or has no need of (the needle's token, places)."""
    dropped = {"results", "certificate", "needle", "places"}
    return step.model_copy(update={"facts": {k: v for k, v in step.facts.items() if k not in dropped}})


def _scope(system: str | None, inventory: Inventory) -> JsonObject:
    entry = inventory.systems.get(system or "")
    if entry is None:
        return {}
    sources = {name: {"kind": s.kind, "host": s.host, "needle": s.needle} for name, s in entry.sources.items()}
    return {"system": system, "title": entry.title, "sources": sources, "objectives": entry.objectives.to_facts()}


def _chosen(steps: Sequence[StepRecord], records: Records) -> Chosen | None:
    picked = [s.facts for s in steps if s.action == "select-backup" and s.facts]
    if not picked:
        return None
    facts = {k: picked[-1][k] for k in ("set", "tier", "repository", "instant", "level", "how")}
    manifest = records.manifest(picked[-1]["set"])
    if manifest is None:
        return Chosen.from_facts(facts)
    digests = {c.manifest for c in records.copies(manifest.system) if c.set == manifest.set}
    identity = {k: v for a in manifest.artifacts for k, v in a.identity.items()}
    more = {
        "manifest": min(digests, default=None),
        "previous": manifest.previous.manifest if manifest.previous else None,
        "made_by": manifest.run,
        "plain": manifest.plain,
        "stored": manifest.stored,
        "witnessed": manifest.witnessed,
        "identity": identity,
    }
    return Chosen.from_facts({**facts, **more})


def _copies(system: str | None, records: Records) -> tuple[CopyFact, ...]:
    if system is None:
        return ()
    return tuple(
        CopyFact(set=c.set, repository=c.repository, tier=c.tier, instant=c.instant, level=c.level, damaged=c.damaged)
        for c in records.copies(SystemName(system))
    )
