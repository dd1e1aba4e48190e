"""The main office is gone with its home: a regional office brings the home back from a repository, and takes the duties over from there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.actions.duty_desk import Desk, home_token
from dr.app.home_restore import Wish, restore_home
from dr.app.stored_homes import open_place
from dr.clock import SystemClock
from dr.model.base import OfficeName
from dr.model.duty import DutyName, Fence
from dr.model.duty_events import HandedBack
from tests.support.home_world import HomeWorld
from tests.support.main_job import KILLED, Home
from tests.support.receiver import receiving
from tests.support.takeover import takes_over

pytestmark = pytest.mark.integration
PEOPLE = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HomeWorld]:
    """The main office's home, whose channels are one receiver."""
    with receiving() as (url, _):
        made = HomeWorld(tmp_path)
        for contact in PEOPLE:
            file = made.home / "keys" / f"notify-{contact}.url"
            file.write_text(url + "\n")
            file.chmod(0o600)
        yield made


def elsewhere(world: HomeWorld) -> dict[str, Path]:
    """The repositories are other machines: they outlive the home."""
    kept = {name: world.place / name for name in ("fileserver", "bank-vault")}
    for name, place in kept.items():
        world.folder(name).rename(place)
    shutil.rmtree(world.home)
    return kept


def moved_since(world: HomeWorld) -> None:
    """After the night in which the home was stored the help desk went to Green Bay."""
    desk = Desk(world.services, "anna", home_token(world.home))
    agreed = HandedBack(
        at=world.clock.now(), duty=DutyName("help-desk"), to=OfficeName("green-bay"), number=Fence(0), given_by="mia", taken_by="greg"
    )
    desk.say(agreed)
    desk.heed()


def brought_back(world: HomeWorld) -> Home:
    kept = elsewhere(world)
    wish = Wish(to=world.place / "regional", key=world.escrow, repositories=kept)
    restore_home(open_place(str(kept["bank-vault"])), wish, failpoint=lambda _: None, clock=SystemClock())
    return Home(wish.to)


def holders(home: Home) -> dict[str, tuple[str, int]]:
    return {line["duty"]: (line["office"], line["number"]) for line in home.json("duties", expect=None)["duties"]}


def test_a_regional_office_takes_over_from_a_home_that_was_brought_back(world: HomeWorld) -> None:
    """With the repositories and the escrow key alone. What was claimed after the home was stored is known from the store: claims win. The
    terminal that it was begun in is closed at once, as a laptop's lid is."""
    world.night()
    moved_since(world)
    regional = brought_back(world)
    assert holders(regional)["help-desk"] == ("green-bay", 1)

    takes_over(regional)
    assert holders(regional) == {
        "system-administration": ("milwaukee", 1),
        "privacy": ("green-bay", 1),
        "help-desk": ("green-bay", 1),
        "data-quality": ("green-bay", 1),
        "user-training": ("eau-claire", 0),
    }


def test_the_main_offices_home_that_comes_back_after_all_is_a_stranger(world: HomeWorld) -> None:
    """Two homes, one store: the old one's yes and its stale numbers are refused, and it learns who holds what."""
    world.night()
    kept = elsewhere(world)
    homes = []
    for name in ("madison", "milwaukee"):
        wish = Wish(to=world.place / name, key=world.escrow, repositories=kept)
        restore_home(open_place(str(kept["bank-vault"])), wish, failpoint=lambda _: None, clock=SystemClock())
        homes.append(Home(wish.to))
    old, new = homes
    lost = ("office", "lost", "madison", "--only", "--alone", "a test", "--yes", "--here")
    for home in homes:  # both are at it at once, each by its own catalog
        home.dr(*lost, env={"DR_FAILPOINT": "await-acceptances.before-effect"}, expect=KILLED)
    old.dr("office", "refuse", "system-administration", "--office", "milwaukee", "--because", "a test")
    new.dr("office", "accept", "system-administration", "--office", "milwaukee")
    late = old.dr("office", "accept", "system-administration", "--office", "eau-claire", "--number", "2", expect=3)
    assert "number 2 is stale" in late.stderr or "another machine was first" in late.stderr, late.stderr
    stale = new.dr("office", "accept", "system-administration", "--office", "madison", "--number", "0", expect=3)
    assert stale.stderr.startswith("error: number 0 is stale: the newest is 1")
    assert holders(old)["system-administration"] == holders(new)["system-administration"] == ("milwaukee", 1)
    assert len(list((kept["bank-vault"] / "duties" / "system-administration").iterdir())) == 1
