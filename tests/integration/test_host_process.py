"""Commands on this machine: argument lists only, nothing inherited that is not meant to be, nothing left behind."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dr.errors import Damaged, Failed, Stopped, Unreachable
from dr.hosts.lifeline import Lifeline
from dr.hosts.process import TAIL, LocalRunner
from tests.support.patience import LONG

pytestmark = pytest.mark.integration

HOUSE = Path(__file__).parents[2]
FAMILY = "sleep 60 & echo $$ $! > {where}.new && mv {where}.new {where}; wait"
"""A shell with a child of its own; both write down who they are."""


def family(where: Path) -> list[str]:
    return ["sh", "-c", FAMILY.format(where=where)]


def members(where: Path) -> list[int]:
    _until(where.exists)
    return [int(word) for word in where.read_text().split()]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(what: Callable[[], object], seconds: float = LONG) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def gone(pids: list[int]) -> None:
    _until(lambda: not any(lives(pid) for pid in pids))
    assert not [pid for pid in pids if lives(pid)]


def test_output_input_and_exit_codes() -> None:
    runner = LocalRunner()
    done = runner.run(["sh", "-c", "cat; echo said >&2; exit 3"], stdin=b"given", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"given", b"said\n")
    with pytest.raises(Failed) as caught:
        runner.run(["sh", "-c", "echo secret >&2; exit 3"])
    assert str(caught.value) == "'sh' ended with exit code 3"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Unreachable) as caught:
        LocalRunner().run(["no-such-program"])
    assert str(caught.value) == "there is no program 'no-such-program' on this machine\n   HINT: install the package that has it"


@pytest.mark.parametrize("word", ["$(touch hacked)", "; touch hacked", "--", "-rf", "a\nb", "", "'\"", "\udcff\udcfe", "*"])
def test_an_argument_is_taken_as_it_is(tmp_path: Path, word: str) -> None:
    """No shell reads a word that came from data."""
    done = LocalRunner().run(["printf", "%s", word], cwd=str(tmp_path))
    assert done.stdout == os.fsencode(word)
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_argument_is_a_failure_in_words() -> None:
    with pytest.raises(Failed, match="'true' could not be started"):
        LocalRunner().run(["true", "a\0b"])


def test_the_environment_is_scrubbed() -> None:
    """Our own may hold secrets; a child gets the few variables that are meant for it, and what it was given."""
    code = (
        "import os; os.environ.update(PGPASSWORD='x', DR_KEY='y', AWS_SECRET_ACCESS_KEY='z')\n"
        "from dr.hosts.process import LocalRunner\n"
        "print(LocalRunner().run(['env'], env={'GIVEN': '1'}).stdout.decode())"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    names = {line.partition("=")[0] for line in said.split()}
    assert {"GIVEN", "LC_ALL", "PATH"} <= names
    assert not names & {"PGPASSWORD", "DR_KEY", "AWS_SECRET_ACCESS_KEY"}


def test_no_descriptor_is_inherited(tmp_path: Path) -> None:
    """A slot's lock held by a child would keep the slot from being taken over; even one that is inheritable stays here."""
    with (tmp_path / "slot").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        done = LocalRunner().run(["ls", "-l", "/proc/self/fd"])
    assert b"slot" not in done.stdout


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    for patience in (0.5, 2.0, 8.0, 32.0):  # until there is a group: on a busy machine a shell is long in starting
        with pytest.raises(Stopped) as caught:
            LocalRunner().run(family(tmp_path / "who"), timeout=patience)
        assert str(caught.value) == "'sh' was ended: its time was up"
        if (tmp_path / "who").exists():
            break
    gone(members(tmp_path / "who"))


def test_stop_ends_the_whole_group(tmp_path: Path) -> None:
    """A cancelled step leaves nothing running, and starts nothing more."""
    stop = threading.Event()
    runner = LocalRunner(stop)

    def cancel() -> None:
        members(tmp_path / "who")
        stop.set()

    threading.Thread(target=cancel).start()
    with pytest.raises(Stopped, match="the step was stopped"):
        runner.run(family(tmp_path / "who"))
    gone(members(tmp_path / "who"))
    with pytest.raises(Stopped, match="stopped before 'true' was started"):
        runner.run(["true"])


def test_kill_all_ends_what_was_started(tmp_path: Path) -> None:
    """The engine's way to end an attempt."""
    runner = LocalRunner()
    process = runner.start(family(tmp_path / "who"))
    pids = members(tmp_path / "who")
    runner.kill_all()
    assert process.wait() == -signal.SIGKILL
    gone(pids)


def test_what_a_command_left_in_its_group_ends_with_it(tmp_path: Path) -> None:
    where = tmp_path / "who"
    done = LocalRunner().run(["sh", "-c", f"sleep 60 & echo $! > {where}"])
    [left] = members(where)
    gone([left])
    assert (done.returncode, lives(left)) == (0, False)


PARENT = """
import sys, threading
from dr.hosts.process import LocalRunner
threading.Thread(target=lambda: LocalRunner().run(["sh", "-c", sys.argv[1]], unprivileged=sys.argv[2] == "yes")).start()
threading.Event().wait()
"""


