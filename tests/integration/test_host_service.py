"""The handle of a host that a recovery made production: whose it is, what it settles after a crash, that it removes nothing."""

from pathlib import Path

import pytest

from dr.errors import Damaged, NotProvablyStandby, Refused
from dr.hosts import marker
from dr.hosts.local import KIND
from dr.hosts.production import protected
from dr.hosts.serving import Serving
from dr.model.base import HostPath, RunId
from dr.model.record import ProductionFacts
from tests.support.host_world import NOW, OTHER, RUN, SET, STANDBY, World, make_world
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    made.enrol()
    return made


def serving(world: World, run: RunId = RUN) -> Serving | None:
    assert KIND.serving is not None
    found = KIND.serving(world.request(), world.standing(), run)
    assert found is None or isinstance(found, Serving)
    return found


def serve(world: World) -> Serving:
    handle = world.open()
    place = Path(handle.claim(SET))
    (place / "site").mkdir()
    handle.adopt(SET, {"site": {"path": str(place / "site")}})
    handle.enter_service(SET)
    found = serving(world)
    assert found is not None
    return found


def test_it_is_given_to_the_run_that_opened_it_and_to_no_other(world: World) -> None:
    """Before: to nobody. Afterwards no other run may touch what people work with."""
    assert serving(world) is None
    serve(world)
    assert serving(world, OTHER) is None
    world.organisation = "Lighthouse"
    assert serving(world) is None


def test_a_crash_between_the_two_markers_is_settled_and_the_guard_refuses_all_the_while(world: World) -> None:
    """The in-service marker is written before the standby's goes: with both there it is production."""
    before = (world.root / marker.STANDBY).read_bytes()
    serve(world)
    (world.root / marker.STANDBY).write_bytes(before)
    with pytest.raises(NotProvablyStandby):
        world.open(OTHER)
    found = serving(world)
    assert found is not None
    settled = found.settled()
    assert settled == found.settled(), "safe to repeat"
    assert not (world.root / marker.STANDBY).exists()
    assert (settled["set"], settled["since"]) == (SET, NOW.isoformat())


def test_what_it_is_recognised_by_keeps_every_other_standby_out_of_it(world: World) -> None:
    """Even where no marker could be read: the whole root is production's from now on."""
    settled = serve(world).settled()
    facts = ProductionFacts.from_facts({"host": STANDBY, "recorded": NOW.isoformat(), **{k: settled[k] for k in ("machine", "paths")}})
    assert [place["path"] for place in facts.paths] == [str(world.root), str(world.root / "drills" / RUN / "site")]
    at = world.root.stat()
    assert protected([facts]).folders[at.st_dev, at.st_ino] == STANDBY
    (world.root / marker.IN_SERVICE).unlink()
    world.production.append(facts)
    with pytest.raises(NotProvablyStandby) as caught:
        world.open(OTHER)
    assert f"{world.root} holds, or lies in, a protected folder of production host 'standby'" in caught.value.message


@pytest.mark.positive_control
def test_control_without_marker_and_record_the_same_place_could_be_enrolled_and_wiped(world: World) -> None:
    """What the two guards above keep from happening to what people work with."""
    standby = (world.root / marker.STANDBY).read_bytes()
    serve(world)
    (world.root / marker.IN_SERVICE).unlink()
    (world.root / marker.STANDBY).write_bytes(standby)
    world.open(OTHER).claim(SET)
    assert not (world.root / "drills" / RUN).exists(), "the data is gone"


def test_a_forged_marker_and_data_that_is_not_there_are_damage(world: World) -> None:
    """Nobody opens what is not what this run restored."""
    serve(world)
    honest = world.keys
    world.keys = TestKeys(seed="somebody else")
    with pytest.raises(Damaged) as forged:
        serving(world)
    assert forged.value.message == "dr-in-service.json bears no trusted signature"
    world.keys = honest
    (world.root / "drills" / RUN / marker.ADOPTED).unlink()
    with pytest.raises(Damaged) as gone:
        serving(world)
    assert gone.value.message == f"host 'standby' is in service for {RUN}, but what it restored is not there"


def test_a_standby_without_a_folder_that_answers_serves_nobody(world: World) -> None:
    """Absent, it is not in service by this run; the guard says the rest."""
    world.root.rename(world.home / "away")
    assert serving(world) is None


def test_what_was_not_restored_as_a_file_set_takes_no_place(world: World) -> None:
    """A database, or the file set of another system, has nothing to be put there."""
    served = serve(world)
    for source in ("database", "", "site/.."):
        with pytest.raises(Refused, match="restored no file set"):
            served.swap_in(source, HostPath("/srv/hmis/site"))
