"""Waiting for a standby: one has it, the other says for whom it waits, and goes on when that one is over."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.actions.turn import Turn
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import NotProvablyStandby, StandbyInUse, Stopped
from dr.model.base import HostName, JsonObject, RunId
from dr.model.ports import StepContext
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit
RUN, OTHER, THIRD = RunId("drill-vault-1"), RunId("drill-online-1"), RunId("drill-online-2")
STANDBY = HostName("standby")


@dataclass
class Waiting:
    """What a turn reaches of a step's context. A minute passes whenever it asks which runs there are; then the first one is over."""

    records: Catalog
    clock: FixedClock
    active: list[RunId] = field(default_factory=lambda: [OTHER, THIRD, RUN])
    run: RunId = RUN
    stop: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stop.wait = lambda _=None: False  # type: ignore[method-assign,assignment]

    def progress(self, what: str) -> None:
        self.said.append(what)

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("told to stop")

    def audit(self, event: str, subject: str, facts: JsonObject) -> None:
        self.records.audit(event, subject, facts, actor="a test", at=self.clock.now())

    def active_runs(self) -> Iterator[RunId]:
        self.clock.move_to(self.clock.now() + timedelta(minutes=1))
        self.active.pop(0)
        return iter(list(self.active))

    def claim(self) -> str:
        """Of a host that each run but this one has, in its turn."""
        user = self.active[0]
        if user != RUN:
            raise StandbyInUse(f"host 'standby' is in use by run {user}", hint="wait")
        return "claimed"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Waiting]:
    clock = FixedClock(NOW)
    with open_catalog(tmp_path / "catalog.db", clock) as catalog:
        yield Waiting(catalog, clock)


def turn(world: Waiting) -> Turn:
    return Turn(STANDBY, cast("StepContext", world))


def test_it_waits_for_each_that_is_before_it_and_says_for_whom(world: Waiting) -> None:
    mine = turn(world)
    assert mine.take(world.claim) == "claimed"
    assert world.said == [
        f"waiting for run {run}, which uses standby 'standby'; "
        f"HINT: `dr runs show {run}` says how far that one is, `dr runs cancel {RUN}` ends this wait"
        for run in (OTHER, THIRD)
    ]
    assert (mine.behind(), mine.waited()) == ((OTHER, THIRD), 120.0)


def test_what_was_waited_before_a_crash_is_counted_too(world: Waiting) -> None:
    """The attempt that goes on counts from the first that found it in use."""
    world.stop.set()
    with pytest.raises(Stopped):
        turn(world).take(world.claim)
    world.stop.clear()
    world.clock.move_to(NOW + timedelta(hours=1))
    mine = turn(world)
    mine.take(world.claim)
    assert (mine.behind(), mine.waited()) == ((OTHER, THIRD), 3720.0)


def test_a_cancel_or_a_time_limit_ends_the_wait(world: Waiting) -> None:
    """Both set the same flag; nothing was claimed."""
    world.stop.set()
    with pytest.raises(Stopped):
        turn(world).take(world.claim)


@pytest.mark.positive_control
def test_a_free_standby_is_taken_at_once_and_a_refusal_is_no_wait(world: Waiting) -> None:
    """The twin: only another run is waited for; a host that is no standby stays none however long one waits."""
    mine = turn(world)
    assert mine.take(lambda: "free") == "free"
    with pytest.raises(NotProvablyStandby):
        mine.take(lambda: (_ for _ in ()).throw(NotProvablyStandby("it is production")))
    assert (world.said, mine.behind(), mine.waited()) == ([], (), 0.0)
