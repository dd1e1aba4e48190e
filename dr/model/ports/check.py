"""A proof on a restored system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dr.model.base import JsonObject, StrictModel
from dr.model.record import (
    CheckResult,
)

if TYPE_CHECKING:
    from dr.model.ports.bytes import OpenSet
    from dr.model.ports.host import WritableHost
    from dr.model.ports.step import StepContext


@dataclass(frozen=True)
class Restored:
    """What a check looks at: an adopted set on a host."""

    host: WritableHost
    set: OpenSet
    places: JsonObject
    """Source name to what its restore returned."""


class Check(Protocol):
    """A proof on a restored system. Never raises for what it finds; raises only when it could not look."""

    @property
    def kind(self) -> str: ...
    @property
    def params(self) -> type[StrictModel]: ...

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult: ...


@runtime_checkable
class Probe(Check, Protocol):
    """A check that needs nothing restored: it asks over the network, of whatever its parameters name."""

    def probe(self, params: Any, ctx: StepContext) -> CheckResult:
        """As `run`."""
        ...
