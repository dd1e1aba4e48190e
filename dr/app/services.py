"""What the engine needs from the rest of the house, gathered from one home."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dr import __version__, plugins
from dr.actions.played import playing_of
from dr.app import background
from dr.catalog.catalog import Catalog
from dr.clock import Clock
from dr.config.keys import HomeKeys
from dr.config.load import Loaded
from dr.config.secrets import resolve_secret
from dr.engine.control import pending
from dr.engine.signs import SignsOfLife
from dr.errors import ConfigError, Refused
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, Sha256, canonical, sha256
from dr.model.exercise import MADE_OUT
from dr.model.inventory import Inventory, SecretRef
from dr.model.notice_record import Claim, Notice
from dr.model.ports import (
    Action,
    Check,
    Host,
    HostKind,
    HostRequest,
    Keyring,
    Notifier,
    Redundant,
    Reporter,
    Repository,
    Runner,
    ServingHost,
    Sets,
    Source,
    Standing,
    StepContext,
    WritableHost,
)
from dr.model.record import Progress
from dr.policy.agreements import unagreed
from dr.stream.patience import Patience, PatientRepository

if TYPE_CHECKING:
    from dr.notify.carrier import Carrier
    from dr.notify.codes import Codes
    from dr.notify.post import LedgerPost

Kind = TypeVar("Kind")


class HomeServices:
    """engine.services.Services for one home."""

    def __init__(self, home: Path, loaded: Loaded, records: Catalog, clock: Clock, watch: Callable[[Progress], None]) -> None:
        self.home, self.loaded, self.records, self.clock, self._watch = home, loaded, records, clock, watch
        self.inventory: Inventory = loaded.inventory
        self.state = home / "state"
        self._patience: dict[RepositoryName, Patience] = {}
        self._signs = SignsOfLife(self.state)
        self.address: Callable[[SecretRef], str] = self.secret
        """A contact's channel to its URL; the demo hands in where its own people are told."""

    def _blocked(self, notice: Notice, claim: Claim) -> str:
        """Of an exercise's messages, those by a channel that its scenario has down; nothing real is ever held back."""
        playing = playing_of(self.records, self.clock.now()) if notice.exercise else None
        down = playing.scenario.down if playing is not None else ()
        here = any((each.contact, each.channel) == (claim.contact, claim.channel) for each in down)
        return MADE_OUT if here else ""

    def watch(self, progress: Progress) -> None:
        self._signs(progress)
        self._watch(progress)

    @cached_property
    def inventory_digest(self) -> Sha256:
        return sha256(canonical(self.inventory.to_facts()))

    @cached_property
    def keys(self) -> Keyring:
        return HomeKeys(self.home, self.inventory.organisation.keys)

    @cached_property
    def sets(self) -> Sets:
        from dr.stream.sets import StreamSets

        return StreamSets(self.inventory.organisation.name, self.keys, self.clock, {"dr": __version__})

    @cached_property
    def carrier(self) -> "Carrier":
        from dr.notify.carrier import Carrier

        return Carrier(self.inventory, self.records, self.clock, self.address, codes=self.codes, blocked=self._blocked)

    @property
    def codes(self) -> "Codes":
        from dr.notify.codes import Codes

        return Codes(self.records, self.keys.digest_key)

    @cached_property
    def notifier(self) -> Notifier:
        from dr.notify.ledger import LedgerNotifier
        from dr.notify.rounds import timer_carries

        def carried() -> bool:
            return timer_carries(self.records, self.clock.now())

        told = self.inventory, self.records, self.clock, self.carrier
        return LedgerNotifier(*told, after_send=lambda ctx: ctx.failpoint("after-send"), carried=carried)

    @cached_property
    def post(self) -> "LedgerPost":
        from dr.notify.post import LedgerPost

        return LedgerPost(self.inventory, self.records, self.clock, self.carrier, self.audit)

    def audit(self, event: str, subject: str, facts: JsonObject) -> None:
        """As whoever asks."""
        from dr.app.home import whoami

        self.records.audit(event, subject, facts, actor=whoami(), at=self.clock.now())

    @cached_property
    def reporter(self) -> Reporter:
        from dr.report.write import EvidenceWriter, key_id

        trusted = self.home / self.inventory.organisation.keys.trusted[0]
        return EvidenceWriter(self.home / "evidence", self.keys, self.inventory, key_id(trusted.read_bytes()))

    def runner(self, stop: threading.Event) -> Runner:
        return LocalRunner(stop)

    def secret(self, ref: SecretRef) -> str:
        return resolve_secret(ref, self.home)

    # ------------------------------------------------------------ kinds

    def action(self, kind: str) -> Action:
        return _of(plugins.ACTIONS, "action", kind)

    def source(self, kind: str) -> Source:
        return _of(plugins.SOURCES, "source", kind)

    def check(self, kind: str) -> Check:
        return _of(plugins.CHECKS, "check", kind)

    def redundant(self, kind: str) -> Redundant:
        return _of(plugins.REDUNDANCY, "redundancy", kind)

    # ------------------------------------------------------------ repositories

    def repository(self, name: RepositoryName) -> Repository:
        entry = self.inventory.repositories.get(name)
        if entry is None:
            raise ConfigError(f"'{name}' is not a repository", hint=f"there are {', '.join(self.inventory.repositories)}")
        kind = _of(plugins.REPOSITORIES, "repository", entry.kind)
        params = kind.params.from_facts(entry.with_)
        opened = kind.open(RepositoryName(name), entry.tier, params, HostPath(str(self.home)), self.inventory.organisation.name)
        return PatientRepository(opened, self._patience.setdefault(opened.name, Patience(opened.name)))

    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]:
        wanted = self.inventory.repositories.items()
        return [self.repository(RepositoryName(n)) for n, e in wanted if tiers is None or e.tier in tiers]

    # ------------------------------------------------------------ hosts

    def host(self, name: HostName, ctx: StepContext) -> Host:
        kind, request = self.host_request(name, ctx.runner)
        return kind.open(request)

    def writable_host(self, name: HostName, ctx: StepContext) -> WritableHost:
        kind, request = self.host_request(name, ctx.runner)
        return kind.open_writable(replace(request, step=ctx.step, stop=ctx.stop, said=ctx.progress), self.standing(), ctx.run)

    def serving_host(self, name: HostName, ctx: StepContext) -> ServingHost | None:
        kind, request = self.host_request(name, ctx.runner)
        if kind.serving is None:
            raise Refused(f"a host of kind '{kind.kind}' cannot be put into service", hint="open what was restored there by hand")
        return kind.serving(request, self.standing(), ctx.run)

    def host_request(self, name: HostName, runner: Runner) -> tuple[HostKind, HostRequest]:
        """How a host of the inventory is opened. Raises ConfigError."""
        entry = self.inventory.hosts.get(name)
        if entry is None:
            raise ConfigError(f"'{name}' is not a host", hint=f"inventory/hosts.yaml has {', '.join(self.inventory.hosts)}")
        kind = _of(plugins.HOSTS, "host", entry.kind)
        params = kind.params.from_facts(entry.with_)
        return kind, HostRequest(HostName(name), entry.role, params, HostPath(str(self.home)), self.clock, runner, self.secret)

    def standing(self) -> Standing:
        """What the guard judges by, as of now."""
        return Standing(
            organisation=self.inventory.organisation.name,
            keys=self.keys,
            production=self.records.production(),
            expected=[HostName(name) for name, host in self.inventory.hosts.items() if host.role == "production"],
            active=self.active,
            logs=[HostPath(str(path)) for path in (self.home / "evidence", *background.logs(self.state))],
            unagreed=unagreed(self.inventory, self.clock.now()),
        )

    def active(self) -> set[RunId]:
        """Runs that are under way or interrupted: what they claimed is in use."""
        return set(pending(self.state))


def _of(registry: dict[str, Kind], what: str, kind: str) -> Kind:
    if kind not in registry:
        raise ConfigError(f"there is no {what} of kind '{kind}'", hint=f"there are {', '.join(sorted(registry))}")
    return registry[kind]
