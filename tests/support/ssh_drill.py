"""A drill's verbs over real sshd, one by one: a small captured system, a step, and things that go wrong at a chosen moment."""

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from dr.clock import SystemClock
from dr.drivers.postgres.connect import Dsn
from dr.hosts.process import LocalRunner
from dr.hosts.ssh import WritableSsh
from dr.model.backup import Manifest, Sealed, SetIndex
from dr.model.base import ByteCount, HostPath, JsonObject, RepositoryName, RunId, SetId, Sha256, StepId, SystemName
from dr.model.inventory import Inventory, SecretRef
from dr.model.ports import ArtifactReader, HostRequest, Keyring, OpenSet, Restored, Standing, StepContext
from dr.model.runbook import Plan
from dr.model.summary import Baselines
from dr.sources.postgres_logical import SOURCE, PostgresLogical
from tests.support.catalog_runs import plan_of
from tests.support.host_world import RUN, World
from tests.support.patience import LONG
from tests.support.pg_world import INVENTORY, KEY, SET, MemoryReader, MemorySet, request, step_for
from tests.support.ssh_hosts import over_ssh, writable
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Net

Fault = Callable[[], None]
_EXPECTED = ("sshd:", "/usr/sbin/sshd", "postgres:")


@dataclass
class DrillStep:
    """The part of a StepContext that a host across a network reaches. `at`: what happens at the first of these, once."""

    at: dict[str, Fault] = field(default_factory=dict)
    run: RunId = RUN
    step: StepId = field(default_factory=lambda: StepId("restore"))
    attempt: int = 1
    requested_by: str = "a test"
    plan: Plan = field(default_factory=lambda: plan_of("drill-online", "drill"))
    inventory: Inventory = INVENTORY
    stop: threading.Event = field(default_factory=threading.Event)
    clock: SystemClock = field(default_factory=SystemClock)
    runner: LocalRunner = field(default_factory=LocalRunner)
    home: HostPath = field(default_factory=lambda: HostPath("/nowhere"))
    findings: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def records(self) -> "DrillStep":
        return self

    def happens(self, what: str) -> None:
        self.at.pop(what, lambda: None)()

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self.said.append(what)
        self.happens("progress")

    def finding(self, key: str, severity: str, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        self.findings[key] = message

    def close_findings(self, *_: object) -> None:
        self.happens("findings")

    def close_finding(self, *_: object) -> None:
        self.happens("findings")

    def baselines(self, system: SystemName, set_id: SetId) -> Baselines:
        return Baselines()

    def secret(self, ref: SecretRef) -> str:
        raise AssertionError("a drill asks for no secret here")

    def as_context(self) -> StepContext:
        return cast("StepContext", self)


@dataclass
class Captured:
    """A system as it was backed up."""

    readers: tuple[MemoryReader, ...]

    def handed(self, step: DrillStep) -> Sequence[ArtifactReader]:
        """Each artifact; the first bytes of a dump make `step.at["bytes"]` happen."""
        return [cast("ArtifactReader", _Watched(one, step)) for one in self.readers]

    def opened(self) -> OpenSet:
        artifacts = tuple(one.artifact for one in self.readers)
        manifest = Manifest(
            organisation="Harbor",
            system=SystemName("hmis"),
            set=SET,
            run=RunId("nightly-20261122T070000Z-0000"),
            created=artifacts[0].instant,
            instant=artifacts[0].instant,
            tools={},
            recipients=("age1a", "age1b"),
            compression="zstd-3",
            artifacts=artifacts,
            index=Sealed(size=ByteCount(1), sha256=Sha256("0" * 64)),
            previous=None,
            witnessed=False,
        )
        index = SetIndex(set=SET, key=KEY.hex(), artifacts={one.artifact.name: one.index for one in self.readers})
        return cast("OpenSet", _Opened(manifest, index))

    def restored(self, handle: WritableSsh) -> Restored:
        return Restored(host=handle, set=self.opened(), places=handle.places())


@dataclass
class _Opened:
    manifest: Manifest
    index: SetIndex
    repository: RepositoryName = field(default_factory=lambda: RepositoryName("online"))
    tier: str = "online"
    recipient: str = "age1test"


@dataclass
class _Watched:
    reader: MemoryReader
    step: DrillStep

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)

    @contextlib.contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        dump = not self.reader.artifact.name.endswith("-globals")
        yield cast("IO[bytes]", _Telling(self.reader.data, self.step.happens if dump else lambda _: None))


