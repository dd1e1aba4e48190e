"""What the engine needs from the rest of the house. `app` fulfils it; the engine knows no other room."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dr.clock import Clock
from dr.model.base import HostName, RepositoryName, Sha256
from dr.model.inventory import Inventory, SecretRef
from dr.model.ports import (
    Action,
    Check,
    Host,
    Keyring,
    Notifier,
    Post,
    Records,
    Redundant,
    Reporter,
    Repository,
    Runner,
    ServingHost,
    Sets,
    Source,
    StepContext,
    WritableHost,
)
from dr.model.record import Progress


class Services(Protocol):
    """Collaborators, and where each kind is found. Methods are called from several threads at once."""

    @property
    def clock(self) -> Clock: ...
    @property
    def inventory(self) -> Inventory: ...
    @property
    def inventory_digest(self) -> Sha256:
        """As the compiler writes it into a plan (`Plan.inventory`)."""
        ...

    @property
    def records(self) -> Records: ...
    @property
    def keys(self) -> Keyring: ...
    @property
    def sets(self) -> Sets: ...
    @property
    def notifier(self) -> Notifier: ...
    @property
    def post(self) -> Post: ...
    @property
    def reporter(self) -> Reporter: ...
    @property
    def state(self) -> Path:
        """The home's `state` folder: `engine.db`, `slots/` and `staging/` lie in it."""
        ...

    def runner(self, stop: threading.Event) -> Runner:
        """A new runner for one attempt at a step; it starts nothing more once `stop` is set."""
        ...

    def repository(self, name: RepositoryName) -> Repository: ...
    def repositories(self, tiers: Sequence[str] | None) -> list[Repository]: ...
    def source(self, kind: str) -> Source: ...
    def check(self, kind: str) -> Check: ...
    def redundant(self, kind: str) -> Redundant: ...
    def action(self, kind: str) -> Action:
        """Raises ConfigError if there is none of that kind."""
        ...

    def host(self, name: HostName, ctx: StepContext) -> Host: ...
    def writable_host(self, name: HostName, ctx: StepContext) -> WritableHost:
        """Raises NotProvablyStandby."""
        ...

    def serving_host(self, name: HostName, ctx: StepContext) -> ServingHost | None:
        """Of a host that this run made production."""
        ...

    def secret(self, ref: SecretRef) -> str: ...
    def watch(self, progress: Progress) -> None:
        """A sign of life, for whoever watches; must not raise and must not block for long."""
        ...
