"""What there are two of, and how it is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from dr.clock import Clock
from dr.model.base import HostPath, StrictModel
from dr.model.inventory import SecretRef
from dr.model.redundancy import KeptReading, Reading

if TYPE_CHECKING:
    from dr.model.ports.process import Runner


@dataclass(frozen=True)
class Looking:
    """What one look may reach. It reads: nothing here can write."""

    runner: Runner
    """Commands where it is looked at."""
    clock: Clock
    stop: threading.Event
    home: HostPath
    """What relative paths begin at."""
    secret: Callable[[SecretRef], str]
    earlier: Sequence[KeptReading] = ()
    """What earlier looks found, newest first."""


class Redundant(Protocol):
    """One kind of thing that there are two of. Never raises for what it finds; raises Unreachable, Stopped where it could not look."""

    @property
    def kind(self) -> str: ...
    @property
    def params(self) -> type[StrictModel]: ...
    def look(self, params: Any, at: Looking) -> Reading: ...


class ReadingRecords(Protocol):
    """What the looks found, as the catalog keeps it."""

    def record_reading(self, kept: KeptReading) -> None: ...
    def readings(self, probe: str, limit: int = 500) -> list[KeptReading]:
        """Newest first."""
        ...

    def latest_readings(self) -> dict[str, KeptReading]:
        """Probe to the newest."""
        ...

    def prune_readings(self, before: datetime) -> int:
        """Forget what is older, but never the newest of a probe; gives back how many."""
        ...
