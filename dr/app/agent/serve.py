"""The life of an agent: it answers until its link ends, and then everything that it started has ended too."""

import os
import sys
import threading
from datetime import datetime
from functools import cached_property
from typing import IO, TYPE_CHECKING

from dr import __version__
from dr.app.agent.allowed import Allowed
from dr.app.agent.clock import ControllersClock
from dr.errors import Refused
from dr.hosts.lifeline import LIFELINE
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.connection import PROTOCOL
from dr.wire.link import Call, Link

if TYPE_CHECKING:
    from dr.app.agent.stored import Stored
    from dr.app.agent.verbs import Verbs

_LAST = 20.0
"""Seconds for the work to take its own end after the link's: a half-loaded server is stopped."""


class Answers:
    """Who answers what. What a question needs is imported when the first of its kind comes: a file server needs no PostgreSQL."""

    def __init__(self, stop: threading.Event, allowed: Allowed) -> None:
        self.link: Link
        self._stop, self._allowed = stop, allowed
        self._clock: ControllersClock | None = None

    @cached_property
    def _stored(self) -> "Stored":
        from dr.app.agent.stored import Stored

        return Stored(self.link, self._allowed.root)

    @cached_property
    def _verbs(self) -> "Verbs":
        from dr.app.agent.verbs import Verbs

        if self._clock is None:
            raise Refused("a controller says hello first")
        return Verbs(self.link, self._clock, self._stop, self._allowed)

    def serve(self, call: Call) -> JsonObject:
        """Raises Refused for what this agent was told not to do, or what nobody knows."""
        self._allowed.verb(call.verb)
        if call.verb == "hello":
            return self._hello(call.args)
        if call.verb.startswith(("repository", "upload-")):
            return self._stored.serve(call)
        return self._verbs.serve(call)

    def _hello(self, args: JsonObject) -> JsonObject:
        self._clock = ControllersClock(datetime.fromisoformat(str(args["now"])))
        self.link.silence = max(5.0, min(300.0, float(args["silence"])))
        self.link.most = frames.MOST
        return {"protocol": PROTOCOL, "version": __version__}


class _Busy:
    """How many questions are being answered."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._count, self._changed = 0, threading.Condition()

    def serve(self, call: Call) -> JsonObject:
        with self._changed:
            self._count += 1
        try:
            return self._answers.serve(call)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)


def serve(allowed: Allowed) -> None:
    """Answer on the standard streams until they end."""
    reader, writer = _streams()
    stop = threading.Event()
    answers = Answers(stop, allowed)
    busy = _Busy(answers)
    answers.link = Link(reader, writer, serve=busy.serve, lost=stop.set)
    answers.link.most = frames.GREETING
    answers.link.start().wait()
    stop.set()
    busy.wait(_LAST)
    LIFELINE.close()  # whatever still runs, with all that it started
    os._exit(0)  # a thread that waits for what no longer comes must not hold the process


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for the link alone: what a library prints goes to standard error, and no child inherits them."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    return reader, writer
