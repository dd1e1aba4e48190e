"""One connection of a stream that outlives it: raw descriptors that do not block, and can be closed under whoever uses them."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol

LONGEST = 64 * 1024
"""Bytes of one write at most: a peer that announces more is not ours."""
LOOK = 0.2
"""Seconds between two looks whether a line that says nothing is still the one."""


class Line(Protocol):
    """One connection: raw descriptors that do not block, and how far the other side had come when it was made."""

    taken: int
    """Writes of ours that the other side has."""

    def fileno(self) -> int: ...

    def read(self) -> bytes | None:
        """What has come; empty at the end, None where nothing has."""
        ...

    def write(self, data: bytes, wait: float) -> None:
        """All of it. Raises OSError where it is over, closed, or takes nothing for so many seconds."""
        ...

    def close(self) -> None: ...


class Pipes:
    """`Line` over two descriptors, which it owns. `ended` is told when it is closed."""

    def __init__(self, reading: int, writing: int, taken: int, ended: Callable[[], None] = lambda: None) -> None:
        self.taken = taken
        self._reading, self._writing, self._ended = reading, writing, ended
        self._closed = False
        self._using, self._reads = threading.Lock(), threading.Lock()  # a descriptor that is closed meanwhile may be another file's by then
        for one in (reading, writing):
            os.set_blocking(one, False)

    def fileno(self) -> int:
        return self._reading

    def read(self) -> bytes | None:
        with self._reads:
            try:
                return b"" if self._closed else os.read(self._reading, LONGEST)
            except BlockingIOError:
                return None
            except OSError:
                return b""

    def write(self, data: bytes, wait: float) -> None:
        left, since = memoryview(data), time.monotonic()
        while left:
            sent = self._some(left)
            if sent:
                left, since = left[sent:], time.monotonic()
            elif time.monotonic() - since > wait:
                raise TimeoutError("the other side takes nothing")

    def _some(self, data: memoryview) -> int:
        """0 where there was no room for a while."""
        with self._using:
            if self._closed:
                raise BrokenPipeError("the line was closed")
            room = select.poll()
            room.register(self._writing, select.POLLOUT)
            if not room.poll(LOOK * 1000):
                return 0
            try:
                return os.write(self._writing, data)
            except BlockingIOError:
                return 0

    def close(self) -> None:
        with self._using, self._reads:
            if not self._closed:
                self._closed = True
                for one in {self._reading, self._writing}:
                    os.close(one)
        self._ended()
