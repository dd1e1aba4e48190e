"""One run's facts of record, gathered into Evidence. Reads the catalog; measures nothing that was not recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dr.model.base import JsonObject, Seconds, StepId, SystemName
from dr.model.evidence import Chosen, CopyFact, Evidence
from dr.model.forecast import declared_words
from dr.model.inventory import Inventory
from dr.model.ports import Records
from dr.model.record import AuditEntry, CheckResult, Finding, RpoMeasured, RtoMeasured, RunRecord, ScrubCertificate, StepRecord, Verdict
from dr.model.runbook import Declaration, Plan
from dr.policy.comments import comments_of
from dr.policy.opening import worst
from dr.policy.recovery import lost, made_here, taken_after
from dr.policy.rpo import worst_gap
from dr.policy.still import lay, spoils, still_words, stills
from dr.policy.unmeasured import on_top, rto_words
from dr.policy.verdict import judge_records
from dr.units import show_duration

MEASURED = ("drill", "recovery")
"""The kinds of run that have a recovery time."""
WORTH_SAYING = 5.0
"""Seconds between recognition and the first step from which on they are named."""
SPOILT = ", and no forecast is made from this drill"
CANCELS = ("run-cancel", "run-cancel-hard")
"""What the engine puts on record when a person cancels."""


def gather(
    run: RunRecord, plan: Plan, records: Records, inventory: Inventory, now: datetime, *, tool: str, writing: StepId | None
) -> Evidence:
    """`writing`: the report step that asks, which is itself not finished; None when the run has ended."""
    steps = tuple(s for s in records.steps(run.run) if s.step != writing)
    checks = _checks(steps)
    chosen = _chosen(steps, records)
    trail = records.audit_of(run.run)
    clocked = measure_rto(run, in_use(run, steps, checks))
    rto = clocked and beside(clocked, run, plan, steps, trail, inventory.organisation.zone)
    rpo = _rpo(run, plan, chosen, records, inventory, now)
    judged = judge_records(plan, steps, cancelled=_cancelled(run, records), so_far=writing is not None)
    verdict, reasons = with_measures(judged.verdict, judged.reasons, run, rto, checks)
    return Evidence(
        organisation=inventory.organisation.name,
        zone=inventory.organisation.zone,
        written=now,
        tool=tool,
        run=run,
        verdict=verdict,
        reasons=reasons,
        remarks=(
            *remarks(rto, rpo, run.tier or ""),
            *(() if rto else _lay_still(run, steps, trail, now)),
            *_waited(run, steps),
            *_queued(steps),
            *_left_out(plan),
            *_to_come(plan, steps, writing),
        ),
        scope=_scope(run.system, inventory),
        chosen=chosen,
        steps=tuple(_lean(s) for s in steps),
        rto=rto,
        rpo=rpo,
        declaration=plan.declaration,
        copies=_copies(run.system, records),
        checks=checks,
        findings=_findings(run, records),
        comments=tuple(comments_of(trail)),
        scrub=_scrub(steps),
        audit=records.audit_head(),
    )


def rto_so_far(run: RunRecord, steps: Sequence[StepRecord]) -> RtoMeasured | None:
    """Of a run that may be under way still; None while its clock runs. A recovery's runs until the first probe after `open`."""
    checks = [CheckResult.from_facts(one) for s in steps if s.action == "check" for one in s.facts.get("results", ())]
    return measure_rto(run, in_use(run, steps, checks))


def measure_rto(run: RunRecord, checks: Sequence[CheckResult]) -> RtoMeasured | None:
    """From recognition (the run's start) to the end of the first check that succeeded as a user would; None for no drill or recovery.

    A check that looked at nothing did not succeed. The clock never pauses: retries, waits and crashes are inside it.
    """
    back = [c.ended for c in checks if c.user_level and succeeded(c)]
    if run.kind not in MEASURED or not back:
        return None
    seconds = Seconds((min(back) - run.started).total_seconds())
    objective = run.objective or {}
    rto, target = objective.get("rto"), objective.get("target")
    return RtoMeasured(seconds=seconds, objective=rto, target=target, within=None if rto is None else seconds <= rto)


