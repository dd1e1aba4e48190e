"""What no machine measures counts once against the objective; a door that is shut is said, and fails no drill."""

import pytest

from dr.model.base import ByteCount, JsonObject, Seconds, SetId
from dr.model.forecast import Closed, Declared, TierForecast, Unmeasured
from dr.model.record import RtoMeasured
from dr.model.runbook import Plan
from dr.policy.forecast_words import in_words
from dr.policy.unmeasured import left_to_the_machine, on_top, rto_words, shut_out
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import plan_of

pytestmark = pytest.mark.unit
HOUR = 3600.0
COURIER, DECISION = Declared(name="courier", seconds=Seconds(0.75 * HOUR)), Declared(name="decision", seconds=Seconds(0.25 * HOUR))
WEEKEND = Closed(seconds=Seconds(64 * HOUR), at=NOW, when="Friday 17:00")
DOOR = "at the worst hour of the week (Friday 17:00) + 2 d 16 h until vault opens"
SAID = Unmeasured(declared=(DECISION, COURIER), open=("Mon-Fri 09:00-17:00",))


def rto(**more: object) -> RtoMeasured:
    return RtoMeasured(seconds=Seconds(720.0), objective=Seconds(8 * HOUR), target=None, within=True).model_copy(update=more)


def drill(phase: str | None = None, **more: object) -> Plan:
    steps: list[JsonObject] = [{"id": "restore", "section": "steps", "action": "restore", "phase": phase}]
    facts = {**plan_of("drill-vault", "drill").to_facts(), "steps": steps, "objective": {"rto": 8 * HOUR}}
    return Plan.from_facts({**facts, "unmeasured": SAID.to_facts(), **more})


def foreseen(p95: float | None, closed: Closed | None = WEEKEND, objective: float = 8 * HOUR) -> TierForecast:
    return TierForecast(
        tier="vault",
        at=NOW,
        set=SetId("20261122T070000Z-7f3a9c"),
        bytes=ByteCount(1),
        p50=Seconds(p95 / 2) if p95 else None,
        p95=Seconds(p95) if p95 else None,
        why="" if p95 else "no drill was held from this tier yet",
        drills=1 if p95 else 0,
        declared=(DECISION, COURIER),
        closed=closed,
        objective=Seconds(objective),
    )


def test_both_are_said_and_what_they_come_to() -> None:
    both = "measured 12 min + declared courier 45 min, decision 15 min = 1 h 12 min"
    assert rto_words(rto(declared=(DECISION, COURIER), closed=WEEKEND), "vault") == f"{both}; {DOOR}"
    assert rto_words(rto(closed=WEEKEND), "vault").startswith("measured 12 min; at the worst hour")
    assert rto_words(rto(), "vault") == "", "with no declaration nothing is said that was not said before"


def test_what_a_step_of_the_drill_measures_is_not_counted_twice() -> None:
    assert on_top(SAID, {"courier"}) == (DECISION,)
    assert on_top(None, set()) == ()
    assert left_to_the_machine(drill("courier")) == 7.75 * HOUR
    assert left_to_the_machine(drill()) == 7 * HOUR, "so that a warning comes before the objective is missed"
    assert left_to_the_machine(drill(unmeasured=None)) == 8 * HOUR


def test_a_plan_of_before_has_the_digest_that_it_had() -> None:
    """A run in flight is still the one that was begun."""
    plain = drill(unmeasured=None)
    facts = {name: value for name, value in plain.to_facts().items() if name not in ("unmeasured", "rests_on")}
    assert Plan.from_facts(facts).digest() == plain.digest() != drill().digest()


def test_an_objective_that_cannot_be_held_at_the_worst_hour_is_a_warning() -> None:
    """Also before any drill, and never critical: it is the promise that is wrong, not this night."""
    wrong = shut_out("hmis", foreseen(2 * HOUR))
    assert wrong
    assert (wrong.key, wrong.severity) == ("forecast:hmis:vault:closed", "warning")
    assert wrong.message == (
        "hmis cannot come back from vault within its objective of 8 h if it is lost at the worst hour of the week: "
        "who comes Friday 17:00 waits 2 d 16 h until it opens, then about 2 h"
    )
    assert shut_out("hmis", foreseen(None)), "no drill is needed to see that"
    beside = (
        "declared beside it: courier 45 min, decision 15 min; at the worst hour of the week (Friday 17:00) + 2 d 16 h until vault opens"
    )
    assert in_words(foreseen(None)) == f"no forecast: no drill was held from this tier yet; {beside}"


@pytest.mark.positive_control
def test_where_the_door_is_open_or_the_promise_is_long_enough_nothing_is_wrong() -> None:
    assert shut_out("hmis", foreseen(2 * HOUR, closed=None)) is None
    assert shut_out("hmis", foreseen(2 * HOUR, objective=66 * HOUR)) is None
