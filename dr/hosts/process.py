"""Commands on this machine: argument lists only, each in a process group that ends with the step or with the tool.

A killed `dr` leaves nothing writing: the child dies by the kernel's parent-death signal (`setpriv --pdeathsig`, bound to the starting
thread, so start a child in the thread that waits for it), and the rest of its group by the lifeline.
"""

import contextlib
import io
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, cast

from dr.errors import Failed, Refused, Stopped, Unreachable
from dr.hosts.lifeline import LIFELINE, Lifeline
from dr.model.ports import Completed, Process

TAIL = 64 * 1024
"""Bytes of a command's output that are kept."""
_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH")
"""What a child inherits: nothing else, since our own environment may hold secrets."""


_STILL_OURS = '{ echo "+ $$" 1<>"$1"; } 2>/dev/null; shift; [ "$PPID" = "$0" ] || exit 125; exec "$@"'
"""Run after the parent-death signal is set: tell the lifeline of this group before there can be anything else in it (opened for reading
too, since a pipe that nobody reads would be waited for), and be sure that the parent did not die just before the signal was set."""


@cache
def _found(tool: str) -> str | None:
    return shutil.which(tool)


@cache
def _not_root() -> tuple[str, ...]:
    """How root runs a program that refuses root: as another user of a user namespace, to whom root's own files belong.

    The user must have a name on this machine, since initdb looks it up. Raises Refused where the kernel or a container forbids it.
    """
    named = [entry for entry in pwd.getpwall() if entry.pw_uid not in (0, 65534)] or [pwd.getpwnam("nobody")]
    words = ("unshare", "--user", f"--map-user={named[0].pw_uid}", f"--map-group={named[0].pw_gid}", "--")
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        raise Refused(
            "PostgreSQL's server programs do not run as root, and this machine does not let root become another user for them",
            hint="run dr as an ordinary user, or allow user namespaces (`unshare --user true` must work)",
        ) from None
    return words


def before_server_programs() -> tuple[str, ...]:
    """The words that root puts before a program of PostgreSQL that refuses root; none for anybody else. Raises Refused as above."""
    return _not_root() if os.geteuid() == 0 else ()


def _wrap(argv: Sequence[str], lifeline: Lifeline, *, unprivileged: bool, detached: bool) -> list[str]:
    words = list(argv)
    if unprivileged:
        words = [*before_server_programs(), *words]
    if not detached:
        signalled = ["setpriv", "--pdeathsig", "KILL", "--"] if _found("setpriv") else []
        words = [*signalled, "sh", "-c", _STILL_OURS, str(os.getpid()), lifeline.address(), *words]
    return words


class LocalProcess:
    """A started command; its stderr is drained into a bounded tail. Once it has ended, what is left of its group is ended too."""

    def __init__(
        self, popen: "subprocess.Popen[bytes]", lifeline: Lifeline, *, detached: bool, ended: Callable[["LocalProcess"], None]
    ) -> None:
        self._popen = popen
        self._lifeline = lifeline
        self._detached = detached
        self._ended = ended
        self._over = threading.Lock()
        self._closed = False
        self.stdin, self.stdout, self.pid = popen.stdin, popen.stdout, popen.pid
        self._tail: deque[bytes] = deque()
        if not detached:
            lifeline.hold(self.pid)
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        self._drain.start()

    def _read_stderr(self) -> None:
        size = 0
        pipe = cast("io.BufferedReader", self._popen.stderr)
        for block in iter(lambda: pipe.read1(8192), b""):
            self._tail.append(block)
            size += len(block)
            while size > TAIL and len(self._tail) > 1:
                size -= len(self._tail.popleft())

    def wait(self, timeout: float | None = None) -> int:
        code = self._popen.wait(timeout)
        self._close()
        self._drain.join(timeout=1)  # a detached server may hold the pipe open for ever
        return code

    def _close(self) -> None:
        with self._over:
            if self._closed:
                return
            self._closed = True
            if not self._detached:
                self._signal()  # its number is not given out again while a member of the group lives
                self._lifeline.release(self.pid)
        self._ended(self)

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        with self._over:
            if not self._closed:
                self._signal()

    def stderr_tail(self) -> bytes:
        return b"".join(self._tail)[-TAIL:]


