"""A run that waits for a person: it survives what kills it, heeds the first answer, and takes silence for a no."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dr.app import failpoint_names
from dr.clock import SystemClock, iso
from dr.engine.control import Command, send_answer, send_control
from dr.model.base import JsonObject, RunId, StepId
from dr.model.record import StepRecord
from dr.program import this_dr
from tests.support.engine_plans import Bench, eventually, make_plan, step

pytestmark = pytest.mark.fault
RUN, QUESTION = RunId("run-1"), StepId("ask")
WHILE_ASKING = ("approve.after-asked", "approve.after-send")
FAILPOINTS = (*WHILE_ASKING, "approve.before-effect", "approve.after-effect", "approve.after-record")


def asking(bench: Bench, attempts: int = 1, **with_: Any) -> str:
    """A plan that notes something, asks, and notes something that must not happen unasked."""
    question = {"instructions": "Look at the standby", "timeout": 60.0, **with_}
    retry = {"attempts": attempts}
    steps = [step("before"), step("ask", "approve", needs=["before"], with_=question, retry=retry), step("after", needs=["ask"])]
    return str(bench.write(make_plan(bench.place, steps, on_failure=[step("tell")], always=[step("tidy")])))


def say(bench: Bench, verdict: str = "approved", by: str = "bob", at: str = "") -> bool:
    message: JsonObject = {"verdict": verdict, "by": by, "at": at or iso(SystemClock().now()), "comment": "seen"}
    return send_answer(bench.state, RUN, QUESTION, message)


def of(bench: Bench, name: str = "ask") -> StepRecord | None:
    return next((one for one in bench.records.steps(RUN) if one.step == name), None)


def waits(bench: Bench) -> bool:
    asked = of(bench)
    return asked is not None and asked.state == "running"


def failure(bench: Bench) -> str:
    asked = of(bench)
    assert asked is not None
    assert asked.failure is not None
    return asked.failure.message


def ended(bench: Bench, answer: Any, **plan: Any) -> tuple[str, str]:
    """Run until it waits, do something about it, and wait for the end."""
    process = bench.start("run", asking(bench, **plan), RUN)
    eventually(lambda: waits(bench))
    answer()
    assert process.wait(30) == 0
    process.communicate()
    state, verdict = bench.outcome(RUN)["ended"]
    return state, verdict


def test_an_approval_lets_the_run_go_on_and_both_names_stay(tmp_path: Path) -> None:
    """Nothing after the question happens before the answer; who asked and who approved are facts and in the audit trail."""
    bench = Bench(tmp_path / "bench")
    seen: list[list[str]] = []

    def answer() -> None:
        time.sleep(0.5)
        seen.append(bench.effects())
        assert say(bench) is True

    assert ended(bench, answer) == ("done", "PASS")
    assert seen == [["before"]]
    asked = of(bench)
    assert asked is not None
    assert {key: asked.facts[key] for key in ("by", "asked_by", "comment", "verdict")} == {
        "by": "bob",
        "asked_by": "tester",
        "comment": "seen",
        "verdict": "approved",
    }
    told = [(entry["event"], entry["actor"]) for entry in bench.records.audited() if str(entry["event"]).startswith("approval")]
    assert told == [("approval.asked", "tester"), ("approval.approved", "bob")]


def test_killed_while_it_waits_and_approved_while_nobody_carries_it(tmp_path: Path) -> None:
    """Promise 1: the question stands though the process is gone; the answer waits for whoever takes the run up."""
    bench = Bench(tmp_path / "bench")
    process = bench.start("run", asking(bench), RUN)
    eventually(lambda: waits(bench))
    time.sleep(0.3)
    process.kill()
    process.communicate()
    assert say(bench) is False
    assert bench.call("resume").returncode == 0
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")
    assert bench.effects() == ["before", "after", "tidy"]


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_every_point_round_the_question(tmp_path: Path, failpoint: str) -> None:
    """Promise 1, at every failpoint of approve: resumed, it ends as an undisturbed run, and nothing happens twice."""
    bench = Bench(tmp_path / "bench")
    process = bench.start("run", asking(bench, notify="managers"), RUN, failpoint=failpoint)
    eventually(lambda: waits(bench))
    if failpoint not in WHILE_ASKING:
        say(bench)
    assert process.wait(30) == -9
    process.communicate()
    resumed = bench.start("resume")
    if failpoint in WHILE_ASKING:
        say(bench)
    assert resumed.wait(30) == 0
    resumed.communicate()
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")
    assert bench.effects() == ["before", "after", "tidy"]


def test_every_failpoint_of_approve_is_shot_here() -> None:
    """A new point brings its name; nobody may forget to shoot it."""
    assert sorted(FAILPOINTS) == sorted(name for name in failpoint_names() if name.startswith("approve."))


def test_who_is_to_be_asked_is_sent_the_instructions_as_they_are_written(tmp_path: Path) -> None:
    """The notice says what to do first, line by line, until when, what to type, and that silence is a no."""
    bench = Bench(tmp_path / "bench")
    lines = "Look at the standby:\n  1. sign in\n  2. open a client\n\nThen agree.\n"
    assert ended(bench, lambda: say(bench), notify="managers", instructions=lines, second_person=True) == ("done", "PASS")
    [told] = [json.loads(line) for line in (bench.place / "told").read_text().splitlines()]
    to, template, note, question = told
    assert (to, template, question) == ("managers", "approval-wanted", "Look at the standby.")
    assert note.startswith(
        "What to do first:\n  Look at the standby:\n    1. sign in\n    2. open a client\n\n  Then agree.\n\nThen answer before "
    )
    assert ", as somebody other than tester:\n  sudo " in note and f"{this_dr(bench.place)} runs approve run-1 ask --comment " in note
    assert note.endswith("Silence is a no.")


def test_a_question_that_reached_nobody_stands_and_is_a_finding_until_it_is_answered(tmp_path: Path) -> None:
    """That the mail is down takes nobody's approval away; but somebody must know that nobody was told."""
    bench = Bench(tmp_path / "bench")
    seen: list[str] = []

    def answer() -> None:
        eventually(lambda: bool(bench.records.open_findings()))
        seen.extend(f"{one.key} {one.severity}" for one in bench.records.open_findings())
        say(bench)

    assert ended(bench, answer, notify="nobody") == ("done", "PASS")
    assert seen == ["approval-untold:run-1:ask:nobody critical"]
    assert bench.records.open_findings() == []


