"""A restored system as a check sees it, made from a real database; and a step's context, cut down to what checks use."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import IO, cast

from dr.clock import FixedClock
from dr.drivers.postgres import binaries, globals, proof
from dr.drivers.postgres.connect import Dsn, connect, passfile_line, write_private
from dr.drivers.postgres.needle import plant
from dr.errors import Stopped
from dr.hosts.local import LocalHost
from dr.hosts.postgres import HostPostgres
from dr.hosts.process import LocalRunner
from dr.model.backup import Artifact, ArtifactIndex, Manifest, Part, Sealed, SetIndex
from dr.model.base import ByteCount, HostPath, JsonObject, RepositoryName, RunId, SetId, Sha256, SourceName, SystemName, canonical
from dr.model.inventory import Inventory, Keys, Objectives, Organisation, SecretRef, SourceEntry, SystemEntry
from dr.model.ports import Host, OpenSet, Restored, StepContext, WritableHost
from dr.model.summary import Baselines
from tests.support.proof_databases import KEY, Bench
from tests.support.stream_keys import TestKeys

SET = SetId("20261122T070000Z-7f3a9c")
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def inventory(*, needle: bool = True) -> Inventory:
    """One system with a database and a site, whose sources ask for a needle or do not."""
    entry = {name: SourceEntry(kind=kind, host="prod", needle=needle) for name, kind in (("db", "postgres_logical"), ("site", "files"))}
    system = SystemEntry(title="HMIS", sources=entry, objectives=Objectives.from_facts({"rpo": "24h", "tiers": {}}), retention={})
    keys = Keys(recipients=("age1a", "age1b"), signing=SecretRef(file="s"), trusted=("t",))
    return Inventory(organisation=Organisation(name="o", keys=keys), systems={"hmis": system}, hosts={}, repositories={})


@dataclass
class CheckRecords:
    """What a check reaches of ports.Records."""

    known: Baselines = field(default_factory=Baselines)

    def baselines(self, system: SystemName, set_id: SetId) -> Baselines:
        return self.known


@dataclass
class CheckContext:
    """What a check reaches of ports.StepContext."""

    records: CheckRecords = field(default_factory=CheckRecords)
    secrets: dict[str, str] = field(default_factory=dict)
    home: HostPath = field(default_factory=lambda: HostPath("/nowhere"))
    keys: TestKeys = field(default_factory=TestKeys)
    stop: threading.Event = field(default_factory=threading.Event)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    inventory: Inventory = field(default_factory=inventory)
    runner: LocalRunner = field(default_factory=LocalRunner)
    said: list[str] = field(default_factory=list)
    staged: list[Path] = field(default_factory=list)
    servers: dict[str, Dsn] = field(default_factory=dict)
    """Host to its PostgreSQL, as the inventory has it."""

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("the test stopped")

    def host(self, name: str) -> Host:
        """Of a host of this world what its settings say of PostgreSQL."""
        dsn, kept = self.servers[name], SecretRef(file=f"keys/{name}")
        self.secrets[kept.place] = dsn.password
        settings = HostPostgres(host=dsn.host, port=dsn.port, user=dsn.user, password=kept)
        return cast("Host", SimpleNamespace(settings=LocalHost(postgres=settings)))

    @contextmanager
    def staging(self, name: str) -> Iterator[HostPath]:
        with TemporaryDirectory(prefix=f"staged-{name}-") as folder:
            self.staged.append(Path(folder))
            yield HostPath(folder)

    def secret(self, ref: SecretRef) -> str:
        return self.secrets[ref.place]

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self.said.append(what)

    def asked(self) -> StepContext:
        return cast("StepContext", self)


@dataclass
class Reader:
    """ports.ArtifactReader without bytes: checks look at what was restored, and at the index."""

    artifact: Artifact
    index: ArtifactIndex

    def stream(self) -> AbstractContextManager[IO[bytes]]:
        raise AssertionError("a check read an artifact's bytes")


@dataclass
class Opened:
    """ports.OpenSet."""

    manifest: Manifest
    index: SetIndex
    readers: tuple[Reader, ...]
    repository: RepositoryName = field(default_factory=lambda: RepositoryName("online"))
    tier: str = "online"
    recipient: str = "age1test"

    def artifacts(self) -> Sequence[Reader]:
        return self.readers


def opened(contents: dict[str, JsonObject], *, kind: str = "postgres_logical", source: str = "db", needle: str | None = None) -> OpenSet:
    """A set whose artifacts have these contents in the index."""
    readers = tuple(
        Reader(
            Artifact(name=name, kind=kind, source=SourceName(source), instant=NOW, plain=ByteCount(1), parts=_PARTS),
            ArtifactIndex(plain=("0",), content=content),
        )
        for name, content in contents.items()
    )
    placeholder = Reader(
        Artifact(name="none", kind="none", source=SourceName("none"), instant=NOW, plain=ByteCount(0), parts=()), ArtifactIndex(plain=())
    )
    manifest = Manifest(
        organisation="o",
        system=SystemName("hmis"),
        set=SET,
        run=RunId("nightly-20261122T070000Z-0000"),
        created=NOW,
        instant=NOW,
        tools={},
        recipients=("age1a", "age1b"),
        compression="zstd-3",
        artifacts=tuple(reader.artifact for reader in (readers or (placeholder,))),
        index=Sealed(size=ByteCount(1), sha256=Sha256("0" * 64)),
        previous=None,
        witnessed=needle is not None,
    )
    index = SetIndex(set=SET, key=KEY.hex(), needle=needle, artifacts={reader.artifact.name: reader.index for reader in readers})
    return Opened(manifest, index, readers)


_PARTS = (Part(number=0, size=ByteCount(1), sha256=Sha256("0" * 64)),)


def token(keys: TestKeys, set_id: SetId = SET) -> str:
    """A needle's signed word, as a backup makes it."""
    body = {"set": set_id, "run": "nightly-20261122T070000Z-0000", "at": "2026-11-22T07:00:00Z"}
    return json.dumps({**body, "signature": keys.sign(canonical(body)).hex()}, sort_keys=True)


