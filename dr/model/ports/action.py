"""What a verb of a runbook is, and what its rehearsal may reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from dr.clock import Clock
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, StrictModel
from dr.model.inventory import Inventory, SecretRef

if TYPE_CHECKING:
    from dr.model.ports.keys import Keyring
    from dr.model.ports.records import Records
    from dr.model.ports.repository import Repository
    from dr.model.ports.sets import Sets
    from dr.model.ports.step import StepContext


class Effect(Enum):
    """What an action does to the world; `--rehearse` and the reviewer read it."""

    READS = "reads"
    WRITES = "writes"
    DELETES = "deletes"
    TELLS = "tells"


@dataclass(frozen=True)
class Outcome:
    """What a step's action did. `facts` are small JSON facts, of the action's `facts` model."""

    changed: bool
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One verb of a runbook. `failpoints` are the points inside it, beside before-effect, after-effect and after-record of every verb."""

    kind: str
    params: type[StrictModel]
    facts: type[StrictModel]
    effect: Effect
    run: Callable[[Any, StepContext], Outcome]
    failpoints: tuple[str, ...] = ()
    rehearse: Callable[[Any, RehearseContext], Rehearsal] | None = None
    """Says what `run` would do, and writes nothing. Raises what `run` would be refused with. None: only its effect can be told."""
    asked: Callable[[Any, StepContext, datetime], None] | None = None
    """Of an action that asks a person: what it does once its question is on record, with until when that stands. Safe to repeat."""


@dataclass(frozen=True)
class Rehearsal:
    """What a step would do. `facts`: as far as they can be foreseen, for the steps after it; `problems`: why it would not get through."""

    says: tuple[str, ...]
    facts: JsonObject = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class RehearseContext(Protocol):
    """What a rehearsal may reach: everything here refuses to write."""

    inventory: Inventory
    clock: Clock
    records: Records
    keys: Keyring
    sets: Sets

    def repository(self, name: RepositoryName) -> Repository: ...
    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]: ...
    def host_check(self, name: HostName) -> Sequence[tuple[bool, str]]:
        """As `dr hosts check` says it: for a standby the guard's decision."""
        ...

    def swappable(self, name: HostName, places: Sequence[HostPath]) -> Sequence[tuple[bool, str]]:
        """Of places at which a restored file set would be put on that host: lines of (may be, what)."""
        ...

    def secret(self, ref: SecretRef) -> str: ...