@pytest.mark.parametrize("command", ["cancel", "cancel-hard"])
def test_a_cancelled_run_leaves_no_question_open(tmp_path: Path, command: Command) -> None:
    """What is over waits for nobody: the status must not ask anybody to approve it."""
    bench = Bench(tmp_path / "bench")

    def cancel() -> None:
        eventually(lambda: bool(bench.records.open_findings()))
        send_control(bench.state, RUN, command, "ann")

    assert ended(bench, cancel, notify="nobody") == ("cancelled", "INCOMPLETE")
    assert bench.records.open_findings() == []


def test_a_run_that_nobody_carried_is_cancelled_hard_and_leaves_no_question_open(tmp_path: Path) -> None:
    """The same of a run that is ended without being taken up again."""
    bench = Bench(tmp_path / "bench")
    process = bench.start("run", asking(bench, notify="nobody"), RUN)
    eventually(lambda: bool(bench.records.open_findings()))
    process.kill()
    process.communicate()
    assert send_control(bench.state, RUN, "cancel-hard", "ann") is False
    bench.call("resume")
    assert bench.outcome(RUN)["ended"] == ("cancelled", "INCOMPLETE")
    assert bench.records.open_findings() == []


def test_a_denial_fails_the_step_and_is_told(tmp_path: Path) -> None:
    """A person's no is no: it is not asked again, nothing after it is done, and the failure is told."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: say(bench, "denied")) == ("failed", "FAIL")
    assert failure(bench) == "step 'ask': bob denied it: seen"
    assert bench.effects() == ["before", "tell", "tidy"]


def test_silence_is_a_no(tmp_path: Path) -> None:
    """A time-out fails safe."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: None, timeout=1.0) == ("failed", "FAIL")
    assert failure(bench) == "step 'ask': nobody approved within 1.0 s"
    assert bench.effects() == ["before", "tell", "tidy"]


def asked_times(bench: Bench) -> int:
    return sum(entry["event"] == "approval.asked" for entry in bench.records.audited())


def test_a_silence_loses_nothing_where_it_is_asked_again(tmp_path: Path) -> None:
    """Nothing is opened in it, and what was done beside the question is not done again when somebody comes at last."""
    bench = Bench(tmp_path / "bench")

    def answer_late() -> None:
        eventually(lambda: asked_times(bench) == 3)
        assert say(bench) is True

    assert ended(bench, answer_late, attempts=50, timeout=1.0, notify="managers") == ("done", "PASS")
    assert bench.effects() == ["before", "after", "tidy"]
    told = [json.loads(line)[2] for line in (bench.place / "told").read_text().splitlines()]
    assert len(told) >= 3, "they are told each time"
    assert told[0].endswith("If nobody answers, it is asked again; until somebody approves, nothing after it is done.")
    events = [str(entry["event"]).removeprefix("approval.") for entry in bench.records.audited()]
    assert [event for event in events if event in ("asked", "timed-out", "approved")][:4] == ["asked", "timed-out", "asked", "timed-out"]


