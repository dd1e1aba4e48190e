"""Claim, adopt, scrub: what a run does on a standby is repeatable, and touches nothing that is not its own."""

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dr.drivers.postgres import binaries, cluster
from dr.drivers.postgres.cluster import Cluster
from dr.drivers.postgres.connect import passfile_line, write_private
from dr.errors import Damaged, Failed, NotProvablyStandby, Refused, StandbyInUse
from dr.hosts import canaries, marker
from dr.hosts.local import KIND, WritableLocal
from dr.hosts.places import system_identifier
from dr.hosts.process import LocalRunner
from dr.hosts.removal import opened, remove_tree
from dr.model.base import HostPath, SetId
from dr.model.ports import Standing
from dr.model.record import ScrubCertificate
from tests.support.host_files import ORDINARY, as_ordinary_user, reachable
from tests.support.host_world import OTHER, RUN, SET, STANDBY, World, also, make_world
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration

CANARY = b"needle-7f3a9c-token"
PASSWORD = "only-for-this-test"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    made.enrol()
    return made


def load(handle: WritableLocal) -> Path:
    """What a restore would leave: a site, a secret, a log."""
    place = Path(handle.claim(SET))
    for folder in ("site/site", "secret", "log", "staging"):
        (place / folder).mkdir(parents=True)
    (place / "site" / "site" / "letter.txt").write_bytes(b"dear " + CANARY)
    return place


def test_a_claimed_place_is_private_and_signed(world: World) -> None:
    """Restored data is secret: 0700, and claimed before anything is in it."""
    place = Path(world.open().claim(SET))
    assert place == world.root / "drills" / RUN
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    with opened(str(place)) as folder:
        claim = marker.read(folder, "claim.json", marker.Claim, world.keys)
    assert claim is not None
    assert (claim.run, claim.set, claim.host, claim.organisation) == (RUN, SET, STANDBY, "Harbor")


def test_claiming_again_wipes_what_was_not_adopted(world: World) -> None:
    """A resumed run starts its load again from nothing."""
    handle = world.open()
    place = load(handle)
    assert world.open().claim(SET) == str(place)
    assert [path.name for path in place.iterdir()] == ["claim.json"]


def test_what_was_adopted_is_held_and_not_claimed_again(world: World) -> None:
    """A run killed after the adoption finds it done."""
    handle = world.open()
    load(handle)
    assert not handle.holds(SET)
    handle.adopt(SET, {"site": {"path": "/x"}})
    handle.adopt(SET, {"site": {"path": "/y"}})
    again = world.open()
    assert again.holds(SET) and not again.holds(SetId("20261121T070000Z-000000"))
    assert again.places() == {"site": {"path": "/x"}}
    with pytest.raises(Refused, match="has adopted set"):
        again.claim(SET)


def test_another_runs_adoption_is_not_ours(world: World) -> None:
    """What an earlier run restored may have been changed since."""
    earlier = world.open(OTHER)
    earlier.claim(SET)
    earlier.adopt(SET, {})
    assert not world.open().holds(SET)


def test_a_forged_adoption_is_none(world: World) -> None:
    handle = world.open()
    place = load(handle)
    handle.adopt(SET, {"site": {"path": "/x"}})
    text = (place / "adopted.json").read_text().replace('"/x"', '"/z"')
    (place / "adopted.json").write_text(text)
    assert not handle.holds(SET)
    with pytest.raises(Refused, match="has not adopted"):
        handle.places()


def test_only_what_was_claimed_can_be_adopted(world: World) -> None:
    handle = world.open()
    with pytest.raises(Refused, match="has claimed nothing"):
        handle.adopt(SET, {})
    handle.claim(SET)
    with pytest.raises(Refused, match=r"claimed .* for set"):
        handle.adopt(SetId("20261121T070000Z-000000"), {})


def test_a_place_of_a_living_run_is_in_use(world: World) -> None:
    """One drill a standby: a second neither wipes nor scrubs the first."""
    place = load(world.open(OTHER))
    world.active.add(OTHER)
    handle = world.open()
    before = world.tree()
    for act in (lambda: handle.claim(SET), lambda: handle.scrub([])):
        with pytest.raises(Refused) as caught:
            act()
        assert str(caught.value) == f"host 'standby' is in use by run {OTHER}\n   HINT: wait for it, or cancel it: dr runs cancel {OTHER}"
    assert world.tree() == before
    assert place.exists()


