"""A drill is pointed at the wrong machine or the wrong place, in every way we could think of: refused, and nothing there changed.

Production is a real server on a machine of its own, whose files the standby's login could write to; only the guard keeps it from that.
"""

import contextlib
import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dr.drivers.postgres import binaries
from dr.drivers.postgres.connect import Dsn, connect
from dr.errors import NotProvablyStandby, Refused
from dr.hosts import marker
from dr.hosts.ssh import KIND, Ssh
from dr.model.base import HostName
from dr.model.ports import HostRequest, Standing
from dr.model.record import ProductionFacts
from tests.support.host_world import OTHER, RUN, STANDBY, World, control_file, make_world
from tests.support.pg_world import SET
from tests.support.postgres import free_port
from tests.support.ssh_drill import Captured, DrillStep, load
from tests.support.ssh_hosts import over_ssh, request_of, writable
from tests.support.ssh_world import HERE, Machine, machine
from tests.support.tcp_proxy import Proxy, proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
PRODUCTION = HostName("production-ssh")
Tree = dict[str, tuple[int, int, int]]


@dataclass
class Site:
    """`production` serves; `standby` is enrolled in `good`."""

    production: Machine
    standby: Machine
    clone: Machine
    net: Proxy
    world: World
    dsn: Dsn
    pgdata: Path
    facts: ProductionFacts
    attempts: list[str] = field(default_factory=list)

    @property
    def good(self) -> Path:
        return self.standby.home / "good"

    def standing(self, **facts: object) -> Standing:
        told = self.world.standing()
        return replace(told, production=(*told.production, self.facts.model_copy(update=facts)))

    def seen(self) -> tuple[str, Tree]:
        """Where production's log of changes stands, and every file of all three machines: size and both times."""
        with connect(self.dsn) as connection:
            at = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert at is not None
        found: Tree = {}
        for top in (self.production.home, self.standby.home, self.clone.home):
            for folder, folders, files in os.walk(top):
                if folder == str(top) and ".local" in folders:
                    folders.remove(".local")  # the agent's own
                for path in (f"{folder}/{name}" for name in (*folders, *files)):
                    is_ = os.lstat(path)
                    found[path] = (is_.st_size, is_.st_mtime_ns, is_.st_ctime_ns)
        return str(at[0]), found

    def hashes(self) -> dict[str, str]:
        """Of every file of production's."""
        files = sorted(path for path in self.production.home.rglob("*") if path.is_file() and not path.is_symlink())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def refuses(self, name: str, *acts: Callable[[], object], why: str = "") -> None:
        """Each is refused with exit code 3, for that reason among others, and nothing is other than before."""
        for act in acts:
            before = self.seen()
            with pytest.raises(Refused, match=why) as caught:
                act()
            assert caught.value.exit_code == 3
            assert self.seen() == before, name
            self.attempts.append(f"{name}: {caught.value.message}")


def ways(request: HostRequest, standing: Standing) -> tuple[Callable[[], object], ...]:
    """Each way in which a place could be made a standby, or written to as one."""
    return (lambda: KIND.enrol(request, standing), lambda: KIND.open_writable(request, standing, RUN))


