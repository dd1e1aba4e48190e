"""Machines, and the one door to a host that may be written to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dr.clock import Clock
from dr.model.base import HostName, HostPath, JsonObject, RunId, SetId, StepId, StrictModel
from dr.model.inventory import SecretRef
from dr.model.record import CheckResult, ProductionFacts, ScrubCertificate

if TYPE_CHECKING:
    import threading

    from dr.model.ports.bytes import ArtifactReader, OpenSet, SetWriter
    from dr.model.ports.check import Check, Restored
    from dr.model.ports.keys import Keyring
    from dr.model.ports.process import Runner
    from dr.model.ports.source import CaptureRequest, ReplayOrder, Replays, Source
    from dr.model.ports.step import StepContext


class Host(Protocol):
    """A machine, to read from. Holds nothing that can write."""

    name: HostName
    role: str
    settings: StrictModel
    """The kind's own parameters (`with`)."""

    def runner(self) -> Runner: ...
    def facts(self) -> ProductionFacts:
        """What identifies it now: data directory, device, inode, port, protected paths. Raises Unreachable."""
        ...

    def path(self, path: HostPath) -> HostPath:
        """A path of the inventory as this host opens it: absolute, a relative one being below the home."""
        ...

    def close(self) -> None:
        """Let go of what the handle holds open. It is not used afterwards; what it brought to the host stays."""
        ...

    def plant(self, source: Source, request: CaptureRequest, ctx: StepContext) -> None:
        """`source.plant`, on this host."""
        ...

    def capture(self, source: Source, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        """`source.capture`, on this host; the facts say which machine they were read on."""
        ...


class WritableHost(Host, Protocol):
    """A standby that passed the guard; made only by `StepContext.writable_host`. Checks itself again before each destructive act."""

    run: RunId

    def claim(self, set_id: SetId) -> HostPath:
        """A fresh, private (0700), claimed place of this run to load into; what this run loaded before and did not adopt is wiped."""
        ...

    def holds(self, set_id: SetId) -> bool:
        """Whether this run adopted that set here already."""
        ...

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        """Declare the claimed place whole: the signed adoption marker, last. `places`: source name to what its restore returned."""
        ...

    def place(self) -> HostPath:
        """The claimed or adopted place of this run. Raises Refused if there is none."""
        ...

    def places(self) -> JsonObject:
        """What `adopt` was told."""
        ...

    def bring(self, source: Source, artifacts: Sequence[ArtifactReader], ctx: StepContext, opened: OpenSet | None = None) -> JsonObject:
        """`source.restore` into the claimed place, on this host. `opened`: the set they are of, where it may be decrypted over there."""
        ...

    def prove(self, check: Check, params: StrictModel, restored: Restored, ctx: StepContext) -> CheckResult:
        """`check.run`, on this host."""
        ...

    def replay(self, source: Replays, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        """`source.replay` on what this run adopted, on this host, right after the guard was asked once more."""
        ...

    def recheck(self) -> None:
        """The guard once more: called right before a destructive command. Raises NotProvablyStandby."""
        ...

    def require_space(self, needed: int) -> None:
        """Raises Refused if the standby has less than `needed` bytes free."""
        ...

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        """Stop what runs there, remove every place that `dr` claimed or adopted, then look for canaries; Refused for foreign things."""
        ...

    def enter_service(self, set_id: SetId) -> None:
        """What this run adopted is production from now on, durably: no writable handle exists for this host ever again."""
        ...


class ServingHost(Protocol):
    """A host that this very run made production: what `open` still does there. It can remove nothing. Arguments and results are JSON."""

    def close(self) -> None:
        """Let go of what the handle holds open."""
        ...

    def settled(self) -> JsonObject:
        """Finish what a crash in `enter_service` left undone; gives back `{set, since, ...}` and what production is recognised by now.

        The latter as `ProductionFacts` has it: data_directory, device, inode, port, address, system_identifier, paths.
        """
        ...

    def accept(self, how: JsonObject) -> JsonObject:
        """Let users in: `how` is `{listen: [address], allow: [network], user, password}`; gives back `{servers: [{source, port, ...}]}`.

        `by_hand` of a server: what is left for a person to do there, one line a thing. `unit` of how, none if it is left out: system or
        user, where a unit of systemd's that starts each server with the machine is to be put in force; `name`: how its name begins.

        Where `user` is a server's own superuser, `password` replaces its throwaway one (null: that stays). Safe to repeat.
        """
        ...

    def swap_in(self, source: str, place: HostPath) -> JsonObject:
        """One thing of what puts the restored file set `source` at `place`: called until `{state: done, before, copied}` comes back.

        The states on the way are beside, swapped and kept. `before`: how what stood there is called now, or null; `copied`: whether the
        restored tree is still where it was restored. Raises Refused where nothing may be put there.
        """
        ...


@dataclass(frozen=True)
class HostRequest:
    """Which host is opened. `params` is its kind's model; relative paths in it are below `home`; `runner` runs its commands."""

    name: HostName
    role: str
    params: Any
    home: HostPath
    clock: Clock
    runner: Runner
    secret: Callable[[SecretRef], str]
    remote: bool = False
    """Whether a controller on another machine asks for it."""
    step: StepId | None = None
    """Of a run, for which it is opened: long work there is named after it, and may outlive a lost link."""
    stop: threading.Event | None = None
    """Set where that step was told to end."""
    said: Callable[[str], None] = lambda _what: None
    """Told, in words, what that step waits for."""


@dataclass(frozen=True)
class Standing:
    """What the guard judges a host by: whose standby it must be, how production is recognised, whose signatures count."""

    organisation: str
    keys: Keyring
    production: Sequence[ProductionFacts]
    """Every recorded one, of every host."""
    expected: Sequence[HostName] = ()
    """The inventory's production hosts: each must have been recorded, or nothing may be written anywhere."""
    active: Callable[[], Set[RunId]] = frozenset
    """Runs that live now, here or in another process: what they claimed is in use."""
    logs: Sequence[HostPath] = ()
    """The tool's own log folders, searched for canaries after a scrub."""
    unagreed: Mapping[HostName, str] = field(default_factory=dict)
    """Standbys of others on which nothing may be restored, since no agreement with their owner is in force; and why."""


@dataclass(frozen=True)
class HostKind:
    """One kind of host. `open` reads; `open_writable` asks the guard first (NotProvablyStandby).

    `enrol` makes a standby's marker (None) or gives the facts of a production host, which the caller records; raises Refused, Unreachable.
    `check` is for `dr hosts check`: lines of (fine, what), never an exception. `foresee` says in such lines what `enrol` would do, and what
    speaks against it, and changes nothing; raises as `enrol` does where the host cannot be asked.
    """

    kind: str
    params: type[StrictModel]
    open: Callable[[HostRequest], Host]
    open_writable: Callable[[HostRequest, Standing, RunId], WritableHost]
    enrol: Callable[[HostRequest, Standing], ProductionFacts | None]
    check: Callable[[HostRequest, Standing], Sequence[tuple[bool, str]]]
    foresee: Callable[[HostRequest, Standing], Sequence[tuple[bool, str]]]
    serving: Callable[[HostRequest, Standing, RunId], ServingHost | None] | None = None
    """Gives the handle of a host that this run made production, None if it did not. None: no host of this kind can be put into service."""
    swappable: Callable[[HostRequest, Standing, Sequence[HostPath]], Sequence[tuple[bool, str]]] | None = None
    """Of places at which a restored file set would be put: lines of (may be, what), read only."""
