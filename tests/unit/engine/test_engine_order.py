"""The order of a run is a function of its plan and of what was recorded, and of nothing else."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.engine.order import Ask, Course, Pause, Skip, Start, Task, wait_before
from dr.errors import ConfigError, Damaged, DrError, Failed, NotProvablyStandby, Refused, Unreachable
from dr.model.base import JsonObject
from dr.model.runbook import Plan, PlannedStep
from tests.support.engine_plans import make_plan, step

pytestmark = pytest.mark.unit
DONE: JsonObject = {"state": "done", "facts": {}}
FAILED: JsonObject = {"state": "failed", "facts": {}, "failure": {"exit_code": 1}}
SKIPPED: JsonObject = {"state": "skipped", "facts": {}}


def plan(*steps: JsonObject, **more: list[JsonObject]) -> Plan:
    return make_plan(Path("/nowhere"), steps, **more)  # type: ignore[arg-type]


def keys(course: Course) -> list[str]:
    return [task.key for task in course.due()]


def drive(the_plan: Plan, rng: random.Random, script: list[JsonObject] | None = None) -> tuple[list[str], list[JsonObject], Course]:
    """Walk a plan with results drawn at random (or those of an earlier walk); the trace, the results, and how it ended."""
    course = Course(the_plan)
    trace: list[str] = []
    results: list[JsonObject] = []
    live: dict[str, Task] = {}
    for turn in range(1000):
        for task in course.due():
            live[task.key] = task
            trace.append(f"{type(task).__name__} {task.key} {getattr(task, 'attempt', '')}")
        if course.over:
            return trace, results, course
        event = script[turn] if script is not None else _event(live, rng)
        results.append(event)
        if event["key"] == "@control":
            for key in course.heed({"command": event["command"]}):
                live.pop(key)
            continue
        live.pop(event["key"])
        course.took(event["key"], event["result"])
    raise AssertionError(f"it does not end: {trace[-20:]}")


def _event(live: dict[str, Task], rng: random.Random) -> JsonObject:
    if not live or rng.random() < 0.05:
        return {"key": "@control", "command": rng.choice(["pause", "resume", "resume", "cancel", "cancel-hard"]) if live else "resume"}
    key = rng.choice(list(live))
    if isinstance(live[key], Pause):
        return {"key": key, "result": None}
    if isinstance(live[key], Skip):
        return {"key": key, "result": SKIPPED}
    return {"key": key, "result": rng.choice([DONE, DONE, DONE, FAILED, SKIPPED])}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any acyclic plan with retries, tolerated failures, and both closing sections."""
    rng = random.Random(draw(st.integers(0, 10**9)))
    names = [f"s{number}" for number in range(rng.randint(1, 9))]
    steps = [
        step(
            name,
            needs=rng.sample(names[:index], min(index, rng.randint(0, 2))),
            retry={"attempts": rng.randint(1, 3), "wait": 1.0},
            on_error=rng.choice(["stop", "continue"]),
        )
        for index, name in enumerate(names)
    ]
    closing = {section: [step(f"{section[0]}{n}") for n in range(rng.randint(0, 2))] for section in ("on_failure", "always")}
    return make_plan(Path("/nowhere"), steps, on_failure=closing["on_failure"], always=closing["always"])


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 10**9))
def test_the_same_results_give_the_same_order(the_plan: Plan, seed: int) -> None:
    """Promise 1: a replay of recorded results makes the same operations in the same order, whatever was drawn."""
    trace, results, _ = drive(the_plan, random.Random(seed))
    again, _, _ = drive(Plan.from_json(the_plan.model_dump_json(by_alias=True)), random.Random(0), results)
    assert again == trace


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 10**9))
def test_every_step_ends_and_always_runs(the_plan: Plan, seed: int) -> None:
    """No step is forgotten: each has an end, and `always` runs after success, failure and soft cancel alike."""
    trace, results, course = drive(the_plan, random.Random(seed))
    assert {one.id for one in the_plan.steps} <= set(course.ended)
    hard = any(event.get("command") == "cancel-hard" for event in results)
    started = [line.split()[1] for line in trace if line.startswith("Start")]
    assert hard or all(one.id in started for one in the_plan.always)


