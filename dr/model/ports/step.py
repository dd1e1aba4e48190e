"""All that a step may reach."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from dr.clock import Clock
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, StepId, SystemName
from dr.model.inventory import Inventory, SecretRef
from dr.model.record import (
    Severity,
)
from dr.model.runbook import Plan

if TYPE_CHECKING:
    from dr.model.ports.check import Check
    from dr.model.ports.host import Host, ServingHost, WritableHost
    from dr.model.ports.keys import Keyring
    from dr.model.ports.people import Notifier, Post, Reporter
    from dr.model.ports.process import Runner
    from dr.model.ports.records import Records
    from dr.model.ports.redundancy import Redundant
    from dr.model.ports.repository import Repository
    from dr.model.ports.sets import Sets
    from dr.model.ports.source import Source


class StepContext(Protocol):
    """Everything a step may reach. `stop` is set on time-out and cancel; a long loop calls `check_stop`."""

    run: RunId
    step: StepId
    attempt: int
    plan: Plan
    inventory: Inventory
    clock: Clock
    stop: threading.Event
    records: Records
    keys: Keyring
    sets: Sets
    notifier: Notifier
    reporter: Reporter
    runner: Runner
    """Commands on the controller."""
    requested_by: str
    home: HostPath
    """The home's folder on the controller."""
    answer: JsonObject | None
    """What a person answered, in a step that asks one: `{verdict, by, at, comment, asked, until}`; None in every other."""

    @property
    def post(self) -> Post:
        """Notices that are about no run."""
        ...

    def check_stop(self) -> None:
        """Raises Stopped if the step was cancelled or timed out."""
        ...

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None: ...
    def failpoint(self, name: str) -> None:
        """`name` without the action's prefix; must be one that the action declares."""
        ...

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None: ...
    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None: ...
    def secret(self, ref: SecretRef) -> str: ...
    def staging(self, name: str) -> AbstractContextManager[HostPath]:
        """A private (0700) folder of this step on the controller, empty at the start, removed at the end, and swept after a crash."""
        ...

    def repository(self, name: RepositoryName) -> Repository: ...
    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]: ...
    def source(self, kind: str) -> Source: ...
    def check(self, kind: str) -> Check: ...
    def redundant(self, kind: str) -> Redundant: ...
    def host(self, name: HostName) -> Host: ...
    def writable_host(self, name: HostName) -> WritableHost:
        """Raises NotProvablyStandby; the only way to a handle that can write."""
        ...

    def serving_host(self, name: HostName) -> ServingHost | None:
        """The handle of a host that this run made production; None if it did not. Raises Refused for a kind that cannot be."""
        ...

    def facts_of(self, step: StepId) -> JsonObject | None:
        """What an earlier step of this run recorded."""
        ...

    def active_runs(self) -> Iterator[RunId]: ...
