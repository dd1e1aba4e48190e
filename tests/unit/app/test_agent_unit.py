"""The unit itself, as real processes without ssh: it outlives the connection it was begun over, is there once, and is no stranger's."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dr.app.agent import units
from dr.app.agent.allowed import Allowed
from dr.app.agent.greeting import asked_for
from dr.clock import SystemClock
from dr.errors import DrError, Failed, Refused, Unreachable
from dr.model.base import JsonObject
from dr.wire.connection import nothing_asked
from dr.wire.link import Call
from dr.wire.openssh import Address
from dr.wire.rejoin import Rejoined, Seeking, Unit
from tests.support.patience import LONG

AT = Address(host="standby", at="127.0.0.1", port=22, user="dr", key="key", known_hosts="known", silence=5.0)
WORK = Unit(name="drill-1-restore", run="drill-1", root="/srv/standby", token="0" * 64, rejoin=60.0)


@dataclass
class There:
    """A machine of the test's own, as far as a home folder is one; what is started there stands for ssh."""

    home: Path
    said: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    seeks: list[Seeking] = field(default_factory=list)

    @property
    def argv(self) -> list[str]:
        agent = shlex.join([sys.executable, "-m", "dr", "agent", *self.allowed])
        return ["env", f"HOME={self.home}", "sh", "-c", f"cat | {agent} | cat"]

    def seeking(self, unit: Unit = WORK) -> Seeking:
        self.seeks.append(Seeking(AT, self.argv, unit, SystemClock().now, self.said.append))
        return self.seeks[-1]

    def forsake(self) -> None:
        """The controller is gone without a word."""
        for one in self.seeks:
            one.given_up.set()
        self.cut()

    @contextmanager
    def joined(
        self,
        unit: Unit = WORK,
        stop: threading.Event | None = None,
        asked: Callable[[Call], JsonObject] = nothing_asked,
        *,
        introduced: bool = True,
    ) -> Iterator[Rejoined]:
        made = Rejoined(AT, self.seeking(unit), serve=asked, noted=lambda _verb, _args: None, stop=stop or threading.Event())
        if introduced:
            made.ask("host", {"name": "standby", "role": "production"})
        try:
            yield made
        finally:
            made.close()

    @property
    def folders(self) -> list[str]:
        return sorted(entry.name for entry in (self.home / ".local/state/dr-units").iterdir())

    def processes(self) -> list[int]:
        """The unit, and who hands streams to it."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if f"HOME={self.home}".encode() in (entry / "environ").read_bytes() and (entry / "stat").read_text().split()[2] != "Z":
                    found.append(int(entry.name))
        return found

    def unit(self) -> int:
        """Its process: a session of its own, whose leader is gone."""
        (found,) = [pid for pid in self.processes() if b"dr\0agent" in words(pid) and os.getsid(pid) not in self.processes()]
        return found

    def cut(self) -> None:
        """Whatever stands for ssh dies, as a line does."""
        for pid in self.processes():
            if words(pid) == b"cat\0":
                os.kill(pid, signal.SIGKILL)


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    made = There(tmp_path)
    yield made
    for pid in made.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def until(true: Callable[[], object]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < LONG
        time.sleep(0.02)


def running(connection: Rejoined, seconds: float, at: Path) -> tuple[threading.Thread, list[object]]:
    """A command over there that writes down when it begins, and what came of it."""
    came: list[object] = []

    def ask() -> None:
        try:
            came.append(connection.ask("run", {"argv": ["sh", "-c", f"echo $$ >> {at}; sleep {seconds}; echo done"]}))
        except DrError as error:
            came.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    until(lambda: at.exists() and at.read_text())
    return thread, came


def test_work_goes_on_while_its_line_is_cut_and_is_answered_once(there: There, tmp_path: Path) -> None:
    """The command ran once, in one process, and its answer came over another connection."""
    with there.joined() as connection:
        before = there.unit()
        thread, came = running(connection, 1.0, tmp_path / "began")
        there.cut()
        thread.join(LONG)
        assert came == [{"code": 0, "stdout": b"done\n".hex(), "stderr": ""}]
        assert len((tmp_path / "began").read_text().split()) == 1
        assert there.unit() == before
        assert [said.split(";")[0] for said in there.said] == [
            "the link to host 'standby' is lost",
            "the link to host 'standby' is back, and the work there was taken up where it is",
        ]
    until(lambda: not there.processes())
    assert there.folders == []


def test_a_killed_unit_is_said_and_nothing_is_taken_up(there: There, tmp_path: Path) -> None:
    """As a machine that was restarted: whoever waits is told at once, not after half an hour."""
    with there.joined() as connection:
        thread, came = running(connection, 600, tmp_path / "began")
        os.kill(there.unit(), signal.SIGKILL)
        thread.join(LONG)
    assert isinstance(came[0], Unreachable | Failed)
    assert "the work there is gone" in came[0].message
    until(lambda: not there.processes())


def test_a_unit_that_nobody_comes_back_to_ends_with_all_that_it_started(there: There, tmp_path: Path) -> None:
    """Its time passes: no process, no folder, no lock."""
    with there.joined(replace(WORK, rejoin=1.0)) as connection:
        running(connection, 600, tmp_path / "began")
        command = int((tmp_path / "began").read_text())
        there.forsake()
        until(lambda: not there.processes())
        assert not Path(f"/proc/{command}").exists()
    assert there.folders == []


@pytest.mark.positive_control
def test_a_unit_that_is_waited_for_longer_is_still_there(there: There, tmp_path: Path) -> None:
    """The twin: with time left it goes on, and says that it is away."""
    with there.joined() as connection:
        running(connection, 600, tmp_path / "began")
        assert connection.link.over is False
        assert [one["away"] for one in asked_units(there)] == [None]


def asked_units(there: There) -> list[JsonObject]:
    script = "import json; from dr.app.agent import units; print(json.dumps(units.living('/srv/standby')))"
    done = subprocess.run(["env", f"HOME={there.home}", sys.executable, "-c", script], check=True, capture_output=True)
    found: list[JsonObject] = json.loads(done.stdout)
    return found


def test_a_second_process_of_the_same_step_ends_the_first_and_begins_anew(there: There, tmp_path: Path) -> None:
    """A killed controller's next process: never two at once, and what the first had begun is over before the second begins."""
    with there.joined() as first:
        running(first, 600, tmp_path / "began")
        command, before = int((tmp_path / "began").read_text()), there.unit()
        with there.joined(replace(WORK, epoch="1" * 32)) as second:
            assert not Path(f"/proc/{command}").exists()
            assert there.unit() != before
            assert second.ask("path", {"path": "/srv"}) == {"path": "/srv"}
        with pytest.raises(DrError):
            first.ask("path", {"path": "/srv"})


