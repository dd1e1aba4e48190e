"""Promise 5: a drill cannot touch a server that is not provably the standby. Every wrong target is refused and nothing is written."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dr.errors import NotProvablyStandby, Refused
from dr.hosts import marker
from dr.hosts.guard import collect, judge
from dr.hosts.local import KIND, target
from dr.hosts.problem import Problem
from dr.hosts.production import Protected, protected
from dr.model.base import HostName
from tests.support.host_world import NOW, OTHER, RUN, SET, World, also, control_file, make_world
from tests.support.stream_keys import CredulousKeys, TestKeys

pytestmark = pytest.mark.integration

ENROL = "make an empty, private folder and enrol it: dr hosts enrol standby"
RECORD = "record it first, while it is reachable: dr hosts enrol PRODUCTION-HOST"
APART = "give the standby a place that shares nothing with production"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    made.enrol()
    return made


def refused(world: World) -> str:
    """What the guard says, nothing having been written."""
    before = world.tree()
    with pytest.raises(NotProvablyStandby) as caught:
        world.open()
    assert world.tree() == before
    return str(caught.value)


def says(what: str, hint: str) -> str:
    return f"host 'standby' may not be written to: {what}\n   HINT: {hint}"


def test_an_enrolled_empty_standby_is_given_out(world: World) -> None:
    """The guard lets the one right target through."""
    assert world.open().run == RUN


def test_a_host_with_another_role_is_refused(world: World) -> None:
    """Only role standby is ever written to."""
    world.role = "production"
    assert refused(world) == says("its role in the inventory is 'production'", "only a host with role: standby is ever written to")


def test_a_missing_marker_is_refused(world: World) -> None:
    """A folder is no standby because the inventory says so."""
    (world.root / marker.STANDBY).unlink()
    assert refused(world) == says(f"{world.root} bears no standby marker", ENROL)


def test_a_marker_of_another_organisation_is_refused(world: World) -> None:
    world.organisation = "Lighthouse"
    assert refused(world) == says(f"{world.root} is the standby of another organisation", ENROL)


def test_a_marker_of_another_host_is_refused(world: World) -> None:
    """A marker is one host's."""
    request = replace(world.request(), name=HostName("standby-2"))
    with pytest.raises(NotProvablyStandby, match="is enrolled as host 'standby'"):
        KIND.open_writable(request, world.standing(), RUN)


def test_a_forged_marker_is_refused(world: World) -> None:
    """A marker that no trusted key signed is no marker."""
    world.keys = TestKeys(seed="somebody else")
    assert refused(world) == says(f"{world.root}: dr-standby.json bears no trusted signature", ENROL)


@pytest.mark.positive_control
def test_without_the_signature_a_forged_marker_would_pass(world: World) -> None:
    world.keys = CredulousKeys(seed="somebody else")
    assert world.open().run == RUN


def test_a_marker_carried_to_another_folder_is_refused(world: World) -> None:
    """The marker names the folder by device and inode."""
    world.root.rename(world.home / "kept")
    world.root.mkdir(mode=0o700)
    (world.root / marker.STANDBY).write_bytes((world.home / "kept" / marker.STANDBY).read_bytes())
    assert refused(world) == says(f"{world.root} is not the folder that was enrolled (device or inode differ)", ENROL)


def test_a_symbolic_link_as_root_is_refused(world: World) -> None:
    """Whoever can turn a link can turn it to production."""
    world.root.rename(world.home / "real")
    world.root.symlink_to(world.home / "real")
    assert refused(world) == says(f"{world.root} is a symbolic link", ENROL)


def test_a_symbolic_link_below_the_root_is_refused(world: World) -> None:
    (world.root / "drills").symlink_to(world.pgdata)
    assert refused(world) == says(f"{world.root}: drills is a symbolic link", "remove the link")


def test_a_root_that_others_can_write_to_is_refused(world: World) -> None:
    world.root.chmod(0o777)
    assert refused(world) == says(f"{world.root} can be written to by others", ENROL)


def test_an_unrecorded_production_is_refused(world: World) -> None:
    """What is not recorded cannot be recognised."""
    world.production.clear()
    assert refused(world) == says("nothing is recorded by which production could be recognised", RECORD)


def test_a_record_that_identifies_nothing_is_none(world: World) -> None:
    world.production[:] = [also(world, data_directory=None, device=None, inode=None, port=None, system_identifier=None)]
    assert refused(world) == says("nothing is recorded by which production could be recognised", RECORD)


def test_every_production_host_of_the_inventory_must_be_recorded(world: World) -> None:
    world.expected = (HostName("production"), HostName("files"))
    assert refused(world) == says("production host 'files' was never recorded", RECORD.replace("PRODUCTION-HOST", "files"))


