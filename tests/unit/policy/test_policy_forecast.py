"""What the drills say of tonight: no drill, no forecast; more data is never foreseen to come back sooner; one odd drill moves little."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.base import ByteCount, HostName, RunId, Seconds, SetId
from dr.model.forecast import Declared, DrillSample, GrowsWith, PhaseTime, TierForecast, Tonight, Unmeasured
from dr.model.inventory import Objective
from dr.policy.forecast import FORGET_AFTER, LINE_FROM, forecast, repeated_medians
from dr.policy.forecast_words import breach, in_words
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit
GIB = 2**30
SET = SetId("20261122T070000Z-7f3a9c")
Phase = tuple[str, float, GrowsWith, bool]
seconds = st.floats(0.5, 40_000, allow_nan=False)
sizes = st.integers(10**6, 10**13)
drilled = st.lists(st.tuples(sizes, seconds), min_size=1, max_size=9)


def sample(number: int, size: float, *phases: Phase, days: float | None = None, **changed: Any) -> DrillSample:
    at = NOW - timedelta(days=number if days is None else days)
    times = tuple(PhaseTime(name=n, seconds=Seconds(s), grows_with=g, inside=i) for n, s, g, i in phases)
    fields = {"tier": "online", "standby": HostName("standby"), "source": "16", "server": "16", "rows": None, **changed}
    return DrillSample(run=RunId(f"drill-{number}"), at=at, bytes=ByteCount(int(size)), phases=times, **fields)


def restored(number: int, size: float, took: float, **more: Any) -> DrillSample:
    return sample(number, size, ("restore", took, "bytes", True), **more)


def tonight(size: float, rows: int | None = None) -> Tonight:
    return Tonight(set=SET, bytes=ByteCount(int(size)), rows=rows, source="16")


def foreseen(samples: list[DrillSample], size: float, **more: Any) -> TierForecast:
    return forecast("online", samples, tonight(size), NOW, **more)


def bounds(samples: list[DrillSample], size: float) -> tuple[float, float]:
    found = foreseen(samples, size)
    assert found.p50 is not None
    assert found.p95 is not None
    return found.p50, found.p95


def middle(found: TierForecast) -> float:
    assert found.p50 is not None
    return float(found.p50)


def of(drills: list[tuple[int, float]]) -> list[DrillSample]:
    return [restored(n, size, took) for n, (size, took) in enumerate(drills)]


# ---------------------------------------------------------------- properties


@settings(max_examples=30, deadline=None)
@given(drilled, sizes, st.floats(1, 1000))
def test_more_data_never_comes_back_sooner_nor_dearer_than_in_proportion(drills: list[tuple[int, float]], size: int, larger: float) -> None:
    """f(x) <= f(kx) <= k f(x): no run of noise foresees that a growing database comes back faster, or a bend without a reason."""
    samples = of(drills)
    small, large = foreseen(samples, size), foreseen(samples, int(size * larger))
    assert small.p50 is not None
    assert large.p50 is not None
    assert small.p50 <= large.p50 * 1.000001 <= small.p50 * larger * 1.0001 + 0.01


@settings(max_examples=30, deadline=None)
@given(drilled, sizes, st.randoms())
def test_the_bound_is_never_below_the_middle_and_the_order_of_the_drills_is_nothing(
    drills: list[tuple[int, float]], size: int, shuffled: Any
) -> None:
    samples = of(drills)
    found = foreseen(samples, size)
    mixed = samples[:]
    shuffled.shuffle(mixed)
    assert found == foreseen(mixed, size)
    assert found.p50 is not None
    assert found.p95 is not None
    assert found.p50 < found.p95
    assert found.drills == len(drills)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 3600), st.floats(1e-9, 1e-5), st.lists(sizes, min_size=LINE_FROM, max_size=8, unique=True), sizes)
def test_times_on_a_line_are_foreseen_on_it(fixed: float, per_byte: float, had: list[int], size: int) -> None:
    """Fixed cost and seconds per byte come out as they went in, once drills of different sizes can tell them apart."""
    had = [min(had), 2 * max(had), *had]
    found = foreseen([restored(n, x, fixed + per_byte * x) for n, x in enumerate(had)], size)
    assert found.p50 == pytest.approx(max(0.001, fixed + per_byte * size), rel=1e-3, abs=0.01)
    line = found.phases[0]
    assert line.fixed == pytest.approx(fixed, rel=1e-3, abs=0.5)
    assert line.per_unit == pytest.approx(per_byte, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 12), st.integers(0, 100), st.floats(3, 1000), sizes)
def test_one_drill_that_went_wrong_moves_the_forecast_little_and_is_named(count: int, which: int, slower: float, base: int) -> None:
    """A drill that waited for a person all night must not cry breach every night; nor must it vanish unsaid."""
    had = [base * (1 + n) for n in range(count)]
    took = [60 + x * 1e-6 for x in had]
    odd = which % count
    clean = bounds([restored(n, x, t) for n, (x, t) in enumerate(zip(had, took, strict=True))], had[-1])
    took[odd] *= slower
    found = foreseen([restored(n, x, t) for n, (x, t) in enumerate(zip(had, took, strict=True))], had[-1])
    assert found.p50 == pytest.approx(clean[0], rel=0.05)
    assert found.p95 is not None
    assert found.p95 < 1.6 * clean[1]
    assert [remark for remark in found.remarks if f"drill-{odd} took" in remark]


def test_a_standby_that_was_changed_since_is_another_one_and_a_pause_is_no_measurement() -> None:
    """The same name at another address, or across a network now, says nothing of how long it takes; nor does a person's break."""
    there, here = {"host standby": "a" * 64}, {"host standby": "b" * 64}
    drills = [restored(1, GIB, 100, host="b" * 64), restored(2, GIB, 900, host="a" * 64), restored(3, GIB, 5000, still=Seconds(4900.0))]
    found = foreseen(drills, GIB, written=here)
    assert (middle(found), found.drills) == (100, 1)
    assert set(found.remarks) == {
        "1 drill not counted: held before host 'standby' was changed",
        "1 drill not counted: paused or left lying before a user could work",
    }
    assert middle(foreseen(drills, GIB, written=there)) == 900, "as long as it takes over that link"


