"""How a run stands, from what the catalog and its signs of life say: phases, clock, and the moment at which it is too late."""

from datetime import datetime, timedelta

import pytest

from dr.app.watching import Watched, watched
from dr.engine.signs import Sign, Signs
from dr.model.base import JsonObject, StepId
from dr.model.record import Progress, RunRecord, StepRecord
from dr.model.runbook import Plan
from tests.support.report_evidence import BEGAN, DRILL, after, check, drill_run, step

pytestmark = pytest.mark.unit


def plan() -> Plan:
    def planned(name: str, action: str, section: str = "steps", **more: object) -> JsonObject:
        return {"id": name, "section": section, "action": action, **more}

    return Plan.from_facts(
        {
            "runbook": "drill-online",
            "title": "Drill",
            "kind": "drill",
            "steps": [
                planned("select", "select-backup"),
                planned("restore", "restore", budget="2h", phase="restore"),
                planned("prove", "check"),
            ],
            "on_failure": [planned("tell", "notify", "on_failure")],
            "always": [planned("scrub", "scrub", "always")],
            "inventory": "0" * 64,
        }
    )


RESTORING = (
    step("select", "select-backup", 0, 1),
    step("restore", "restore", 1, 0, state="running").model_copy(update={"ended": None}),
)


def signs(at: datetime, **more: object) -> Signs:
    facts = {
        "run": DRILL,
        "step": "restore",
        "at": at.isoformat(),
        "event": "working",
        "done": 6000,
        "total": 10_000,
        "unit": "bytes",
        **more,
    }
    return Signs(steps={StepId("restore"): Sign(progress=Progress.from_facts(facts), since=at - timedelta(seconds=60), had=0)})


def seen(*steps: StepRecord, said: Signs | None = None, at: float = 31, run: RunRecord | None = None) -> Watched:
    return watched(run or drill_run(), plan(), steps or RESTORING, said or Signs(), after(at))


def test_every_step_is_done_under_way_or_to_come() -> None:
    """Those for a failure are shown once there is one."""
    stages = seen().stages
    assert [(s.step, s.state) for s in stages] == [("select", "done"), ("restore", "running"), ("prove", "to come"), ("scrub", "to come")]
    failed = seen(*RESTORING[:1], step("restore", "restore", 1, 9, state="failed"), step("tell", "notify", 10, 1))
    assert [s.step for s in failed.stages] == ["select", "restore", "prove", "tell", "scrub"]


def test_bytes_rate_and_rest_are_the_last_sign_s_and_the_budget_runs_on() -> None:
    restore = seen(said=signs(after(30))).stages[1]
    assert (restore.done, restore.total, restore.unit, restore.rate, restore.rest) == (6000, 10_000, "bytes", 100.0, 40.0)
    assert (restore.took, restore.budget_left, restore.heard) == (1800.0, 5400.0, 60.0)


def test_the_clock_runs_from_recognition_to_the_moment_at_which_it_is_too_late() -> None:
    """Known from the first second, whether or not a step says anything."""
    found = seen()
    assert (found.elapsed, found.deadline, found.left, found.back, found.late) == (
        1860.0,
        BEGAN + timedelta(hours=4),
        12_540.0,
        None,
        False,
    )
    assert seen(at=241).late, "a run that hangs is late without saying so"


def test_the_forecast_and_the_warning_are_as_the_run_itself_has_them() -> None:
    said = signs(after(30), back=after(300).isoformat(), late=True)
    said = Signs(steps={name: one.model_copy(update={"late": "it will be missed"}) for name, one in said.steps.items()})
    found = seen(said=said)
    assert (found.back, found.late, found.warning) == (after(300), True, "it will be missed")


def test_the_clock_stops_when_a_user_could_work_again() -> None:
    """The rest of the proof is not in the recovery time."""
    facts = {"results": [check("starts-up", 42, user_level=True).to_facts()]}
    done = (RESTORING[0], step("restore", "restore", 1, 40), step("prove", "check", 41, 10, facts=facts))
    found = seen(*done, at=60)
    assert (found.usable, found.left, found.late) == (42 * 60.0, None, False)


def test_a_recoverys_clock_runs_until_the_first_answer_after_it_was_opened() -> None:
    """Restored and proved on loopback, it waits for a second person: nobody can work yet."""
    facts = {"results": [check("starts-up", 42, user_level=True).to_facts()]}
    proved, recovery = step("prove", "check", 41, 10, facts=facts), drill_run(kind="recovery")
    found = seen(proved, at=60, run=recovery)
    assert (found.usable, found.left) == (None, 180 * 60.0)
    opened = step("open", "open", 61, 1)
    assert seen(proved, opened, at=63, run=recovery).usable is None
    answers = {"answers": [check("sql-answers", 64, user_level=True).to_facts()]}
    assert seen(proved, opened, step("usable", "probe", 63, 1, facts=answers), at=65, run=recovery).usable == 64 * 60.0


def test_a_run_without_an_objective_has_no_clock_to_miss() -> None:
    night = drill_run(kind="backup", objective=None)
    assert (seen(run=night).deadline, seen(run=night).left, seen(run=night, at=9999).late) == (None, None, False)


def test_of_a_run_that_is_over_nothing_is_to_come() -> None:
    over = drill_run(state="failed", verdict="FAIL", ended=after(20).isoformat())
    found = seen(RESTORING[0], run=over)
    assert ([s.step for s in found.stages], found.elapsed, found.left) == (["select"], 1200.0, None)
