"""What a run is worth."""

from pathlib import Path

import pytest

from dr.engine.order import Course
from dr.model.base import JsonObject
from dr.model.record import StepState
from dr.policy.verdict import Ended, Judgement, judge
from tests.support.engine_plans import make_plan, step

pytestmark = pytest.mark.unit
STEPS = (step("restore"), step("prove", action="check", phase="prove"), step("probe", action="check", phase="prove"))


def judged(kind: str, states: dict[str, tuple[StepState, JsonObject]], **how: bool) -> Judgement:
    plan = make_plan(Path("/nowhere"), STEPS, always=[step("tidy")], kind=kind)
    return judge(plan, {name: Ended(state, facts) for name, (state, facts) in states.items()}, **how)


def passed(**other: tuple[StepState, JsonObject]) -> dict[str, tuple[StepState, JsonObject]]:
    found: tuple[StepState, JsonObject] = ("done", {"verdict": "PASS"})
    return {"restore": ("done", {}), "prove": found, "probe": found, "tidy": ("done", {}), **other}


def test_all_done_and_proven_is_a_pass() -> None:
    """PASS means that every step is done and every check passed, and it has no reason against it."""
    assert judged("drill", passed()) == Judgement("done", "PASS")


@pytest.mark.parametrize("name", ["restore", "tidy"])
def test_any_failed_step_is_a_fail(name: str) -> None:
    """A step that failed, tidying up included, is never green."""
    judgement = judged("drill", {**passed(), name: ("failed", {})})
    assert (judgement.state, judgement.verdict, judgement.reasons) == ("failed", "FAIL", (f"step '{name}' failed",))


def test_a_step_that_never_ran_is_a_fail() -> None:
    """Silence is no success."""
    states = passed()
    del states["tidy"]
    assert judged("backup", states).reasons == ("step 'tidy' did not run",)


def test_what_the_checks_found_dominates() -> None:
    """Promise 2: all steps done, one check FAIL: the drill is FAIL, though no step failed, and even if it was cancelled afterwards."""
    found = passed(probe=("done", {"verdict": "FAIL"}))
    assert judged("drill", found) == Judgement("done", "FAIL", ("check 'probe' found FAIL",))
    assert judged("drill", found, cancelled=True).verdict == "FAIL"
    assert judged("recovery", found).verdict == "FAIL"


def test_a_drill_without_any_check_is_a_fail() -> None:
    """Zero checks run is FAIL, even if the checks were skipped on purpose; a backup needs none."""
    unchecked = passed(prove=("skipped", {}), probe=("skipped", {}))
    assert judged("drill", unchecked).verdict == "FAIL"
    assert judged("backup", passed(prove=("done", {}), probe=("done", {}))).verdict == "PASS"


def test_a_skipped_proof_is_incomplete() -> None:
    """Part of the proof left out: neither PASS nor FAIL."""
    judgement = judged("drill", passed(probe=("skipped", {})))
    assert judgement == Judgement("done", "INCOMPLETE", ("step 'probe', which should prove, was skipped",))


def test_a_proof_skipped_because_the_restore_failed_is_a_fail() -> None:
    """What could not be restored is not merely incomplete."""
    assert judged("drill", passed(restore=("failed", {}), prove=("skipped", {}), probe=("skipped", {}))).verdict == "FAIL"


def test_a_check_that_could_not_look_is_incomplete() -> None:
    """A check's INCOMPLETE is the run's."""
    assert judged("drill", passed(probe=("done", {"verdict": "INCOMPLETE"}))).verdict == "INCOMPLETE"


@pytest.mark.parametrize("kind", ["backup", "drill"])
def test_cancelled_is_incomplete(kind: str) -> None:
    """A cancelled run proves nothing either way, whatever did not run because of it."""
    judgement = judged(kind, {"restore": ("cancelled", {}), "prove": ("skipped", {}), "probe": ("skipped", {})}, cancelled=True)
    assert (judgement.state, judgement.verdict) == ("cancelled", "INCOMPLETE")


def test_a_report_judges_the_run_so_far() -> None:
    """The report is a step of the run: what comes after it is not held against the run, what failed before it is."""
    states = passed()
    del states["tidy"]
    assert judged("drill", states, so_far=True).verdict == "PASS"
    assert judged("drill", {**states, "restore": ("failed", {})}, so_far=True).verdict == "FAIL"


def test_the_run_is_never_better_than_its_evidence() -> None:
    """Only the report knows the time that recovery took: one over the objective fails a drill whose every check passed."""
    plan = make_plan(Path("/nowhere"), [step("prove", action="check")], always=[step("evidence", action="report")], kind="drill")
    proven = {"prove": Ended("done", {"verdict": "PASS"})}
    for verdict in ("PASS", "FAIL", "INCOMPLETE"):
        assert judge(plan, {**proven, "evidence": Ended("done", {"verdict": verdict})}).verdict == verdict
    assert judge(plan, {**proven, "evidence": Ended("done", {"verdict": "FAIL"})}, cancelled=True).verdict == "FAIL"
    course = Course(plan)
    for name, verdict in (("prove", "PASS"), ("evidence", "FAIL")):
        course.due()
        course.took(name, {"state": "done", "facts": {"verdict": verdict}})
    assert course.failed, "people are told by on_failure, which follows"


def test_a_verdict_in_the_facts_of_another_action_means_nothing() -> None:
    """Only a check can pass a drill."""
    plan = make_plan(Path("/nowhere"), [step("report")], kind="drill")
    assert judge(plan, {"report": Ended("done", {"verdict": "PASS"})}).verdict == "FAIL"


def test_a_drill_or_recovery_that_compared_nothing_with_the_source_is_incomplete() -> None:
    """Promise 2: that it starts up is good to know, but it proves no content; nor does a proof that leaves half of the set out.

    A recovery is opened all the same, if its runbook says so; but nobody may read that what came back was compared.
    """
    unproven: tuple[StepState, JsonObject] = ("done", {"verdict": "PASS", "proven": False})
    judgement = judged("drill", passed(prove=unproven, probe=unproven))
    assert judgement == Judgement("done", "INCOMPLETE", ("no check compared the whole set with its source: the copy is not proven",))
    proven: tuple[StepState, JsonObject] = ("done", {"verdict": "PASS", "proven": True})
    assert judged("drill", passed(prove=proven, probe=unproven)).verdict == "PASS"
    assert judged("recovery", passed(prove=unproven, probe=unproven)).verdict == "INCOMPLETE"
    assert judged("recovery", passed(prove=proven, probe=unproven)).verdict == "PASS"
