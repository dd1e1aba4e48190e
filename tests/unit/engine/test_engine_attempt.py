"""One attempt at a step: what goes in is validated, what comes out is a fact, and it ends wholly."""

import asyncio
import os
from collections.abc import Awaitable
from pathlib import Path

import pytest

from dr.engine.failpoints import Failpoints
from dr.engine.order import Course
from dr.engine.step import Attempt
from dr.engine.work import Run, UntilEnded, Works
from dr.model.base import JsonObject, RunId, SetId
from dr.model.runbook import Plan
from tests.support.engine_plans import make_plan, step
from tests.support.engine_toys import ToyServices, lines

pytestmark = pytest.mark.unit


class Stage:
    """Works with toy services, without a durable engine behind them."""

    def __init__(self, place: Path, *steps: JsonObject, until_ended: UntilEnded | None = None) -> None:
        self.place = place
        self.services = ToyServices(place / "state")
        self.works = Works(self.services, Failpoints(None), until_ended)  # type: ignore[arg-type]  # toys need less than a house has
        self.run = Run(RunId("run-1"), make_plan(place, steps), {"started": "2026-11-22T07:00:00Z", "requested_by": "tester"})

    def attempt(self, number: int = 1, facts: dict[str, JsonObject] | None = None) -> Awaitable[JsonObject]:
        return self.works.attempt(self.run, self.run.plan.steps[0], number, facts or {})

    def result(self, facts: dict[str, JsonObject] | None = None) -> JsonObject:
        return asyncio.run(self.attempt(facts=facts))  # type: ignore[arg-type]


def test_references_are_resolved_and_recorded(tmp_path: Path) -> None:
    """What a step was really given is on record."""
    stage = Stage(tmp_path, step("two", with_={"name": "two", "after": "${steps.one.name}"}))
    assert stage.result({"one": {"name": "first"}})["facts"] == {"name": "two", "attempt": 1, "after": "first"}
    (record,) = stage.services.kept.steps(RunId("run-1"))
    assert (record.state, record.resolved, record.changed) == ("done", {"name": "two", "after": "first"}, True)


def test_parameters_are_validated_again_without_showing_their_values(tmp_path: Path) -> None:
    """A resolved value of the wrong kind is refused by name; the value itself is not told."""
    result = Stage(tmp_path, step("two", with_={"name": 7})).result()
    assert result["failure"] == {
        "error": "ConfigError",
        "exit_code": 2,
        "message": "step 'two': action 'note': name: Input should be a valid string",
        "hint": "",
    }
    assert not (tmp_path / "tries").exists()


def test_a_strangers_exception_is_named_but_not_quoted(tmp_path: Path) -> None:
    """Promise 7: an unexpected error's text may hold a row; only its class and place are recorded."""
    failure = Stage(tmp_path, step("two", action="rude")).result()["failure"]
    assert failure["message"].startswith("step 'two': action 'rude' broke: ValueError at ")
    assert "Jane" not in str(failure)


def test_an_action_that_is_gone_is_a_fact_too(tmp_path: Path) -> None:
    """A plan from an older version names an action that this one lacks: the step fails, the run goes on to `always`."""
    result = Stage(tmp_path, step("two", action="vanished")).result()
    assert (result["state"], result["failure"]["error"]) == ("failed", "ConfigError")


def test_when_leaves_a_step_out(tmp_path: Path) -> None:
    """`when` is equality on resolved values; a step left out has no effect and is on record."""
    stage = Stage(tmp_path, step("two", when={"value": "${steps.one.name}", "equals": "yes"}))
    assert stage.result({"one": {"name": "no"}})["state"] == "skipped"
    assert not (tmp_path / "tries").exists()
    assert stage.result({"one": {"name": "yes"}})["state"] == "done"


