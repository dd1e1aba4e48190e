"""A process that stood still (SIGSTOP, a suspended machine) while it held a lock, and is woken: no harm is done, whoever has it by then."""

import multiprocessing
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from dr.engine.control import pending
from dr.engine.slots import take_slot
from dr.errors import Unreachable
from dr.model.backup import Hold
from dr.model.base import RunId, Seconds, SetId
from dr.model.inventory import RetentionPolicy
from dr.repositories.directory import DirectoryRepository
from dr.stream.holds import hold_path, write_hold
from tests.support.action_world import DAY, HMIS, World
from tests.support.engine_plans import Bench, eventually, make_plan, step
from tests.support.engine_toys import lines

pytestmark = pytest.mark.fault
RUN = RunId("run-1")
NAMES = ["a", "b", "c"]


# ---------------------------------------------------------------- the slot of a process


def standing_still(bench: Bench) -> "subprocess.Popen[str]":
    """A run of three steps, whose process stands still in the first."""
    steps = [step("a", with_={"name": "a", "seconds": 0.5}), step("b", needs=["a"]), step("c", needs=["b"])]
    process = bench.start("run", str(bench.write(make_plan(bench.place, steps))), RUN)
    eventually(lambda: lines(bench.place / "tries"))
    process.send_signal(signal.SIGSTOP)
    return process


def woken(process: "subprocess.Popen[str]") -> tuple[int, str]:
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    return process.returncode, told


def tries(bench: Bench) -> Counter[str]:
    return Counter(line.split()[0] for line in lines(bench.place / "tries"))


def test_a_process_that_stands_still_is_not_taken_for_dead(tmp_path: Path) -> None:
    """Its lock is the kernel's, and has no lease that could run out: another waits, and the woken one finishes its own run."""
    bench = Bench(tmp_path / "bench")
    first = standing_still(bench)
    other = bench.start("run", str(bench.write(make_plan(bench.place, [step("d")]))), "run-2")
    eventually(lambda: "d" in bench.effects())
    assert tries(bench)["a"] == 1
    assert woken(first) == (0, "")
    assert other.wait(60) == 0
    other.communicate()
    assert tries(bench) == dict.fromkeys([*NAMES, "d"], 1)


def test_a_woken_process_whose_slot_was_taken_leaves_at_once(tmp_path: Path) -> None:
    """Somebody removed the lock's file: another carried the run to its end meanwhile, and nothing is done or recorded a second time."""
    bench = Bench(tmp_path / "bench")
    first = standing_still(bench)
    lock = bench.state / "slots" / "slot-00.lock"
    lock.unlink()
    other = bench.call("resume", RUN)
    assert (other.returncode, '"PASS"' in other.stdout) == (0, True), other.stderr
    before = bench.outcome(RUN)
    code, told = woken(first)
    assert (code, told.splitlines()[0]) == (130, f"the lock of this process ({lock}) was removed: others may go on with its runs")
    assert bench.effects() == NAMES
    assert tries(bench) == {"a": 2, "b": 1, "c": 1}
    assert (bench.outcome(RUN), pending(bench.state)) == (before, [])


@pytest.mark.positive_control
def test_the_lock_itself_would_not_notice(tmp_path: Path) -> None:
    """An flock on a removed file stays held: only the look at the path tells."""
    slot = take_slot(tmp_path)
    assert slot.held()
    (tmp_path / "slot-00.lock").unlink()
    second = take_slot(tmp_path)
    assert (second.name, slot.held(), second.held()) == ("slot-00", False, True)
    slot.release()
    second.release()


# ---------------------------------------------------------------- the lock of a repository


KEPT_A_DAY = {"online": RetentionPolicy(keep_within=DAY), "vault": RetentionPolicy(keep_within=Seconds(30 * DAY))}


class Unfenced(DirectoryRepository):
    """Never looks whether its lock is still its own."""

    def _still_alone(self) -> None:
        return None


def prune_and_stand_still(place: Path, at: datetime, fenced: bool) -> None:
    """A prune that stands still under the lock, right before it removes the manifest."""
    world = World(place, retention=KEPT_A_DAY)
    world.clock.move_to(at)
    if not fenced:
        world.online = Unfenced(world.online.name, "online", place / "online", organisation="Harbor")
    world.at["after-tombstone"] = lambda: os.kill(os.getpid(), signal.SIGSTOP)
    try:
        world.prune()
    except Unreachable:
        os._exit(5)
    os._exit(0)


def wake_after(place: Path, meanwhile: Callable[[World, SetId], None], *, fenced: bool = True) -> tuple[int, bool]:
    """What a stopped prune ends with after something happened meanwhile, and whether the set it was about to remove is there."""
    world = World(place, retention=KEPT_A_DAY)
    old = world.night()
    world.later(days=3)
    world.night()
    world.catalog.close()
    child = multiprocessing.get_context("fork").Process(target=prune_and_stand_still, args=(place, world.clock.now(), fenced))
    child.start()
    assert child.pid is not None
    assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
    other = World(place, retention=KEPT_A_DAY)
    other.online.lock_wait = 0.2
    meanwhile(other, old)
    os.kill(child.pid, signal.SIGCONT)
    child.join(60)
    assert child.exitcode is not None
    other.catalog.close()
    return child.exitcode, old in other.stored(other.online)


def hold_it(world: World, set_id: SetId) -> None:
    one = Hold(system=HMIS, set=set_id, name="h1", by="ann", at=world.clock.now(), reason="records request")
    with world.online.locked():
        world.online.beside(HMIS, set_id, hold_path(one), write_hold(one, world.keys))


def hold_it_although_it_is_locked(world: World, set_id: SetId) -> None:
    """The file of the lock is in somebody's way."""
    (world.place / "online" / "lock").unlink()
    hold_it(world, set_id)


def refused_a_hold(world: World, set_id: SetId) -> None:
    with pytest.raises(Unreachable, match="is locked by another process"):
        hold_it(world, set_id)


def test_the_lock_of_a_repository_is_kept_while_its_holder_stands_still(tmp_path: Path) -> None:
    """A hold comes too late, and is told so; the woken prune removes what it had decided to."""
    assert wake_after(tmp_path, refused_a_hold) == (0, False)


def test_a_woken_prune_whose_lock_was_taken_removes_nothing(tmp_path: Path) -> None:
    """Promise 3: the set is held by now."""
    assert wake_after(tmp_path, hold_it_although_it_is_locked) == (5, True)


@pytest.mark.positive_control
def test_a_prune_that_does_not_look_again_removes_a_held_set(tmp_path: Path) -> None:
    assert wake_after(tmp_path, hold_it_although_it_is_locked, fenced=False) == (0, False)
