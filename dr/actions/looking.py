"""How one thing of the inventory is looked at, from a step or from a command that only shows."""

import threading
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from dr.clock import Clock
from dr.errors import DrError, Refused, Stopped
from dr.model.base import HostName, HostPath
from dr.model.inventory import SecretRef
from dr.model.ports import Host, Looking, Redundant, Runner, StepContext
from dr.model.redundancy import KeptReading, Reading, RedundancyEntry, unseen


class Looker(Protocol):
    """Whoever looks; a step's context is one."""

    @property
    def clock(self) -> Clock: ...
    @property
    def stop(self) -> threading.Event: ...
    @property
    def runner(self) -> Runner: ...
    @property
    def home(self) -> HostPath: ...
    def secret(self, ref: SecretRef) -> str: ...
    def host(self, name: HostName) -> Host: ...
    def redundant(self, kind: str) -> Redundant: ...


@runtime_checkable
class LooksThere(Protocol):
    """A host that looks with a `dr` of its own, where the thing is."""

    def look(self, kind: Redundant, params: Any, at: Looking) -> Reading: ...


def look_at(entry: RedundancyEntry, earlier: Sequence[KeptReading], by: Looker) -> Reading:
    """A reading, whatever happens: what could not be looked at is unknown, and says why. Raises Stopped where the looker is to end."""
    try:
        return _looked(entry, earlier, by)
    except Refused as error:
        return unseen(f"{error.message} ({error.hint})" if error.hint else error.message)
    except Stopped as error:
        if by.stop.is_set():
            raise
        return unseen(error.message)  # a command that hangs, as one does that asks a dying disk
    except DrError as error:
        return unseen(error.message)


def keep(name: str, reading: Reading, before: Sequence[KeptReading], ctx: StepContext) -> KeptReading:
    """Into the catalog, with since when it has stood so."""
    now = ctx.clock.now()
    since = before[0].since if before and before[0].reading.state == reading.state else now
    kept = KeptReading(probe=name, at=now, since=since, reading=reading, run=ctx.run)
    ctx.records.record_reading(kept)
    return kept


def _looked(entry: RedundancyEntry, earlier: Sequence[KeptReading], by: Looker) -> Reading:
    kind = by.redundant(entry.kind)
    params = kind.params.from_facts(entry.with_)
    here = Looking(by.runner, by.clock, by.stop, by.home, by.secret, earlier)
    if entry.host is None:
        return kind.look(params, here)
    host = by.host(entry.host)
    if isinstance(host, LooksThere):
        return host.look(kind, params, here)
    return kind.look(params, Looking(host.runner(), by.clock, by.stop, host.path(HostPath(".")), by.secret, earlier))