def test_who_has_nothing_there_waits_while_another_that_lives_has(world: World) -> None:
    """What an agent asks before it keeps others out: a run that only waits must be in nobody's way."""
    load(world.open(OTHER))
    waiting = world.open()
    waiting.require_turn()
    world.active.add(OTHER)
    with pytest.raises(StandbyInUse, match=f"in use by run {OTHER}"):
        waiting.require_turn()
    world.open(OTHER).require_turn()


def test_two_claims_at_the_same_moment_are_one(world: World) -> None:
    """While one run looks and claims, or scrubs and looks what is left, no other does: it is told to wait, and finds nothing changed."""
    (world.root / "drills").mkdir(mode=0o700, exist_ok=True)
    handle = world.open()
    busy = os.open(world.root / "drills", os.O_RDONLY)
    fcntl.flock(busy, fcntl.LOCK_EX)
    with pytest.raises(StandbyInUse) as caught:
        handle.claim(SET)
    assert str(caught.value) == "host 'standby' is in use by another run\n   HINT: wait for it: dr runs list"
    assert os.listdir(world.root / "drills") == []
    os.close(busy)
    assert handle.claim(SET)


@pytest.mark.positive_control
def test_a_place_of_a_dead_run_is_scrubbed_by_the_next_claim(world: World) -> None:
    """The next start scrubs first; the twin of the one above: nobody says that the other run lives."""
    place = load(world.open(OTHER))
    world.open().claim(SET)
    assert not place.exists()
    assert os.listdir(world.root / "drills") == [RUN]


def test_a_crash_while_claiming_leaves_nothing_that_stops_the_next(world: World) -> None:
    """Before its claim is signed a place bears another name; empty ones are swept."""
    (world.root / "drills").mkdir()
    half = world.root / "drills" / f".claim-{OTHER}-0000"
    half.mkdir()
    (half / "claim.json.partial").write_text("{")
    (world.root / "drills" / OTHER).mkdir()
    world.open().claim(SET)
    assert os.listdir(world.root / "drills") == [RUN]


def test_the_scrub_removes_signs_and_can_be_repeated(world: World) -> None:
    """The certificate says what went, where canaries were looked for, and cannot be altered."""
    handle = world.open()
    place = load(handle)
    handle.adopt(SET, {})
    files = [path for path in place.rglob("*") if not path.is_dir()]
    held = sum(path.lstat().st_size for path in files)
    certificate = handle.scrub([CANARY])
    assert not place.exists()
    assert (certificate.files, certificate.bytes) == (len(files), held)
    assert certificate.removed == (str(place),)
    assert (certificate.canaries, certificate.found) == (1, 0)
    assert certificate.searched[0] == str(world.root)
    canaries.verify(certificate, world.keys)
    with pytest.raises(Damaged):
        canaries.verify(certificate.model_copy(update={"found": 3}), world.keys)
    older = canaries.signed_bytes(certificate.model_copy(update={"files": None, "bytes": None}))
    assert b"files" not in older, "a certificate of before it was counted is signed as it was"
    again = world.open().scrub([CANARY])
    assert (again.removed, again.found) == ((), 0)
    assert world.open().claim(SET)


