"""What a run is worth, from how its steps ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dr.model.base import JsonObject
from dr.model.record import RunState, StepRecord, StepState, Verdict
from dr.model.runbook import Plan, PlannedStep

PROVE_PHASE = "prove"
CHECK_ACTION = "check"
REPORT_ACTION = "report"
_JUDGED_BY_CHECKS = ("drill", "recovery")


@dataclass(frozen=True)
class Judgement:
    """How a run ended: its state, its verdict, and every reason that kept it from PASS."""

    state: RunState
    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """How one step ended, and the facts that it left."""

    state: StepState
    facts: JsonObject


def judge(plan: Plan, ended: Mapping[str, Ended], *, cancelled: bool = False, so_far: bool = False) -> Judgement:
    """PASS if all steps are done. FAIL if one failed or did not run. INCOMPLETE if cancelled, if a step that should prove was skipped, or
    if no check of a drill compared the whole set with its source.

    What the checks found dominates: a check's FAIL is the run's, even of a cancelled run; a drill without any check's verdict has proven
    nothing and is FAIL. A failure that the runbook carried on after (`on_error: continue`) is still a failure. `so_far`: judged by a step
    of the run itself (its report), so steps that have not ended yet and the `always` steps to come are not held against it.

    What the evidence says is the run's verdict too, where it is the worse one: it alone knows the time that recovery took.
    """
    failures = _failures(plan, ended, cancelled=cancelled, so_far=so_far)
    checks = check_verdicts(plan, ended)
    failed_checks = [f"check '{step}' found FAIL" for step, verdict in checks.items() if verdict == "FAIL"]
    nothing_checked = ["no check gave a verdict: nothing was proven"] if plan.kind in _JUDGED_BY_CHECKS and not checks else []
    told = report_verdicts(plan, ended)
    told_fail = [f"the evidence says FAIL ('{step}')" for step, verdict in told.items() if verdict == "FAIL"]
    told_incomplete = [f"the evidence says INCOMPLETE ('{step}')" for step, verdict in told.items() if verdict == "INCOMPLETE"]
    unfinished = [*_unfinished(plan, ended, checks, cancelled=cancelled), *told_incomplete]
    state: RunState = "cancelled" if cancelled else "failed" if failures else "done"
    first, last = (unfinished, []) if cancelled else ([], unfinished)
    reasons = (*first, *failures, *failed_checks, *told_fail, *nothing_checked, *last)
    if failed_checks or told_fail or (not cancelled and (failures or nothing_checked)):
        return Judgement(state, "FAIL", reasons)
    if unfinished:
        return Judgement(state, "INCOMPLETE", reasons)
    return Judgement(state, "PASS")


def judge_records(plan: Plan, steps: Sequence[StepRecord], *, cancelled: bool = False, so_far: bool = False) -> Judgement:
    """`judge`, from the records in the catalog."""
    ended = {str(step.step): Ended(step.state, step.facts) for step in steps if step.state != "running"}
    return judge(plan, ended, cancelled=cancelled, so_far=so_far)


def check_verdicts(plan: Plan, ended: Mapping[str, Ended]) -> dict[str, str]:
    """The verdict of every check step that gave one."""
    found = {}
    for step in (*plan.steps, *plan.on_failure, *plan.always):
        verdict = check_verdict(step, ended[step.id].facts) if step.id in ended else None
        if verdict:
            found[step.id] = verdict
    return found


def check_verdict(step: PlannedStep, facts: JsonObject) -> str | None:
    """What a check step found (PASS, FAIL or INCOMPLETE); None for every other step."""
    verdict = facts.get("verdict") if step.action == CHECK_ACTION else None
    return str(verdict) if verdict else None


def report_verdicts(plan: Plan, ended: Mapping[str, Ended]) -> dict[str, str]:
    """The verdict that each report step wrote into the evidence."""
    reports = [s for s in (*plan.steps, *plan.on_failure, *plan.always) if s.action == REPORT_ACTION and s.id in ended]
    return {s.id: verdict for s in reports if (verdict := own_verdict(s, ended[s.id].facts))}


def own_verdict(step: PlannedStep, facts: JsonObject) -> str | None:
    """What a check found or a report wrote; None for every other step."""
    verdict = facts.get("verdict") if step.action in (CHECK_ACTION, REPORT_ACTION) else None
    return str(verdict) if verdict else None


def _failures(plan: Plan, ended: Mapping[str, Ended], *, cancelled: bool, so_far: bool) -> list[str]:
    failures = [
        f"step '{step.id}' failed"
        for step in (*plan.steps, *plan.on_failure, *plan.always)
        if step.id in ended and ended[step.id].state == "failed"
    ]
    if not (cancelled or so_far):
        failures += [f"step '{step.id}' did not run" for step in (*plan.steps, *plan.always) if step.id not in ended]
    return failures


def _unfinished(plan: Plan, ended: Mapping[str, Ended], checks: Mapping[str, str], *, cancelled: bool) -> list[str]:
    reasons = ["the run was cancelled"] if cancelled else []
    proven = [ended[step].facts["proven"] for step in checks if "proven" in ended[step].facts]
    if plan.kind in _JUDGED_BY_CHECKS and proven and not any(proven) and set(checks.values()) == {"PASS"}:
        reasons.append("no check compared the whole set with its source: the copy is not proven")
    reasons += [f"check '{step}' could not be completed" for step, verdict in checks.items() if verdict not in ("PASS", "FAIL")]
    reasons += [
        f"step '{step.id}', which should prove, was skipped"
        for step in plan.steps
        if step.phase == PROVE_PHASE and step.id in ended and ended[step.id].state == "skipped"
    ]
    return reasons
