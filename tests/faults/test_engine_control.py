"""What people do to a run: cancel, pause, Ctrl-C; and what time does: limits, and branches side by side."""

import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dr.engine.control import resumable, send_control
from dr.engine.store import FILE
from dr.errors import ConfigError
from dr.model.base import RunId
from tests.support.engine_plans import Bench, eventually, make_plan, step
from tests.support.engine_toys import engine, lines
from tests.support.patience import LONG

pytestmark = pytest.mark.fault
RUN = RunId("run-1")


def spawning(bench: Bench) -> Path:
    steps = [step("work", "spawn"), step("next", needs=["work"])]
    return bench.write(make_plan(bench.place, steps, on_failure=[step("tell")], always=[step("tidy")]))


def begun(bench: Bench) -> "subprocess.Popen[str]":
    """A run whose first step has started a group of processes that would go on for a minute."""
    process = bench.start("run", str(spawning(bench)), RUN)
    eventually(lambda: len(lines(bench.place / "pids")) == 2)
    return process


def living(bench: Bench) -> str:
    pids = ",".join(lines(bench.place / "pids"))
    return subprocess.run(["ps", "-o", "stat=", "-p", pids], capture_output=True, text=True, check=False).stdout.replace("Z", "").strip()


def states(bench: Bench) -> dict[str, str]:
    return {str(one.step): one.state for one in bench.records.steps(RUN)}


def test_a_soft_cancel_ends_the_step_and_still_tidies(tmp_path: Path) -> None:
    """Cancel is soft: what runs is ended with all it started, the rest is skipped, `always` runs, and who did it is on record."""
    bench = Bench(tmp_path / "bench")
    process = begun(bench)
    assert send_control(bench.state, RUN, "cancel", by="ann") is True
    assert process.wait(LONG) == 0
    process.communicate()
    assert bench.outcome(RUN)["ended"] == ("cancelled", "INCOMPLETE")
    assert states(bench) == {"work": "cancelled", "next": "skipped", "tidy": "done"}
    assert living(bench) == ""
    told = [(entry["event"], entry["actor"]) for entry in bench.records.audited()]
    assert told == [("run-started", "tester"), ("run-cancel", "ann"), ("run-ended", "tester")]


def test_a_hard_cancel_skips_what_tidies(tmp_path: Path) -> None:
    """A hard cancel ends the run where it is."""
    bench = Bench(tmp_path / "bench")
    process = begun(bench)
    send_control(bench.state, RUN, "cancel-hard")
    assert process.wait(LONG) == 0
    process.communicate()
    assert states(bench) == {"work": "cancelled", "next": "skipped", "tidy": "skipped"}
    assert living(bench) == ""


def test_a_cancel_of_a_dead_run_is_heeded_when_it_is_taken_up(tmp_path: Path) -> None:
    """Nobody carries it: the message waits, and the resumed run tidies and ends."""
    bench = Bench(tmp_path / "bench")
    bench.call("run", str(bench.write(make_plan(bench.place, [step("a"), step("b", needs=["a"])]))), RUN, failpoint="note.before-effect")
    assert send_control(bench.state, RUN, "cancel") is False
    assert bench.call("resume").returncode == 0
    assert bench.outcome(RUN)["ended"] == ("cancelled", "INCOMPLETE")


def test_a_paused_run_begins_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    """Pause: what runs is finished; nothing new begins."""
    bench = Bench(tmp_path / "bench")
    steps = [step("a", "meet", with_={"me": "a", "other": "whoever-paused"}), step("b", needs=["a"])]
    process = bench.start("run", str(bench.write(make_plan(bench.place, steps))), RUN)
    eventually((bench.place / "a.here").exists)
    send_control(bench.state, RUN, "pause")
    eventually(lambda: any(entry["event"] == "run-pause" for entry in bench.records.audited()))
    (bench.place / "whoever-paused.here").touch()
    eventually(lambda: states(bench)["a"] == "done")
    time.sleep(1.0)
    assert states(bench) == {"a": "done"}
    send_control(bench.state, RUN, "resume")
    assert process.wait(LONG) == 0
    process.communicate()
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")


def test_ctrl_c_leaves_the_run_resumable(tmp_path: Path) -> None:
    """Interrupted: exit 130, no child left, the hint how to go on; and resumed, the run ends as if nothing had been."""
    bench = Bench(tmp_path / "bench")
    process = begun(bench)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert told == "interrupted; nothing is lost: `dr runs resume run-1` goes on where it was\n"
    assert living(bench) == ""
    assert (states(bench), resumable(bench.state)) == ({"work": "running"}, [RUN])
    resumed = bench.start("resume")
    eventually(lambda: len(lines(bench.place / "pids")) == 4)
    send_control(bench.state, RUN, "cancel")
    assert resumed.wait(LONG) == 0
    resumed.communicate()
    assert states(bench)["tidy"] == "done"


