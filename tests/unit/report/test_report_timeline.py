"""The timeline: where bars lie, what is over budget, and the same in words."""

import pytest

from dr.model.base import Seconds
from dr.model.record import RtoMeasured
from dr.report.timeline import NARROWEST, gauge, timeline
from tests.support.report_evidence import drill_run, step, steps

pytestmark = pytest.mark.unit


def test_bars_lie_where_their_time_was() -> None:
    drawn = timeline(drill_run(), (step("a", "x", 0, 10), step("b", "x", 10, 30)))
    assert drawn and [(b.x, b.width) for b in drawn.bars] == [(0.0, 25.0), (25.0, 75.0)]


def test_a_budget_is_framed_and_its_excess_named() -> None:
    """One that fits is framed whole, one that goes beyond the edge is open, one that was passed is said in words too."""
    fits, beyond, over = (
        step("fits", "x", 0, 10, budget=20 * 60),
        step("beyond", "x", 10, 10, budget=7200),
        step("over", "x", 20, 20, budget=60),
    )
    drawn = timeline(drill_run(), (fits, beyond, over))
    assert drawn
    assert [(b.budget, b.beyond, b.over) for b in drawn.bars] == [(50.0, False, False), (75.0, True, False), (2.5, False, True)]
    assert "over done in 20 min of a budget of 1 min, over budget" in drawn.words


def test_the_recovery_clocks_stop_is_marked() -> None:
    rto = RtoMeasured(seconds=Seconds(26.5 * 60), objective=None, target=None, within=None)
    drawn = timeline(drill_run(), steps(), rto)
    assert drawn and drawn.usable == 50.0 and drawn.words.endswith("usable again after 26 min 30 s")


def test_an_instant_step_is_still_seen_and_nothing_leaves_the_drawing() -> None:
    drawn = timeline(drill_run(), (step("a", "x", 0, 60), step("b", "x", 60, 0), step("early", "x", -5, 1)))
    assert drawn and all(b.width >= NARROWEST and b.x >= 0 and b.x + b.width <= 100 + 1e-9 for b in drawn.bars)


def test_nothing_done_is_no_timeline() -> None:
    assert timeline(drill_run(), ()) is None


def test_a_gauge_says_how_much_of_the_objective_was_used() -> None:
    assert gauge(10, None) is None
    within, over = gauge(60, 240, 180), gauge(480, 240)
    assert within and (within.used, within.objective, within.target, within.over) == (25.0, 100.0, 75.0, False)
    assert over and (over.used, over.objective, over.over, over.words) == (100.0, 50.0, True, "200 % of the objective")