def test_a_first_process_that_comes_back_takes_nothing_from_the_second(there: There) -> None:
    """It was only frozen: what was begun since is not its own."""
    with there.joined() as first, there.joined(replace(WORK, epoch="1" * 32)) as second:
        with pytest.raises(DrError):
            first.ask("path", {"path": "/srv"})
        late = there.seeking(WORK)
        with pytest.raises(Refused, match="taken up by another process since"):
            late.again(0)
        assert second.ask("path", {"path": "/srv"}) == {"path": "/srv"}


@pytest.mark.parametrize("again", [False, True])
def test_who_does_not_know_its_token_is_refused(there: There, again: bool) -> None:
    """Another controller with the same login: it neither takes the work up nor ends it."""
    with there.joined() as connection:
        stranger = there.seeking(replace(WORK, token="f" * 64, epoch=WORK.epoch if again else "2" * 32))
        with pytest.raises(Refused, match="host 'standby': the work there is another controller's"):
            stranger.again(0) if again else stranger.first()
        assert connection.ask("path", {"path": "/srv"}) == {"path": "/srv"}


def test_a_login_that_may_do_something_else_does_not_take_it_up(there: There) -> None:
    """A forced command with `--root` comes to no unit that was begun without."""
    with there.joined() as connection:
        there.allowed = ("--root", "/srv/standby")
        with pytest.raises(Refused, match="begun by a login that may do something else"):
            there.seeking(WORK).again(0)
        assert connection.ask("path", {"path": "/srv"}) == {"path": "/srv"}


