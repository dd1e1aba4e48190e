"""A judgement that is kept holds as long as it says, whatever the time is meanwhile."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.backup import LEVELS, Copy
from dr.model.base import RunId, Seconds, sha256
from dr.model.readiness import DrillFact, Kept, NightFact
from dr.policy.readiness import newest_good, readiness
from dr.policy.standing import holds_until
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at
from tests.unit.policy.test_policy_readiness import ENTRY, PROVEN, drill

pytestmark = pytest.mark.unit
OBJECTIVES = ENTRY.objectives.model_copy(update={"proof_valid": {"online": Seconds(20 * 86400.0)}})
WATCHED = ENTRY.model_copy(update={"runbooks": ENTRY.runbooks.model_copy(update={"nightly": "nightly"}), "objectives": OBJECTIVES})
WHEN = st.integers(-2 * 3600, 80 * 24 * 3600).map(lambda seconds: ago(hours=seconds / 3600)) | st.sampled_from(
    [NOW, ago(hours=24), ago(days=20), NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, microseconds=1)]
)
COPIES = st.lists(
    st.builds(
        copy_at,
        WHEN,
        level=st.sampled_from(LEVELS),
        damaged=st.sampled_from([False, False, True]),
        shrunken=st.sampled_from([False, False, True]),
        proven_at=st.none() | WHEN,
    ),
    max_size=5,
)
DRILLS = st.lists(
    st.builds(
        lambda ended, verdict: DrillFact(run=RunId("d"), tier="online", verdict=verdict, ended=ended, rto=Seconds(60.0)),
        WHEN,
        st.sampled_from(["PASS", "PASS", "FAIL", "INCOMPLETE"]),
    ),
    max_size=2,
)
NIGHTS = st.none() | st.builds(lambda at: NightFact(run=RunId("n"), verdict="PASS", began=at, ended=at + timedelta(minutes=9)), WHEN)


def seen(copies: list[Copy], drills: list[DrillFact], night: NightFact | None, now: datetime) -> tuple[object, object]:
    newest = newest_good(copies, now)
    return readiness(HMIS, WATCHED, copies, drills, (), (), now, night).colour, newest and newest.set


@given(COPIES, DRILLS, NIGHTS, st.floats(0, 1))
@settings(max_examples=100)
def test_nothing_changes_before_the_instant_that_was_foreseen(
    copies: list[Copy], drills: list[DrillFact], night: NightFact | None, share: float
) -> None:
    """Nobody stays READY on the screen of many after the hour at which they would not be."""
    until = min(holds_until(WATCHED, copies, drills, night, NOW), NOW + timedelta(days=400))
    last = until - timedelta(microseconds=1)
    for now in (NOW + (last - NOW) * share, last) if last >= NOW else ():
        assert seen(copies, drills, night, now) == seen(copies, drills, night, NOW)


@pytest.mark.positive_control
def test_at_the_instant_that_was_foreseen_something_does_change() -> None:
    """What is foreseen is the turn itself, not an hour before it: else nothing would be worth keeping."""
    night = NightFact(run=RunId("n"), verdict="PASS", began=ago(hours=5), ended=ago(hours=5))
    until = holds_until(WATCHED, [PROVEN], [drill()], night, NOW)
    after = until + timedelta(microseconds=2)
    assert until == PROVEN.instant + timedelta(hours=24) - timedelta(microseconds=1)
    assert [seen([PROVEN], [drill()], night, now)[0] for now in (NOW, after)] == ["green", "red"]


def test_an_objective_beyond_all_time_is_never_passed() -> None:
    """A number that no calendar holds is no crash."""
    endless = WATCHED.model_copy(update={"objectives": WATCHED.objectives.model_copy(update={"rpo": 1e18})})
    assert holds_until(endless, [PROVEN], [], None, NOW) == PROVEN.instant + timedelta(days=20) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("befallen", "files", "at", "holds"),
    [(3, "a", NOW, True), (4, "a", NOW, False), (3, "b", NOW, False), (3, "a", ago(hours=-1), False), (3, "a", ago(minutes=1), False)],
)
def test_a_kept_judgement_is_void_where_anything_is_otherwise(befallen: int, files: str, at: datetime, holds: bool) -> None:
    """A fact, a file, an hour too late, a clock that went back."""
    kept = Kept(HMIS, 3, sha256(b"a"), NOW, NOW + timedelta(hours=1), "green", NOW)
    assert kept.holds(befallen, sha256(files.encode()), at) is holds
