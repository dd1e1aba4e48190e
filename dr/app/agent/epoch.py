"""What one process of the controller is to a unit: its connections, one after another, its link over them, and who answers it."""

import threading
import time
from typing import IO, cast

from dr.app.agent.allowed import Allowed
from dr.app.agent.answers import Answering, agreed, introduced
from dr.app.agent.works import Works
from dr.errors import Unreachable
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.connection import FIRST
from dr.wire.frames import Kind
from dr.wire.lasting import Lasting
from dr.wire.lines import Pipes
from dr.wire.link import Link
from dr.wire.rejoin import dumped

_LONGEST = 24 * 3600.0
"""Seconds for which a unit waits at most, whatever it is told."""
_REPLY = 5.0
"""Seconds for a new connection to take its first word."""


class Epoch:
    """Begun by a greeting; over when its link is, or when another takes its place."""

    def __init__(self, hello: JsonObject, allowed: Allowed, stop: threading.Event, works: Works) -> None:
        self.unit: JsonObject = hello["unit"]
        self.rejoin = max(0.0, min(_LONGEST, float(self.unit["rejoin"])))
        self._silence = agreed(hello)
        self.answering = Answering(allowed, stop, works, self.rejoin)
        self.answering.answers.met(hello)
        self._offered: list[Pipes] = []
        self._changed = threading.Condition()
        self._closed = False
        self._lasting: Lasting | None = None
        self.lost = time.monotonic()
        """Since when there is no connection; 0 while there is one."""

    @property
    def begun(self) -> bool:
        """Whether there is a link, which only a connection that goes on with it may join."""
        return self._lasting is not None

    def run(self) -> None:
        """Over the first connection that is offered, until it is over. Raises Unreachable where none is in time."""
        lasting = Lasting(self._next(0), self._silence, self._next, lambda: bool(self._offered))
        streams, patience = cast("IO[bytes]", lasting), self.rejoin + self._silence + 2 * FIRST
        self.answering.answers.link = Link(streams, streams, serve=self.answering.serve, silence=patience)
        self._lasting = lasting
        if not self._closed:
            self.answering.answers.link.start().wait()
        self.close()

    def offer(self, line: Pipes) -> None:
        """The next connection."""
        with self._changed:
            self._offered.append(line)
            self._changed.notify_all()

    def close(self) -> None:
        """It is over; what it had begun is not."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._lasting is not None:
            self.answering.answers.link.close()
            self._lasting.end(0.0)

    def _next(self, taken: int) -> Pipes:
        self.lost = time.monotonic()
        until = self.lost + (self.rejoin if self.begun else FIRST)
        while True:
            line = self._newest(until)
            try:
                line.write(frames.pack(Kind.REPLY, 1, dumped({"ok": {**introduced(), "taken": taken}})), _REPLY)
            except OSError:
                line.close()
            else:
                self.lost = 0.0
                return line

    def _newest(self, until: float) -> Pipes:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._offered), until - time.monotonic())
            if self._closed or not self._offered:
                raise Unreachable("nobody came back to it in time")
            *older, newest = self._offered
            self._offered.clear()
        for one in older:
            one.close()
        return newest