@pytest.mark.positive_control
def test_with_neither_known_all_of_them_count() -> None:
    """The twin: drills of before that was kept, and one that ran through, are all measurements of one machine."""
    drills = [restored(1, GIB, 100), restored(2, GIB, 900), restored(3, GIB, 5000, still=Seconds(4.0))]
    assert foreseen(drills, GIB, written={"host standby": "b" * 64}).drills == 3
    assert foreseen([restored(1, GIB, 100, host="a" * 64), restored(2, GIB, 900, host="b" * 64)], GIB).drills == 2


# ---------------------------------------------------------------- few drills


def test_without_a_drill_there_is_no_forecast() -> None:
    """Nothing is invented."""
    found = foreseen([], GIB)
    assert (found.p50, found.p95, found.why) == (None, None, "no drill was held from this tier yet")
    assert in_words(found) == "no forecast: no drill was held from this tier yet"
    assert foreseen([restored(1, GIB, 60, tier="vault")], GIB).p50 is None, "another tier's drill says nothing of this one"


def test_one_drill_gives_a_wide_bound_and_six_that_agree_a_narrow_one() -> None:
    one = bounds([restored(1, GIB, 1000)], GIB)
    six = bounds([restored(n, GIB, 1000) for n in range(6)], GIB)
    assert one == pytest.approx((1000, 1858), abs=2)
    assert six == pytest.approx((1000, 1178), abs=2)
    assert in_words(foreseen([restored(1, GIB, 1000)], GIB)) == "back in about 16 min 40 s (p95 30 min 58 s), from 1 drill, so roughly"
    assert [foreseen([restored(n, GIB, 9) for n in range(c)], GIB).sureness for c in (1, 3, 6)] == ["rough", "fair", "good"]


