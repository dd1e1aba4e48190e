"""ssh as a child that ends with its streams: for who has no runner, and must not tie it to the thread that asks (a repository)."""

import contextlib
import subprocess
import threading
from collections import deque
from collections.abc import Sequence

_TAIL = 64
"""Blocks of 1 KiB of its standard error that are kept."""


class Child:
    """ports.Process. When this process dies its streams end, and so does ssh, and what it started over there."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._popen = subprocess.Popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, close_fds=True
        )
        self.stdin, self.stdout, self.pid = self._popen.stdin, self._popen.stdout, self._popen.pid
        self._tail: deque[bytes] = deque(maxlen=_TAIL)
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        self._drain.start()

    def _read_stderr(self) -> None:
        assert self._popen.stderr is not None
        for block in iter(lambda: self._popen.stderr.read(1024), b""):  # type: ignore[union-attr]
            self._tail.append(block)

    def wait(self, timeout: float | None = None) -> int:
        code = self._popen.wait(timeout)
        self._drain.join(timeout=1)
        return code

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()

    def stderr_tail(self) -> bytes:
        return b"".join(self._tail)


def output(argv: Sequence[str]) -> bytes:
    """What a short command prints, whatever it ends with."""
    return subprocess.run(list(argv), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20).stdout
