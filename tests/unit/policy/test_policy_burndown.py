"""What is foreseen while a drill runs: nothing from too little, the truth at a steady rate, a warning before the objective is missed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.base import Seconds
from dr.model.runbook import Plan
from dr.policy.burndown import LEAST, SOONEST, Outlook, after, burns, outlook
from tests.support.catalog_copies import NOW
from tests.unit.policy.test_policy_forecast import sample

pytestmark = pytest.mark.unit
RTO = Seconds(14_400.0)


def look(lasted: float, done: int | None, total: int | None, *, before: float = 0, after: float = 0) -> Outlook:
    """A step that began `before` seconds after recognition and has lasted so long."""
    began = NOW + timedelta(seconds=before)
    return outlook(NOW, RTO, began, began + timedelta(seconds=lasted), done=done, total=total, after=Seconds(after))


def seconds(at: datetime | None) -> float:
    assert at is not None
    return (at - NOW).total_seconds()


@settings(max_examples=40, deadline=None)
@given(st.floats(600, 50_000), st.floats(0.05, 0.99), st.floats(0, 5_000))
def test_at_a_steady_rate_the_end_is_foreseen_as_it_comes(whole: float, share: float, rest: float) -> None:
    """From any point on the way, and late exactly if it will be."""
    total = 10**9
    found = look(whole * share, int(total * share), total, after=rest)
    if whole * share < SOONEST * RTO:
        assert found.back is None
        return
    assert seconds(found.back) == pytest.approx(whole + rest, rel=1e-3)
    assert (found.late is not None) == (whole + rest > RTO) or whole + rest == pytest.approx(RTO, rel=1e-3)


@pytest.mark.parametrize(
    ("lasted", "done", "total"),
    [(SOONEST * RTO - 1, 500, 1000), (3600, int(1000 * LEAST) - 1, 1000), (3600, None, None), (3600, 5, None), (3600, 0, 1000)],
)
def test_from_too_little_nothing_is_foreseen(lasted: float, done: int | None, total: int | None) -> None:
    """The first seconds of a step say nothing of its end; nor does a count without a whole."""
    assert look(lasted, done, total) == Outlook(NOW + timedelta(seconds=RTO))


def test_the_warning_comes_before_the_breach() -> None:
    """A quarter done after 80 minutes: back after 5 h 20 min, and the fourth hour has not come yet."""
    found = look(4_800, 250, 1000)
    assert seconds(found.back) == 19_200
    assert float(found.late or 0) == 4_800


@pytest.mark.positive_control
def test_without_a_rate_the_breach_is_seen_only_when_nothing_but_it_is_left() -> None:
    """The twin: the same step, but nobody says how far it is."""
    assert look(4_800, None, None).late is None
    assert float(look(14_401, None, None).late or 0) == 1
    assert float(look(14_000, None, None, after=500).late or 0) == 100, "what will still come counts without a rate too"


def test_the_clock_runs_from_recognition_until_the_first_check() -> None:
    plan = {
        "runbook": "drill-online",
        "title": "Drill",
        "kind": "drill",
        "objective": {"rto": 14_400.0},
        "inventory": "0" * 64,
        "steps": [
            {"id": name, "section": "steps", "action": action}
            for name, action in (("select", "select-backup"), ("restore", "restore"), ("prove", "check"), ("more", "command"))
        ],
        "always": [{"id": "scrub", "section": "always", "action": "scrub"}],
    }
    drill = Plan.from_facts(plan)
    assert [step for step in ("select", "restore", "prove", "more", "scrub") if burns(drill, step)] == ["select", "restore"]
    assert not burns(Plan.from_facts({**plan, "kind": "backup"}), "restore")
    assert not burns(Plan.from_facts({**plan, "objective": None}), "restore")


def test_what_comes_after_a_step_is_what_came_after_it_in_the_last_drill() -> None:
    last = sample(
        1,
        10**9,
        ("before", 5, "nothing", True),
        ("restore", 100, "bytes", True),
        ("usable", 30, "rows", True),
        ("proof", 900, "rows", False),
    )
    assert [float(after(phase, last)) for phase in ("before", "restore", "usable", None, "strange")] == [130, 30, 0, 0, 0]
    assert float(after("restore", None)) == 0
