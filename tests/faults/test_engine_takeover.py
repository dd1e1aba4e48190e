"""Several processes on one home: runs of the dead are taken over, runs of the living are left alone."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from dr.engine.control import pending, resumable, send_control
from dr.engine.store import FILE
from dr.model.base import RunId
from dr.model.runbook import Plan
from tests.support.engine_plans import Bench, eventually, make_plan, step
from tests.support.engine_toys import lines
from tests.support.patience import LONG

pytestmark = pytest.mark.fault
ONE, TWO = RunId("run-1"), RunId("run-2")


def chain(bench: Bench, name: str, count: int, seconds: float) -> Path:
    """Steps one after the other, each taking a while."""
    names = [f"{name}-{number}" for number in range(count)]
    steps = [
        step(one, with_={"name": one, "seconds": seconds}, needs=[before] if before else [])
        for before, one in zip(["", *names], names, strict=False)
    ]
    path = bench.write(make_plan(bench.place, steps))
    return path.rename(path.with_name(f"{name}.json"))


def tries(bench: Bench) -> Counter[str]:
    return Counter(line.split()[0] for line in lines(bench.place / "tries"))


def test_a_living_process_finishes_the_run_of_a_dead_one(tmp_path: Path) -> None:
    """Takeover within seconds, and the process that took it over does not leave before it is done."""
    bench = Bench(tmp_path / "bench")
    waits = make_plan(bench.place, [step("b-0", "meet", with_={"me": "b-0", "other": "takeover"}), step("b-1", needs=["b-0"])])
    living = bench.start("run", str(bench.write(waits).rename(bench.place / "b.json")), TWO)
    eventually((bench.place / "b-0.here").exists)
    dying = bench.start("run", str(chain(bench, "a", 4, 0.5)), ONE)  # the last to start, so that it is in its middle when it dies
    eventually(lambda: tries(bench)["a-1"])
    assert resumable(bench.state) == []
    dying.kill()
    dying.communicate()
    before = sum(tries(bench)[f"a-{number}"] for number in range(4))
    eventually(lambda: sum(tries(bench)[f"a-{number}"] for number in range(4)) > before)
    (bench.place / "takeover.here").touch()
    assert living.wait(LONG) == 0
    living.communicate()
    assert bench.outcome(ONE)["ended"] == bench.outcome(TWO)["ended"] == ("done", "PASS")
    assert sorted(bench.effects()) == ["a-0", "a-1", "a-2", "a-3", "b-1"]
    assert pending(bench.state) == []


def test_two_living_processes_never_run_a_step_twice(tmp_path: Path) -> None:
    """Both are alive: neither touches the other's run, and `resume` of a run that is carried waits for it."""
    bench = Bench(tmp_path / "bench")
    one = bench.start("run", str(chain(bench, "a", 5, 0.4)), ONE)
    eventually(lambda: tries(bench)["a-0"])
    waiting = bench.call("resume", ONE)
    assert (waiting.returncode, '"PASS"' in waiting.stdout) == (0, True)
    assert one.wait(LONG) == 0
    one.communicate()
    assert set(tries(bench).values()) == {1}


@pytest.mark.positive_control
def test_without_slots_a_living_process_is_robbed(tmp_path: Path) -> None:
    """The twin: a reaper that believes everyone dead runs a step beside the process that is running it."""
    bench = Bench(tmp_path / "bench")
    one = bench.start("run", str(chain(bench, "a", 1, 60.0)), ONE)
    eventually(lambda: tries(bench)["a-0"])
    robber = bench.start("resume", ONE, unguarded="if_dead")
    eventually(lambda: tries(bench)["a-0"] > 1)
    assert one.poll() is None, "robbed while it was alive"
    for process in (one, robber):
        process.kill()
        process.communicate()
    assert tries(bench)["a-0"] == 2


def of_another_version(bench: Bench) -> None:
    """A run that a kill left, begun by an engine of another format."""
    bench.call("run", str(chain(bench, "a", 1, 0.0)), ONE, failpoint="note.before-effect")
    with closing(sqlite3.connect(bench.state / FILE)) as connection, connection:
        connection.execute("UPDATE workflow_status SET application_version = 'dr-engine-0'")


def test_a_run_of_another_engine_is_refused_loudly(tmp_path: Path) -> None:
    """An upgrade with a run in flight never strands it silently; ended by a person, the way is free and the catalog knows."""
    bench = Bench(tmp_path / "bench")
    of_another_version(bench)
    refused = bench.call("resume")
    assert refused.returncode == 3
    assert refused.stderr == (
        "runs of another version of the engine are not finished: run-1 (dr-engine-0); this is dr-engine-3\n"
        "   HINT: finish them with the release that began them (`dr runs resume`), or end them with `dr runs cancel --hard RUN`\n"
    )
    assert send_control(bench.state, ONE, "cancel-hard", by="tester") is False
    assert bench.call("resume").returncode == 0
    assert bench.outcome(ONE)["ended"] == ("cancelled", "INCOMPLETE")


@pytest.mark.positive_control
def test_without_the_refusal_it_would_be_stranded(tmp_path: Path) -> None:
    """The twin: let in, the process carries nothing, and the run waits for ever."""
    bench = Bench(tmp_path / "bench")
    of_another_version(bench)
    process = bench.start("resume", unguarded="admit")
    time.sleep(3)
    assert (process.poll(), pending(bench.state)) == (None, [ONE])
    process.kill()
    process.communicate()


def test_a_run_keeps_its_plan_and_says_that_the_inventory_changed(tmp_path: Path) -> None:
    """Editing the inventory or a runbook changes no run in flight; that it was edited becomes a finding."""
    bench = Bench(tmp_path / "bench")
    path = chain(bench, "a", 2, 0.0)
    old = Plan.from_json(path.read_text())
    path.write_text(old.model_copy(update={"inventory": "0" * 64}).model_dump_json(by_alias=True))
    bench.call("run", str(path), ONE, failpoint="note.after-record")
    path.write_text("changed")
    assert bench.call("resume").returncode == 0
    assert bench.outcome(ONE)["ended"] == ("done", "PASS")
    assert [finding.key for finding in bench.records.open_findings()] == [f"inventory-changed:{ONE}"]


def test_a_run_that_the_engine_lost_is_ended_and_told(tmp_path: Path) -> None:
    """Promise 1: where a run cannot be taken up again (the engine's file is gone), that is said, not passed over."""
    bench = Bench(tmp_path / "bench")
    bench.call("run", str(chain(bench, "a", 1, 0.0)), ONE, failpoint="note.before-effect")
    for path in bench.state.glob(f"{FILE}*"):
        path.unlink()
    assert bench.call("resume").returncode == 0
    assert bench.outcome(ONE)["ended"] == ("failed", "FAIL")
    (finding,) = bench.records.open_findings()
    assert (finding.key, finding.severity, finding.message) == (
        f"lost-run:{ONE}",
        "critical",
        "run run-1 broke off and cannot be taken up again",
    )


def test_a_run_that_another_engine_has_is_not_taken_for_lost(tmp_path: Path) -> None:
    """An outage's run goes on in an engine of its own, which this one does not see; the test above is the twin, where the run is ours."""
    bench = Bench(tmp_path / "bench")
    bench.call("run", str(chain(bench, "a", 1, 0.0)), ONE, failpoint="note.before-effect")
    for path in bench.state.glob(f"{FILE}*"):
        path.unlink()
    assert bench.call("resume", unguarded="ours").returncode == 0
    record = bench.records.run(ONE)
    assert record is not None
    assert record.state == "running"
    assert bench.records.open_findings() == []
