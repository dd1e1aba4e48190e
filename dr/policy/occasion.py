"""Whether a run is an occasion to tell somebody, beside its failure: it found something grave, works again, or went well but only just.

Pure: records in, words out.
"""

from collections.abc import Sequence
from datetime import datetime

from dr.model.backup import Copy
from dr.model.record import Finding, RunRecord, StepRecord
from dr.policy.readiness import PROOF_IS_STALE
from dr.policy.words import short, spoken

MENDED = ("rolled-back:", "brought-back:")
"""How the keys of warnings begin that say that copies were gone without a prune: a run may make them again before it tells anybody."""
NEARLY = 0.8
"""The share of its budget above which a step was nearly too slow."""


def recovered(run: RunRecord, steps: Sequence[StepRecord], newest_first: Sequence[RunRecord]) -> bool:
    """Whether nothing of this run has failed, and the last run before it that ended by itself did. A cancelled one says nothing."""
    if _failed(steps):
        return False
    ended = [r for r in newest_first if r.run != run.run and r.started <= run.started and r.state in ("done", "failed")]
    return bool(ended) and (ended[0].state == "failed" or ended[0].verdict == "FAIL")


def near_misses(
    run: RunRecord, steps: Sequence[StepRecord], copies: Sequence[Copy], findings: Sequence[Finding], now: datetime
) -> tuple[str, ...]:
    """What nearly went wrong in a run of which nothing has failed: retries, budgets, copies that are missing, proofs that are stale."""
    if _failed(steps):
        return ()
    return (*_retries(steps), *_budgets(steps), *_missing(run, findings), *_stale(copies, now))


def alarms(run: RunRecord, steps: Sequence[StepRecord], findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The grave findings that a run saw, the newest last; none if what it failed with was told, which names them too."""
    if any(step.section == "on_failure" and step.action == "notify" and step.state == "done" for step in steps):
        return ()
    return grave(run, findings)


def grave(run: RunRecord, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of the open findings, those that this run saw and that are critical, or that somebody must hear of though they were mended since."""
    seen = [f for f in findings if f.run == run.run and (f.severity == "critical" or f.key.startswith(MENDED))]
    return tuple(sorted(seen, key=lambda f: (f.at, f.key)))


def _failed(steps: Sequence[StepRecord]) -> bool:
    return any(step.state in ("failed", "cancelled") for step in steps)


def _retries(steps: Sequence[StepRecord]) -> list[str]:
    return [f"step {s.step} needed {s.attempt} attempts" for s in steps if s.state == "done" and s.attempt > 1]


def _budgets(steps: Sequence[StepRecord]) -> list[str]:
    found = []
    for step in steps:
        if step.budget and step.started and step.ended:
            took = (step.ended - step.started).total_seconds()
            if took > step.budget * NEARLY:
                found.append(f"step {step.step} took {spoken(took)}; its budget is {short(step.budget)}")
    return found


def _missing(run: RunRecord, findings: Sequence[Finding]) -> list[str]:
    prefix = f"missing-copy:{run.system}:"
    return [finding.message for finding in findings if finding.key.startswith(prefix)]


def _stale(copies: Sequence[Copy], now: datetime) -> list[str]:
    """A tier that was proven once and no longer is, freshly. One that never was is status's to say, not every night's."""
    found = []
    for tier in sorted({copy.tier for copy in copies}):
        proven = [c.proven_at for c in copies if c.tier == tier and c.level == "proven" and c.proven_at and not c.damaged]
        if proven and now - max(proven) > PROOF_IS_STALE:
            found.append(f"the newest proof of tier {tier} is {spoken((now - max(proven)).total_seconds())} old")
    return found
