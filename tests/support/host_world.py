"""A standby to be, a production to keep away from, and what the guard is asked with. Real folders, real keys."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dr.clock import FixedClock
from dr.hosts.local import KIND, LocalHost, WritableLocal
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject, RunId, SetId
from dr.model.inventory import SecretRef
from dr.model.ports import HostRequest, Keyring, Standing
from dr.model.record import ProductionFacts
from tests.support.postgres import free_port
from tests.support.stream_keys import TestKeys

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
RUN = RunId("drill-online-20261122T070000Z-ab12")
OTHER = RunId("drill-online-20261121T070000Z-cd34")
SET = SetId("20261122T070000Z-7f3a9c")
STANDBY = HostName("standby")


def no_secret(ref: SecretRef) -> str:
    raise AssertionError("no secret is kept for these tests")


@dataclass
class World:
    """A home folder; `production` beside it with a data directory; an empty place for the standby."""

    home: Path
    keys: Keyring = field(default_factory=TestKeys)
    organisation: str = "Harbor"
    port: int = field(default_factory=free_port)
    active: set[RunId] = field(default_factory=set)
    production: list[ProductionFacts] = field(default_factory=list)
    expected: Sequence[HostName] = ()
    role: str = "standby"
    secret: Callable[[SecretRef], str] = no_secret

    @property
    def root(self) -> Path:
        return self.home / "standby"

    @property
    def pgdata(self) -> Path:
        """Production's."""
        return self.home / "production" / "pgdata"

    def request(self, **settings: object) -> HostRequest:
        params: JsonObject = {"path": "standby", "postgres": {"port": self.port}, **settings}
        return HostRequest(
            name=STANDBY,
            role=self.role,
            params=LocalHost.from_facts(params),
            home=HostPath(str(self.home)),
            clock=FixedClock(NOW),
            runner=LocalRunner(),
            secret=self.secret,
        )

    def standing(self) -> Standing:
        return Standing(
            organisation=self.organisation,
            keys=self.keys,
            production=tuple(self.production),
            expected=self.expected,
            active=lambda: frozenset(self.active),
        )

    def enrol(self) -> None:
        assert KIND.enrol(self.request(), self.standing()) is None

    def open(self, run: RunId = RUN) -> WritableLocal:
        handle = KIND.open_writable(self.request(), self.standing(), run)
        assert isinstance(handle, WritableLocal)
        return handle

    def tree(self) -> dict[str, tuple[int, int, int, bytes]]:
        """Everything below the home: inode, mode, change time and content, so that any write shows."""
        found = {}
        for folder, folders, files in os.walk(self.home):
            for path in (Path(folder) / name for name in (*folders, *files)):
                at = path.lstat()
                content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                found[str(path)] = (at.st_ino, at.st_mode, at.st_ctime_ns, content)
        return found


def make_world(home: Path) -> World:
    """Production recorded, nothing enrolled yet."""
    home.chmod(0o700)
    world = World(home)
    world.pgdata.mkdir(parents=True)
    (world.pgdata / "PG_VERSION").write_text("18\n")
    at = world.pgdata.stat()
    world.production.append(
        ProductionFacts(
            host=HostName("production"),
            recorded=NOW,
            data_directory=str(world.pgdata),
            device=at.st_dev,
            inode=at.st_ino,
            port=free_port(),
            address="127.0.0.1",
            system_identifier="7000000000000000001",
        )
    )
    return world


def control_file(pgdata: Path, identifier: str) -> None:
    """Make a folder look like a cluster of that system identifier."""
    (pgdata / "global").mkdir(parents=True, exist_ok=True)
    (pgdata / "PG_VERSION").write_text("18\n")
    (pgdata / "global" / "pg_control").write_bytes(int(identifier).to_bytes(8, "little") + bytes(8184))


def also(world: World, **facts: object) -> ProductionFacts:
    """Production's record, changed."""
    return world.production[0].model_copy(update=facts)


def with_role(world: World, role: str) -> World:
    return replace(world, role=role)