def test_steps_run_as_their_needs_allow() -> None:
    """Parallel branches open as soon as what they need is done, and close together."""
    course = Course(plan(step("a"), step("b", needs=["a"]), step("c", needs=["a"]), step("d", needs=["b", "c"])))
    assert keys(course) == ["a"]
    course.took("a", DONE)
    assert keys(course) == ["b", "c"]
    course.took("c", DONE)
    assert keys(course) == []
    course.took("b", DONE)
    assert keys(course) == ["d"]


def test_a_failure_skips_what_needs_it_tells_and_tidies() -> None:
    """After a failure: dependants are skipped, `on_failure` runs, then `always`."""
    course = Course(plan(step("a"), step("b", needs=["a"]), on_failure=[step("tell")], always=[step("tidy")]))
    course.due()
    course.took("a", FAILED)
    (skip,) = course.due()
    assert skip == Skip(course.plan.steps[1], "it needs 'a', which is not done")
    course.took("b", SKIPPED)
    assert keys(course) == ["tell"]
    course.took("tell", DONE)
    assert keys(course) == ["tidy"]
    course.took("tidy", DONE)
    assert (keys(course), course.over) == ([], True)


def test_a_failed_scrub_is_told() -> None:
    """A failure in `always` is no less a failure: `on_failure` follows it."""
    course = Course(plan(step("a"), on_failure=[step("tell")], always=[step("scrub"), step("report")]))
    for key, result in (("a", DONE), ("scrub", FAILED), ("report", DONE), ("tell", DONE)):
        assert keys(course) == [key]
        course.took(key, result)
    assert (keys(course), course.over) == ([], True)


def test_a_check_that_did_not_pass_stops_what_follows() -> None:
    """A recovery must not be opened after a failed proof: the check's step is done, yet what needs it is not begun."""
    course = Course(plan(step("prove", action="check"), step("open", needs=["prove"]), on_failure=[step("tell")]))
    course.due()
    course.took("prove", {"state": "done", "facts": {"verdict": "FAIL"}})
    assert [type(task) for task in course.due()] == [Skip]
    course.took("open", SKIPPED)
    assert keys(course) == ["tell"]


def test_on_error_continue_goes_on_and_still_counts_as_failed() -> None:
    """A tolerated failure keeps nothing from running, but it is told."""
    course = Course(plan(step("a", on_error="continue"), step("b", needs=["a"]), on_failure=[step("tell")]))
    course.due()
    course.took("a", FAILED)
    assert keys(course) == ["b"]
    course.took("b", DONE)
    assert keys(course) == ["tell"]


def test_a_step_whose_when_does_not_hold_blocks_nothing() -> None:
    """`when` leaves out one step, not the rest of the run."""
    course = Course(plan(step("a"), step("b", needs=["a"])))
    course.due()
    course.took("a", SKIPPED)
    assert [type(task) for task in course.due()] == [Start]


def test_a_retry_is_a_wait_and_a_new_attempt() -> None:
    """Retries are operations of their own, so that a wait survives a crash."""
    course = Course(plan(step("a", retry={"attempts": 2, "wait": 5.0})))
    course.due()
    course.took("a", FAILED)
    (wait,) = course.due()
    assert isinstance(wait, Pause) and wait.seconds == 5.0
    course.took("~a", None)
    (again,) = course.due()
    assert isinstance(again, Start) and again.attempt == 2
    course.took("a", FAILED)
    assert (keys(course), course.over, course.ended["a"].state) == ([], True, "failed")


@pytest.mark.parametrize("error", [ConfigError, Refused, NotProvablyStandby, Damaged])
def test_what_waiting_does_not_cure_is_not_tried_again(error: type[DrError]) -> None:
    """What a person wrote stays wrong however often it is tried, a guard's no stays a no, and changed bytes stay changed."""
    course = Course(plan(step("a", retry={"attempts": 5, "wait": 1.0})))
    course.due()
    course.took("a", {"state": "failed", "facts": {}, "failure": {"exit_code": error.exit_code}})
    assert (keys(course), course.over) == ([], True)