@dataclass
class System:
    """A server of its own, whose every database was backed up with its proof; what a test then changes, a check must find."""

    server: Bench
    context: CheckContext
    folder: Path
    witnessed: bool = True

    def restored(self) -> Restored:
        """As the restore left it: prove everything now, and call it the source's."""
        word = token(self.context.keys)
        if self.witnessed:
            plant(self.server.dsn, word)
        contents: dict[str, JsonObject] = {"db-globals": {"globals": self._globals()}}
        for number, database in enumerate(self._databases()):
            contents[f"db-{number:02d}"] = {"database": database, "proof": self.server.named(database).prove()}
        places = {"db": self._place()}
        host = cast("WritableHost", None)  # no check of a database touches the host
        return Restored(host=host, set=opened(contents, needle=word if self.witnessed else None), places=places)

    def unproven(self) -> Restored:
        """As `restored`, without a proof of anything: for checks that need none."""
        contents: dict[str, JsonObject] = {f"db-{n:02d}": {"database": name} for n, name in enumerate(self._databases())}
        return Restored(host=cast("WritableHost", None), set=opened(contents), places={"db": self._place()})

    def _databases(self) -> Iterator[str]:
        with connect(self.server.dsn.at("postgres")) as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1").fetchall()
        yield from (name for (name,) in names if name != "template0")

    def _globals(self) -> JsonObject:
        tool = binaries.newest("pg_dumpall")
        text = globals.globals_sql(self.server.dsn, self.folder, runner=LocalRunner(), pg_dumpall=tool, watch=lambda: None)
        return proof.prove_globals(text, key=KEY, server=self._version())

    def _version(self) -> str:
        with connect(self.server.dsn) as connection:
            return f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}"

    def _place(self) -> JsonObject:
        dsn: Dsn = self.server.dsn
        passfile = self.folder / "superuser.pgpass"
        if not passfile.exists():
            write_private(passfile, passfile_line(dsn.host, dsn.port, dsn.password, user=dsn.user))
        return {
            "host": dsn.host,
            "port": dsn.port,
            "user": dsn.user,
            "passfile": str(passfile),
            "databases": list(self._databases()),
            "server_version": self._version(),
        }
