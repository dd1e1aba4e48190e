"""`keep-told`: rounds until the outage is over and everybody knows; a look in between costs no round."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.actions.keep_told import Params, run, which
from dr.errors import ConfigError, Stopped
from dr.model.base import RunId
from dr.model.ports import StepContext
from tests.support.outage_world import OutageWorld, outage

pytestmark = pytest.mark.unit
LOOK = 15
"""Seconds between two looks, on a machine that is slow."""


class Waiting(threading.Event):
    """A step's stop: each wait moves the clock instead, and lets the story go on."""

    def __init__(self, ctx: "Context") -> None:
        super().__init__()
        self._ctx = ctx

    def wait(self, timeout: float | None = None) -> bool:
        self._ctx.waits += 1
        assert timeout is not None
        self._ctx.world.wait(LOOK / 60)
        self._ctx.then(self._ctx.waits)
        return self.is_set()


class Context:
    """As much of a step's context as the action asks for."""

    run = RunId("outage-1")

    def __init__(self, world: OutageWorld) -> None:
        self.world, self.records, self.clock, self.inventory, self.post = world, world.records, world.clock, world.inventory, world.post
        self.waits, self.points = 0, list[str]()
        self.stop = Waiting(self)

    def then(self, waits: int) -> None:
        """What happens meanwhile."""

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("stopped")

    def failpoint(self, name: str) -> None:
        self.points.append(name)

    def progress(self, what: str) -> None:
        assert "until it is over" in what


def told(ctx: Context, named: str = "") -> dict[str, object]:
    return run(Params(outage=named), cast("StepContext", ctx)).facts


@pytest.fixture
def world(tmp_path: Path) -> OutageWorld:
    return OutageWorld(tmp_path)


def test_it_goes_on_until_it_is_over_and_a_word_comes_though_nothing_changed(world: OutageWorld) -> None:
    """Ninety minutes in which nobody says anything: those who are promised a word heard three times, and it ends with the outage."""
    one = world.desk.declare(outage()).outage.id

    class Quiet(Context):
        def then(self, waits: int) -> None:
            if waits == 360:
                world.desk.resolve(one, "users work")

    ctx = Quiet(world)
    facts = told(ctx)
    assert (facts["outage"], facts["state"]) == (one, "resolved")
    lasts = [word.id for word in world.post.words if word.template == "outage-cadence"]
    assert len(lasts) == 3
    assert [word.template for word in world.post.words if word.template == "outage-silent"] == ["outage-silent"]
    known = world.records.outage(one)
    assert known is not None
    assert known.run == "outage-1"
    assert ctx.waits == 360, "it ends with the look that sees it"
    assert ctx.points.count("after-carried") <= 190, "a look is no round"


def test_what_a_command_put_on_record_is_carried_at_the_next_look(world: OutageWorld) -> None:
    """The command that said it may have died before anybody was told."""
    one = world.desk.declare(outage()).outage.id

    class Said(Context):
        def then(self, waits: int) -> None:
            carried = world.post.carried
            if waits == 1:
                self.before = carried
                world.records.change_outage(one, lambda known, seen: (known, seen[-1].model_copy(update={"key": "said", "act": "updated"})))
            if waits == 2:
                assert carried == self.before + 1
                self.stop.set()

    with pytest.raises(Stopped):
        told(Said(world))
    assert ("management", "outage-declared") in world.told()


def test_it_ends_with_the_outage_though_somebody_is_still_to_be_tried_again(world: OutageWorld) -> None:
    """No run goes on for an hour after the end, as if it hung: but everybody was owed the last word, and tried, once more."""
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    world.post.again = timedelta(minutes=5)
    ctx, carried = Context(world), world.post.carried
    assert told(ctx, one)["state"] == "resolved"
    assert (ctx.waits, world.post.carried) == (0, carried + 1)


def test_which_one_is_asked_where_it_cannot_be_known(world: OutageWorld) -> None:
    with pytest.raises(ConfigError, match="there is no open outage"):
        which("", world.records)
    one = world.desk.declare(outage()).outage
    assert which("", world.records) == one
    world.desk.declare(outage(2, office="madison"))
    with pytest.raises(ConfigError, match="which outage"):
        which("", world.records)