class LocalRunner:
    """ports.Runner on this machine. `stop` set: what runs is ended and Stopped is raised."""

    def __init__(self, stop: threading.Event | None = None, lifeline: Lifeline = LIFELINE) -> None:
        self._stop = stop or threading.Event()
        self._lifeline = lifeline
        self._live: set[LocalProcess] = set()
        self._lock = threading.Lock()

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        unprivileged: bool = False,
    ) -> Process:
        return self._start(argv, stdin=stdin, stdout=stdout, env=env, cwd=cwd, unprivileged=unprivileged, detached=False)

    def _start(
        self,
        argv: Sequence[str],
        *,
        unprivileged: bool,
        detached: bool,
        env: Mapping[str, str] | None,
        stdin: int | None,
        stdout: int | None,
        cwd: str | None,
    ) -> LocalProcess:
        if self._stop.is_set():
            raise Stopped(f"stopped before '{Path(argv[0]).name}' was started")
        if not (_found(argv[0]) or os.access(argv[0], os.X_OK)):
            raise Unreachable(f"there is no program '{argv[0]}' on this machine", hint="install the package that has it")
        inherited = {key: os.environ[key] for key in _KEPT if key in os.environ}
        try:
            popen = subprocess.Popen(
                _wrap(argv, self._lifeline, unprivileged=unprivileged, detached=detached),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.DEVNULL if stdout is None else stdout,
                stderr=subprocess.PIPE,
                env={**inherited, "LC_ALL": "C", **(env or {})},
                cwd=cwd,
                start_new_session=True,
                close_fds=True,
            )
        except (OSError, ValueError) as error:  # an argument with a NUL, too many arguments, no such folder
            raise Failed(f"'{Path(argv[0]).name}' could not be started ({type(error).__name__})") from None
        process = LocalProcess(popen, self._lifeline, detached=detached, ended=self._forget)
        if not detached:
            self._keep(process, argv)
        return process

    def _keep(self, process: LocalProcess, argv: Sequence[str]) -> None:
        with self._lock:
            self._live.add(process)
        if self._stop.is_set():  # set while we started it: `kill_all` may have come just before it was listed
            process.kill()
            process.wait()
            raise Stopped(f"'{Path(argv[0]).name}' was ended: the step was stopped")

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        unprivileged: bool = False,
        detached: bool = False,
    ) -> Completed:
        process = self._start(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL if detached else subprocess.PIPE,
            env=env,
            cwd=cwd,
            unprivileged=unprivileged,
            detached=detached,
        )
        output: deque[bytes] = deque()
        feeding = _Feed(stdin, process) if stdin is not None else None
        collecting = threading.Thread(target=_collect, args=(process.stdout, output), daemon=True)
        if not detached:
            collecting.start()
        code = self._await(process, argv, timeout)
        if feeding:
            feeding.finish()
        if not detached:
            collecting.join(timeout=5)  # nothing of the group is left to hold it open; one that left the group may
        done = Completed(tuple(argv), code, b"".join(output), process.stderr_tail())
        if check and code != 0:
            raise Failed(f"'{Path(argv[0]).name}' ended with exit code {code}")
        return done

    def _await(self, process: LocalProcess, argv: Sequence[str], timeout: float | None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(0.05)
            late = deadline is not None and time.monotonic() > deadline
            if late or self._stop.is_set():
                process.kill()
                process.wait()
                raise Stopped(f"'{Path(argv[0]).name}' was ended: " + ("its time was up" if late else "the step was stopped"))

    def _forget(self, process: LocalProcess) -> None:
        with self._lock:
            self._live.discard(process)

    def kill_all(self) -> None:
        with self._lock:
            live = list(self._live)
        for process in live:
            process.kill()


class _Feed:
    """Writes a command's input. What the input itself raises (a damaged part) ends the command and is raised to who runs it."""

    def __init__(self, source: IO[bytes] | bytes, process: LocalProcess) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(source, process), daemon=True)
        self._thread.start()

    def _run(self, source: IO[bytes] | bytes, process: LocalProcess) -> None:
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                for block in [source] if isinstance(source, bytes) else iter(lambda: source.read(1 << 20), b""):
                    process.stdin.write(block)
        except BaseException as error:  # noqa: BLE001 - carried to the thread that runs the command
            self._error = error
            process.kill()

    def finish(self) -> None:
        self._thread.join(timeout=5)  # the command has ended; an input that never ends must not hold us
        if self._error is not None:
            raise self._error


def _collect(pipe: IO[bytes] | None, into: deque[bytes], most: int = 64 * 2**20) -> None:
    assert pipe is not None
    size = 0
    while block := pipe.read(1 << 16):
        into.append(block)
        size += len(block)
        while size > most and len(into) > 1:
            size -= len(into.popleft())