@pytest.mark.positive_control
@pytest.mark.parametrize("error", [Unreachable, Failed])
def test_what_waiting_may_cure_is_tried_again(error: type[DrError]) -> None:
    """The twin: the same step with another failure is due again."""
    course = Course(plan(step("a", retry={"attempts": 5, "wait": 1.0})))
    course.due()
    course.took("a", {"state": "failed", "facts": {}, "failure": {"exit_code": error.exit_code}})
    assert keys(course) == ["~a"]


def test_a_step_that_mends_damage_is_tried_again_after_it() -> None:
    """A copy that was read back and is changed is mended by the next attempt."""
    course = Course(plan(step("a", action="copy", retry={"attempts": 2, "wait": 1.0})))
    course.due()
    course.took("a", {"state": "failed", "facts": {}, "failure": {"exit_code": Damaged.exit_code}})
    assert keys(course) == ["~a"]


@pytest.mark.parametrize(("attempt", "seconds"), [(2, 30.0), (3, 60.0), (4, 120.0), (5, 200.0), (90, 200.0)])
def test_waits_double_up_to_most(attempt: int, seconds: float) -> None:
    """The wait before a retry doubles and is bounded."""
    one = PlannedStep.from_facts(step("a", retry={"attempts": 100, "wait": 30.0, "most": 200.0}))
    assert wait_before(one, attempt) == seconds


def test_a_soft_cancel_drops_waits_skips_the_rest_and_tidies() -> None:
    """Cancel is soft: nothing new of `steps` begins, `on_failure` is not told, `always` runs."""
    course = Course(
        plan(step("a", retry={"attempts": 3, "wait": 60.0}), step("b", needs=["a"]), on_failure=[step("tell")], always=[step("tidy")])
    )
    course.due()
    course.took("a", FAILED)
    course.due()
    assert course.heed({"command": "cancel"}) == ["~a"]
    assert [type(task) for task in course.due()] == [Skip]
    course.took("b", SKIPPED)
    assert [(type(task), task.key) for task in course.due()] == [(Start, "tidy")]
    assert course.stops() == ("steps",)


def test_a_hard_cancel_skips_what_tidies_too() -> None:
    """A hard cancel leaves `always` out, on record."""
    course = Course(plan(step("a"), always=[step("tidy")]))
    course.due()
    course.heed({"command": "cancel-hard"})
    course.took("a", {"state": "cancelled", "facts": {}})
    assert [type(task) for task in course.due()] == [Skip]


def test_pause_begins_nothing_and_resume_goes_on() -> None:
    """A paused run finishes what runs; a nonsense message changes nothing."""
    course = Course(plan(step("a"), step("b", needs=["a"])))
    course.due()
    course.heed({"command": "pause"})
    course.heed({"command": "dance"})
    course.took("a", DONE)
    assert (keys(course), course.over) == ([], False)
    course.heed({"command": "resume"})
    assert keys(course) == ["b"]


def test_steps_that_wait_for_one_another_do_not_hang_the_run() -> None:
    """A plan with a circle, which config refuses, ends instead of waiting for ever."""
    course = Course(plan(step("a", needs=["b"]), step("b", needs=["a"]), step("c", needs=["gone"])))
    skipped = course.due()
    assert [task.key for task in skipped] == ["c"]
    course.took("c", SKIPPED)
    assert [(type(task), task.key) for task in course.due()] == [(Skip, "a"), (Skip, "b")]


def answered(course: Course, error: str) -> list[Task]:
    """Put the question, let the time pass or a person speak, and judge it so; what is due then."""
    (ask,) = course.due()
    assert isinstance(ask, Ask)
    course.took("ask", {"state": "waiting", "seconds": 1.0})
    course.due()
    course.took("?ask", None)
    course.due()
    course.took("ask", {"state": "failed", "facts": {}, "failure": {"error": error, "exit_code": 1}})
    return course.due()


def test_a_silence_is_followed_by_the_question_again_as_often_as_its_step_says_and_a_no_is_not() -> None:
    """At once, without a wait: whoever is to approve is to be told now."""
    course = Course(plan(step("ask", "approve", retry={"attempts": 2})))
    (again,) = answered(course, "Unanswered")
    assert isinstance(again, Ask) and again.attempt == 2
    assert answered(Course(plan(step("ask", "approve", retry={"attempts": 2}))), "Failed") == []
    assert answered(Course(plan(step("ask", "approve"))), "Unanswered") == []
