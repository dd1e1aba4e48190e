"""What stands around a source in its tests: a step, a set in memory, a standby's place in a temporary folder."""

import contextlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import IO, Any, cast

from dr.clock import Clock, SystemClock
from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Dsn
from dr.errors import Refused, Stopped
from dr.hosts.process import LocalRunner
from dr.model.backup import Artifact, ArtifactIndex
from dr.model.base import ByteCount, HostName, HostPath, JsonObject, RunId, SetId, SourceName, StrictModel, SystemName
from dr.model.inventory import Inventory, Keys, Organisation, SecretRef, SourceEntry
from dr.model.ports import ArtifactReader, CaptureRequest, SetWriter, StepContext, WritableHost
from dr.model.summary import ContentSummary
from tests.support.postgres import PASSWORD, free_port

RUN = RunId("nightly-20261122T070000Z-ab12")
SET = SetId("20261122T070000Z-7f3a9c")
KEY = bytes(range(32))


class PgSettings(StrictModel):
    host: str = "127.0.0.1"
    port: int
    user: str = "postgres"
    password: SecretRef | None = SecretRef(env="PG")
    binaries: HostPath | None = None
    data_directory: HostPath | None = None


class PgHostSettings(StrictModel):
    postgres: PgSettings | None = None


@dataclass
class PlainHost:
    """A host with settings; reads only."""

    name: HostName
    settings: PgHostSettings
    role: str = "production"

    def runner(self) -> LocalRunner:
        return LocalRunner()

    def path(self, path: HostPath) -> HostPath:
        return path


class PlaceHost(PlainHost):
    """A standby that has passed its guard: one place, in a temporary folder."""

    def __init__(self, place: Path, port: int, *, binaries: str | None = None, free: int | None = None) -> None:
        settings = PgHostSettings(postgres=PgSettings(port=port, binaries=HostPath(binaries) if binaries else None))
        super().__init__(HostName("standby"), settings, "standby")
        self.run = RUN
        self._place = place
        self._free = free
        self.rechecked = 0

    def recheck(self) -> None:
        self.rechecked += 1

    def place(self) -> HostPath:
        return HostPath(str(self._place))

    def require_space(self, needed: int) -> None:
        free = disk_usage(self._place).free if self._free is None else self._free
        if needed > free:
            raise Refused("the standby is too full")


class KeptFindings:
    """The part of the catalog that a source touches."""

    def __init__(self) -> None:
        self.closed: list[tuple[str, tuple[str, ...]]] = []

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        self.closed.append((prefix, tuple(keep)))

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        self.closed.append((key, ()))


KEYS = Keys(recipients=("age1a", "age1b"), signing=SecretRef(file="keys/signing.key"), trusted=("keys/signing.pub",))
INVENTORY = Inventory(organisation=Organisation(name="Harbor", keys=KEYS), systems={}, hosts={}, repositories={})


class PgStep:
    """The part of a StepContext that a source touches."""

    def __init__(self, root: Path, hosts: Mapping[str, PlainHost], clock: Clock | None = None) -> None:
        self.run, self.stop, self.clock = RUN, threading.Event(), clock or SystemClock()
        self.runner = LocalRunner(self.stop)
        self.records, self.inventory = KeptFindings(), INVENTORY
        self.findings: dict[str, str] = {}
        self.staged: list[Path] = []
        self._root, self._hosts = root, hosts

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("the step was stopped")

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        assert "\n" not in what

    def finding(self, key: str, severity: str, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        self.findings[key] = message

    def secret(self, ref: SecretRef) -> str:
        return PASSWORD

    def host(self, name: HostName) -> PlainHost:
        return self._hosts[name]

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[HostPath]:
        folder = self._root / f"staging-{name}"
        folder.mkdir(mode=0o700)
        self.staged.append(folder)
        try:
            yield HostPath(str(folder))
        finally:
            rmtree(folder)

    def as_context(self) -> StepContext:
        return cast("StepContext", self)


@dataclass
class MemorySink:
    name: str
    data: bytearray = field(default_factory=bytearray)
    described: JsonObject = field(default_factory=dict)

    def write(self, data: bytes | memoryview) -> None:
        self.data += data

    def describe(
        self, *, instant: datetime, identity: Mapping[str, str], content: JsonObject, summary: ContentSummary | None = None
    ) -> None:
        assert not self.described, "an artifact is described once"
        self.described = {"instant": instant, "identity": dict(identity), "content": content}


@dataclass
class MemorySet:
    """A SetWriter that keeps whole artifacts and forgets void ones."""

    set: SetId = SET
    key: bytes = KEY
    whole: dict[str, tuple[MemorySink, str, SourceName]] = field(default_factory=dict)
    void: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def artifact(self, name: str, *, kind: str, source: SourceName) -> Iterator[MemorySink]:
        sink = MemorySink(name)
        try:
            yield sink
        except BaseException:
            self.void.append(name)
            raise
        assert sink.described, "an artifact is described before it ends"
        self.whole[name] = (sink, kind, source)

    def as_writer(self) -> SetWriter:
        return cast("SetWriter", self)

    def readers(self) -> list[ArtifactReader]:
        return [MemoryReader.of(sink, kind, source) for sink, kind, source in self.whole.values()]


@dataclass
class MemoryReader:
    artifact: Artifact
    index: ArtifactIndex
    data: bytes

    @classmethod
    def of(cls, sink: MemorySink, kind: str, source: SourceName) -> "MemoryReader":
        artifact = Artifact(
            name=sink.name,
            kind=kind,
            source=source,
            instant=sink.described["instant"],
            identity=sink.described["identity"],
            plain=ByteCount(len(sink.data)),
            parts=(),
        )
        return cls(artifact, ArtifactIndex(plain=(), content=sink.described["content"]), bytes(sink.data))

    @contextlib.contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.data)


def request(source_params: Any, *, needle: str | None = None, kind: str = "postgres_logical") -> CaptureRequest:
    entry = SourceEntry(kind=kind, host="server", needle=needle is not None)
    return CaptureRequest(SystemName("hmis"), SourceName("database"), entry, source_params, needle)


def step_for(dsn: Dsn, root: Path, clock: Clock | None = None) -> PgStep:
    host = PlainHost(HostName("server"), PgHostSettings(postgres=PgSettings(port=dsn.port, user=dsn.user)))
    return PgStep(root, {"server": host}, clock)


@contextlib.contextmanager
def standby(root: Path, *, binaries: str | None = None, free: int | None = None) -> Iterator[WritableHost]:
    """A claimed place; what a restore leaves running in it is stopped at the end."""
    place = root / "place"
    place.mkdir(mode=0o700)
    try:
        yield cast("WritableHost", PlaceHost(place, free_port(), binaries=binaries, free=free))
    finally:
        cluster.stop(str(place / "pgdata"))
