"""Which engine has a run. What keeps people told of an outage goes on for as long as it lasts, hours or days, in an engine of its own; so
does what waits for offices to take duties over.

Whoever works with an engine also carries what others left in it, and does not end before that has: a recovery must not wait for the end of
the outage that it ends, nor go on unseen, after a Ctrl-C, in the process that keeps people told.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from dr.engine.control import pending, resumable
from dr.engine.store import UnderWay, under_way
from dr.model.base import RunId
from dr.model.record import RunRecord
from dr.model.runbook import RunKind

OUTAGE: RunKind = "outage"
FAILOVER: RunKind = "failover"
_FOLDERS: Mapping[str, str] = {OUTAGE: "outages", FAILOVER: "failovers"}
"""Kind of run to the folder of its own engine; every other kind is in the one that has them all."""


def place(state: Path, kind: str) -> Path:
    """The folder of the engine that has the runs of a kind."""
    return state / _FOLDERS[kind] if kind in _FOLDERS else state


def ours(kind: str, record: RunRecord) -> bool:
    """Whether the engine that has the runs of a kind has this one."""
    return _FOLDERS.get(kind) == _FOLDERS.get(record.kind)


def all_pending(state: Path) -> list[RunId]:
    """Runs that are not over, of any engine."""
    return [run for one in _places(state) for run in pending(one)]


def all_resumable(state: Path) -> list[RunId]:
    """Runs that are not over and that nobody carries, of any engine."""
    return [run for one in _places(state) for run in resumable(one)]


def lasting(state: Path) -> dict[str, list[RunId]]:
    """Runs that nobody carries and that go on for as long as people take, by their kind: each has an engine, and a process, of its own."""
    return {kind: found for kind in _FOLDERS if (found := resumable(place(state, kind)))}


def all_under_way(state: Path) -> list[tuple[Path, UnderWay]]:
    """Every run that is not over, with its engine's folder."""
    return [(one, run) for one in _places(state) for run in under_way(one)]


def _places(state: Path) -> Iterator[Path]:
    yield from (state, *(place(state, kind) for kind in _FOLDERS))