def beside(
    rto: RtoMeasured, run: RunRecord, plan: Plan, steps: Sequence[StepRecord], trail: Sequence[AuditEntry], zone: str
) -> RtoMeasured:
    """With what no machine measures: declared phases count against the objective, a door that is shut at the worst hour is only said."""
    usable = run.started + timedelta(seconds=rto.seconds)
    phased = {planned.id: planned.phase for planned in plan.steps if planned.phase}
    measured = {phased[s.step] for s in steps if s.step in phased and s.state == "done" and s.started and s.started < usable}
    counted = rto.model_copy(
        update={
            "declared": on_top(plan.unmeasured, measured),
            "closed": worst(plan.unmeasured, zone, run.started),
            "still": stills(trail, steps, run.started, usable),
        }
    )
    return counted.model_copy(update={"within": None if rto.objective is None else counted.total <= rto.objective})


def in_use(run: RunRecord, steps: Sequence[StepRecord], checks: Sequence[CheckResult]) -> Sequence[CheckResult]:
    """The looks that can say when a user could work: in a recovery only those that came after it was opened, probes of course too."""
    if run.kind != "recovery":
        return checks
    opened = [s.ended for s in steps if s.action == "open" and s.state == "done" and s.ended]
    probed = [CheckResult.from_facts(r) for s in steps if s.action == "probe" for r in s.facts.get("answers", ())]
    return [c for c in (*checks, *probed) if opened and c.ended >= max(opened)]


def succeeded(check: CheckResult) -> bool:
    """Passed, and looked at something."""
    return check.passed and check.examined > 0


def with_measures(
    verdict: Verdict, reasons: Sequence[str], run: RunRecord, rto: RtoMeasured | None, checks: Sequence[CheckResult]
) -> tuple[Verdict, tuple[str, ...]]:
    """The steps' verdict, and what was measured: too slow, a check that examined nothing, or nobody who could have used it."""
    wrong = [f"check '{c.check}' examined nothing" for c in checks if not c.examined]
    wrong += [f"check '{c.check}': {c.summary}" for c in checks if c.examined and not c.passed]
    if rto is not None and rto.within is False:
        declared = f" (measured {show_duration(rto.seconds)} + declared {declared_words(rto.declared)})" if rto.declared else ""
        wrong.append(f"RTO {show_duration(rto.total)} is over the objective of {show_duration(rto.objective or 0)}{declared}")
    if wrong:
        return "FAIL", (*wrong, *reasons)
    if run.kind in MEASURED and rto is None:
        unused = "no user-level check succeeded" + (" after it was opened" if run.kind == "recovery" else "") + ", so no RTO was measured"
        return ("INCOMPLETE" if verdict == "PASS" else verdict), (*reasons, unused)
    return verdict, tuple(reasons)


def beside_words(rto: RtoMeasured, tier: str) -> list[str]:
    """What must be said of a recovery time beside how long it was; nothing of one that ran through with nothing declared."""
    said = [words] if (words := rto_words(rto, tier)) else []
    if rto.closed and rto.objective is not None and rto.total <= rto.objective < rto.total + rto.closed.seconds:
        said.append(
            f"the objective of {show_duration(rto.objective)} holds while {tier} is open; at the worst hour of the week it does not"
        )
    if rto.still:
        said.append(f"the run {still_words(rto.still)}; the clock ran on" + (SPOILT if spoils(lay(rto.still), rto.seconds) else ""))
    return said


def remarks(rto: RtoMeasured | None, rpo: RpoMeasured | None, tier: str = "") -> tuple[str, ...]:
    said = [f"RTO: {words}" for words in beside_words(rto, tier)] if rto else []
    if rto and rto.target is not None and rto.within is not False and rto.total > rto.target:
        said.append(f"RTO {show_duration(rto.total)} is within the objective, but over the target of {show_duration(rto.target)}")
    if rpo and rpo.within is False:
        said.append(f"{rpo.what}: {show_duration(rpo.seconds)}, over the RPO objective of {show_duration(rpo.objective or 0)}")
    return tuple(said)


