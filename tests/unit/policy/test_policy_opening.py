"""How long one waits at a closed door at the worst hour of a week: against a walk through every minute of it, clocks put back included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dr.model.base import Seconds
from dr.model.forecast import Declared, Unmeasured
from dr.model.inventory import TierObjective
from dr.model.opening import DAYS, parse_span
from dr.policy.opening import wait, worst

pytestmark = pytest.mark.unit
ZONE = "America/Chicago"
HOUR = 3600.0
BANK = Unmeasured(open=("Mon-Fri 09:00-17:00", "Sat 09:00-12:00"))
WEEKDAYS = Unmeasured(open=("Mon-Fri 09:00-17:00",))
MONDAY = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PUT_BACK = datetime(2026, 10, 28, 5, 0, tzinfo=UTC)
PUT_FORWARD = datetime(2027, 3, 10, 5, 0, tzinfo=UTC)

quarters = st.integers(16, 96)  # from 04:00 on: neither of a clock's changes falls into an opening
spans = st.tuples(st.sets(st.integers(0, 6), min_size=1), quarters, quarters).filter(lambda s: s[1] < s[2])


def written(days: set[int], begins: int, ends: int) -> str:
    return f"{','.join(DAYS[day] for day in sorted(days))} {begins // 4:02}:{begins % 4 * 15:02}-{ends // 4:02}:{ends % 4 * 15:02}"


def is_open(said: Unmeasured, at: datetime) -> bool:
    here = at.astimezone(ZoneInfo(ZONE))
    minute, day = here.hour * 60 + here.minute, here.date().isoformat()
    spans = [parse_span(text) for text in said.open or ()]
    return day not in said.holidays and any(here.weekday() in s.days and s.begins <= minute < s.ends for s in spans)


def walked(said: Unmeasured, since: datetime) -> float:
    """The longest wait of anybody who comes at a quarter of an hour of the week, found by waiting."""
    longest, step = 0.0, timedelta(minutes=15)
    opens = None
    for number in range(6 * 7 * 96, -1, -1):
        at = since + number * step
        opens = at if is_open(said, at) else opens
        if number < 7 * 96 and opens is not None:
            longest = max(longest, (opens - at).total_seconds())
    return longest


@settings(max_examples=12, deadline=None)
@given(spans, st.sampled_from([MONDAY, PUT_BACK, PUT_FORWARD]), st.integers(0, 7 * 96), st.sets(st.integers(0, 9), max_size=3))
def test_the_worst_wait_is_what_a_walk_through_the_week_finds(
    span: tuple[set[int], int, int], week: datetime, later: int, closed: set[int]
) -> None:
    """Whatever the hours, the holidays and the hour at which one begins to look; an hour more when the clock is put back."""
    since = week + timedelta(minutes=15 * later)
    holidays = tuple(sorted((week + timedelta(days=day)).date().isoformat() for day in closed))
    said = Unmeasured(open=(written(*span),), holidays=holidays)
    found = worst(said, ZONE, since)
    assert (found.seconds if found else 0.0) == walked(said, since)
    if found:
        assert wait(said, ZONE, found.at) == found.seconds, "who comes then waits that long"


def test_a_weekend_is_as_long_as_the_clock_makes_it() -> None:
    """64 hours, 65 in autumn, 63 in spring: by the wall clock all three are Friday 17:00 to Monday 09:00."""
    found = [worst(WEEKDAYS, ZONE, since) for since in (MONDAY, PUT_BACK, PUT_FORWARD)]
    assert [one and (one.seconds / HOUR, one.when) for one in found] == [
        (64, "Friday 17:00"),
        (65, "Friday 17:00"),
        (63, "Friday 17:00"),
    ]
    saturdays = worst(BANK, ZONE, MONDAY)
    assert saturdays
    assert (saturdays.seconds / HOUR, saturdays.when) == (45, "Saturday 12:00")


def test_a_holiday_makes_it_longer_only_in_its_week() -> None:
    said = WEEKDAYS.model_copy(update={"holidays": ("2026-12-25",)})
    christmas = worst(said, ZONE, datetime(2026, 12, 21, 6, tzinfo=UTC))
    assert christmas
    assert (christmas.seconds / HOUR, christmas.when) == (88, "Thursday 17:00")
    plain = worst(said, ZONE, MONDAY)
    assert plain
    assert plain.seconds == 64 * HOUR


def test_where_the_door_is_never_shut_nobody_waits() -> None:
    """Midnight is no closing time, in no week; nor is there a wait where no hours are declared."""
    for since in (MONDAY, PUT_BACK, PUT_FORWARD):
        assert worst(Unmeasured(open=("Mon-Sun 00:00-24:00",)), ZONE, since) is None
    assert worst(None, ZONE, MONDAY) is None
    assert worst(Unmeasured(declared=(Declared(name="courier", seconds=Seconds(60.0)),)), ZONE, MONDAY) is None
    assert float(wait(BANK, ZONE, datetime(2026, 11, 23, 16, tzinfo=UTC))) == 0
    assert wait(BANK, ZONE, datetime(2026, 11, 23, 14, tzinfo=UTC)) == HOUR


@pytest.mark.positive_control
def test_an_average_would_say_far_less() -> None:
    """The twin: what is said is the worst hour's. The average of the same week would let the objective of 8 h nearly pass."""
    waits = [wait(WEEKDAYS, ZONE, MONDAY + timedelta(hours=hour)) / HOUR for hour in range(7 * 24)]
    found = worst(WEEKDAYS, ZONE, MONDAY)
    assert found
    assert sum(waits) / len(waits) < 19 < found.seconds / HOUR


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"open": ["Mon-Fri 9-17"]}, "'Mon-Fri 9-17' is no opening hours; write days and hours such as"),
        ({"open": ["Fri 22:00-02:00"]}, "'Fri 22:00-02:00' does not end after it begins, on the same day; hours over midnight are two"),
        ({"open": ["Mon 09:00-24:30"]}, "'Mon 09:00-24:30' does not end after it begins, on the same day; write days"),
        ({"open": []}, "it would never be open; write days"),
        ({"open": ["Mon-Fri 09:00-17:00", "Wed 12:00-18:00"]}, "'Wed 12:00-18:00' overlaps 'Mon-Fri 09:00-17:00'; name each hour"),
        ({"open": ["Mon 09:00-17:00"], "holidays": ["2026-02-30"]}, "'2026-02-30' is no date; write 2026-12-25"),
        ({"holidays": ["2026-12-25"]}, "'holidays' close nothing where 'open' is not written; add open:"),
        ({"declared": {"decision": "1h", "courier": "7h"}}, "what is declared takes all of the objective (rto); move the rto"),
    ],
)
def test_hours_that_say_nothing_clear_are_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TierObjective.from_facts({"rto": "8h", **said})
    assert told in str(caught.value)
