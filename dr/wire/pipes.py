"""The bytes of one call: written here, read there, never more in flight than the reader has room for."""

import queue
import threading
from collections.abc import Callable

from dr.errors import DrError, Failed

CHUNK = 256 * 1024
"""Bytes of one frame."""
WINDOW = 16
"""Frames that may be under way: 4 MiB, which keeps 1 Gbit/s busy over 30 ms."""


class Outlet:
    """Where bytes are written to. `write` blocks while the reader is full, and raises what ended the link."""

    def __init__(self, send: Callable[[bytes | memoryview], None]) -> None:
        self._send = send
        self._room = threading.Semaphore(WINDOW)
        self._over: DrError | None = None

    def write(self, data: bytes | bytearray | memoryview) -> int:
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            if not self._over:
                self._room.acquire()
            if self._over:
                raise anew(self._over)
            self._send(view[start : start + CHUNK])
        return len(view)

    def more_room(self) -> None:
        """The reader has taken a frame."""
        self._room.release()

    def end(self, error: DrError) -> None:
        """Nobody reads any more: the writer is told."""
        self._over = error
        self._room.release(WINDOW)


class Inlet:
    """Where bytes are read from, as from a file."""

    def __init__(self, taken: Callable[[], None], unread: Callable[[], None] = lambda: None) -> None:
        """`taken` is told of each frame that was read, `unread` that no more will be."""
        self._taken, self._unread = taken, unread
        self._room = threading.Semaphore(WINDOW)
        self._frames: queue.SimpleQueue[bytes | DrError | None] = queue.SimpleQueue()
        self._rest = memoryview(b"")
        self._ended = False
        self._raise: DrError | None = None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, at least one unless it has ended; all that is left for a negative size. Raises what ended it."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while not self._rest and not self._ended:
            self._next()
        if self._raise:
            raise anew(self._raise)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)

    def all(self, most: int) -> bytes:
        """What is left. Raises Failed where it is more than so many bytes."""
        found = bytearray()
        while block := self.read(CHUNK):
            found += block
            if len(found) > most:
                raise Failed(f"the other side sends more than {most} bytes as one message")
        return bytes(found)

    def close(self) -> None:
        """Nothing more will be read: whoever writes is told. It waits for nobody, and does nothing after the end."""
        if not self._ended:
            self._ended, self._rest, self._raise = True, memoryview(b""), Failed("what was not read to its end is closed")
            self._unread()

    def _next(self) -> None:
        frame = self._frames.get()
        if isinstance(frame, bytes):
            self._rest = memoryview(frame)
            self._room.release()
            self._taken()
        else:
            self._ended, self._raise = True, frame

    def put(self, frame: bytes) -> None:
        """Raises Failed where more comes than there is room for: whoever sends it does not wait to be let."""
        if not self._room.acquire(blocking=False):
            raise Failed("the other side sends more than it was given room for")
        self._frames.put(frame)

    def end(self, error: DrError | None = None) -> None:
        self._frames.put(error)


def anew(error: DrError) -> DrError:
    """To be raised: an error that is kept must not hold the frames of all who were told it, and with them the link that it came over."""
    return type(error)(error.message, hint=error.hint)
