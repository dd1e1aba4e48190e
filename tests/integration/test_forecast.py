"""Every night says how long it would take to be back: by the drills on record, for its own set, and aloud when it is too long."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dr.actions import forecast
from dr.catalog.drills import drill_facts
from dr.errors import Refused
from dr.model.base import HostName, JsonObject, RunId, Seconds, SetId, StepId
from dr.model.forecast import TierForecast
from dr.model.inventory import Inventory, TierObjective
from dr.model.record import CheckResult, StepRecord
from tests.support.action_world import HMIS, World
from tests.support.catalog_runs import plan_of, run_at

pytestmark = pytest.mark.integration
HOUR = 3600.0


@dataclass
class Promised(World):
    """A world whose online tier must be back in four hours, and is meant to be in three."""

    rto: float = 4 * HOUR

    @property
    def inventory(self) -> Inventory:
        plain = super().inventory
        objective = TierObjective(rto=Seconds(self.rto), target=Seconds(3 * HOUR))
        objectives = plain.systems["hmis"].objectives.model_copy(update={"tiers": {"online": objective, "vault": objective}})
        system = plain.systems["hmis"].model_copy(update={"objectives": objectives})
        return plain.model_copy(update={"systems": {"hmis": system}})

    def drilled(
        self,
        set_id: SetId,
        restore: float,
        *,
        standby: str = "standby",
        user_level: bool = True,
        tier: str = "online",
        waited: float = 0.0,
    ) -> None:
        """A drill that is over, as its steps record it: a minute, the restore, a minute until a user could work, half an hour more."""
        began = self.clock.now()
        run = RunId(f"drill-{began:%Y%m%dT%H%M%SZ}-1a2b")
        self.catalog.begin_run(run_at(began, run=run, runbook=f"drill-{tier}", kind="drill", tier=tier), plan_of(kind="drill"))
        up = began + timedelta(seconds=60 + restore)
        used = up + timedelta(seconds=60)
        ended = up + timedelta(seconds=1860)
        check = CheckResult(check="starts-up", passed=True, examined=1, summary="up", started=up, ended=used, user_level=user_level)
        facts = {"set": set_id, "onto": HostName(standby), "places": {"database": {"server_version": "16.4"}}, "waited": waited}
        for name, action, since, until, left in (
            ("restore", "restore", began + timedelta(seconds=60), up, facts),
            ("prove", "check", up, ended, {"results": [check.to_facts()]}),
        ):
            self.catalog.record_step(self._record(run, name, action).model_copy(update={"started": since, "ended": until, "facts": left}))
        self.clock.move_to(ended)
        self.catalog.end_run(run, "done", "PASS", ended)

    def _record(self, run: RunId, step: str, action: str) -> StepRecord:
        return StepRecord(run=run, step=StepId(step), section="steps", action=action, state="done", attempt=1, phase=step)

    def forecast(self, **params: Any) -> dict[str, TierForecast]:
        facts: JsonObject = self.step(forecast.ACTION, **params)
        return {one["tier"]: TierForecast.from_facts(one) for one in facts["forecasts"]}

    def open(self) -> dict[str, str]:
        return {f.key: f.severity for f in self.catalog.open_findings(HMIS) if f.key.startswith("forecast:")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Promised]:
    made = Promised(tmp_path)
    yield made
    made.catalog.close()


def test_a_forecast_is_what_the_drills_measured_and_a_tier_without_one_has_none(world: Promised) -> None:
    """The time until a user could work: not the rest of the proof, which is beside it."""
    set_id = world.night()
    world.drilled(set_id, HOUR)
    found = world.forecast()
    online = found["online"]
    assert (online.p50, online.drills, online.set) == (HOUR + 120, 1, set_id)
    assert {p.name: (float(p.p50), p.inside) for p in online.phases} == {
        "before": (60.0, True),
        "restore": (HOUR, True),
        "usable": (60.0, True),
        "proof": (1800.0, False),
    }
    assert (found["vault"].p50, found["vault"].why) == (None, "no drill was held from this tier yet")
    assert world.open() == {}


@pytest.mark.parametrize("waited", [2 * HOUR, pytest.param(0.0, marks=pytest.mark.positive_control)])
def test_what_a_drill_waited_for_the_standby_is_left_out_and_said(world: Promised, waited: float) -> None:
    """Two drills that were begun together say nothing of a recovery that has the standby for itself. The control had no wait."""
    world.drilled(world.night(), 3 * HOUR, waited=waited)
    online = world.forecast()["online"]
    assert online.p50 == 3 * HOUR - waited + 120
    said = ("1 drill waited for the standby while another run had it: 2 h, left out here",) if waited else ()
    assert online.remarks == said
    [drill] = drill_facts(world.catalog, HMIS)
    assert drill.waited == waited
    assert world.catalog.last_drills()[HMIS] == [drill]
    assert drill.how == (", of it 2 h waiting for the standby" if waited else "")


def test_a_breach_is_a_finding_every_night_until_it_is_none(world: Promised) -> None:
    """p95 over the target warns, over the objective is critical; closed when the drills are fast again; one finding however often seen."""
    set_id = world.night()
    world.drilled(set_id, 2 * HOUR)
    world.forecast()
    assert world.open() == {"forecast:hmis:online": "warning"}
    world.drilled(set_id, 3.9 * HOUR)
    world.forecast()
    world.later(days=1)
    world.forecast()
    assert world.open() == {"forecast:hmis:online": "critical"}
    for _ in range(5):
        world.later(days=300)
        world.drilled(set_id, HOUR / 2)
    found = world.forecast()["online"]
    assert found.drills == 2, "the older ones do not count any more"
    assert world.open() == {}


@pytest.mark.positive_control
def test_with_a_wide_enough_objective_the_same_drills_say_nothing(tmp_path: Path) -> None:
    """The twin: what makes it a finding is what was promised."""
    world = Promised(tmp_path, rto=400 * HOUR)
    set_id = world.night()
    world.drilled(set_id, 3.9 * HOUR)
    world.forecast(tiers=["online"])
    assert world.open() == {"forecast:hmis:online": "warning"}, "the target alone"
    world.catalog.close()


def test_where_nothing_can_be_foreseen_any_more_an_open_breach_stays_open(world: Promised) -> None:
    """Silence is no all-clear: the drills grew too old, so nobody knows."""
    world.drilled(world.night(), 5 * HOUR)
    world.forecast()
    world.later(days=400)
    assert world.forecast()["online"].why == "1 drill not counted: older than 365 d"
    assert world.open() == {"forecast:hmis:online": "critical"}


def test_a_drill_in_which_nobody_could_work_and_one_on_another_standby_say_nothing(world: Promised) -> None:
    set_id = world.night()
    world.drilled(set_id, HOUR, user_level=False)
    assert world.forecast()["online"].p50 is None
    world.drilled(set_id, HOUR)
    world.drilled(set_id, 9 * HOUR, standby="spare")
    assert world.forecast(standby="standby")["online"].p50 == HOUR + 120
    assert world.forecast()["online"].p50 == 9 * HOUR + 120, "unnamed, it is where the newest was held"


def test_without_any_set_there_is_nothing_to_foresee(world: Promised) -> None:
    with pytest.raises(Refused) as caught:
        world.forecast()
    assert caught.value.message == "there is no set of hmis on record to make a forecast for"
    assert caught.value.hint == "a backup step must come before it"
