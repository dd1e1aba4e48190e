"""Who answers what a controller asks, and how the answering ends."""

import threading
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from dr import __version__
from dr.app.agent.allowed import Allowed
from dr.app.agent.caller import Caller
from dr.app.agent.clock import ControllersClock
from dr.errors import Refused
from dr.hosts.lifeline import LIFELINE
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.connection import PROTOCOL
from dr.wire.link import SILENCE, Call, Link

if TYPE_CHECKING:
    from dr.app.agent.stored import Stored
    from dr.app.agent.verbs import Verbs
    from dr.app.agent.works import Works

LONG_WORK = frozenset({"bring", "prove"})
"""What may outlive its link, and the process that asked for it."""
LAST = 20.0
"""Seconds for the work to take its own end after the link's: a half-loaded server is stopped."""


class Answers:
    """What a question needs is imported when the first of its kind comes: a file server needs no PostgreSQL."""

    def __init__(self, stop: threading.Event, allowed: Allowed, works: "Works | None", patience: float) -> None:
        self.link: Link
        self._stop, self._allowed, self._works, self._patience = stop, allowed, works, patience
        self._clock: ControllersClock | None = None
        self._silence = SILENCE

    @cached_property
    def _stored(self) -> "Stored":
        from dr.app.agent.stored import Stored

        return Stored(self.link, self._allowed.root)

    @cached_property
    def _verbs(self) -> "Verbs":
        from dr.app.agent.verbs import Verbs

        if self._clock is None:
            raise Refused("a controller says hello first")
        caller = Caller(self.link, self._stop, self._patience)
        return Verbs(caller, self._clock, self._stop, self._allowed, self._silence, self._works)

    def serve(self, call: Call) -> JsonObject:
        """Raises Refused for what this agent was told not to do, or what nobody knows."""
        self._allowed.verb(call.verb)
        if call.verb == "hello":
            return self._hello(call.args)
        if call.verb.startswith(("repository", "upload-")):
            return self._stored.serve(call)
        return self._verbs.serve(call)

    def met(self, hello: JsonObject) -> None:
        """The controller said what time it is, and after which silence a connection is dead."""
        self._clock = ControllersClock(datetime.fromisoformat(str(hello["now"])))
        self._silence = agreed(hello)

    def _hello(self, args: JsonObject) -> JsonObject:
        self.met(args)
        self.link.silence = self._silence
        self.link.most = frames.MOST
        return introduced()


def introduced() -> JsonObject:
    """What a controller is told of this `dr`."""
    return {"protocol": PROTOCOL, "version": __version__}


def agreed(hello: JsonObject) -> float:
    """Seconds without a sign of life after which a connection is dead, as the controller says."""
    return max(5.0, min(300.0, float(hello["silence"])))


class Answering:
    """A link that is answered. `works`: what outlives it, where anything does, and for how many seconds that waits for another."""

    def __init__(self, allowed: Allowed, stop: threading.Event, works: "Works | None" = None, patience: float = 0.0) -> None:
        self.stop = stop
        self.answers = Answers(stop, allowed, works, patience)
        self._long = LONG_WORK if works is not None else frozenset()
        self._count, self._changed = 0, threading.Condition()

    @property
    def idle(self) -> bool:
        """Whether nothing is being answered but what outlives the link."""
        return self._count == 0

    def serve(self, call: Call) -> JsonObject:
        """As `Answers.serve`, counted."""
        if call.verb in self._long:
            return self.answers.serve(call)
        with self._changed:
            self._count += 1
        try:
            return self.answers.serve(call)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def until_over(self) -> None:
        """Then whatever was begun over the link has ended, with all that it started: only this process is left to end."""
        self.answers.link.start().wait()
        self.stop.set()
        self.last()

    def last(self) -> None:
        """It was told to stop: what does not is ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, LAST)
        LIFELINE.close()  # whatever still runs, with all that it started
