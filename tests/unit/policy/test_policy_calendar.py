"""When a scheduled runbook is due: through daylight saving, downtime and wrong clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.policy.calendar import Claim, Due, decide

pytestmark = pytest.mark.unit
CHICAGO = "America/Chicago"
ZONES = (CHICAGO, "UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")
NIGHTLY = "30 1 * * *"


def instant(text: str, zone: str = CHICAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def claim(at: datetime, begun: datetime | None = None) -> Claim:
    return Claim(occurrence=at, begun=begun or at)


def live_through(cron: str, zone: str, begin: datetime, end: datetime, every: timedelta) -> list[datetime]:
    """Occurrences that are begun when somebody looks every so often and always begins what is due."""
    claims: tuple[Claim, ...] = (claim(decide(cron, zone, (), begin).occurrence or begin),)
    begun, now = [], begin
    while now < end:
        due = decide(cron, zone, claims, now)
        if due.state == "due" and due.occurrence:
            begun.append(due.occurrence)
            claims = (*claims, claim(due.occurrence, now))[-5:]
        now += every
    return begun


@settings(max_examples=12, deadline=None)
@given(minute=st.integers(0, 59), hour=st.integers(0, 23), zone=st.sampled_from(ZONES), spring=st.booleans())
def test_one_nightly_for_each_local_date(minute: int, hour: int, zone: str, spring: bool) -> None:
    """Both changes of the clocks included, at whatever time of the night they come."""
    begin = datetime(2026, 3, 1, tzinfo=ZoneInfo(zone)) if spring else datetime(2026, 10, 18, tzinfo=ZoneInfo(zone))
    end = begin + timedelta(days=40)
    begun = live_through(f"{minute} {hour} * * *", zone, begin.astimezone(UTC), end.astimezone(UTC), timedelta(minutes=25))
    dates = [at.astimezone(ZoneInfo(zone)).date() for at in begun]
    assert len(dates) == len(set(dates)), "two on one date"
    assert set(dates) >= {date.fromordinal(day) for day in range(begin.date().toordinal() + 1, end.date().toordinal() - 1)}


def test_in_the_repeated_hour_it_comes_once() -> None:
    """01:30 comes twice in Madison on 1 November 2026: at 06:30 and at 07:30 UTC."""
    begun = live_through(NIGHTLY, CHICAGO, instant("2026-11-01T00:00"), instant("2026-11-01T23:00"), timedelta(minutes=5))
    assert begun == [datetime(2026, 11, 1, 6, 30, tzinfo=UTC)]


def test_in_the_missing_hour_it_comes_right_after() -> None:
    """02:30 does not exist in Madison on 8 March 2026; 03:00 CDT is 08:00 UTC."""
    begun = live_through("30 2 * * *", CHICAGO, instant("2026-03-08T00:00"), instant("2026-03-08T23:00"), timedelta(minutes=5))
    assert begun == [datetime(2026, 3, 8, 8, 0, tzinfo=UTC)]


@given(days=st.integers(1, 40), later=st.integers(0, 86_399))
def test_after_downtime_one_is_made_up_and_the_others_are_counted(days: int, later: int) -> None:
    last = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
    now = last + timedelta(days=days, seconds=later)
    due = decide(NIGHTLY, CHICAGO, (claim(last),), now)
    assert due == Due(
        state="due",
        occurrence=last + timedelta(days=days),
        next=last + timedelta(days=days + 1),
        missed=days - 1,
        late=float(later),  # type: ignore[arg-type]
    )
    assert due.occurrence is not None
    assert decide(NIGHTLY, CHICAGO, (claim(last), claim(due.occurrence, now)), now).state == "done"


def test_a_clock_that_ran_ahead_takes_no_night_away() -> None:
    """Two nights were begun by a clock two days ahead; once it is right, tonight's is still to come."""
    tonight = datetime(2026, 6, 3, 6, 30, tzinfo=UTC)
    ahead = claim(tonight + timedelta(days=1), tonight + timedelta(days=1, hours=12))
    claims = (claim(tonight - timedelta(days=1)), ahead)
    assert decide(NIGHTLY, CHICAGO, claims, tonight).state == "due"
    assert decide(NIGHTLY, CHICAGO, claims, ahead.begun).state == "done", "the control: by the clock that ran ahead it is done"


def test_a_clock_that_went_back_begins_nothing_twice() -> None:
    last = datetime(2026, 6, 3, 6, 30, tzinfo=UTC)
    assert decide(NIGHTLY, CHICAGO, (claim(last),), last - timedelta(minutes=3)).state == "done"


@pytest.mark.parametrize(("after", "state"), [(timedelta(minutes=1), "due"), (timedelta(hours=3), "unknown")])
def test_a_schedule_that_was_never_looked_at_makes_nothing_up(after: timedelta, state: str) -> None:
    """Installing the timers at noon starts no backup at noon; one that has just come due is begun."""
    assert decide(NIGHTLY, CHICAGO, (), datetime(2026, 6, 3, 6, 30, tzinfo=UTC) + after).state == state


def test_a_schedule_that_was_changed_is_never_skipped() -> None:
    """Moved from 01:30 to 23:00 after tonight's: the evening's is begun too, a backup too many rather than a gap of two days."""
    done = claim(instant("2026-06-03T01:30"))
    assert decide("0 23 * * *", CHICAGO, (done,), instant("2026-06-03T23:01")).state == "due"
