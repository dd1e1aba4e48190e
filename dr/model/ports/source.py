"""What can be backed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dr.model.base import JsonObject, SourceName, StrictModel, SystemName
from dr.model.inventory import SourceEntry
from dr.model.record import (
    ProductionFacts,
)

if TYPE_CHECKING:
    from dr.model.ports.bytes import ArtifactReader, SetWriter
    from dr.model.ports.host import WritableHost
    from dr.model.ports.step import StepContext


@dataclass(frozen=True)
class CaptureRequest:
    """What a source is asked to read. `needle`: the signed token to plant first, or None."""

    system: SystemName
    name: SourceName
    entry: SourceEntry
    params: Any
    needle: str | None


class Source(Protocol):
    """Reads one kind of thing into artifacts, and puts such artifacts back."""

    kind: str
    params: type[StrictModel]

    def plant(self, request: CaptureRequest, ctx: StepContext) -> None:
        """Plant the needle, committed before any snapshot. Refused on a published or read-only source."""
        ...

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        """Write the artifacts; gives back what identifies the production it read, for the guard. Findings go to `ctx.finding`."""
        ...

    def restore(self, artifacts: Sequence[ArtifactReader], host: WritableHost, ctx: StepContext) -> JsonObject:
        """Bring this source's artifacts up in `host.place()`; the facts by which checks reach it (ports, paths; a secret by its file)."""
        ...


@dataclass(frozen=True)
class ReplayOrder:
    """What must be erased or no longer shared in a restored database. `requests`: kind and key of each, which no `repr` shows."""

    database: str | None
    """None: the only one of its server."""
    templates: dict[str, str]
    """Kind to the text of its SQL, with `:key`."""
    requests: tuple[tuple[str, str], ...] = field(repr=False)


@runtime_checkable
class Replays(Source, Protocol):
    """A source on whose restored copy requests to erase or to unshare can be carried out."""

    def replay(self, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        """Carry them out, all or none; the number of rows that each touched. `place`: what `restore` returned. Safe to repeat."""
        ...