def test_what_a_forced_command_forbids_is_forbidden_in_a_unit_too(there: There) -> None:
    there.allowed = ("--root", WORK.root)
    with there.joined(introduced=False) as connection, pytest.raises(Refused, match="this login may not be asked for 'run'"):
        connection.ask("run", {"argv": ["true"]})


def test_a_step_that_is_stopped_ends_it(there: There, tmp_path: Path) -> None:
    """A cancel, a time limit, Ctrl-C: the last word goes over the line that there is."""
    stop = threading.Event()
    with there.joined(stop=stop) as connection:
        thread, came = running(connection, 600, tmp_path / "began")
        stop.set()
        thread.join(LONG)
        assert isinstance(came[0], Unreachable)
        until(lambda: not there.processes())
        assert there.folders == []


def test_its_socket_is_its_users_alone(there: There) -> None:
    with there.joined():
        folder = there.home / ".local/state/dr-units"
        modes = [oct(path.lstat().st_mode & 0o777) for path in (folder, folder / WORK.name, folder / WORK.name / "link")]
        assert modes == ["0o700", "0o700", "0o600"]


def test_the_token_is_no_word_of_a_command(there: There) -> None:
    with there.joined():
        told = b"".join(words(pid) for pid in there.processes())
        assert WORK.token.encode() not in told
        assert WORK.epoch.encode() not in told


def test_a_dr_of_another_version_is_refused(tmp_path: Path) -> None:
    """It answers the greeting as one of before did."""
    reply = b'{"ok":{"protocol":2,"version":"0.9"}}'
    frame = bytes([2]) + (1).to_bytes(4) + len(reply).to_bytes(4) + reply
    (tmp_path / "reply").write_bytes(frame)
    seeking = Seeking(AT, ["sh", "-c", f"cat {tmp_path}/reply; exec sleep 60"], WORK, SystemClock().now, lambda _: None)
    with pytest.raises(Refused, match=r"host 'standby' has dr 0\.9, which does not understand this one"):
        seeking.first()


def test_a_machine_that_answers_strangely_leaves_no_ssh_behind(tmp_path: Path) -> None:
    reply = b'{"ok":{"protocol":3,"version":"1","taken":"x"}}'
    (tmp_path / "reply").write_bytes(bytes([2]) + (1).to_bytes(4) + len(reply).to_bytes(4) + reply)
    (tmp_path / "pid").touch()
    words = ["sh", "-c", f"echo $$ > {tmp_path}/pid; cat {tmp_path}/reply; exec sleep 600"]
    before = open_files(os.getpid())
    with pytest.raises(Failed, match="does not speak dr's language"):
        Seeking(AT, words, WORK, SystemClock().now, lambda _: None).first()
    until(lambda: not Path("/proc", (tmp_path / "pid").read_text().strip()).exists())
    until(lambda: open_files(os.getpid()) <= before)