def test_an_unreachable_production_is_no_reason_to_refuse(world: World) -> None:
    """In a disaster production is gone: the record suffices."""
    os.rename(world.home / "production", world.home / "burnt")
    (world.home / "burnt" / "pgdata" / "PG_VERSION").unlink()
    assert world.open().run == RUN


def test_productions_data_directory_is_refused_by_inode_wherever_it_was_moved(world: World) -> None:
    """By device and inode, not by its name."""
    world.pgdata.rename(world.root / "pgdata")
    assert f"{world.root} holds, or lies in, a protected folder of production host 'production'" in refused(world)


def test_a_standby_inside_productions_data_directory_is_refused(world: World) -> None:
    at = world.home.stat()
    world.production[:] = [also(world, data_directory="/nowhere", device=at.st_dev, inode=at.st_ino)]
    assert refused(world) == says(f"{world.root} holds, or lies in, a protected folder of production host 'production'", APART)


def test_a_standby_around_productions_data_directory_is_refused(world: World) -> None:
    """By path, where the record has no inode."""
    world.production[:] = [also(world, data_directory=str(world.root / "deep" / "down"), device=None, inode=None)]
    assert refused(world) == says(f"{world.root} holds, or lies in, a protected folder of production host 'production'", APART)


def test_a_protected_file_set_is_refused(world: World) -> None:
    at = world.root.stat()
    world.production[:] = [also(world, paths=({"path": "/srv/gone", "device": at.st_dev, "inode": at.st_ino},))]
    assert refused(world) == says(f"{world.root} holds, or lies in, a protected folder of production host 'production'", APART)


def test_productions_port_is_refused(world: World) -> None:
    world.production[:] = [also(world, port=world.port)]
    what = f"port {world.port} is that of production host 'production'"
    assert refused(world) == says(what, "give the standby a port of its own")


def test_the_same_port_of_another_machine_is_fine(world: World) -> None:
    world.production[:] = [also(world, port=world.port, address="192.0.2.7")]
    assert world.open().run == RUN


def test_a_cluster_with_productions_identifier_is_named_as_such(world: World) -> None:
    control_file(world.root / "pgdata", "7000000000000000001")
    said = refused(world)
    assert f"{world.root} holds a cluster with the system identifier of production host 'production'" in said
    assert f"{world.root} holds pgdata (dr did not put it there)" in said


def test_what_dr_did_not_put_there_is_refused_by_name(world: World) -> None:
    (world.root / "letters").mkdir()
    what = f"{world.root} holds letters (dr did not put it there)"
    assert refused(world) == says(what, "find out whose it is and move it away")


def test_an_unclaimed_place_is_refused(world: World) -> None:
    place = world.root / "drills" / "somebody"
    place.mkdir(parents=True)
    (place / "work.txt").write_text("precious")
    assert f"{world.root} holds drills/somebody (it bears no claim of dr)" in refused(world)


def test_a_claim_copied_to_another_folder_covers_nothing(world: World) -> None:
    """A claim names its folder by inode: it cannot be laid over a stranger's."""
    place = Path(world.open().claim(SET))
    stranger = world.root / "drills" / OTHER
    stranger.mkdir()
    (stranger / "work.txt").write_text("precious")
    (stranger / "claim.json").write_bytes((place / "claim.json").read_bytes())
    assert f"drills/{OTHER} (its claim is of another host, run or folder)" in refused(world)


def test_a_listener_that_is_not_ours_is_refused(world: World) -> None:
    """A foreign server on the standby's port."""
    with socket.create_server(("127.0.0.1", world.port)):
        what = f"a server that dr did not start listens on port {world.port}"
        assert refused(world) == says(what, "stop it, or give the standby another port")


def test_every_reason_is_said_at_once(world: World) -> None:
    world.role = "office"
    world.organisation = "Lighthouse"
    said = refused(world)
    assert "may not be written to, for 2 reasons:\n      - its role in the inventory is 'office'\n      - " in said
    assert "another organisation" in said


def test_a_standby_in_service_is_refused_for_ever(world: World) -> None:
    """A recovery ends the standby's life as a standby: Sunday's drill cannot wipe the live system."""
    handle = world.open()
    handle.claim(SET)
    handle.adopt(SET, {"site": {"path": "x"}})
    handle.enter_service(SET)
    what = f"{world.root} is in service: it is production now"
    assert refused(world) == says(what, "a new standby is needed, in another place")
    before = world.tree()
    for act in (lambda: handle.claim(SET), lambda: handle.scrub([]), handle.recheck, handle.place):
        with pytest.raises(NotProvablyStandby):
            act()
    with pytest.raises(Refused):
        world.enrol()
    assert world.tree() == before


