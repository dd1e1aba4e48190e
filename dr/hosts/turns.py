"""One step of a run after another on a standby across a network.

Over there one `dr` works at a time, and what a step of the same run left behind is ended by the next one that comes. Steps that run at the
same time do so in one process: so it is here that they wait for one another, or the second would end what the first does while its link is
lost. Other runs are kept apart by the guard, over there. Where the process was killed, whichever step is resumed first goes first.
"""

import threading
from collections.abc import Callable

from dr.errors import Stopped
from dr.model.base import RunId, StepId
from dr.model.ports import HostRequest

_LOOK = 0.2
"""Seconds between two looks whether the step was stopped."""


class Turns:
    """Who works where. For all threads of a process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[tuple[object, ...], StepId] = {}

    def take(self, request: HostRequest, run: RunId) -> Callable[[], None]:
        """Wait until no other step of this run is on that standby; gives back what ends the turn. Raises Stopped."""
        if request.step is None:
            return lambda: None
        settings = request.params
        where = (run, settings.address, settings.port, settings.path)
        with self._changed:
            self._wait(where, request)
            self._held[where] = request.step
        return lambda: self._give(where)

    def _wait(self, where: tuple[object, ...], request: HostRequest) -> None:
        told: StepId | None = None
        while where in self._held:
            if request.stop is not None and request.stop.is_set():
                raise Stopped(f"the step was stopped while it waited for host '{request.name}'")
            if self._held[where] != told:
                told = self._held[where]
                request.said(f"waiting for step '{told}' of this run, which works on host '{request.name}'")
            self._changed.wait(_LOOK)

    def _give(self, where: tuple[object, ...]) -> None:
        with self._changed:
            self._held.pop(where, None)
            self._changed.notify_all()


TURNS = Turns()
"""Of this process."""
