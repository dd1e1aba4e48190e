"""Waiting for one's turn on a standby: one run at a time has it.

What is waited for is another run's end; that it is waited for is on record at once, said as it goes on, and counted from the record, so
that a run which was killed while it waited does not forget how long.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from dr.errors import StandbyInUse
from dr.model.base import HostName, RunId, Seconds
from dr.model.ports import StepContext

_USER = re.compile(r" is in use by run (\S+)$")
_LOOK_EVERY = 0.5
_ASK_EVERY = 10.0
"""Seconds between two looks at the other run; and after which the host is asked again all the same."""
AWAITED = "standby.awaited"
_T = TypeVar("_T")


class Turn:
    """Of one attempt at a step, for one host."""

    def __init__(self, host: HostName, ctx: StepContext) -> None:
        self._host, self._ctx = host, ctx
        self._until: datetime | None = None

    def take(self, act: Callable[[], _T]) -> _T:
        """What `act` gives, once no other run is in its way. Raises whatever else it raises; Stopped on a cancel or a time limit."""
        while True:
            try:
                return act()
            except StandbyInUse as used:
                self._wait(_USER.search(used.message))

    def waited(self) -> Seconds:
        """Since this run first found the standby in use until it last did; nothing where it never did."""
        began = [at for at, _ in self._awaited()]
        return Seconds((self._until - min(began)).total_seconds()) if self._until and began else Seconds(0.0)

    def behind(self) -> tuple[RunId, ...]:
        """The runs that were waited for, in that order."""
        return tuple(RunId(run) for _, run in self._awaited() if run)

    def _wait(self, user: "re.Match[str] | None") -> None:
        run = user[1] if user else ""
        if run not in [one for _, one in self._awaited()]:
            self._ctx.audit(AWAITED, self._ctx.run, {"host": self._host, "used_by": run})
        said = f"waiting for {f'run {run}' if run else 'another run'}, which uses standby '{self._host}'"
        look = f"`dr runs show {run}` says how far that one is, " if run else ""
        self._ctx.progress(f"{said}; HINT: {look}`dr runs cancel {self._ctx.run}` ends this wait")
        asked = self._ctx.clock.monotonic()
        while self._ctx.clock.monotonic() - asked < (_ASK_EVERY if run else 1.0):
            self._ctx.stop.wait(_LOOK_EVERY)
            self._ctx.check_stop()
            if run and RunId(run) not in self._ctx.active_runs():
                break
        self._until = self._ctx.clock.now()

    def _awaited(self) -> list[tuple[datetime, str]]:
        entries = self._ctx.records.audit_of(self._ctx.run)
        return [(e.at, str(e.facts.get("used_by", ""))) for e in entries if e.event == AWAITED and e.facts.get("host") == self._host]
