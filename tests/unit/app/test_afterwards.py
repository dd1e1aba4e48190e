"""After an outage's end: who was not reached is tried again by the timer, or by a process where there is none; and not for ever."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.app.afterwards import see_out, tried_again, wants_process
from dr.app.carrying import note_timer, timer_carries
from dr.app.home import App
from dr.app.keeping import keep_all
from dr.app.outage_seen import seen
from dr.app.outages import Desk
from dr.cli.outage_shown import shown
from dr.clock import Clock
from dr.model.inventory import Inventory
from dr.model.notice_record import Delivery
from dr.model.outage import Outage, OutageId
from dr.model.ports import Records
from tests.support.outage_world import OutageWorld, outage

pytestmark = pytest.mark.unit


@dataclass
class Carrying:
    """As much of an App as carrying on needs."""

    records: Records
    inventory: Inventory
    clock: Clock
    services: OutageWorld
    state: Path
    home: Path = field(default=Path("/srv/dr"))


@pytest.fixture
def world(tmp_path: Path) -> OutageWorld:
    return OutageWorld(tmp_path)


@pytest.fixture
def app(world: OutageWorld, tmp_path: Path) -> App:
    return cast("App", Carrying(world.records, world.inventory, world.clock, world, tmp_path))


@pytest.fixture
def over(world: OutageWorld) -> Outage:
    """Resolved; the words that say so are in the ledger, and have reached nobody."""
    one = world.desk.declare(outage()).outage.id
    world.post.again = timedelta(minutes=5)
    return world.desk.resolve(one, "users work").outage


def waits(world: OutageWorld, app: App, over: Outage, *, timer_after: int = 0) -> float:
    """Seconds for which a process goes on; after so many waits the timer comes by."""
    waited = list[float]()

    def wait(seconds: float) -> None:
        waited.append(seconds)
        world.wait(seconds / 60)
        if len(waited) == timer_after:
            note_timer(app)

    see_out(app, over.id, lambda _: None, wait)
    return sum(waited)


def begun(app: App) -> list[OutageId]:
    """Of which outages a process would be begun."""
    return keep_all(app, lambda _home, _one: None)


def test_a_process_tries_again_for_an_hour_where_no_timer_does(world: OutageWorld, app: App, over: Outage) -> None:
    assert begun(app) == [over.id]
    assert 3600 <= waits(world, app, over) < 3630
    assert begun(app) == [], "it is given up"


def test_it_ends_as_soon_as_the_timer_is_seen(world: OutageWorld, app: App, over: Outage) -> None:
    """There is nothing that it alone must do."""
    assert waits(world, app, over, timer_after=3) == 60
    assert begun(app) == []


def test_it_ends_when_nobody_is_left_to_be_tried(world: OutageWorld, app: App, over: Outage) -> None:
    world.post.again = None
    assert waits(world, app, over) == 0


def test_a_ctrl_c_leaves_it_and_says_so(world: OutageWorld, app: App, over: Outage) -> None:
    """It was the end of no run: that is over already."""
    said = list[str]()

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    see_out(app, over.id, said.append, interrupted)
    assert [text.partition(":")[0] for text in said] == ["it is over, and somebody has not been reached yet", "left"]


@pytest.mark.positive_control
def test_a_timer_that_was_switched_off_is_not_relied_on(world: OutageWorld, app: App, over: Outage) -> None:
    """The twin: the same timer, seen three minutes ago, leaves it all to a process again."""
    note_timer(app)
    assert timer_carries(app)
    assert not wants_process(app, over)
    world.wait(3)
    assert not timer_carries(app)
    assert wants_process(app, over)


def test_who_tries_again_is_said(world: OutageWorld, app: App, over: Outage) -> None:
    """Nobody takes it for granted that somebody does."""
    assert tried_again(app, over) == world.clock.now()

    def said(*, begun: bool = False) -> str:
        drawn = shown(seen(app, over, begun=begun), "America/Chicago", world.clock.now(), 200)
        return next(line.removeprefix("  next:").strip() for line, _ in drawn if line.startswith("  next:"))

    assert said() == "nothing tries those again who were not reached: dr notices carry, or tell them by hand"
    assert said(begun=True) == "who was not reached is tried again 12:00, by a process in the background, for an hour at most"
    note_timer(app)
    assert said() == "who was not reached is tried again 12:00, by the timer"


def test_an_act_tells_that_a_process_was_begun_for_its_outage(world: OutageWorld) -> None:
    """Which takes a moment to be there: it is not said meanwhile that nobody tries again."""
    one = world.desk.declare(outage()).outage.id
    begins = Desk(world, world.clock, "anna", keep=lambda: [one])
    assert (begins.update(one, "half").begun, begins.resolve(one, "users work").begun) == (True, True)
    assert not world.desk.review(one, "a breaker").begun


def test_of_one_that_is_over_those_are_shown_who_are_told_so(world: OutageWorld, app: App, over: Outage) -> None:
    """Whoever knew that it was out does not know yet that it is not."""
    declared = [notice for notice in world.records.outage_notices(over.id) if notice.template == "outage-declared"]
    for notice in declared:
        for contact in ("anna", "bert", "dora"):
            came = Delivery(contact=contact, channel=0, scheme="ntfy", state="delivered", attempt=1, at=world.clock.now())
            world.records.record_delivery(notice.model_copy(update={"deliveries": (came,)}))
    assert {one.reached for one in seen(app, over).people} == {None}
