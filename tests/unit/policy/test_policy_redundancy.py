"""What of many looks people hear, and when a disk will be full."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.redundancy import Half, Reading, RedundancyState, judged
from dr.policy.growth import full_in, slope
from dr.policy.redundancy import GRAVITY, severity, standing, told

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
states = st.sampled_from(sorted(GRAVITY))
GIB = float(2**30)


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        (["whole"], ""),
        (["degraded"], "lost"),
        (["degraded", "degraded"], ""),
        (["degraded", "whole"], "lost"),
        (["lost", "degraded"], "lost"),
        (["rebuilding", "degraded"], ""),
        (["degraded", "rebuilding"], "lost"),
        (["whole", "rebuilding"], "regained"),
        (["whole", "whole"], ""),
        (["unknown", "whole"], ""),
        (["unknown", "unknown", "whole"], "lost"),
        (["unknown", "unknown", "unknown", "whole"], ""),
        (["whole", "unknown", "whole"], ""),
        (["whole", "unknown", "unknown", "whole"], "regained"),
        (["degraded", "unknown", "degraded"], ""),
        (["absent", "whole"], "lost"),
        ([], ""),
    ],
)
def test_a_change_is_told_once(newest_first: list[RedundancyState], expected: str) -> None:
    """Worse is told, whole again is told; the same is not, nor one look that did not get through."""
    assert told(newest_first) == expected


@given(st.lists(states, min_size=1, max_size=20))
def test_what_is_told_to_the_end_is_how_it_stands(oldest_first: list[RedundancyState]) -> None:
    """Whoever heard only the notices knows whether it is whole: a loss is never followed by silence about its end, nor the other way."""
    heard_well = True
    for end in range(1, len(oldest_first) + 1):
        news = told(list(reversed(oldest_first[:end])))
        heard_well = news == "regained" if news else heard_well
        assert heard_well == (standing(oldest_first[:end]) == "whole")


@given(states, st.integers(min_value=2, max_value=9))
def test_as_long_as_nothing_changes_nothing_is_told(state: RedundancyState, times: int) -> None:
    """Every quarter of an hour the same would be no notice, but noise."""
    assert told([state] * (times + 1)) == ""


def test_only_what_has_no_half_left_is_critical() -> None:
    """The rest works on, and is a warning."""
    assert {state for state in GRAVITY if severity(state) == "critical"} == {"lost"}


@given(st.lists(states, max_size=4))
def test_whole_is_every_half_and_at_least_one(halves: list[RedundancyState]) -> None:
    """Nothing looked at is never whole, nor is anything of which one half is not; all lost is lost."""
    reading = judged([Half(name=str(number), state=state) for number, state in enumerate(halves)])
    assert (reading.state == "whole") == (bool(halves) and set(halves) == {"whole"})
    assert (reading.state == "lost") == (bool(halves) and set(halves) == {"lost"})
    assert halves or reading.state == "unknown"


@pytest.mark.positive_control
def test_a_whole_reading_of_nothing_cannot_be_made() -> None:
    """The model itself refuses it, so that no kind's parser can say it by mistake; the same without its validator goes through."""
    for halves in ((), (Half(name="a", state="lost"),)):
        with pytest.raises(ValueError, match="every half of it"):
            Reading(state="whole", halves=halves)
        assert Reading.model_construct(state="whole", halves=halves).state == "whole"


def filling(days: int, per_day: float, free: float, *, every: int = 6) -> list[tuple[datetime, float]]:
    """Readings of a disk with `free` bytes now, which loses `per_day`."""
    return [(NOW - timedelta(hours=hours), free + per_day * hours / 24) for hours in range(0, days * 24, every)]


def test_a_disk_that_loses_two_gibibytes_a_day_is_full_in_ten_days() -> None:
    """The slope is the line's, and one file that came and went does not bend it."""
    readings = filling(7, 2 * GIB, 20 * GIB)
    left = full_in(readings, NOW)
    assert left is not None
    assert left == pytest.approx(10 * 86400, rel=0.01)
    at, free = readings[12]
    bent = full_in([*readings[:12], (at, free - 15 * GIB), *readings[13:]], NOW)
    assert bent == pytest.approx(10 * 86400, rel=0.1)


@pytest.mark.parametrize(
    "readings",
    [[], filling(7, 0.0, GIB), filling(7, -GIB, 20 * GIB), filling(7, GIB, GIB)[:3], filling(1, GIB, GIB, every=12), filling(1, GIB, GIB)],
    ids=["none", "steady", "emptying", "three readings", "two readings", "less than a day"],
)
def test_what_does_not_fill_or_is_not_known_has_no_date(readings: list[tuple[datetime, float]]) -> None:
    """A forecast from an hour's readings would be a number out of nothing."""
    assert full_in(readings, NOW) is None


@given(st.floats(min_value=1e6, max_value=1e12), st.floats(min_value=1e8, max_value=1e13))
def test_the_slope_of_a_line_is_its_own(per_day: float, free: float) -> None:
    """Whatever the size, and with readings of the future left out."""
    found = slope([*filling(5, per_day, free), (NOW + timedelta(days=2), 0.0)], NOW)
    assert found == pytest.approx(-per_day / 86400, rel=1e-3)
