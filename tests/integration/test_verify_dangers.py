"""Reading back, copying and choosing, where a copy could be believed in without cause."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import Damaged, DrError, Refused, Unreachable
from dr.model.base import RunId
from dr.model.inventory import RetentionPolicy
from tests.support.action_world import HMIS, ONLINE, VAULT, World
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


class Killed(BaseException):
    """The process died."""


def die() -> None:
    raise Killed


def test_a_set_being_chosen_while_it_is_pruned_is_either_pinned_or_gone(world: World) -> None:
    """A drill must not be given a set whose bytes are just being removed."""
    world.retention = {"online": RetentionPolicy(keep_last=1)}
    first, _ = world.night(), world.night()
    chosen: list[str] = []
    world.online.lock_wait = 0.2

    def choose() -> None:
        try:
            chosen.append(world.select("online", first)["set"])
        except DrError:
            chosen.append("none")

    world.at["after-tombstone"] = choose
    world.prune()
    assert chosen == ["none"]
    assert first not in world.stored(world.online)


def test_a_set_committed_again_after_a_prune_is_not_taken_for_read_back(world: World) -> None:
    """Its bytes are new ones; what was read back were the old ones."""
    first = world.night()
    world.catalog.record_removed(first, ONLINE, world.clock.now(), RunId("prune-1"), "a test")
    shutil.rmtree(world.folder("online", first))
    world.later(hours=1)
    world.copy("online", first)
    made = world.clock.now()
    known = world.known(ONLINE)[first]
    assert known.intact_at is None or known.intact_at >= made
    parts = world.catalog.parts(HMIS, ONLINE, first)
    assert parts
    assert all(p.written == made and (p.read_back is None or p.read_back >= made) for p in parts)


def test_one_repository_that_is_away_does_not_keep_the_others_from_being_verified(world: World) -> None:
    made = world.backup()
    (world.place / "online").rename(world.place / "away")
    with pytest.raises(Unreachable):
        world.verify()
    assert world.known(VAULT)[made["set"]].level == "intact"
    assert not world.known(ONLINE)[made["set"]].damaged


def test_a_tier_without_a_repository_is_not_verified_in_silence(world: World) -> None:
    world.backup()
    with pytest.raises(Refused):
        world.verify("online", "tape")


def test_bytes_that_match_again_are_believed_again(world: World) -> None:
    """A disk that was away for a moment: the whole read-back settles it, in the catalog as in the findings."""
    first = world.night()
    part = next(world.folder("online", first).glob("site-00/*"))
    good = part.read_bytes()
    part.write_bytes(good[:-1])
    with pytest.raises(Damaged):
        world.verify("online", set_id=first)
    assert world.known(ONLINE)[first].damaged
    assert world.findings()
    part.write_bytes(good)
    world.verify("online", set_id=first)
    assert (world.known(ONLINE)[first].damaged, world.findings()) == (False, [])
    assert world.catalog.parts(HMIS, ONLINE, first)


def test_a_set_that_was_pruned_from_a_tier_is_not_copied_there_again(world: World) -> None:
    """Else each night would copy it and delete it again."""
    world.retention = {"vault": RetentionPolicy(keep_last=1)}
    first, _ = world.night(), world.night()
    world.prune()
    assert first not in world.stored(world.vault)
    assert world.copy("vault")["copied"] == []


def test_a_set_dated_ahead_is_not_the_newest(world: World) -> None:
    """One night with a bad clock must not be what every later recovery gets."""
    world.later(days=400)
    world.night()
    world.later(days=-401)
    real = world.night()
    assert world.select("online")["set"] == real


def test_what_an_interrupted_prune_left_does_not_block_a_copy(world: World) -> None:
    """A folder without a manifest is no set."""
    first = world.night()
    (world.folder("vault", first) / "manifest.json").unlink()
    assert world.copy("vault")["copied"] == [first]
    world.verify("vault", set_id=first)


def test_a_key_that_does_not_fit_is_no_damage(world: World) -> None:
    """A standby with last year's drill key would otherwise void the proof of every copy that it tries."""
    first = world.night()
    world.keys.identity = TestKeys().identity  # type: ignore[method-assign]
    with pytest.raises(Refused, match="none of the keys"):
        world.restore(first, ONLINE)
    assert not world.known(ONLINE)[first].damaged


def test_a_broken_marker_of_the_standby_is_no_damage_of_the_backup(world: World) -> None:
    first = world.night()
    world.standby.broken = Damaged("adopted.json is not what dr writes")
    with pytest.raises(Damaged):
        world.restore(first, ONLINE)
    assert not world.known(ONLINE)[first].damaged
    assert world.findings() == []