def test_a_canary_that_is_left_is_counted(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The positive control of the search: across block borders, in names, in logs."""
    logs = tmp_path_factory.mktemp("logs")
    (logs / "dr.log").write_bytes(b"x" * ((1 << 20) - 5) + CANARY + b"y")
    (logs / "other-word").touch()
    found = canaries.search([str(logs)], {CANARY, b"other-word", b"absent"})
    assert found == {CANARY, b"other-word"}


def test_our_own_logs_are_looked_into_on_this_machine_too(tmp_path: Path) -> None:
    """A standby across a network cannot look into the controller's: what is left there is found, and signed for, here."""
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "drill-1.json").write_bytes(b"x" + CANARY)
    standing = Standing("Harbor", TestKeys(), (), logs=[HostPath(str(tmp_path / "evidence")), HostPath(str(tmp_path / "not-there"))])
    told = {
        "host": "standby",
        "run": RUN,
        "at": "2026-11-22T07:00:00Z",
        "removed": [],
        "searched": ["/srv/standby"],
        "canaries": 1,
        "found": 0,
    }
    found = canaries.also_here(ScrubCertificate.from_facts(told), standing, [CANARY])
    assert (found.found, found.searched) == (1, ("/srv/standby", str(tmp_path / "evidence")))
    canaries.verify(found, standing.keys)
    assert canaries.also_here(ScrubCertificate.from_facts(told), standing, [b"another word"]).found == 0


def test_a_place_that_goes_while_it_is_searched_hides_nothing_elsewhere(tmp_path: Path) -> None:
    """Another command's temporary folder may end between the look at the list and the look into it; the rest is searched all the same."""
    (tmp_path / "log").write_bytes(b"x" + CANARY)
    assert canaries.search([str(tmp_path / "gone"), str(tmp_path / "log")], {CANARY}) == {CANARY}