def test_a_time_limit_fails_the_step_tells_and_tidies(tmp_path: Path) -> None:
    """A step over its limit is ended with its children and tried again; then the failure is told and `always` runs."""
    bench = Bench(tmp_path / "bench")
    steps = [step("work", "spawn", timeout=0.5, retry={"attempts": 2, "wait": 0.0})]
    plan = bench.write(make_plan(bench.place, steps, on_failure=[step("tell")], always=[step("tidy")]))
    assert bench.call("run", str(plan), RUN).returncode == 0
    assert bench.outcome(RUN)["ended"] == ("failed", "FAIL")
    assert states(bench) == {"work": "failed", "tell": "done", "tidy": "done"}
    (work,) = (one for one in bench.records.steps(RUN) if one.step == "work")
    assert work.failure is not None
    assert (work.attempt, work.failure.message) == (2, "step 'work' reached its time limit of 500 ms")
    assert living(bench) == ""


def test_parallel_branches_overlap(tmp_path: Path) -> None:
    """`needs` opens branches that really run at the same time: each waits for the other."""
    bench = Bench(tmp_path / "bench")
    pair = [step(one, "meet", with_={"me": one, "other": other}) for one, other in (("left", "right"), ("right", "left"))]
    assert bench.call("run", str(bench.write(make_plan(bench.place, pair))), RUN).returncode == 0
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")


def test_one_process_can_open_the_engine_again_and_again(tmp_path: Path) -> None:
    """Closed, it is really closed: a second engine in the same process works, and a run with a known id is the same run."""
    bench = Bench(tmp_path / "bench")
    plan = make_plan(bench.place, [step("a")])
    for _ in range(2):
        running = engine(bench.state)
        with running:
            assert running.run(plan, RUN).verdict == "PASS"
        assert running.close() is True
    assert bench.effects() == ["a"]
    with engine(bench.state) as running, pytest.raises(ConfigError) as unknown:
        running.resume(RunId("never"))
    assert str(unknown.value) == "there is no run 'never'\n   HINT: `dr runs list` shows them"


def test_the_engines_rows_go_and_the_facts_stay(tmp_path: Path) -> None:
    """The engine's file does not grow for ever; an ended run is known by the catalog, and never begun a second time."""
    bench = Bench(tmp_path / "bench")
    plan = make_plan(bench.place, [step("a")])
    for _ in range(2):
        with engine(bench.state, keep_rows=timedelta(0)) as running:
            (bench.place / "effects").unlink(missing_ok=True)
            assert running.run(plan, RUN).verdict == "PASS"
    assert bench.effects() == []
    with closing(sqlite3.connect(bench.state / FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM workflow_status").fetchone() == (0,)


def test_a_catalog_that_takes_nothing_strands_no_run(tmp_path: Path) -> None:
    """Promise 1: a run whose facts cannot be recorded stands still, says so without quoting anything, and goes on when they can be."""
    bench = Bench(tmp_path / "bench")
    plan = bench.write(make_plan(bench.place, [step("a")]))
    refusing = "CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'row of Jane Doe'); END"
    with closing(sqlite3.connect(bench.records.path)) as connection, connection:
        connection.execute(refusing)
    stopped = bench.call("run", str(plan), RUN, unguarded="patience")
    assert stopped.returncode == 1
    assert stopped.stderr == (
        "the catalog takes no facts of record (IntegrityError), so nothing goes on\n"
        "   HINT: is its disk full, or is it read-only? Then `dr runs resume` goes on where it was\n"
    )
    with closing(sqlite3.connect(bench.records.path)) as connection, connection:
        connection.execute("DROP TRIGGER full")
    assert bench.call("resume").returncode == 0
    assert bench.outcome(RUN)["ended"] == ("done", "PASS")
    assert bench.effects() == ["a"]


def test_a_message_to_a_run_that_is_over_is_an_error(tmp_path: Path) -> None:
    """A cancel that can reach nobody must not look as if it had."""
    with pytest.raises(ConfigError) as error:
        send_control(tmp_path, RUN, "cancel")
    assert str(error.value) == "run 'run-1' is not under way\n   HINT: `dr runs list` shows the runs and how they ended"