def test_a_few_drills_grow_in_proportion_and_never_shrink() -> None:
    """Three drills cannot tell fixed cost from growing: the dearer reading of each counts."""
    drills = [restored(1, GIB, 100), restored(2, GIB, 100)]
    assert bounds(drills, 3 * GIB)[0] == 300
    assert bounds(drills, GIB // 4)[0] == 100


def test_a_set_larger_than_any_that_was_drilled_is_said() -> None:
    found = foreseen([restored(n, GIB, 100) for n in range(6)], 3 * GIB)
    assert found.remarks == ("tonight's set is 3.0 times the largest that was drilled",)
    assert found.sureness == "rough"


# ---------------------------------------------------------------- which drills count


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"days": FORGET_AFTER.days + 1}, "older than 365 d"),
        ({"standby": HostName("spare")}, "held on another standby than standby"),
        ({"source": "13"}, "of version 13, the source is 16 now"),
        ({"server": "15"}, "restored into another major version"),
    ],
)
def test_a_drill_that_is_not_like_tonight_does_not_count_and_that_is_said(other: dict[str, Any], why: str) -> None:
    """Times of years ago, of another machine or another PostgreSQL would be silently wrong."""
    alike = [restored(n, GIB, 100) for n in (1, 2)]
    found = foreseen([*alike, restored(3, GIB, 9000, **other)], GIB)
    assert (middle(found), found.drills, [str(r) for r in found.runs]) == (100.0, 2, ["drill-2", "drill-1"])
    assert found.remarks == (f"1 drill not counted: {why}",)


@pytest.mark.positive_control
def test_counted_like_the_others_such_a_drill_would_have_moved_it() -> None:
    """The twin: the same slow drill, on the same standby."""
    assert bounds([*(restored(n, GIB, 100) for n in (1, 2)), restored(3, GIB, 9000), restored(4, GIB, 9000)], GIB)[0] > 4000


def test_after_an_upgrade_the_old_drills_forecast_nothing() -> None:
    found = foreseen([restored(n, GIB, 100, source="15") for n in (1, 2)], GIB)
    assert (found.p50, found.why) == (None, "2 drills not counted: of version 15, the source is 16 now")


def test_drills_of_another_runbook_count_no_more_than_its_phases_fit() -> None:
    old = sample(5, GIB, ("fetch", 50, "nothing", True), ("restore", 100, "bytes", True))
    found = foreseen([old, restored(1, GIB, 80)], GIB)
    assert (middle(found), [*found.remarks]) == (80.0, ["1 drill not counted: gone through other phases"])


def test_what_comes_after_the_first_user_is_shown_and_is_not_in_the_time() -> None:
    """The recovery clock stops when somebody can work; the rest of the proof grows with rows, and what is declared is added."""
    phases: tuple[Phase, ...] = (("restore", 100, "bytes", True), ("usable", 10, "nothing", True), ("proof", 600, "rows", False))
    found = forecast(
        "online",
        [sample(1, GIB, *phases, rows=1000)],
        tonight(GIB, rows=3000),
        NOW,
        unmeasured=Unmeasured(declared=(Declared(name="courier", seconds=Seconds(3600.0)),)),
    )
    assert middle(found) == 3710.0
    assert {p.name: float(p.p50) for p in found.phases} == {"restore": 100.0, "usable": 10.0, "proof": 1800.0}


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("rto", "target", "severity"),
    [(30_000.0, 20_000.0, None), (30_000.0, 15_000.0, "warning"), (15_000.0, 10_000.0, "critical"), (15_000.0, None, "critical")],
)
def test_the_bound_against_what_was_promised(rto: float, target: float | None, severity: str | None) -> None:
    """p95 over the objective is critical, over the target alone a warning."""
    objective = Objective(rto=Seconds(rto), target=Seconds(target) if target else None)
    found = foreseen([restored(1, GIB, 10_000)], GIB, objective=objective)
    wrong = breach("hmis", found)
    assert (wrong.severity if wrong else None) == severity
    assert breach("hmis", foreseen([], GIB, objective=objective)) is None


def test_a_breach_says_how_late_by_what_and_what_to_do() -> None:
    objective = Objective(rto=Seconds(14_400.0), target=Seconds(10_800.0))
    wrong = breach("hmis", foreseen([restored(n, GIB, 14_000) for n in range(6)], GIB, objective=objective))
    assert wrong is not None
    assert (wrong.key, wrong.message, wrong.hint) == (
        "forecast:hmis:online",
        "hmis could come back from online later than its objective of 4 h: back in about 3 h 53 min (p95 4 h 34 min), from 6 drills",
        "most of it is 'restore' (3 h 53 min): make that faster, or move the objective; nothing is lost yet",
    )


def test_repeated_medians_never_promise_less_than_nothing() -> None:
    assert repeated_medians([1, 2, 3, 4], [40, 30, 20, 10]) == (25, 0.0)
    assert repeated_medians([1, 2, 3, 4], [0, 10, 20, 30]) == pytest.approx((0.0, 35 / 6))