def test_a_run_that_was_left_over_its_time_asks_anew_when_it_is_resumed(tmp_path: Path) -> None:
    """Nobody carried it while the hour passed: who resumes it does not find it failed, and has the whole time again."""
    bench = Bench(tmp_path / "bench")
    process = bench.start("run", asking(bench, attempts=2, timeout=3.0), RUN)
    eventually(lambda: waits(bench))
    process.kill()
    process.communicate()
    time.sleep(3.2)
    resumed = bench.start("resume")
    eventually(lambda: asked_times(bench) == 2)
    eventually(lambda: waits(bench))
    assert say(bench) is True
    assert resumed.wait(30) == 0
    resumed.communicate()
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")
    assert bench.effects() == ["before", "after", "tidy"]


def test_a_denial_is_not_asked_again(tmp_path: Path) -> None:
    """`retry` is for silence: a person's no stays no."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: say(bench, "denied"), attempts=5) == ("failed", "FAIL")
    assert asked_times(bench) == 1


@pytest.mark.positive_control
def test_where_it_is_asked_once_a_silence_ends_the_run(tmp_path: Path) -> None:
    """The twin, and what says in its hint how it is otherwise."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: None, attempts=1, timeout=1.0) == ("failed", "FAIL")
    asked = of(bench)
    assert asked is not None and asked.failure is not None
    assert asked.failure.hint.endswith("with `retry` at the step they are asked again instead")


@pytest.mark.parametrize(
    ("offset", "outcome"), [(-30.0, ("done", "PASS")), pytest.param(30.0, ("failed", "FAIL"), marks=pytest.mark.positive_control)]
)
def test_an_answer_counts_by_when_it_was_given(tmp_path: Path, offset: float, outcome: tuple[str, str]) -> None:
    """Nobody carried the run when its time was over: what was said before counts when it is resumed, what was said after does not."""
    bench = Bench(tmp_path / "bench")
    process = bench.start("run", asking(bench, timeout=2.0), RUN)
    eventually(lambda: waits(bench))
    process.kill()
    process.communicate()
    asked = of(bench)
    assert asked is not None
    assert asked.started is not None
    time.sleep(2.5)
    given = asked.started.timestamp() + 2.0 + offset
    say(bench, at=iso(SystemClock().now().fromtimestamp(given, tz=asked.started.tzinfo)))
    assert bench.call("resume").returncode == 0
    assert bench.outcome(RUN)["ended"] == outcome


def test_who_asked_is_no_second_person(tmp_path: Path) -> None:
    """Where two are wanted, the requester's own yes is refused, though it reached the run past the command."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: say(bench, by="tester"), second_person=True) == ("failed", "FAIL")
    assert failure(bench) == "step 'ask': tester asked for this run, so somebody else must approve it"
    assert "after" not in bench.effects()


@pytest.mark.positive_control
def test_without_second_person_who_asked_may_approve(tmp_path: Path) -> None:
    """The twin: the same answer, where one is enough, lets the run go on."""
    bench = Bench(tmp_path / "bench")
    assert ended(bench, lambda: say(bench, by="tester")) == ("done", "PASS")
    assert "after" in bench.effects()


def test_cancel_and_pause_reach_a_run_that_waits(tmp_path: Path) -> None:
    """A paused run takes the answer and begins nothing; a cancelled one takes the question back and tidies."""
    bench = Bench(tmp_path / "paused")

    def pause_answer_resume() -> None:
        send_control(bench.state, RUN, "pause", "ann")
        eventually(lambda: any(entry["event"] == "run-pause" for entry in bench.records.audited()))
        say(bench)
        eventually(lambda: not waits(bench))
        time.sleep(0.5)
        assert bench.effects() == ["before"]
        send_control(bench.state, RUN, "resume", "ann")

    assert ended(bench, pause_answer_resume) == ("done", "PASS")
    other = Bench(tmp_path / "cancelled")
    assert ended(other, lambda: send_control(other.state, RUN, "cancel", "ann")) == ("cancelled", "INCOMPLETE")
    asked = of(other)
    assert asked is not None
    assert (asked.state, other.effects()) == ("cancelled", ["before", "tidy"])