class _Telling(io.BytesIO):
    """Says when the first bytes have been given, at the second asking."""

    def __init__(self, data: bytes, happens: Callable[[str], None]) -> None:
        super().__init__(data)
        self._happens = happens

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            self._happens("bytes")
        return super().read(min(size or 0, 64 * 1024) if size and size > 0 else size)


def captured(dsn: Dsn, folder: Path) -> Captured:
    """Back up this server's databases."""
    kept = MemorySet()
    SOURCE.capture(request(PostgresLogical(jobs=1)), kept.as_writer(), step_for(dsn, folder).as_context())
    return Captured(tuple(cast("list[MemoryReader]", kept.readers())))


@dataclass
class TellingKeys:
    """Keys that say when the standby asks for a signature."""

    keys: Keyring
    at: dict[str, Fault]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.keys, name)

    def sign(self, data: bytes) -> bytes:
        self.at.pop("sign", lambda: None)()
        return self.keys.sign(data)


def load(handle: WritableSsh, system: Captured, step: DrillStep) -> JsonObject:
    """Claim, bring, adopt."""
    handle.claim(SET)
    places = {"database": handle.bring(SOURCE, system.handed(step), step.as_context(), None)}
    handle.adopt(SET, places)
    return places


# ---------------------------------------------------------------- what is left over there


def left(machine: Machine) -> list[str]:
    """What runs on the machine beside sshd itself and a restored server."""
    found = []
    for pid in machine.processes():
        with contextlib.suppress(OSError):
            said = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if said and "/bin/postgres " not in said and not said.startswith(_EXPECTED):
                found.append(said[:200])
    return found


def servers(machine: Machine, root: str) -> list[int]:
    """What still runs of servers that were restored below this root."""
    found = []
    for pid in machine.processes():
        with contextlib.suppress(OSError):
            if str(Path(f"/proc/{pid}/cwd").readlink()).startswith(f"{root}/"):
                found.append(pid)
    return found


def until(true: Callable[[], object], why: str = "it never came") -> float:
    """Wait, and say how long."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < LONG, why
        time.sleep(0.05)
    return time.monotonic() - began


# ---------------------------------------------------------------- one drill of a test

CANARY = b"canary-5d1f"
SILENCE = "5s"


@dataclass
class Drill:
    """A standby of its own on the machine, reached over the network; `at`: what happens when, once."""

    there: Machine
    net: Net
    system: Captured
    world: World
    folder: str
    at: dict[str, Fault] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return str(self.there.home / self.folder)

    @property
    def request(self) -> HostRequest:
        return over_ssh(self.world, self.there, self.folder, port=self.net.port, silence=SILENCE)

    @property
    def standing(self) -> Standing:
        told = self.world.standing()
        return replace(told, keys=TellingKeys(told.keys, self.at))

    def step(self) -> DrillStep:
        return DrillStep(self.at)


def ends(drill: Drill) -> None:
    """Nothing of the drill works there any more, and no half-loaded server."""
    until(lambda: not left(drill.there), "work goes on that nobody waits for")
    assert servers(drill.there, drill.root) == []


def goes_on(drill: Drill) -> None:
    """The next try wipes what was half, claims, and leaves nothing."""
    drill.net.heal()
    with writable(drill.request, drill.standing) as handle:
        handle.claim(SET)
        assert handle.scrub([CANARY]).found == 0
        assert handle.runner().run(["ls", f"{drill.root}/drills"]).stdout == b""