@pytest.mark.parametrize("act", ["claim", "scrub", "recheck", "place", "holds"])
def test_a_handle_asks_again_before_each_act(world: World, act: str) -> None:
    """What was the standby when the handle was given out need not be so now."""
    handle = world.open()
    handle.claim(SET)
    (world.root / marker.STANDBY).unlink()
    before = world.tree()
    acts: dict[str, Callable[[], object]] = {
        "claim": lambda: handle.claim(SET),
        "scrub": lambda: handle.scrub([b"canary"]),
        "recheck": handle.recheck,
        "place": handle.place,
        "holds": lambda: handle.holds(SET),
    }
    with pytest.raises(NotProvablyStandby, match="bears no standby marker"):
        acts[act]()
    assert world.tree() == before


def test_a_standby_without_a_folder_is_refused(world: World) -> None:
    with pytest.raises(NotProvablyStandby, match="it has no standby folder"):
        KIND.open_writable(world.request(path=None), world.standing(), RUN)


@pytest.mark.positive_control
def test_without_the_record_productions_folder_would_pass(world: World) -> None:
    """The twin of the refusals by fact: with nothing off limits, the very same sight is judged fine."""
    at = world.root.stat()
    world.production[:] = [also(world, device=at.st_dev, inode=at.st_ino, port=world.port)]
    seen = collect(target(world.request()), world.standing())
    nothing = Protected({}, {}, {}, {})
    assert judge(seen, world.standing(), nothing) == []
    found: list[Problem] = judge(seen, world.standing(), protected(world.production))
    assert len(found) == 2


# ---------------------------------------------------------------- enrolment


def test_a_place_that_is_not_empty_is_not_enrolled(tmp_path: Path) -> None:
    """A scrub may remove everything below an enrolled root, so nothing may be there before."""
    world = make_world(tmp_path)
    world.root.mkdir(mode=0o700)
    (world.root / "precious").write_text("x")
    before = world.tree()
    with pytest.raises(Refused) as caught:
        world.enrol()
    assert str(caught.value) == (
        f"host 'standby' is not enrolled: {world.root} is not empty\n"
        "   HINT: a standby begins in an empty folder of its own, so that a scrub can touch only what is ours"
    )
    assert world.tree() == before


@pytest.mark.parametrize("where", ["data directory", "below", "above", "port", "unrecorded", "role", "link", "listener"])
def test_a_wrong_place_is_not_enrolled(tmp_path: Path, where: str) -> None:
    world = make_world(tmp_path)
    listening = None
    if where in ("data directory", "below", "above"):
        inside = {"data directory": world.root, "below": world.root / "pg" / "data", "above": world.root.parent}[where]
        world.production[:] = [also(world, data_directory=str(inside), device=None, inode=None)]
    if where == "port":
        world.production[:] = [also(world, port=world.port)]
    if where == "unrecorded":
        world.production.clear()
    if where == "role":
        world.role = "office"
    if where == "link":
        world.root.symlink_to(world.pgdata)
    if where == "listener":
        listening = socket.create_server(("127.0.0.1", world.port))
    before = world.tree()
    try:
        with pytest.raises(Refused):
            world.enrol()
    finally:
        if listening:
            listening.close()
    assert world.tree() == before


def test_enrolling_again_changes_nothing(world: World) -> None:
    before = world.tree()
    world.enrol()
    assert world.tree() == before


def test_check_says_what_is_wrong_without_raising(world: World) -> None:
    """`dr hosts check` is for the person who looks."""
    assert KIND.check(world.request(), world.standing()) == [
        (True, f"{world.root} is provably the standby of Harbor, enrolled {NOW.date().isoformat()}")
    ]
    (world.root / marker.STANDBY).unlink()
    assert KIND.check(world.request(), world.standing()) == [(False, f"{world.root} bears no standby marker; {ENROL}")]
    lines = KIND.check(world.request(path=None), world.standing())
    assert [ok for ok, _ in lines] == [False]


def test_production_is_recorded_by_what_its_files_say(world: World) -> None:
    """Without a password: data directory and inode, the port, the identifier from the control file."""
    control_file(world.pgdata, "7000000000000000009")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        request = replace(
            world.request(postgres={"port": port, "data_directory": "production/pgdata"}, path=None),
            name=HostName("production"),
            role="production",
        )
        facts = KIND.enrol(request, world.standing())
    at = world.pgdata.stat()
    assert facts is not None
    assert (facts.data_directory, facts.device, facts.inode) == (str(world.pgdata), at.st_dev, at.st_ino)
    assert (facts.port, facts.system_identifier) == (port, "7000000000000000009")
    lines = KIND.check(request, world.standing())
    assert lines[0][0] is False  # nothing listens there any more