def test_a_scrub_killed_half_way_is_finished_by_the_next(world: World) -> None:
    """The claim goes last, so what is left is still known as ours."""
    place = load(world.open(OTHER))
    code = (
        "import sys, os, dr.hosts.removal as r\n"
        "def die(event, args):\n"
        "    if event == 'os.rmdir': os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(die)\n"
        f"with r.opened({str(place.parent)!r}) as drills: r.remove_tree(drills, {OTHER!r}, protected=frozenset(), last='claim.json')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    assert (place / "claim.json").exists()
    assert world.open().scrub([]).removed == (str(place),)


def test_the_scrub_refuses_foreign_things_and_leaves_them(world: World) -> None:
    """What dr did not put there is named, and stays."""
    handle = world.open()
    load(handle)
    (world.root / "letters").mkdir()
    (world.root / "letters" / "one").write_text("precious")
    before = world.tree()
    with pytest.raises(NotProvablyStandby, match="holds letters"):
        handle.scrub([])
    assert world.tree() == before


def test_the_scrub_follows_no_link_and_stops_at_no_mode(world: World) -> None:
    """Restored data is hostile: links to production, folders without permissions, names of every kind, great depth."""
    handle = world.open()
    place = load(handle)
    outside = world.home / "production" / "keep.txt"
    outside.write_text("precious")
    site = place / "site" / "site"
    (site / "to-production").symlink_to(world.home / "production")
    (site / "loop").symlink_to(site)
    os.link(outside, site / "hard")
    (site / "-rf").mkdir()
    (site / "new\nline").mkdir()
    os.mkdir(os.fsencode(site) + b"/\xff\xfe")
    (site / "locked" / "inner").mkdir(parents=True)
    (site / "locked" / "inner" / "file").write_text("x")
    (site / "locked" / "inner").chmod(0)
    (site / "locked").chmod(0)
    os.mkfifo(site / "fifo")
    _dig(site, 1500)
    handle.scrub([])
    assert not place.exists()
    assert outside.read_text() == "precious"


def _dig(folder: Path, depth: int) -> None:
    """Deeper than a path may be long and than Python may recurse."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_an_ordinary_user_claims_and_scrubs(tmp_path: Path) -> None:
    """Without root, folders that were restored without permissions go all the same."""
    reachable(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, ORDINARY, ORDINARY)

    def drill() -> None:
        world = make_world(home)
        world.enrol()
        handle = world.open()
        place = load(handle)
        (place / "site" / "locked" / "inner").mkdir(parents=True)
        (place / "site" / "locked" / "inner" / "file").write_text("x")
        (place / "site" / "locked" / "inner").chmod(0)
        (place / "site" / "locked").chmod(0)
        handle.adopt(SET, {})
        certificate = handle.scrub([CANARY])
        assert (certificate.removed, certificate.found) == ((str(place),), 0)
        assert not place.exists()

    as_ordinary_user(drill)


def test_what_is_mounted_below_the_root_is_refused(world: World) -> None:
    """A bind mount carries another folder into ours; the kernel's list of mounts tells."""
    place = load(world.open())
    code = (
        "import sys; from pathlib import Path; from dr.hosts.guard import _mounts\n"
        "import subprocess; subprocess.run(['mount', '--bind', sys.argv[1], sys.argv[2]], check=True)\n"
        "print(_mounts(sys.argv[3]))"
    )
    (place / "a name").mkdir()
    words = [str(world.home / "production"), str(place / "a name"), str(world.root)]
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "--", sys.executable, "-c", code, *words]
    done = subprocess.run(unshare, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.stdout == f"('drills/{RUN}/a name',)\n", done.stderr


def test_removal_never_enters_a_protected_folder(world: World) -> None:
    """Production's data directory, moved into the place meanwhile, stops the removal at its door."""
    handle = world.open()
    place = load(handle)
    world.pgdata.rename(place / "site" / "site" / "moved")
    with pytest.raises(Refused, match="is production's"):
        handle.scrub([])
    assert (place / "site" / "site" / "moved" / "PG_VERSION").read_text() == "18\n"
    assert (place / "site" / "site" / "letter.txt").exists()


@pytest.mark.positive_control
def test_without_protection_the_removal_would_take_it(world: World) -> None:
    handle = world.open()
    place = load(handle)
    world.pgdata.rename(place / "site" / "site" / "moved")
    with opened(str(place.parent)) as drills:
        assert remove_tree(drills, place.name, protected=frozenset())
    assert not place.exists()


def test_space_is_required_in_words(world: World) -> None:
    handle = world.open()
    handle.require_space(1)
    with pytest.raises(Refused, match=r"host 'standby' has .* free in .*, and 8192.0 TiB are needed"):
        handle.require_space(2**53)


# ---------------------------------------------------------------- with a real server


def serve(world: World, place: Path) -> Cluster:
    """A cluster in a claimed place, as the restore makes it."""
    (place / "secret").mkdir(exist_ok=True)
    (place / "log").mkdir(exist_ok=True)
    folder = str(Path(binaries.find("postgres", exactly=18)).parent)
    made = Cluster(str(place / "pgdata"), world.port, folder, str(place / "log" / "postgres.log"))
    write_private(place / "secret" / "superuser.pgpass", passfile_line("127.0.0.1", world.port, PASSWORD))
    cluster.initialise(made, LocalRunner(), password=PASSWORD)
    cluster.configure(made, {"fsync": "off", "shared_buffers": "'16MB'"})
    cluster.start(made, LocalRunner())
    return made


@pytest.fixture
def served(world: World) -> Iterator[tuple[World, WritableLocal, Path]]:
    handle = world.open()
    place = Path(handle.claim(SET))
    made = serve(world, place)
    yield world, handle, place
    cluster.stop(made.data)


def connect(world: World, application: str) -> "psycopg.Connection[tuple[object, ...]]":
    where = f"host=127.0.0.1 port={world.port} user=postgres dbname=postgres"
    return psycopg.connect(where, password=PASSWORD, application_name=application)


def test_our_own_server_is_no_hindrance_and_the_scrub_ends_it(served: tuple[World, WritableLocal, Path]) -> None:
    """A server that works in a claimed place is ours: adopted, looked at, ended and removed."""
    world, handle, place = served
    with connect(world, "dr"):
        handle.adopt(SET, {"database": {"user": "postgres"}})
        assert handle.holds(SET)
    handle.scrub([])
    assert not place.exists()
    with pytest.raises(psycopg.OperationalError):
        connect(world, "dr")


def test_a_foreign_session_is_refused(served: tuple[World, WritableLocal, Path]) -> None:
    """Somebody who works on what was restored is not cut off."""
    world, handle, _ = served
    with connect(world, "drupal"), pytest.raises(NotProvablyStandby) as caught:
        handle.scrub([])
    assert str(caught.value) == (
        f"host 'standby' may not be written to: 1 foreign sessions and 0 WAL senders or receivers are connected on port {world.port}\n"
        "   HINT: somebody is using what was restored; end those sessions first"
    )


@pytest.mark.parametrize("how", ["another password", "no password file"])
def test_a_server_that_somebody_put_to_use_by_hand_is_not_wiped(served: tuple[World, WritableLocal, Path], how: str) -> None:
    """In an emergency a person gives what a drill restored a password of their own, and lets people in: nobody of ours can look who is
    there then, only that somebody is. Once they are gone it is a drill's again."""
    world, handle, place = served
    with connect(world, "drupal") as theirs:
        if how == "another password":
            theirs.execute("ALTER ROLE postgres PASSWORD 'theirs'")
            theirs.commit()
        else:
            (place / "secret" / "superuser.pgpass").unlink()
        with pytest.raises(NotProvablyStandby, match="1 foreign sessions and 0 WAL senders or receivers are connected"):
            handle.scrub([])
    handle.scrub([])
    assert not place.exists()


def test_a_resumed_claim_ends_its_own_server_first(served: tuple[World, WritableLocal, Path]) -> None:
    world, handle, place = served
    handle.claim(SET)
    assert [path.name for path in place.iterdir()] == ["claim.json"]
    with pytest.raises(psycopg.OperationalError):
        connect(world, "dr")


def test_a_foreign_cluster_on_the_port_is_refused_and_lives_on(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever listens must work in a place of ours: the kernel says where it works, not a file."""
    elsewhere = tmp_path_factory.mktemp("foreign")
    made = serve(world, elsewhere)
    try:
        with pytest.raises(NotProvablyStandby, match=f"a server that dr did not start listens on port {world.port}"):
            world.open()
        with connect(world, "psql") as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        cluster.stop(made.data)


def test_a_record_that_names_another_server_ends_nothing(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A stale postmaster.pid may name production's process: it is asked where it works before it is ended."""
    elsewhere = tmp_path_factory.mktemp("production")
    made = serve(make_world(elsewhere), elsewhere)
    try:
        handle = world.open()
        place = load(handle)
        (place / "pgdata").mkdir()
        pid = cluster.postmaster(made.data)
        assert pid is not None
        (place / "pgdata" / "postmaster.pid").write_text(f"{pid}\n{place / 'pgdata'}\n")
        handle.scrub([])
        assert cluster.postmaster(made.data) == pid
    finally:
        cluster.stop(made.data)


def test_a_server_whose_record_is_gone_is_not_removed_under_it(served: tuple[World, WritableLocal, Path]) -> None:
    """It works in the place, but cannot be ended by its record: said, and nothing removed."""
    world, handle, place = served
    text = (place / "pgdata" / "postmaster.pid").read_text()
    (place / "pgdata" / "postmaster.pid").write_text("")
    with pytest.raises(Failed, match=r"its postmaster.pid does not say so"):
        handle.scrub([])
    (place / "pgdata" / "postmaster.pid").write_text(text)
    assert connect(world, "dr").closed == 0


def test_productions_own_running_cluster_is_never_a_target(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Data directory, port and identifier of a running production: each alone is enough, and it runs on."""
    elsewhere = tmp_path_factory.mktemp("production")
    made = serve(world, elsewhere)
    nothing = {"data_directory": None, "device": None, "inode": None, "port": None, "system_identifier": None}
    try:
        at = Path(made.data).stat()
        identifier = system_identifier(None, made.data)
        for known, root, reason in (
            ({"device": at.st_dev, "inode": at.st_ino}, made.data, "lies in, a protected folder of production host"),
            ({"data_directory": made.data}, str(elsewhere), "lies in, a protected folder of production host"),
            ({"system_identifier": identifier}, str(elsewhere), "with the system identifier of production host"),
            ({"port": world.port}, str(world.root), f"port {world.port} is that of production host"),
        ):
            world.production[:] = [also(world, **{**nothing, **known})]
            with pytest.raises(NotProvablyStandby, match=reason):
                KIND.open_writable(world.request(path=root), world.standing(), RUN)
        with connect(world, "psql") as connection:
            assert connection.execute("select count(*) from pg_stat_activity where application_name = 'dr'").fetchone() == (0,)
    finally:
        cluster.stop(made.data)
