"""Where a link's frames go out: one after another, and it is known how long the one under way has been waiting for the other side."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import IO

from dr.wire import frames
from dr.wire.frames import Kind

_PIECE = 64 * 1024
"""Bytes that are timed as one: a slow network takes its time over a large frame."""


class Sender:
    """For many threads at once."""

    def __init__(self, stream: IO[bytes], now: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._now = stream, now
        self._lock = threading.Lock()
        self._asides: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._since: float | None = None

    def send(self, kind: Kind, number: int, payload: bytes | memoryview = b"") -> None:
        """Blocks while the other side takes nothing. Raises OSError, ValueError where it is gone."""
        with self._lock:
            self._write(frames.pack(kind, number, payload))
        self._put_asides()

    def aside(self, kind: Kind, number: int) -> None:
        """Soon, and without waiting: whoever sends just now does it, since the garbage collector may ask for this amid anything."""
        self._asides.put(frames.pack(kind, number))
        self._put_asides()

    def stuck(self) -> float:
        """Seconds for which what is being written has been waiting."""
        since = self._since
        return 0.0 if since is None else self._now() - since

    def _put_asides(self) -> None:
        while not self._asides.empty() and self._lock.acquire(blocking=False):
            try:
                with contextlib.suppress(queue.Empty, OSError, ValueError):  # a broken stream is told to who reads and who sends
                    self._write(self._asides.get_nowait())
            finally:
                self._lock.release()

    def _write(self, frame: bytes) -> None:
        try:
            with memoryview(frame) as view:
                for start in range(0, len(view), _PIECE):
                    self._since = self._now()
                    self._stream.write(view[start : start + _PIECE])
                self._stream.flush()
        finally:
            self._since = None
