"""Which sets share bytes on one disk stays known whatever dies: else one bad sector would count as two good copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dr.actions import backup
from dr.model.base import SetId
from dr.repositories.directory import DirectoryRepository
from tests.support.action_world import HMIS, ONLINE, World

pytestmark = pytest.mark.integration
RUN = "nightly-20261123T070000Z-1a2b"


class Killed(BaseException):
    """The process ends here."""


class DyingRepository(DirectoryRepository):
    """The process is killed right after the set was published, with the lock still held."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        with super().locked():
            yield
            raise Killed


def killed_after_the_commit(world: World) -> SetId:
    """A nightly whose process dies between the commit and its record, and is resumed."""
    alive = world.online
    world.online = DyingRepository(ONLINE, "online", world.place / "online", organisation="Harbor")
    with pytest.raises(Killed):
        world.step(backup.ACTION, RUN, to=["online"])
    world.online = alive
    world.later(minutes=5)
    facts = world.step(backup.ACTION, RUN, to=["online"])
    assert facts["adopted"]
    return SetId(facts["set"])


def first_night(world: World) -> SetId:
    made = SetId(world.backup(to=("online",))["set"])
    world.verify("online")
    world.later(days=1)
    return made


def assert_shared(world: World, first: SetId, second: SetId) -> None:
    """As everything that asks sees it: what counts as apart, and whom damage takes with it."""
    one, other = (world.folder("online", s) / "site-00" / "000000.zst.age" for s in (first, second))
    assert one.stat().st_ino == other.stat().st_ino, "the parts do share their bytes"
    for set_id in (first, second):
        world.prove(set_id, ONLINE)
    assert world.catalog.distinct_proven(HMIS) == 1
    marked = world.catalog.mark_damaged(first, ONLINE, ["site-00/000000.zst.age"], world.clock.now(), world.catalog.runs(limit=1)[0].run)
    assert set(marked) == {first, second}


def test_a_set_whose_maker_died_right_after_the_commit_still_shares(tmp_path: Path) -> None:
    """Promise 1 and the count of physical copies: where its parts lie is on record before the set exists."""
    world = World(tmp_path)
    first = first_night(world)
    assert_shared(world, first, killed_after_the_commit(world))


def test_sets_that_are_found_again_still_share(tmp_path: Path) -> None:
    """Promise 9: with a lost catalog, what shares bytes is told from the manifests: the same stored bytes are one encryption."""
    world = World(tmp_path)
    first = first_night(world)
    second = SetId(world.backup(to=("online",))["set"])
    for file in tmp_path.glob("catalog.db*"):
        file.unlink()
    again = World(tmp_path)
    again.clock.move_to(world.clock.now())
    again.verify("online")
    assert_shared(again, first, second)


def test_control_sets_of_other_encryptions_do_not_share(tmp_path: Path) -> None:
    """The twin: nothing was read back after the first night, so the second wrote its own bytes, and two copies are two."""
    world = World(tmp_path)
    first = SetId(world.backup(to=("online",))["set"])
    world.later(days=1)
    second = killed_after_the_commit(world)
    for set_id in (first, second):
        world.prove(set_id, ONLINE)
    assert world.catalog.distinct_proven(HMIS) == 2


def test_what_an_attempt_that_never_committed_said_of_its_parts_does_not_stay(tmp_path: Path) -> None:
    """Parts are on record before their set exists; one that exists keeps what is known of it, damage included."""
    world = World(tmp_path)
    made = SetId(world.backup(to=("online",))["set"])
    (part, *_) = world.catalog.parts(HMIS, ONLINE, made)
    later = SetId("20261130T070000Z-abcdef")
    for digest in ("1" * 64, "2" * 64):
        world.catalog.record_parts([part.model_copy(update={"set": later, "sha256": digest})])
    assert [p.sha256 for p in world.catalog.parts(HMIS, ONLINE, later)] == ["2" * 64]
    world.catalog.record_parts([part.model_copy(update={"sha256": "3" * 64})])
    assert world.catalog.parts(HMIS, ONLINE, made)[0].sha256 == part.sha256
