"""A run that is taken up says since when nobody carried it: from its beat, where its steps said nothing for long."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock, iso, local
from dr.engine.failpoints import Failpoints
from dr.engine.services import Services
from dr.engine.signs import beat, last_beat
from dr.engine.work import Run, Works
from dr.model.base import RunId, Sha256
from dr.model.inventory import Inventory
from dr.model.record import Progress, StepState
from dr.model.runbook import PlannedStep
from dr.policy.still import TAKEN_UP
from dr.program import this_dr
from tests.support.catalog_copies import NOW, RUN
from tests.support.catalog_runs import inventory_of, plan_of, run_at, step_of

pytestmark = pytest.mark.unit


@dataclass
class House:
    """`engine.services.Services`, as far as carrying a run needs it."""

    records: Catalog
    clock: FixedClock
    state: Path
    inventory_digest: Sha256 = plan_of().inventory

    inventory: Inventory = field(default_factory=lambda: inventory_of({}))
    said: list[Progress] = field(default_factory=list)

    def watch(self, progress: Progress) -> None:
        self.said.append(progress)

    def works(self) -> Works:
        """Those of a process that has just been started."""
        return Works(cast("Services", self), Failpoints(None))

    def told(self) -> list[tuple[str, float]]:
        return [(e.facts["last"], e.facts["still"]) for e in self.records.audit_of(RUN) if e.event == TAKEN_UP]


RUNNING = Run(RUN, plan_of(), {"started": NOW.isoformat(), "requested_by": "anna"})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = FixedClock(NOW)
    with closing(open_catalog(tmp_path / "catalog.db", clock)) as records:
        yield House(records, clock, tmp_path / "state")


def at(house: House, minutes: float) -> datetime:
    house.clock.move_to(NOW + timedelta(minutes=minutes))
    return house.clock.now()


def test_a_run_that_is_begun_here_was_not_taken_up(house: House) -> None:
    house.works().carry(RUNNING)
    assert house.told() == []
    house.records.begin_run(run_at(state="done", verdict="PASS"), plan_of())
    house.works().carry(RUNNING)
    assert house.told() == [], "it is over: only its end is told again"


def test_it_lay_still_from_the_last_beat_of_who_left_it(house: House) -> None:
    """A restore may say nothing for an hour and work all the while: only what came after its process is a pause."""
    first = house.works()
    first.carry(RUNNING)
    house.records.begin_run(run_at(), plan_of())
    house.records.record_step(step_of(state="running"))
    at(house, 60)
    first.beat()
    taken = at(house, 240)
    house.works().carry(RUNNING)
    assert house.told() == [(iso(NOW + timedelta(minutes=60)), 180 * 60.0)]
    assert last_beat(house.state, RUN) == taken, "carried again from then on"
    at(house, 241)
    house.works().carry(RUNNING)
    assert [seconds for _, seconds in house.told()] == [180 * 60.0, 60.0]


@pytest.mark.positive_control
def test_without_a_beat_it_is_what_the_records_say(house: House) -> None:
    """The twin: with nothing but the catalog the silent hour would count as a pause too, and spoil a good measurement."""
    house.records.begin_run(run_at(), plan_of())
    house.records.record_step(step_of(state="running"))
    at(house, 240)
    house.works().carry(RUNNING)
    assert [seconds for _, seconds in house.told()] == [240 * 60.0]


def test_what_is_over_beats_no_more_and_a_clock_that_went_back_counts_nothing(house: House) -> None:
    house.records.begin_run(run_at(), plan_of())
    beat(house.state, RUN, NOW + timedelta(minutes=5))
    house.works().carry(RUNNING)
    assert [seconds for _, seconds in house.told()] == [0.0]
    assert last_beat(house.state, RunId("another")) is None


@pytest.mark.parametrize(("state", "said"), [("running", True), ("done", False), ("failed", False)])
def test_whoever_resumes_a_run_is_not_asked_what_was_answered_long_ago(house: House, state: StepState, said: bool) -> None:
    """The engine walks over it once more. What does wait is said with the time of the house, and in one line that can be pasted."""
    ask = PlannedStep.from_facts({"id": "go", "section": "steps", "action": "approve", "with": {"instructions": "Look."}})
    house.records.begin_run(run_at(), plan_of())
    house.records.record_step(step_of("go", action="approve", state=state))
    put = {"instructions": "Look.", "until": iso(NOW), "second": True}
    house.works().say_waiting(RUNNING, ask, put)
    told = [one.what for one in house.said if one.event == "waiting"]
    assert len(told) == said
    if said:
        (_, until, typed, _) = told[0].splitlines()
        assert until == f"Until {local(NOW, house.inventory.organisation.zone)}:"
        assert typed.startswith("sudo ") and typed.endswith(f"{this_dr(house.state.parent)} runs approve {RUN} go")
