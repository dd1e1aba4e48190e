"""A byte stream that outlives the lines it runs over: what was not taken yet is sent again over the next one, nothing twice.

A link reads and writes it like any pair of streams, and notices nothing of a line that breaks but the time it takes. Each write is numbered
and kept until the other side says that it was taken; after a break both sides say how much they have, and go on from there.
"""

import contextlib
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable

from dr.errors import DrError, Failed, Unreachable
from dr.wire.lines import LONGEST, LOOK, Line
from dr.wire.pipes import anew

MOST = 8 * 2**20
"""Bytes that are kept at most until the other side has taken them; whoever writes more waits."""
_SMALL = 64
"""Bytes of a write that never waits: it may come amid anything. Also what a write takes in memory, beside its bytes."""
_ACKNOWLEDGED = 256 * 1024
"""Bytes after whose taking the other side is told, beside every sign of life."""
_HEAD = struct.Struct(">BQ")
_DATA, _TAKEN, _END = 1, 2, 3


class Lasting:
    """Both streams of a link. The thread that reads is the one that sees a line break, and asks for the next.

    `renew`: the next line, by how many writes were taken here. It waits as long as it likes, and raises what ends it all for good.
    """

    def __init__(self, line: Line, silence: float, renew: Callable[[int], Line], better: Callable[[], bool] = lambda: False) -> None:
        """`silence`: seconds without a sign of life after which a line is dead; `better`: whether a newer line waits to be asked for."""
        self._silence, self._renew, self._better = silence, renew, better
        self._state = threading.Condition(threading.RLock())
        self._line: Line | None = line
        self._broken: Line | None = None
        """What could not be written to."""
        self._kept: deque[bytes] = deque()
        """Our writes that the other side has not said to have."""
        self._acknowledged, self._next, self._held = 0, 0, 0
        """Writes of ours that it has; of those that are kept, which goes out next; bytes that are kept."""
        self._taken, self._untold, self._told = 0, 0, 0.0
        self._raw, self._come = bytearray(), b""
        self._seen = time.monotonic()
        self._over: DrError | None = None
        self._ending = threading.Event()
        self._said, self._left = threading.Event(), threading.Event()
        threading.Thread(target=self._send_on, daemon=True).start()

    @property
    def away(self) -> bool:
        """Whether there is no line just now."""
        return self._line is None

    @property
    def over(self) -> bool:
        return self._over is not None

    # ------------------------------------------------------------ as a link writes it

    def write(self, data: bytes | memoryview) -> int:
        """Waits while too much is kept. Raises OSError after the end."""
        with self._state:
            while len(data) > _SMALL and self._held > MOST and not self._over:
                self._state.wait()
            if self._held > 2 * MOST:  # of small ones, each an answer to something: a day's signs of life are far less
                self._finish(Failed("the other side asks on and on, and takes no answer"))
            if self._over:
                raise BrokenPipeError("the link is over")
            self._kept.append(bytes(data))
            self._held += len(data) + _SMALL
            self._state.notify_all()
        return len(data)

    def flush(self) -> None:
        """What is written goes out by itself."""

    def _send_on(self) -> None:
        beat = min(1.0, self._silence / 6)
        while not self._over:
            with self._state:
                self._state.wait_for(self._has_to_say, beat)
                line, frames = self._line, self._frames(beat)
            if line is None or not frames:
                continue
            try:
                line.write(frames, self._silence)
            except OSError:
                self._broken = line  # the reading thread asks for the next
            if self._ending.is_set():
                self._said.set()

    def _has_to_say(self) -> bool:
        waits = self._next < len(self._kept) or self._untold >= _ACKNOWLEDGED or self._ending.is_set()
        return self._over is not None or (waits and self._line not in (None, self._broken))

    def _frames(self, beat: float) -> bytes:
        if self._line in (None, self._broken):
            return b""
        if self._ending.is_set():
            return _HEAD.pack(_END, 0)
        said = b""
        if self._untold >= _ACKNOWLEDGED or time.monotonic() - self._told >= beat:
            self._untold, self._told = 0, time.monotonic()
            said = _HEAD.pack(_TAKEN, self._taken)
        if self._next < len(self._kept):
            data = self._kept[self._next]
            self._next += 1
            return said + _HEAD.pack(_DATA, len(data)) + data
        return said

    # ------------------------------------------------------------ as a link reads it

    def read1(self, size: int = -1, /) -> bytes:
        """What has come, at least a byte. Raises what ended it."""
        while not self._come:
            if self._over:
                self._let_go()
                self._left.set()
                raise anew(self._over)
            frame = self._frame()
            if frame is None:
                self._next_line()
            else:
                self._take(*frame)
        piece, self._come = (self._come, b"") if size < 0 else (self._come[:size], self._come[size:])
        return piece

    def _frame(self) -> tuple[int, int, bytes] | None:
        """The next of this line; None where it is over, silent, or another waits."""
        line = self._line
        assert line is not None
        while True:
            found = self._whole()
            if found is not None:
                return found
            if self._is_done(line):
                return None
            if not self._readable(line):
                continue
            data = line.read()
            if data:
                self._raw += data
                self._seen = time.monotonic()
            elif data is not None:
                return None

    def _is_done(self, line: Line) -> bool:
        silent = time.monotonic() - self._seen > self._silence
        return self._over is not None or line is self._broken or silent or self._better()

    def _whole(self) -> tuple[int, int, bytes] | None:
        if len(self._raw) < _HEAD.size:
            return None
        kind, number = _HEAD.unpack_from(self._raw)
        length = number if kind == _DATA else 0
        if kind not in (_DATA, _TAKEN, _END) or length > LONGEST:
            self._finish(Failed("the other side does not speak dr's language"))
            return None
        if len(self._raw) < _HEAD.size + length:
            return None
        payload = bytes(self._raw[_HEAD.size : _HEAD.size + length])
        del self._raw[: _HEAD.size + length]
        return kind, number, payload

    def _readable(self, line: Line) -> bool:
        waiting = select.poll()
        waiting.register(line.fileno(), select.POLLIN | select.POLLHUP)
        return bool(waiting.poll(LOOK * 1000))

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        if kind == _END:
            self._finish(Unreachable("the link ended"))
        elif kind == _TAKEN:
            self._acknowledge(number)
        else:
            with self._state:
                self._taken += 1
                self._untold += len(payload)
                if self._untold >= _ACKNOWLEDGED:
                    self._state.notify_all()
            self._come = payload

    def _acknowledge(self, number: int) -> None:
        with self._state:
            if not self._acknowledged <= number <= self._acknowledged + len(self._kept):
                self._finish(Failed("the other side took what was not sent, or lost what it had taken"))
                return
            for _ in range(number - self._acknowledged):
                self._held -= len(self._kept.popleft()) + _SMALL
            self._next = max(0, self._next - (number - self._acknowledged))
            self._acknowledged = number
            self._state.notify_all()

    # ------------------------------------------------------------ from line to line

    def _next_line(self) -> None:
        self._let_go()
        if self._over:
            return
        try:
            line = self._renew(self._taken)
        except DrError as error:
            self._finish(error)
            return
        if self._ending.is_set():  # closed while another was sought: unless that is told, the work there waits for us
            with contextlib.suppress(OSError):
                line.write(_HEAD.pack(_END, 0), self._silence)
            line.close()
            return
        with self._state:
            self._acknowledge(line.taken)
            self._next, self._told, self._line, self._seen = 0, 0.0, line, time.monotonic()
            self._raw.clear()
            self._state.notify_all()

    def _let_go(self) -> None:
        with self._state:
            line, self._line, self._broken = self._line, None, None
        if line is not None:
            line.close()

    def _finish(self, why: DrError) -> None:
        with self._state:
            self._over = self._over or why
            self._state.notify_all()

    def end(self, seconds: float) -> None:
        """From this side: the other is told, if there is a line, and what was not taken is lost."""
        with self._state:
            self._ending.set()
            self._state.notify_all()
        if self._line is not None and not self._over:
            self._said.wait(seconds)
        self._finish(Unreachable("the link was closed"))
        if not self._left.wait(2 * LOOK):
            self._let_go()  # nobody reads any more