def test_where_ssh_cannot_be_started_just_now_it_is_tried_again() -> None:
    """A full table of processes, say: it is no end of the work over there."""
    said: list[str] = []
    seeking = Seeking(AT, ["/no/such/ssh"], replace(WORK, rejoin=1.0), SystemClock().now, said.append)
    with pytest.raises(Unreachable, match="ssh could not be started: No such file or directory"):
        seeking.first()
    with pytest.raises(Unreachable, match="no other could be made"):
        seeking.again(0)


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (None, "it works on drill-1-restore, for 1 h 02 min"),
        (95.0, "it works on drill-1-restore, for 1 h 02 min; the link is lost for 1 min 35 s, and in 28 min 25 s that work ends by itself"),
    ],
)
def test_hosts_check_says_what_is_at_work_there(away: float | None, said: str) -> None:
    """And when it ends where nobody comes back."""
    assert units.told({"name": "drill-1-restore", "since": 3720.0, "away": away, "rejoin": 1800.0}) == said


def test_a_login_that_is_no_standbys_begins_no_unit(there: There) -> None:
    """Whoever stole the key that reads production leaves nothing at work there when they are gone, for a day or at all."""
    for forced in (["--only", "capture"], ["--only", "repository", "--root", "/srv/dr"], ["--only", "watch"]):
        there.allowed = tuple(forced)
        with pytest.raises(Refused, match="this login works on no standby, so nothing outlives its connection"):
            there.seeking(replace(WORK, rejoin=86400.0)).first()
    until(lambda: not there.processes())


def test_a_login_begins_units_on_its_own_standby_only(there: There) -> None:
    there.allowed = ("--root", "/srv/another")
    with pytest.raises(Refused, match="this login is for the standby in /srv/another"):
        there.seeking(WORK).first()
    until(lambda: not there.processes())


def greeting(**said: object) -> JsonObject:
    """With something strange in it."""
    return {"silence": 5.0, "now": "2026-11-23T09:00:00+00:00", "unit": {**vars(WORK), "taken": None, **said}}


STRANGE: tuple[dict[str, object], ...] = (
    {"token": None},
    {"token": "é" * 64},
    {"epoch": []},
    {"rejoin": "x"},
    {"taken": "x"},
    {"taken": -1},
    {"rejoin": float("nan")},
    {"root": 7},
)


@pytest.mark.parametrize("strange", [*STRANGE, {"name": "../../x"}, {"name": "a\n"}])
def test_a_strange_greeting_is_refused_before_anything_is_done_for_it(strange: dict[str, object]) -> None:
    assert asked_for(greeting(), Allowed()) == WORK.name
    with pytest.raises(Refused, match="none of dr's"):
        asked_for(greeting(**strange), Allowed())
    with pytest.raises(Refused, match="none of dr's"):
        asked_for({"unit": greeting()["unit"]}, Allowed())


def test_a_stranger_with_the_same_login_turns_in_no_circle_beside_work_that_goes_on(there: There) -> None:
    """It is answered, and ends; nothing of it stays open in the unit, however often it comes."""
    told = json.dumps({"verb": "hello", "args": greeting(token=None)}).encode()
    frame = bytes([1]) + (1).to_bytes(4) + len(told).to_bytes(4) + told
    with there.joined() as connection:
        before = open_files(there.unit())
        done = subprocess.run(there.argv, input=frame, capture_output=True, timeout=LONG, check=False)
        assert b"a greeting that is none of dr's" in done.stdout
        for _ in range(5):
            knocked(there, b"{}")
            knocked(there, json.dumps({"hello": greeting(token="f" * 64), "allowed": repr(Allowed())}).encode())
        assert open_files(there.unit()) == before
        assert connection.ask("path", {"path": "/srv"}) == {"path": "/srv"}


def knocked(there: There, said: bytes) -> None:
    """At its socket, with a pair of streams, as whoever hands them over does; until it is let go."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        folder = os.open(there.home / ".local/state/dr-units" / WORK.name, os.O_RDONLY)
        control.connect(f"/proc/self/fd/{folder}/link")
        os.close(folder)
        streams = os.pipe()
        socket.send_fds(control, [said], list(streams))
        for one in streams:
            os.close(one)
        control.settimeout(LONG)
        while control.recv(64):
            pass


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
