"""Killed at every failpoint: the next start ends with what an undisturbed run would have ended with, and nothing happened twice."""

import random
import signal
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from dr.engine.failpoints import all_failpoints
from dr.engine.store import FILE
from dr.model.base import JsonObject
from tests.support.engine_plans import Bench, eventually, make_plan, step
from tests.support.engine_toys import ACTIONS, lines
from tests.support.patience import LONG

pytestmark = pytest.mark.fault
USED = [action for action in ACTIONS if action.kind in ("note", "check")]


def drill(bench: Bench) -> Path:
    """Two branches, a reference, a retry, a check, and something that always runs."""
    return bench.write(
        make_plan(
            bench.place,
            [
                step("one"),
                step("two", needs=["one"], with_={"name": "two", "after": "${steps.one.name}"}),
                step("three", needs=["one"], with_={"name": "three", "fails": 1}, retry={"attempts": 2, "wait": 0.1}),
                step("prove", "check", needs=["two", "three"], with_={"verdict": "PASS"}, phase="prove"),
            ],
            always=[step("tidy")],
            kind="drill",
        )
    )


def killed_and_resumed(place: Path, failpoint: str) -> JsonObject:
    """What comes out when the process is killed at a point and started again; says how it went, for a person who reads a failure."""
    bench = Bench(place)
    plan, log = drill(bench), bench.place / "log"
    killed = bench.call("run", str(plan), "run-1", failpoint=failpoint, log=log)
    begun = bench.records.run("run-1") is not None or failpoint.startswith("engine.after-begin")  # type: ignore[arg-type]
    again = ("resume",) if begun else ("run", str(plan), "run-1")
    resumed = bench.call(*again)
    return {
        "killed": killed.returncode,
        "fired": failpoint.partition(":")[0] in lines(log),
        "resumed": (resumed.returncode, resumed.stderr),
        "outcome": bench.outcome("run-1"),
        "doubled": sorted({name for name in bench.effects() if bench.effects().count(name) > 1}),
    }


def test_a_kill_at_every_failpoint_changes_nothing(tmp_path: Path) -> None:
    """Promise 1, at every failpoint of the engine and of the actions: 0 effects lost, 0 doubled, the same facts and verdict."""
    calm = Bench(tmp_path / "calm")
    assert calm.call("run", str(drill(calm)), "run-1").returncode == 0
    names = [*all_failpoints(USED), "note.after-record:3", "engine.after-step:4"]
    with ThreadPoolExecutor(3) as pool:
        places = [tmp_path / name.replace(":", "-") for name in names]
        found = dict(zip(names, pool.map(killed_and_resumed, places, names), strict=True))
    wanted = {"killed": -signal.SIGKILL, "fired": True, "resumed": (0, ""), "outcome": calm.outcome("run-1"), "doubled": []}
    assert found == dict.fromkeys(names, wanted)
    assert calm.outcome("run-1")["ended"] == ("done", "PASS")


@pytest.mark.slow
@pytest.mark.campaign
def test_random_kills_of_a_random_plan_repeat_no_completed_step(tmp_path: Path) -> None:
    """Six kills at random moments of a random plan: the end is the undisturbed one, and no step that the engine has on record ran again."""
    seed = 20261122
    rng = random.Random(seed)
    names = [f"s{number:02d}" for number in range(12)]
    steps = [
        step(
            name,
            needs=rng.sample(names[:index], min(index, rng.randint(0, 2))),
            with_={"name": name, "seconds": rng.choice([0.1, 0.3, 0.6]), "fails": rng.choice([0, 0, 1])},
            retry={"attempts": 2, "wait": 0.2},
        )
        for index, name in enumerate(names)
    ]
    calm, rough = Bench(tmp_path / "calm"), Bench(tmp_path / "rough")
    plans = {bench: bench.write(make_plan(bench.place, steps, always=[step("tidy")])) for bench in (calm, rough)}
    undisturbed = calm.start("run", str(plans[calm]), "run-1")
    again = _kill_often(rough, plans[rough], rng)
    assert undisturbed.wait(LONG) == 0
    last = rough.call("resume", "run-1")
    assert (last.returncode, last.stderr) == (0, ""), f"seed {seed}"
    assert rough.outcome("run-1") == calm.outcome("run-1"), f"seed {seed}"
    assert again == []
    assert {f"{name} 1" for name in names} <= _on_record(rough)


def _kill_often(bench: Bench, plan: Path, rng: random.Random) -> list[str]:
    """Kill six times; gives back the attempts that were made again although the engine had them on record."""
    again = []
    for kill in range(6):
        recorded, before = _on_record(bench), _tries(bench)
        process = bench.start(*(("run", str(plan), "run-1") if kill == 0 else ("resume",)))
        eventually(lambda before=before: len(_tries(bench)) > len(before))  # type: ignore[misc]
        time.sleep(rng.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        again += [one for one in _tries(bench)[len(before) :] if one in recorded]
    return again


def _on_record(bench: Bench) -> set[str]:
    if not (bench.state / FILE).exists():
        return set()
    with closing(sqlite3.connect(bench.state / FILE)) as connection:
        return {row[0] for row in connection.execute("SELECT function_name FROM operation_outputs")}


def _tries(bench: Bench) -> list[str]:
    return [" ".join(line.split()[:2]) for line in lines(bench.place / "tries")]


def test_a_wait_before_a_retry_survives_a_kill(tmp_path: Path) -> None:
    """Retries wait durably: after a kill the rest of the wait is waited, not the whole of it again."""
    bench = Bench(tmp_path / "bench")
    waiting = step("one", with_={"name": "one", "fails": 1}, retry={"attempts": 2, "wait": 5.0})
    beside = step("beside", with_={"name": "beside", "seconds": 60.0})  # begun again as soon as somebody takes the run up
    plan = bench.write(make_plan(bench.place, [waiting, beside]))
    process = bench.start("run", str(plan), "run-1")
    eventually(lambda: {str(one.step): one.state for one in bench.records.steps("run-1")} == {"one": "failed", "beside": "running"})  # type: ignore[arg-type]
    time.sleep(2.5)
    process.kill()
    process.communicate()
    resumed = bench.start("resume")
    eventually(lambda: all(len(_tried(bench, name)) == 2 for name in ("one", "beside")))
    resumed.kill()
    resumed.communicate()
    (first, second), (_, taken_up) = _tried(bench, "one"), _tried(bench, "beside")
    assert second - first >= 5.0
    assert second - taken_up < 5.0, "waited anew, it would be the 5 s"


def _tried(bench: Bench, name: str) -> list[float]:
    """When a step was begun, each time."""
    return [float(line.split()[2]) for line in lines(bench.place / "tries") if line.split()[0] == name]


def test_killed_steps_leave_no_process(tmp_path: Path) -> None:
    """A step's children die with the tool, so that a resumed run never works beside what a dead one left."""
    bench = Bench(tmp_path / "bench")
    plan = bench.write(make_plan(bench.place, [step("one", "spawn")]))
    process = bench.start("run", str(plan), "run-1")
    eventually(lambda: len(lines(bench.place / "pids")) == 2)
    process.kill()
    process.communicate()
    pids = lines(bench.place / "pids")
    assert len(set(pids)) == 2
    assert eventually(lambda: not _living(pids))


def _living(pids: list[str]) -> list[str]:
    listed = subprocess.run(["ps", "-o", "pid=", "-o", "stat=", "-p", ",".join(pids)], capture_output=True, check=False, text=True).stdout
    return [line for line in listed.splitlines() if not line.split()[1].startswith("Z")]
