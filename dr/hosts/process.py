"""Commands on this machine: argument lists only, each in a process group that ends with the step or with the tool.

A child dies with its parent by the kernel's parent-death signal (`setpriv --pdeathsig`), so that a killed `dr` leaves nothing writing;
the signal is bound to the starting thread, so start a child in the thread that waits for it.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from dr.errors import Failed, Stopped, Unreachable
from dr.model.ports import Completed, Process

TAIL = 64 * 1024
"""Bytes of a command's output that are kept."""
_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH")
"""What a child inherits: nothing else, since our own environment may hold secrets."""


@cache
def _found(tool: str) -> str | None:
    return shutil.which(tool)


def _wrap(argv: Sequence[str], *, unprivileged: bool, detached: bool) -> list[str]:
    words = list(argv)
    if unprivileged and os.geteuid() == 0:
        words = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--", *words]
    if not detached and _found("setpriv"):
        words = ["setpriv", "--pdeathsig", "KILL", "--", *words]
    return words


class LocalProcess:
    """A started command; its stderr is drained into a bounded tail."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self.stdin, self.stdout, self.pid = popen.stdin, popen.stdout, popen.pid
        self._tail: deque[bytes] = deque()
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
        self._drain.join(timeout=1)  # a detached server may hold the pipe open for ever
        return code

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def alive(self) -> bool:
        return self._popen.poll() is None

    def stderr_tail(self) -> bytes:
        return b"".join(self._tail)[-TAIL:]


class LocalRunner:
    """ports.Runner on this machine. `stop` set: what runs is ended and Stopped is raised."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()
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
        stdin: Any,
        stdout: Any,
        cwd: str | None,
    ) -> LocalProcess:
        if self._stop.is_set():
            raise Stopped(f"stopped before '{argv[0]}' was started")
        if not (_found(argv[0]) or os.access(argv[0], os.X_OK)):
            raise Unreachable(f"there is no program '{argv[0]}' on this machine", hint="install the package that has it")
        inherited = {key: os.environ[key] for key in _KEPT if key in os.environ}
        popen = subprocess.Popen(
            _wrap(argv, unprivileged=unprivileged, detached=detached),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=subprocess.PIPE,
            env={**inherited, "LC_ALL": "C", **(env or {})},
            cwd=cwd,
            start_new_session=True,
            close_fds=True,
        )
        process = LocalProcess(popen)
        with self._lock:
            self._live.add(process)
        return process

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
        threads = [threading.Thread(target=_feed, args=(stdin, process.stdin), daemon=True)] if stdin is not None else []
        if process.stdout is not None:
            threads.append(threading.Thread(target=_collect, args=(process.stdout, output), daemon=True))
        for thread in threads:
            thread.start()
        code = self._await(process, argv, timeout)
        for thread in threads:
            thread.join()
        done = Completed(tuple(argv), code, b"".join(output), process.stderr_tail())
        if check and code != 0:
            raise Failed(f"'{Path(argv[0]).name}' ended with exit code {code}")
        return done

    def _await(self, process: LocalProcess, argv: Sequence[str], timeout: float | None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(0.05)
                break
            late = deadline is not None and time.monotonic() > deadline
            if late or self._stop.is_set():
                process.kill()
                process.wait()
                self._forget(process)
                raise Stopped(f"'{Path(argv[0]).name}' was ended: " + ("its time was up" if late else "the step was stopped"))
        self._forget(process)
        return code

    def _forget(self, process: LocalProcess) -> None:
        with self._lock:
            self._live.discard(process)

    def kill_all(self) -> None:
        with self._lock:
            live, self._live = set(self._live), set()
        for process in live:
            if process.alive():
                process.kill()


def _feed(source: IO[bytes] | bytes, sink: IO[bytes] | None) -> None:
    assert sink is not None
    with contextlib.suppress(BrokenPipeError), sink:
        if isinstance(source, bytes):
            sink.write(source)
            return
        while block := source.read(1 << 20):
            sink.write(block)


def _collect(pipe: IO[bytes], into: deque[bytes], most: int = 64 * 2**20) -> None:
    size = 0
    while block := pipe.read(1 << 16):
        into.append(block)
        size += len(block)
        while size > most and len(into) > 1:
            size -= len(into.popleft())
