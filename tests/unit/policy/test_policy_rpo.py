"""The month's worst gap is what a drill reports as RPO: it counts failed nights, not only the last good one."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.base import Seconds
from dr.policy.rpo import worst_gap
from tests.support.catalog_copies import NOW, ago

pytestmark = pytest.mark.unit


def test_two_missed_nights_are_the_worst_gap() -> None:
    """72 hours were at risk, although last night's backup is fine."""
    gap = worst_gap([ago(days=d, hours=5) for d in (0, 3, 4, 5)], NOW)
    assert gap.seconds == Seconds(3 * 86400.0)
    assert gap.what == "the worst gap between sets in the last 30 d, over 4 sets"
    assert (gap.began, gap.ended) == (ago(days=3, hours=5), ago(hours=5))


def test_the_time_since_the_newest_set_counts() -> None:
    """Nothing for two days now is a gap that has not ended."""
    gap = worst_gap([ago(days=2), ago(days=3)], NOW)
    assert (gap.seconds, gap.what) == (Seconds(2 * 86400.0), "the newest set's age, over 2 sets")


def test_no_set_has_no_gap_but_a_reason() -> None:
    """Zero sets must not read as zero loss."""
    gap = worst_gap([], NOW)
    assert (gap.seconds, gap.what) == (None, "no backup set: everything would be lost")
    assert gap.against(Seconds(86400.0)) is None
    assert worst_gap([NOW + timedelta(hours=1)], NOW).seconds is None


def test_a_gap_that_ended_inside_the_month_counts_whole_and_an_older_one_not() -> None:
    """The month is a window on ends, not a knife through a gap."""
    nightly = [ago(days=d) for d in range(29)]
    assert worst_gap([*nightly, ago(days=35)], NOW).seconds == Seconds(7 * 86400.0)
    assert worst_gap([*nightly, ago(days=29), ago(days=30), ago(days=31), ago(days=60)], NOW).seconds == Seconds(86400.0)


def test_against_an_objective() -> None:
    """As the run records it."""
    measured = worst_gap([ago(hours=25)], NOW).against(Seconds(86400.0))
    assert measured is not None
    assert (measured.seconds, measured.within) == (90000.0, False)


@given(st.lists(st.integers(min_value=0, max_value=2000), min_size=1))
def test_it_is_never_less_than_the_newest_sets_age(hours: list[int]) -> None:
    """The loss that threatens now is a lower bound."""
    instants: list[datetime] = [ago(hours=h) for h in hours]
    gap = worst_gap(instants, NOW)
    assert gap.seconds is not None
    assert gap.seconds >= (NOW - max(instants)).total_seconds()
