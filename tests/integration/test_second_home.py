"""A copy of a home on another machine, at work on the same repositories: nobody here can refuse it, so it is said and nothing goes."""

from pathlib import Path

import pytest

from dr.actions.reconcile import EXPIRY
from dr.model.base import HostPath, Seconds
from dr.model.inventory import RetentionPolicy
from tests.support.action_world import DAY, ONLINE, World

pytestmark = pytest.mark.integration
POLICY = {"online": RetentionPolicy(keep_within=DAY), "vault": RetentionPolicy(keep_within=Seconds(30 * DAY))}


def copy_of(world: World, place: Path) -> World:
    """The same keys, the catalog as it is now, and the very same repositories."""
    place.mkdir()
    world.catalog.snapshot(HostPath(str(place / "catalog.db")))
    copied = World(place, retention=POLICY)
    copied.online, copied.vault = world.online, world.vault
    copied.clock.move_to(world.clock.now())
    return copied


def test_sets_that_a_copy_of_the_home_made_are_told_and_nothing_expires(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    world = World(tmp_path / "one", retention=POLICY)
    for _ in range(3):
        world.night()
    other = copy_of(world, tmp_path / "two")
    others = other.backup("a-run-of-the-copy")["set"]
    other.catalog.close()
    world.later(hours=1)
    before = set(world.stored(world.online))
    world.night()
    assert world.prune()["removed"] == []
    assert before <= set(world.stored(world.online))
    assert others in world.known(ONLINE)
    assert world.catalog.setting(EXPIRY) == "off"
    (told,) = [finding for finding in world.catalog.open_findings() if finding.key == "rebuilt:hmis"]
    assert "does another home (a copy of this one) write there?" in told.message
    assert told.hint.startswith("nothing expires until")
    world.catalog.close()
