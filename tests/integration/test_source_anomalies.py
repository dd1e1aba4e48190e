"""A source that shrank: the night says so, the set does not count as good, nothing expires on its account, until a person accepts it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.actions import backup
from dr.actions.source_review import review_newest
from dr.model.base import RunId, Seconds, SetId
from dr.model.inventory import RetentionPolicy
from dr.model.ports import CaptureRequest, SetWriter, StepContext
from dr.model.record import ProductionFacts
from dr.model.summary import ContentSummary
from tests.support.action_world import HMIS, ONLINE, ActionContext, World
from tests.support.stream_tars import noise, tar_of

pytestmark = pytest.mark.integration


class CountedSource:
    """A toy that says how many rows it read."""

    kind = "toy"

    def __init__(self, world: World) -> None:
        self._world, self.rows, self.schema = world, 1000, "a"
        self.params = world.source.params

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> list[ProductionFacts]:
        now = self._world.clock.now()
        summary = ContentSummary(kind="database", name="hmis", counts={"client": self.rows}, schema_digest=self.schema)
        with into.artifact("site-00", kind=self.kind, source=request.name) as sink:
            sink.write(tar_of({"changing": now.isoformat().encode(), "steady": noise(1000, 1)}))
            sink.describe(instant=now, identity={}, content={}, summary=summary)
        return []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, retention={"online": RetentionPolicy(keep_within=Seconds(86400.0)), "vault": RetentionPolicy(keep_last=9)})
    made.source = CountedSource(made)  # type: ignore[assignment]
    yield made
    made.catalog.close()


def shrunken(world: World) -> list[SetId]:
    return [s for s, c in sorted(world.known(ONLINE).items()) if c.shrunken]


def pruned_nights(world: World, count: int) -> list[SetId]:
    nights = []
    for _ in range(count):
        nights.append(world.night())
        world.prune()
    return nights


def test_small_nights_never_push_out_the_last_whole_one(world: World) -> None:
    """A second small night is no new normal: the last whole set of a 24 h tier outlives a week of emptied ones."""
    whole = pruned_nights(world, 2)[-1]
    world.source.rows = 0  # type: ignore[attr-defined]
    small = pruned_nights(world, 7)
    assert shrunken(world) == small
    assert whole in world.known(ONLINE)
    assert "source:hmis:emptied:site:hmis" in world.findings()


@pytest.mark.positive_control
def test_control_without_the_mark_the_last_whole_set_is_pushed_out(world: World) -> None:
    """The same nights, each accepted at once: the whole set goes, as it should then."""
    whole = pruned_nights(world, 2)[-1]
    world.source.rows = 0  # type: ignore[attr-defined]
    for _ in range(3):
        made = SetId(world.backup()["set"])
        world.catalog.accept_shrunken(made, "a test", "control", world.clock.now())
        world.verify()
        world.later(days=1)
        world.prune()
    assert whole not in world.known(ONLINE)


def test_what_a_person_accepted_is_normal_from_then_on(world: World) -> None:
    """The accepted set counts as good, the next night is compared with it, and the findings end."""
    pruned_nights(world, 2)
    world.source.rows = 100  # type: ignore[attr-defined]
    (small,) = pruned_nights(world, 1)
    assert shrunken(world) == [small]
    world.catalog.accept_shrunken(small, "rosa", "archived", world.clock.now())
    next_night = pruned_nights(world, 1)[0]
    assert shrunken(world) == []
    assert [f for f in world.findings() if f.startswith("source:")] == []
    assert set(world.known(ONLINE)) == {next_night, small}


def test_a_set_whose_run_died_before_it_could_look_is_marked_when_it_is_found(world: World) -> None:
    """The summary is on record before the set is committed, so no crash makes an emptied source count as good."""
    pruned_nights(world, 1)
    world.source.rows = 0  # type: ignore[attr-defined]

    def die() -> None:
        raise KeyboardInterrupt

    world.at["between-commits"] = die
    with pytest.raises(KeyboardInterrupt):
        world.backup(run="nightly-died")
    world.at.clear()
    world.later(hours=1)
    world.prune()
    assert len(shrunken(world)) == 1


def test_a_changed_schema_needs_a_drill_and_a_drill_ends_it(world: World) -> None:
    """The finding is open from the night of the change until a set with that schema is proven."""
    first = world.night()
    world.prove(first, ONLINE)
    world.source.schema = "b"  # type: ignore[attr-defined]
    second = world.night()
    assert "source:hmis:schema:site:hmis" in world.findings()
    world.prove(second, ONLINE)
    world.clock.move_to(world.clock.now() + timedelta(hours=2))
    review_newest(HMIS, cast("StepContext", ActionContext(world, RunId("drill-1"), backup.ACTION)))
    assert [f for f in world.findings() if f.startswith("source:")] == []