@pytest.fixture(scope="module")
def site(system: Captured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    world = make_world(tmp_path_factory.mktemp("site"))
    with contextlib.ExitStack() as open_:
        production = open_.enter_context(machine("production"))
        standby = open_.enter_context(machine("standby"))
        clone = open_.enter_context(machine("clone", machine_id=production.machine_id))
        net = open_.enter_context(proxy(production.port))
        dsn, pgdata = serving(world, production, system)
        world.port = free_port()  # else the port alone would be the reason for every refusal
        login = {"port": dsn.port, "user": dsn.user, "password": {"file": "keys/production"}, "data_directory": str(pgdata)}
        world.secret = lambda _: dsn.password or ""
        facts = KIND.enrol(request_of(world, PRODUCTION, production.login(postgres=login), role="production"), world.standing())
        assert facts is not None
        assert facts.machine
        assert facts.host_keys
        assert facts.system_identifier
        made = Site(production, standby, clone, net, world, dsn, pgdata, facts)
        KIND.enrol(over_ssh(world, standby, "good"), made.standing())
        yield made


def serving(world: World, production: Machine, system: Captured) -> tuple[Dsn, Path]:
    """A server on that machine, as its own user, that writes nothing of its own accord."""
    request = over_ssh(world, production, "was-restored")
    KIND.enrol(request, world.standing())
    with writable(request, world.standing()) as handle:
        place = load(handle, system, DrillStep())["database"]
        password = Path(place["passfile"]).read_text().strip().rsplit(":", 1)[1]
        dsn = Dsn("127.0.0.1", int(place["port"]), str(place["user"]), "postgres", password)
        with connect(dsn) as connection:
            for setting in ("wal_level = minimal", "max_wal_senders = 0", "autovacuum = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        words = [binaries.find("pg_ctl", exactly=18), "restart", "-w", "-s", "-D", place["data_directory"], "-l", "/dev/null"]
        handle.runner().run(words, detached=True)
    with connect(dsn) as connection:
        connection.execute("CHECKPOINT")
    return dsn, Path(place["data_directory"])


# ---------------------------------------------------------------- the wrong machine

ALIASES = ("127.0.0.1", "localhost", "127.0.0.2", "production.example", "db1", "fe80::1")


@pytest.mark.parametrize("at", ALIASES)
def test_production_by_any_name_is_refused_before_it_is_called(site: Site, at: str) -> None:
    """Its host key is recorded: another name, another port, an alias, a tunnel to it, all are known by it."""
    for port in (site.production.port, site.net.port):
        file = site.world.home / f"known-{port}"
        shown = " ".join((site.production.place / "host.pub").read_text().split()[:2])
        file.write_text(f"[{at}]:{port} {shown}\n")
        login = site.production.login(address=at, port=port, known_hosts=str(file), path=str(site.production.home / "standby"))
        before = site.net.passed
        site.refuses(at, *ways(request_of(site.world, STANDBY, login), site.standing()), why="its SSH host key is that of production host")
        assert site.net.passed == before


def test_production_under_the_standbys_key_is_refused(site: Site) -> None:
    """The address was changed to production's, known_hosts was not."""
    for port in (site.production.port, site.net.port):
        file = site.world.home / "known-wrong"
        shown = " ".join((site.standby.place / "host.pub").read_text().split()[:2])
        file.write_text(f"[127.0.0.1]:{port} {shown}\n")
        login = site.production.login(port=port, known_hosts=str(file), path=str(site.production.home / "standby"))
        site.refuses(
            "another key",
            *ways(request_of(site.world, STANDBY, login), site.standing()),
            why="shows an SSH host key that is not the known one",
        )


def test_a_clone_of_production_is_refused(site: Site) -> None:
    """Host keys of its own, and production's machine-id: nobody can tell whose disk that is."""
    for folder in ("standby", "a/b", "."):
        site.refuses("clone", *ways(over_ssh(site.world, site.clone, folder), site.standing()), why=r"\(the same machine-id\)")


def own_address() -> str:
    """Of this machine's, not its loopback's: all machines of these tests share it. Nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def test_a_machine_with_productions_address_is_refused(site: Site) -> None:
    for folder in ("good", "new"):
        ways_there = ways(over_ssh(site.world, site.standby, folder), site.standing(address=own_address()))
        site.refuses("address", *ways_there, why="the address of production host 'production-ssh' is its own")


@pytest.mark.parametrize("address", ["production.invalid", "0.0.0.0"])
def test_an_address_that_says_nothing_refuses_no_recovery(site: Site, address: str) -> None:
    """In the outage the name service may be dead as well: the standby is known by its key, its machine-id and its marker."""
    with writable(over_ssh(site.world, site.standby, "good"), site.standing(address=address)) as handle:
        assert Path(handle.claim(SET)).parent == site.good / "drills", "it is written to"
        assert handle.holds(SET) is False, "and nothing is taken for restored that is only claimed"
        handle.scrub([])


@pytest.mark.parametrize("role", ["production", "repository", "office"])
def test_another_role_is_refused(site: Site, role: str) -> None:
    request = request_of(site.world, STANDBY, site.standby.login(path=str(site.good)), role=role)
    site.refuses(role, lambda: KIND.open_writable(request, site.standing(), RUN), why=f"its role in the inventory is '{role}'")


def test_without_a_record_of_production_nothing_is_written(site: Site) -> None:
    bare = replace(site.standing(), production=())
    good = over_ssh(site.world, site.standby, "good")
    site.refuses("no record", lambda: KIND.open_writable(good, bare, RUN), why="nothing is recorded by which production could be")
    expected = replace(site.standing(), expected=(HostName("another"),))
    site.refuses("one missing", lambda: KIND.open_writable(good, expected, RUN), why="production host 'another' was never recorded")


# ---------------------------------------------------------------- the wrong place


def owned(site: Site, path: Path) -> Path:
    """A private folder of the standby's user."""
    path.mkdir(mode=0o700, parents=True)
    for one in [path, *path.rglob("*")]:
        give(site, one)
    return path


def give(site: Site, path: Path) -> None:
    at = site.standby.home.stat()
    os.chown(path, at.st_uid, at.st_gid, follow_symlinks=False)


def enrolled_as(site: Site, folder: str, **world: Any) -> Path:
    other = replace(site.world, **world)
    KIND.enrol(over_ssh(other, site.standby, folder), other.standing())
    return site.standby.home / folder


def with_file(site: Site, root: Path, name: str) -> Path:
    (root / name).write_text("whose?")
    give(site, root / name)
    return root


def linked(site: Site, link: Path, to: Path) -> Path:
    link.symlink_to(to)
    give(site, link)
    return link


def moved(site: Site, folder: str) -> Path:
    """The enrolled folder's own marker, in another folder."""
    to = owned(site, site.standby.home / folder)
    shutil.copy2(site.good / marker.STANDBY, to / marker.STANDBY)
    give(site, to / marker.STANDBY)
    return to


def edited(site: Site) -> Path:
    root = enrolled_as(site, "edited", organisation="Elsewhere")
    (root / marker.STANDBY).write_text((root / marker.STANDBY).read_text().replace("Elsewhere", "Harbor"))
    return root


def opened_up(site: Site) -> Path:
    root = enrolled_as(site, "opened-up")
    root.chmod(0o777)
    return root


def replica(site: Site, folder: str) -> Path:
    """A standby of production's own, by streaming, whose folder somebody enrolled once and gave to it."""
    root = enrolled_as(site, folder.partition("/")[0])
    data = owned(site, site.standby.home / folder)
    control_file(data, site.facts.system_identifier or "")
    for path in data.rglob("*"):
        give(site, path)
    return root


PLACES: dict[str, Callable[[Site], Path | str]] = {
    "production's own data": lambda site: site.pgdata,
    "a folder in production's data": lambda site: site.pgdata / "base",
    "the folder above it": lambda site: site.pgdata.parent,
    "a standby of another machine": lambda site: site.production.home / "was-restored",
    "production's user's home": lambda site: site.production.home,
    "the root of all": lambda _: "/",
    "/etc": lambda _: "/etc",
    "/tmp": lambda _: "/tmp",
    "/proc": lambda _: "/proc",
    "/dev/null": lambda _: "/dev/null",
    "a link to production's data": lambda site: linked(site, site.standby.home / "to-production", site.pgdata),
    "a link to the right place": lambda site: linked(site, site.standby.home / "to-good", site.good),
    "a link to nothing": lambda site: linked(site, site.standby.home / "to-nothing", site.standby.home / "nothing"),
    "up from the right place": lambda site: f"{site.good}/..",
    "up and over to production": lambda site: f"{site.good}/../../../{site.pgdata.relative_to(site.production.home.parents[1])}",
    "slashes and dots": lambda site: f"/{site.pgdata}/.//global/..",
    "a name with a newline": lambda site: with_file(site, owned(site, site.standby.home / "new\nline"), "strange"),
    "a name like an option": lambda site: with_file(site, owned(site, site.standby.home / "-rf"), "$(touch x)"),
    "another organisation's standby": lambda site: enrolled_as(site, "elsewhere", organisation="Elsewhere"),
    "a marker that was carried here": lambda site: moved(site, "carried"),
    "a marker that was edited": edited,
    "a folder that others can write to": opened_up,
    "a place in service": lambda site: with_file(site, enrolled_as(site, "in-service"), marker.IN_SERVICE),
    "a folder with a stranger's file": lambda site: with_file(site, enrolled_as(site, "strange"), "payroll.ods"),
    "a replica at its top": lambda site: replica(site, "replica/pgdata"),
    "a replica among the drills": lambda site: replica(site, f"replica-2/drills/{OTHER}"),
    "drills that are elsewhere": lambda site: linked(site, enrolled_as(site, "astray") / "drills", site.pgdata).parent,
}


def test_a_wrong_place_is_refused_whatever_it_is(site: Site) -> None:
    """One connection, each place in turn: enrolled as a standby, or written to as one."""
    hashes = site.hashes()
    paths = {name: str(make(site)) for name, make in PLACES.items()}
    standing = site.standing()
    host = KIND.open(over_ssh(site.world, site.standby, "good"))
    assert isinstance(host, Ssh)
    session = host._session
    first = session._request
    for name, path in paths.items():
        session._request = replace(first, params=first.params.model_copy(update={"path": path}))
        session.introduce(standing, RUN)
        site.refuses(name, lambda: session.ask("enrol"), lambda: session.ask("open"))
    assert site.hashes() == hashes


# ---------------------------------------------------------------- swapped after the preflight

SWAPS: dict[str, Callable[[Site, Path], object]] = {
    "production's data": lambda site, root: linked(site, root, site.pgdata),
    "an empty folder": owned,
    "a folder with its marker": lambda site, root: shutil.copytree(root.with_name(f"{root.name}-away"), root),
    "another organisation's": lambda site, root: enrolled_as(site, root.name, organisation="Elsewhere"),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_a_root_that_is_swapped_after_the_preflight_is_refused(site: Site, swap: str) -> None:
    """The handle was given out for the folder that was there; every destructive act looks again."""
    root = site.standby.home / f"swapped-{list(SWAPS).index(swap)}"
    request = over_ssh(site.world, site.standby, root.name)
    KIND.enrol(request, site.standing())
    with writable(request, site.standing()) as handle:
        root.rename(root.with_name(f"{root.name}-away"))
        SWAPS[swap](site, root)
        give(site, root)
        for one in root.iterdir() if not root.is_symlink() else ():
            give(site, one)
        acts = (lambda: handle.claim(SET), lambda: handle.scrub([]), lambda: handle.adopt(SET, {}), handle.recheck, handle.place)
        site.refuses(f"swapped for {swap}", *acts)


def test_at_least_fifty_attempts_are_made() -> None:
    """Counted where they are listed."""
    assert len(ALIASES) * 4 + 4 + 6 + 8 + 3 + 2 + len(PLACES) * 2 + len(SWAPS) * 5 >= 50


# ---------------------------------------------------------------- with the guard off


@pytest.mark.positive_control
def test_without_the_guard_another_organisations_standby_is_written_to(site: Site) -> None:
    """The twin: a `dr` on that machine whose judge permits everything, and the same attempt writes."""
    root = enrolled_as(site, "theirs", organisation="Elsewhere")
    lax = site.standby.place / "lax"
    python = (site.standby.program.read_text().split("exec ")[-1]).split(" -m ")[0]
    code = "import dr.hosts.guard as guard; guard.judge = lambda *_, **__: []; from dr.cli import main; main()"
    (site.standby.place / "lax.py").write_text(code)
    lax.write_text(f'#!/bin/sh\ncd {HERE} && PYTHONPATH=. exec {python} {site.standby.place}/lax.py "$@"\n')
    lax.chmod(0o755)
    site.refuses("theirs", lambda: KIND.open_writable(over_ssh(site.world, site.standby, "theirs"), site.standing(), RUN))
    with writable(over_ssh(site.world, site.standby, "theirs", dr=str(lax)), site.standing()) as handle:
        handle.claim(SET)
    assert [path.name for path in (root / "drills").iterdir()] == [RUN]


@pytest.mark.positive_control
def test_the_right_place_is_given_out(site: Site) -> None:
    """And what was looked at would have shown it."""
    before = site.seen()
    with writable(over_ssh(site.world, site.standby, "good"), site.standing()) as handle:
        handle.claim(SET)
        assert site.seen() != before
        handle.scrub([])
    assert NotProvablyStandby.exit_code == Refused.exit_code == 3