@pytest.mark.fault
@pytest.mark.parametrize("unprivileged", ["no", "yes"])
def test_children_die_with_a_killed_parent(tmp_path: Path, unprivileged: str) -> None:
    """SIGKILL of dr leaves nothing writing: not the child, and not the child's child."""
    where = tmp_path / "who"
    tmp_path.chmod(0o777)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, FAMILY.format(where=where), unprivileged], cwd=HOUSE)
    pids = members(where)
    assert all(lives(pid) for pid in pids)
    parent.kill()
    parent.wait()
    gone(pids)


KILLED_AT_BIRTH = """
import os, pathlib, signal, sys, time
from dr.hosts.lifeline import Lifeline
from dr.hosts.process import LocalRunner
class Cut(Lifeline):
    def hold(self, group):
        while not pathlib.Path(sys.argv[2]).exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
class Unheard(Cut):
    def address(self):
        return "/dev/null"
LocalRunner(lifeline={"cut": Cut, "unheard": Unheard}[sys.argv[3]]()).run(["sh", "-c", sys.argv[1]])
"""


def killed_at_birth(where: Path, how: str) -> list[int]:
    """A parent that is killed when its command has a child of its own already, and before it has told the lifeline of them."""
    argv = [sys.executable, "-c", KILLED_AT_BIRTH, FAMILY.format(where=where), str(where), how]
    done = subprocess.run(argv, cwd=HOUSE, check=False, timeout=LONG)
    assert done.returncode == -signal.SIGKILL
    return members(where)


@pytest.mark.fault
def test_a_parent_killed_between_starting_a_child_and_telling_the_lifeline_leaves_nothing(tmp_path: Path) -> None:
    """The command has told the lifeline itself, before it became the program."""
    gone(killed_at_birth(tmp_path / "who", "cut"))


@pytest.mark.positive_control
def test_a_command_that_tells_nobody_leaves_its_child(tmp_path: Path) -> None:
    """The twin: the direct child dies by the kernel's signal, its child goes on."""
    command, child = killed_at_birth(tmp_path / "who", "unheard")
    gone([command])
    try:
        assert lives(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_command_runs_though_its_watcher_was_killed(tmp_path: Path) -> None:
    """Nobody reads the pipe then; that must hold up nothing."""
    line = Lifeline()
    line.hold(2**22 + 1)  # no such group
    mine = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    watchers = [pid for pid in mine if b"read -r op group" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(max(watchers), signal.SIGKILL)
    gone([max(watchers)])
    assert LocalRunner(lifeline=line).run(["echo", "all the same"]).stdout == b"all the same\n"


@pytest.mark.positive_control
def test_without_the_guard_a_child_outlives_its_parent(tmp_path: Path) -> None:
    """A detached command, which has neither signal nor lifeline, does; so the test above can fail."""
    where = tmp_path / "who"
    code = PARENT.replace("unprivileged=", "detached=True, unprivileged=")
    parent = subprocess.Popen([sys.executable, "-c", code, FAMILY.format(where=where), "no"], cwd=HOUSE)
    pids = members(where)
    parent.kill()
    parent.wait()
    time.sleep(0.3)
    try:
        assert all(lives(pid) for pid in pids)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pids[0], signal.SIGKILL)


def test_the_lifeline_ends_only_what_is_still_held() -> None:
    """A group that was released is somebody else's number by then."""
    held, released = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    line = Lifeline()
    line.hold(held.pid)
    line.hold(held.pid)  # once by the command itself, once by whoever started it
    line.hold(released.pid)
    line.hold(released.pid)
    line.release(released.pid)
    line.release(2**22 + 1)  # of a command that was killed before it could say anything
    line.close()
    assert held.wait(LONG) == -signal.SIGKILL
    assert released.poll() is None
    released.kill()
    released.wait()


def test_a_detached_server_may_outlive_the_step(tmp_path: Path) -> None:
    runner = LocalRunner()
    where = tmp_path / "who"
    runner.run(["sh", "-c", f"setsid sleep 60 & echo $! > {where}"], detached=True)
    pids = members(where)
    runner.kill_all()
    assert all(lives(pid) for pid in pids)
    os.kill(pids[0], signal.SIGKILL)


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise Damaged("database-00/000003.zst.age: changed")


def test_a_damaged_input_ends_the_command_and_is_raised() -> None:
    """A restore must not take a broken stream for its end."""
    with pytest.raises(Damaged) as caught:
        LocalRunner().run(["cat"], stdin=Broken())
    assert str(caught.value) == "database-00/000003.zst.age: changed"


def test_only_a_tail_of_the_messages_is_kept() -> None:
    done = LocalRunner().run(["sh", "-c", "head -c 1000000 /dev/zero >&2; echo end >&2"])
    assert len(done.stderr) <= TAIL
    assert done.stderr.endswith(b"end\n")


def test_unprivileged_is_not_root() -> None:
    """PostgreSQL's server programs refuse to run as root."""
    assert LocalRunner().run(["id", "-u"], unprivileged=True).stdout != b"0\n"