def _waited(run: RunRecord, steps: Sequence[StepRecord]) -> tuple[str, ...]:
    """The clock starts at recognition, so a queue counts: but then a person should know what the time was spent on."""
    begun = [step.started for step in steps if step.started]
    waited = (min(begun) - run.started).total_seconds() if begun else 0.0
    if run.kind not in MEASURED or waited < WORTH_SAYING:
        return ()
    why = "between recognition and the first step" if run.kind == "recovery" else ""
    return (f"{show_duration(waited)} of the RTO passed {why or 'before the first step began, as when another run is taken up first'}",)


def _lay_still(run: RunRecord, steps: Sequence[StepRecord], trail: Sequence[AuditEntry], now: datetime) -> tuple[str, ...]:
    """Of a run that has no recovery time; else it is said with that."""
    found = stills(trail, steps, run.started, run.ended or now)
    return (f"the run {still_words(found, '')}",) if found else ()


def _left_out(plan: Plan) -> tuple[str, ...]:
    """The steps that such a run does not have."""
    return tuple(f"left out: {one.id} ({one.action}), {one.why}" for one in plan.left_out)


def _queued(steps: Sequence[StepRecord]) -> tuple[str, ...]:
    """The clock runs on while another run has the standby, as it would on the day."""
    waits = [(s.facts["waited"], s.facts.get("waited_for", ())) for s in steps if s.action == "restore" and s.facts.get("waited")]
    return tuple(
        f"{show_duration(seconds)} of the RTO passed while the standby was in use by {', '.join(runs) or 'another run'}"
        for seconds, runs in waits
    )


def _cancelled(run: RunRecord, records: Records) -> bool:
    """As the audit trail has it: while a cancelled run still tidies up, its own record says running."""
    return run.state == "cancelled" or any(entry.event in CANCELS for entry in records.audit_of(run.run))


def _to_come(plan: Plan, steps: Sequence[StepRecord], writing: StepId | None) -> tuple[str, ...]:
    """Steps that run after the evidence is written, so that nobody believes it speaks of them."""
    begun = {s.step for s in steps}
    later = [s.id for s in plan.always if s.id != writing and s.id not in begun] if writing else []
    return (f"written before {', '.join(later)} ran",) if later else ()


def _rpo(run: RunRecord, plan: Plan, chosen: Chosen | None, records: Records, inventory: Inventory, now: datetime) -> RpoMeasured | None:
    """Of a recovery what was lost, from its set's instant to the failure. Else the month's worst gap, over every set there ever was: one
    that retention removed since did protect its day."""
    if run.system is None or run.system not in inventory.systems:
        return None
    if plan.declaration is not None:
        return _lost(plan.declaration, chosen, inventory.systems[run.system].objectives.rpo, records.steps(run.run))
    return worst_gap(records.set_instants(SystemName(run.system)), now).against(inventory.systems[run.system].objectives.rpo)


def _lost(declaration: Declaration, chosen: Chosen | None, objective: Seconds, steps: Sequence[StepRecord]) -> RpoMeasured | None:
    """Of a set that was taken after the failure nobody knows how long people worked on for nothing: then it is within no objective."""
    if chosen is None:
        return None
    seconds = lost(declaration.declared, chosen.instant)
    if not taken_after(declaration.declared, chosen.instant):
        what = "what was entered between the set and the failure"
        return RpoMeasured(seconds=seconds, objective=objective, within=seconds <= objective, what=what)
    own = made_here(chosen.set, steps)
    what = "this run itself made the set" if own else "the set was taken after the failure was recognised, and may hold the damage"
    return RpoMeasured(seconds=seconds, objective=objective, within=None, what=what)


def _findings(run: RunRecord, records: Records) -> tuple[Finding, ...]:
    """The open ones: this run's own first, the worst first."""
    rank = {"critical": 0, "warning": 1, "info": 2}
    return tuple(sorted(records.open_findings(run.system), key=lambda f: (f.run != run.run, rank[f.severity], f.key)))


def _checks(steps: Sequence[StepRecord]) -> tuple[CheckResult, ...]:
    return tuple(CheckResult.from_facts(r) for s in steps if s.action == "check" for r in s.facts.get("results", ()))


def _scrub(steps: Sequence[StepRecord]) -> ScrubCertificate | None:
    found = [s.facts["certificate"] for s in steps if s.action == "scrub" and s.facts.get("certificate")]
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
    picked = [s.facts for s in steps if s.action == "select-backup" and s.state == "done" and "set" in s.facts]
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
