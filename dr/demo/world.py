"""The demo's world on this machine: a production with data, an empty standby, two repositories, and the home that knows them.

Everything is below one home: `demo/production` (an embedded PostgreSQL 18), `demo/site`, `demo/standby`, `demo/fileserver`,
`demo/bank-vault`. Safe to repeat: what is there is used again, and production gets another day's work.
"""

import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dr.demo import homefiles
from dr.demo.hmis.generate import change, fill
from dr.demo.homefiles import Remembered
from dr.demo.site import fill_site, touch_site
from dr.drivers.postgres.cluster import Cluster, configure, embedded_cluster, initialise, postmaster, start
from dr.drivers.postgres.cluster import stop as stop_cluster
from dr.drivers.postgres.connect import Dsn, connect
from dr.hosts.process import LocalRunner
from dr.units import show_duration, show_size

Say = Callable[[str], None]
DATABASE = "hmis"
SITE_BYTES = 56_000_000
_READY = "ready"
"""Beside production's data directory once it is whole: without it, what an interrupted attempt left is made afresh."""


@dataclass(frozen=True)
class World:
    """Where the demo's things are."""

    home: Path
    known: Remembered
    password: str

    @property
    def production(self) -> Path:
        return self.home / "demo" / "production"

    @property
    def site(self) -> Path:
        return self.home / "demo" / "site"

    @property
    def standby(self) -> Path:
        return self.home / "demo" / "standby"

    @property
    def cluster(self) -> Cluster:
        return embedded_cluster(str(self.production), self.known.production)

    @property
    def dsn(self) -> Dsn:
        """Production's client database, as its superuser."""
        return Dsn("127.0.0.1", self.known.production, "postgres", DATABASE, self.password)


def prepare(home: Path, *, scale: float = 1.0, seed: int = 20261122, say: Say = print) -> World:
    """Make the world in `home`, or start it again. `scale` 1 is 330,000 rows and 56 MB of files.

    Raises Refused if `home` holds other things, Failed if PostgreSQL does not start.
    """
    home = home.resolve()
    homefiles.make_home(home)
    known = _settle_ports(home)
    world = World(home, known, homefiles.secret(home, homefiles.PRODUCTION_PASSWORD))
    homefiles.write_hosts(home, known)
    homefiles.remember(home, known)
    world.standby.mkdir(mode=0o700, exist_ok=True)
    start_production(world, say=say)
    if not _is_filled(world):
        return _first_day(world, seed, scale, say)
    return _another_day(world, seed, say)


def opened(home: Path) -> World:
    """The world that `prepare` made in `home`."""
    home = home.resolve()
    return World(home, homefiles.recall(home), homefiles.secret(home, homefiles.PRODUCTION_PASSWORD))


# ---------------------------------------------------------------- ports


def _settle_ports(home: Path) -> Remembered:
    """The remembered ports where they are ours or free, new ones where somebody else has taken them."""
    known = homefiles.recall(home)
    running = postmaster(str(home / "demo" / "production" / "pgdata")) is not None
    drilling = any(postmaster(str(data)) is not None for data in _drills(home))
    production = known.production if running or _is_free(known.production) else _free_port(other_than=known.standby)
    standby = known.standby if drilling or _is_free(known.standby) else _free_port(other_than=production)
    return replace(known, production=production, standby=standby)


def _is_free(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(other_than: int = 0) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port != other_than:
            return port


def _drills(home: Path) -> list[Path]:
    """Data directories of servers that drills started."""
    return sorted((home / "demo" / "standby").glob("drills/*/pgdata"))


# ---------------------------------------------------------------- production


def start_production(world: World, *, say: Say = print) -> None:
    """Make production's cluster if it is not there, start it if it does not run, and see that it answers. Raises Failed."""
    cluster, runner = world.cluster, LocalRunner()
    ready = world.production / _READY
    if not ready.exists():
        _make_cluster(world, cluster, runner)
        ready.touch()
    elif postmaster(cluster.data) is None and not _is_set_to(cluster):
        configure(cluster, {})
    if postmaster(cluster.data) is None:
        start(cluster, runner)
        say(f"production: PostgreSQL 18 on port {cluster.port}")
    admin = world.dsn.at("postgres")
    with connect(admin, application="dr demo") as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _is_set_to(cluster: Cluster) -> bool:
    """Whether its settings (the last one counts) name the port that it is to have now."""
    lines = (Path(cluster.data) / "postgresql.conf").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("port =")][-1:] == [f"port = {cluster.port}"]


def _make_cluster(world: World, cluster: Cluster, runner: LocalRunner) -> None:
    stop_cluster(cluster.data)
    shutil.rmtree(world.production, ignore_errors=True)
    world.production.mkdir(mode=0o700, parents=True)
    initialise(cluster, runner, password=world.password, locale="C.UTF-8")


def stop_production(world: World) -> bool:
    """Stop production; False if it did not run."""
    return stop_cluster(str(world.production / "pgdata"))


def stop(home: Path) -> bool:
    """Stop production and every server that a drill left running; False if none ran."""
    home = home.resolve()
    stopped = [stop_cluster(str(data)) for data in (home / "demo" / "production" / "pgdata", *_drills(home))]
    return any(stopped)


# ---------------------------------------------------------------- data


def _is_filled(world: World) -> bool:
    with connect(world.dsn, application="dr demo") as connection:
        return connection.execute("SELECT to_regclass('reporting.\"BedNightsByMonth\"') IS NOT NULL").fetchone() == (True,)


def _first_day(world: World, seed: int, scale: float, say: Say) -> World:
    world = _remember(world, replace(world.known, scale=scale))
    begun = time.monotonic()
    counts = fill(world.dsn, seed=seed, scale=scale)
    rows = f"{sum(counts.values()):,} rows in {len(counts)} tables"
    say(f"production: filled with {rows} of invented people ({show_duration(time.monotonic() - begun)})")
    _let_in(world)
    files, size = _fill_site(world, seed)
    say(f"site: {files} files, {show_size(size)}")
    return world


def _another_day(world: World, seed: int, say: Say) -> World:
    """What an interrupted first day left undone, then a day's work."""
    _let_in(world)
    _fill_site(world, seed)
    day = world.known.days + 1
    rows, files = change(world.dsn, seed=day), touch_site(world.site, day=day)
    say(f"production: another day's work, {rows} rows and {files} files changed")
    return _remember(world, replace(world.known, days=day))


def _fill_site(world: World, seed: int) -> tuple[int, int]:
    return fill_site(world.site, seed=seed, size=max(1_000_000, int(SITE_BYTES * min(world.known.scale, 1.0))))


def _remember(world: World, known: Remembered) -> World:
    homefiles.remember(world.home, known)
    return replace(world, known=known)


def _let_in(world: World) -> None:
    """Give the web application its password, as a verifier, so that the server's log cannot hold the word itself."""
    word = homefiles.secret(world.home, homefiles.APPLICATION_PASSWORD)
    with connect(world.dsn, application="dr demo") as connection:
        verifier = connection.pgconn.encrypt_password(word.encode(), b"hmis_web", b"scram-sha-256").decode()
        connection.execute(f"ALTER ROLE hmis_web PASSWORD '{verifier}'")
