"""The backup's actions on real repositories, a real catalog and real keys; the source alone is a toy."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from dr.actions import backup, copy, prune, restore, scrub, select_backup, verify
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.backup import Copy
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, Seconds, SetId, StepId, StrictModel, SystemName
from dr.model.inventory import (
    Inventory,
    Keys,
    Objectives,
    Organisation,
    RepositoryEntry,
    RetentionPolicy,
    SecretRef,
    SourceEntry,
    SystemEntry,
    SystemRunbooks,
)
from dr.model.ports import Action, ArtifactReader, CaptureRequest, Host, Repository, SetWriter, StepContext
from dr.model.record import Finding, ProductionFacts, ScrubCertificate, Severity
from dr.repositories.directory import DirectoryRepository
from dr.stream.sets import StreamSets
from tests.support.catalog_runs import plan_of, run_at
from tests.support.stream_keys import TestKeys
from tests.support.stream_tars import noise, tar_of

NIGHT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
HMIS = SystemName("hmis")
ONLINE, VAULT = RepositoryName("online"), RepositoryName("vault")
DAY = Seconds(86400.0)


class NoParams(StrictModel):
    """The toy source has none."""


@dataclass
class ToySource:
    """One artifact of a few parts, which differ from night to night in `changing` only."""

    clock: FixedClock
    kind: str = "toy"
    params: type[StrictModel] = NoParams
    read: int = 0

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        self.read += 1
        now = self.clock.now()
        with into.artifact("site-00", kind=self.kind, source=request.name) as sink:
            sink.write(tar_of({"steady": noise(5 * 2**20, 1), "changing": now.isoformat().encode()}))
            sink.describe(instant=now, identity={}, content={})
        return []

    def plant(self, request: CaptureRequest, ctx: StepContext) -> None:
        assert request.needle

    def restore(self, artifacts: Sequence[ArtifactReader], host: object, ctx: StepContext) -> JsonObject:
        if isinstance(host, ToyStandby):
            host.loaded = True
        for reader in artifacts:
            with reader.stream() as stream:
                while stream.read(2**20):
                    pass
        return {}


class ToyProduction:
    """Its sources are read right here."""

    def capture(self, source: Any, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        return cast("Sequence[ProductionFacts]", source.capture(request, into, ctx))

    def plant(self, source: Any, request: CaptureRequest, ctx: StepContext) -> None:
        source.plant(request, ctx)


@dataclass
class ToyStandby:
    """Takes everything; `broken` is what it says when it is asked what it holds, `refuses` when it is claimed."""

    name: str = "standby"
    broken: Exception | None = None
    refuses: Exception | None = None
    looked_for: list[bytes] = field(default_factory=list)
    loaded: bool = False
    """Whether a source was restored onto it."""

    def holds(self, set_id: SetId) -> bool:
        if self.broken:
            raise self.broken
        return False

    def require_space(self, needed: int) -> None:
        return None

    def claim(self, set_id: SetId) -> None:
        if self.refuses:
            raise self.refuses

    def bring(self, source: Any, artifacts: Sequence[Any], ctx: Any, _opened: Any) -> JsonObject:
        brought: JsonObject = source.restore(artifacts, self, ctx)
        return brought

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        self.looked_for = list(canaries)
        return ScrubCertificate(
            host=HostName(self.name),
            run=RunId("scrub-1"),
            at=NIGHT,
            removed=("drills/x",),
            searched=("/",),
            canaries=len(self.looked_for),
            found=0,
        )

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        return None


@dataclass
class World:
    """Two repositories, a catalog and a clock. A step is `night.step(...)`; `at` hooks run at an action's failpoints."""

    place: Path
    retention: dict[str, RetentionPolicy] = field(default_factory=dict)
    named: tuple[str, ...] = ("online", "vault")
    """The repositories of the inventory."""
    needle: bool = False
    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    runbooks: SystemRunbooks = field(default_factory=SystemRunbooks)

    def __post_init__(self) -> None:
        self.clock = FixedClock(NIGHT)
        self.keys = TestKeys()
        self.catalog: Catalog = open_catalog(self.place / "catalog.db", self.clock)
        self.sets = StreamSets("Harbor", self.keys, self.clock, {"dr": "test"})
        self.source = ToySource(self.clock)
        self.standby = ToyStandby()
        self.online, self.vault = self._directory("online"), self._directory("vault")

    def _directory(self, name: str) -> DirectoryRepository:
        made = DirectoryRepository(RepositoryName(name), name, self.place / name, organisation="Harbor")
        made.initialise("Harbor", f"id-{name}", NIGHT)
        return made

    @property
    def inventory(self) -> Inventory:
        system = SystemEntry(
            title="HMIS",
            sources={"site": SourceEntry(kind="toy", host="production", needle=self.needle)},
            objectives=Objectives(rpo=DAY, tiers={}),
            retention=self.retention,
            runbooks=self.runbooks,
        )
        keys = Keys(recipients=("age1a", "age1b"), signing=SecretRef(file="keys/signing.key"), trusted=("keys/signing.pub",))
        return Inventory(
            organisation=Organisation(name="Harbor", zone="America/Chicago", keys=keys),
            systems={"hmis": system},
            hosts={},
            repositories={name: RepositoryEntry(kind="directory", tier=name) for name in self.named},
        )

    def later(self, **delta: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**delta))

    # ------------------------------------------------------------ steps

    def step(self, action: Action, run: str = "", **params: Any) -> JsonObject:
        """Carry out one step of a run that the catalog knows as running."""
        return self.carry_out(action, run, {"system": "hmis", **params})

    def carry_out(self, action: Action, run: str, params: JsonObject) -> JsonObject:
        name = RunId(run or f"{action.kind}-{self.clock.now():%Y%m%dT%H%M%SZ}-1a2b")
        record = run_at(self.clock.now(), run=name)
        self.catalog.begin_run(record, plan_of())
        ctx = cast("StepContext", ActionContext(self, name, action))
        return action.run(action.params.from_facts(params), ctx).facts

    def backup(self, run: str = "", to: tuple[str, ...] = ("online", "vault")) -> JsonObject:
        return self.step(backup.ACTION, run, to=list(to))

    def verify(self, *tiers: str, set_id: str | None = None) -> JsonObject:
        return self.step(verify.ACTION, tiers=list(tiers or ("online", "vault")), set=set_id)

    def copy(self, to: str = "vault", set_id: str = "missing") -> JsonObject:
        source = {"vault": "online", "online": "vault"}[to]
        return self.step(copy.ACTION, **{"from": source, "to": to, "set": set_id})

    def prune(self, *, confirmed: bool = True) -> JsonObject:
        return self.step(prune.ACTION, confirmed=confirmed)

    def select(self, tier: str, which: str = "newest", run: str = "") -> JsonObject:
        return self.step(select_backup.ACTION, run, tier=tier, which=which)

    def restore(self, set_id: SetId, repository: RepositoryName, run: str = "") -> JsonObject:
        return self.step(restore.ACTION, run, **{"set": set_id, "from": repository, "onto": "standby"})

    def scrub(self, run: str = "") -> JsonObject:
        """`Params` has no system, as every other step's has."""
        return self.carry_out(scrub.ACTION, run, {"host": "standby"})

    def night(self) -> SetId:
        """A whole undisturbed nightly but its prune, and a day passes."""
        made = self.backup()
        self.verify()
        self.later(days=1)
        return SetId(made["set"])

    def prove(self, set_id: SetId, repository: RepositoryName) -> None:
        """As a drill's check records it."""
        self.catalog.raise_proof(set_id, repository, "proven", self.clock.now(), RunId("drill-1"), {})

    # ------------------------------------------------------------ what is there

    def known(self, repository: RepositoryName) -> dict[SetId, Copy]:
        return {c.set: c for c in self.catalog.copies(HMIS) if c.repository == repository}

    def stored(self, repository: DirectoryRepository) -> list[SetId]:
        return [set_id for _, set_id in repository.sets(HMIS)]

    def findings(self) -> list[str]:
        return [f.key for f in self.catalog.open_findings()]

    def folder(self, repository: str, set_id: SetId) -> Path:
        return self.place / repository / "sets" / "hmis" / set_id


