"""Durations and sizes: what is written is what is meant, and a number without a unit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.units import parse_duration, parse_size, show_duration, show_size

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("4h", 14400), ("30d", 2592000), ("1d 12h", 129600), ("250ms", 0.25), ("1.5h", 5400)]
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    """`4h` in an objective is four hours, nothing else."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "4", "4 hours", "h4", "-4h", "4h,", "1e3s", "12:30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A number without a unit could be anything; a wrong RTO must not pass as one."""
    with pytest.raises(ValueError, match="is not a duration; write for example 30s, 15m, 4h, 30d or '1d 12h'"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "count"), [("10GiB", 10 * 2**30), ("500MB", 500_000_000), ("0B", 0), ("1.5KiB", 1536)])
def test_a_size_is_bytes(text: str, count: int) -> None:
    """Binary and decimal units are told apart."""
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "10", "10G", "GiB", "-1B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """`10G` is two sizes, so it is none."""
    with pytest.raises(ValueError, match="is not a size; write for example 512KiB, 10GiB or 500MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.25, "250 ms"),
        (3.21, "3.2 s"),
        (59.97, "1 min"),
        (252, "4 min 12 s"),
        (14400, "4 h"),
        (11100, "3 h 05 min"),
        (86400, "24 h"),
        (187200, "2 d 4 h"),
        (2592000, "30 d"),
        (-90, "-1 min 30 s"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float, text: str) -> None:
    """Two units at most, and never a zero that says nothing."""
    assert show_duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e9))
def test_a_written_duration_is_never_far_off(seconds: float) -> None:
    """What a person reads is within one of its smaller unit of what was measured."""
    shown = show_duration(seconds).replace("min", "m").replace(" ", "")
    assert abs(parse_duration(shown) - seconds) <= max(0.06, seconds * 0.03)


@given(st.integers(min_value=0, max_value=2**60))
def test_a_written_size_is_never_far_off(count: int) -> None:
    """The same, for bytes."""
    assert abs(parse_size(show_size(count).replace(" ", "")) - count) <= count * 0.05 + 1
