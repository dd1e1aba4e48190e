"""Who lives, and who does not."""

import os
import subprocess
from pathlib import Path

import pytest

from dr.engine.slots import held_if_dead, is_alive, take_slot
from dr.errors import Refused
from tests.support.engine_plans import eventually

pytestmark = pytest.mark.unit


def test_two_holders_have_two_slots(tmp_path: Path) -> None:
    """Two processes never share an executor's name: DBOS would run the same step twice."""
    one, two = take_slot(tmp_path), take_slot(tmp_path)
    assert (one.name, two.name) == ("slot-00", "slot-01")
    assert is_alive(tmp_path, "slot-00")
    one.release()
    assert not is_alive(tmp_path, "slot-00")
    assert take_slot(tmp_path).name == "slot-00"
    two.release()


def test_a_dead_slot_is_held_while_its_runs_are_taken_over(tmp_path: Path) -> None:
    """Nobody moves into a slot between the look and the take-over, or his new run would be taken from him."""
    with held_if_dead(tmp_path, "slot-00") as dead:
        assert dead
        newcomer = take_slot(tmp_path)
        assert newcomer.name == "slot-01"
    newcomer.release()


def test_all_taken_is_refused(tmp_path: Path) -> None:
    """Too many processes: refused with the reason, not run without a slot."""
    slot = take_slot(tmp_path, count=1)
    with pytest.raises(Refused) as refusal:
        take_slot(tmp_path, count=1)
    assert str(refusal.value) == (
        f"1 processes of dr work in {tmp_path} already\n   HINT: wait until one of them ends; `dr runs list` shows what runs"
    )
    slot.release()


def test_a_server_started_by_the_process_does_not_keep_its_slot(tmp_path: Path) -> None:
    """A standby's PostgreSQL outlives the run that started it; the run's slot must not look alive because of it."""
    slot = take_slot(tmp_path)
    server = subprocess.Popen(["sleep", "30"], close_fds=False)
    slot.release()
    try:
        # The kernel closes files a moment after it runs the program.
        assert eventually(lambda: not is_alive(tmp_path, slot.name))
        assert server.poll() is None, "the server lives all the while"
    finally:
        server.kill()
        server.wait()


def test_a_forked_child_does_not_keep_the_slot(tmp_path: Path) -> None:
    """A fork without exec (a worker of multiprocessing) shares open files; it must give the lock up."""
    slot = take_slot(tmp_path)
    (read, write), (told, tell) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.write(tell, b"!")  # by now it has forgotten the slot
        os.read(read, 1)
        os._exit(0)
    os.read(told, 1)
    slot.release()
    assert not is_alive(tmp_path, slot.name)
    os.close(write)
    os.waitpid(child, 0)