class ActionContext:
    """What of `StepContext` the backup's actions reach."""

    def __init__(self, world: World, run: RunId, action: Action) -> None:
        self._world, self._action = world, action
        self.run, self.step, self.plan = run, StepId(action.kind), plan_of()
        self.home, self.stop = HostPath(str(world.place)), threading.Event()
        self.clock, self.records, self.keys, self.sets, self.inventory = world.clock, world.catalog, world.keys, world.sets, world.inventory

    def check_stop(self) -> None:
        return None

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        return None

    def failpoint(self, name: str) -> None:
        assert name in self._action.failpoints
        if name in self._world.at:
            self._world.at[name]()

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        at = self.clock.now()
        self.records.finding(
            Finding(key=key, severity=severity, system=system, message=message, hint=hint, run=self.run, step=self.step, at=at)
        )

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        noted = {"run": self.run, "step": self.step, **(facts or {})}
        self.records.audit(event, subject, noted, actor="a test", at=self.clock.now())

    def repository(self, name: RepositoryName) -> Repository:
        return cast("Repository", {ONLINE: self._world.online, VAULT: self._world.vault}[name])

    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]:
        return [self.repository(n) for n in (ONLINE, VAULT) if n in self._world.named and (tiers is None or n in tiers)]

    def host(self, name: str) -> Host:
        return cast("Host", ToyProduction())

    def writable_host(self, name: str) -> ToyStandby:
        return self._world.standby

    def source(self, kind: str) -> ToySource:
        assert kind == "toy"
        return self._world.source
