"""The life of an agent: it answers until its link ends, and then everything that it started has ended too."""

import os
import sys
import threading
from typing import IO

from dr.app.agent.verbs import READING, Verbs
from dr.hosts.lifeline import LIFELINE
from dr.wire.link import Call, Link

_LAST = 20.0
"""Seconds for the work to take its own end after the link's: a half-loaded server is stopped."""


class _Busy:
    """How many questions are being answered."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self._count, self._changed = 0, threading.Condition()

    def serve(self, call: Call) -> dict[str, object]:
        with self._changed:
            self._count += 1
        try:
            return self._verbs.serve(call)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)


def serve(*, only: str | None, root: str | None) -> None:
    """Answer on the standard streams until they end. `only`: `capture` answers what a production host is asked, and nothing else."""
    reader, writer = _streams()
    stop = threading.Event()
    verbs = Verbs(stop, READING if only == "capture" else None, root)
    busy = _Busy(verbs)
    verbs.link = Link(reader, writer, serve=busy.serve, lost=stop.set)
    verbs.link.start().wait()
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