def test_a_step_keeps_its_first_beginning(tmp_path: Path) -> None:
    """A phase's clock does not start anew for a retry or after a crash."""
    stage = Stage(tmp_path, step("two", with_={"name": "two", "fails": 1}))
    stage.result()
    (before,) = stage.services.kept.steps(RunId("run-1"))
    asyncio.run(stage.attempt(2))  # type: ignore[arg-type]
    (after,) = stage.services.kept.steps(RunId("run-1"))
    assert (before.state, after.state, after.attempt) == ("failed", "done", 2)
    assert before.started == after.started


def test_a_time_out_ends_the_process_group_and_waits_for_the_thread(tmp_path: Path) -> None:
    """Nothing that a step started outlives its time limit, and no retry begins before the earlier attempt has ended."""
    stage = Stage(tmp_path, step("two", action="spawn", with_={"deaf": 0.5}, timeout=0.4))
    result = asyncio.run(_twice(stage))
    assert result["failure"]["message"] == "step 'two' reached its time limit of 400 ms"
    assert _overlap(tmp_path) is False
    pids = lines(tmp_path / "pids")
    assert len(pids) == 4
    assert not [pid for pid in pids if _lives(int(pid))]


@pytest.mark.positive_control
def test_without_the_wait_two_attempts_overlap(tmp_path: Path) -> None:
    """The twin: if the engine did not wait for the thread, a retry would run beside the earlier attempt."""

    async def impatient(attempt: Attempt, _thread: "asyncio.Future[JsonObject]", why: str) -> JsonObject:
        attempt.halt(why)
        return {"state": "failed", "facts": {}, "failure": {"message": "impatient"}}

    stage = Stage(tmp_path, step("two", action="spawn", with_={"deaf": 0.5}, timeout=0.4), until_ended=impatient)
    asyncio.run(_twice(stage, linger=1.0))
    assert _overlap(tmp_path) is True


def test_leaving_records_nothing_that_was_broken_off(tmp_path: Path) -> None:
    """Ctrl-C: the step's children end, and the step stays `running`, to be resumed."""
    stage = Stage(tmp_path, step("two", action="spawn"))

    async def leave() -> None:
        task = asyncio.ensure_future(stage.attempt())
        while len(lines(tmp_path / "pids")) < 2:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(stage.works.leave)
        assert not task.done()
        assert not [pid for pid in lines(tmp_path / "pids") if _lives(int(pid))]
        assert [record.state for record in stage.services.kept.steps(RunId("run-1"))] == ["running"]
        os._exit(0)  # as the engine does: the parked thread never ends

    child = os.fork()
    if child == 0:
        try:
            asyncio.run(leave())
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_a_run_pinned_is_free_when_it_ends(tmp_path: Path) -> None:
    """A backup in use by a run is protected from retention exactly as long as the run lasts."""
    stage = Stage(tmp_path, step("two"))
    stage.works.begin(stage.run)
    stage.services.kept.pin(SetId("20261122T070000Z-7f3a9c"), RunId("run-1"))
    assert stage.services.kept.pins() == ["20261122T070000Z-7f3a9c"]
    assert stage.works.end(stage.run, Course(stage.run.plan))["verdict"] == "FAIL"  # nothing of it ran
    assert stage.services.kept.pins() == []


def test_a_plan_survives_its_journey(tmp_path: Path) -> None:
    """The plan is the workflow's input, as JSON: nothing may be lost on the way."""
    plan = make_plan(tmp_path, [step("one", timeout=3.0, retry={"attempts": 3, "wait": 1.0, "most": 9.0})])
    assert Plan.from_facts(plan.to_facts()).digest() == plan.digest()


async def _twice(stage: Stage, linger: float = 0.0) -> JsonObject:
    await stage.attempt(1)
    result = await stage.attempt(2)
    await asyncio.sleep(linger)
    return result


def _overlap(place: Path) -> bool:
    """Whether the second attempt began before the first had ended."""
    at = {tuple(line.split()[:2]): float(line.split()[2]) for line in lines(place / "spans")}
    return at["begin", "2"] < at["end", "1"]


def _lives(pid: int) -> bool:
    """Whether the process runs (one that only waits to be collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
