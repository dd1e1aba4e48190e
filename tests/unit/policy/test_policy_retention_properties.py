"""What holds of retention for every tier that hypothesis can think of."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.backup import LEVELS, Copy, ProofLevel, at_least
from dr.model.base import RunId, Seconds
from dr.model.inventory import RetentionPolicy
from dr.model.record import RetentionOutcome
from dr.policy.retention import CLOCK_TOLERANCE, decide
from dr.policy.retention_rules import by_rules
from tests.support.catalog_copies import NOW, ago, copy_at

pytestmark = pytest.mark.unit

ZONE = "America/Chicago"
spans = st.none() | st.integers(min_value=0, max_value=40).map(lambda d: Seconds(d * 86400.0))
counts = st.integers(min_value=0, max_value=4)
policies = st.builds(
    RetentionPolicy,
    keep_within=spans,
    keep_last=counts,
    keep_daily=counts,
    keep_weekly=counts,
    keep_monthly=counts,
    keep_yearly=counts,
    expire_after=spans,
    requires_copy_in=st.none() | st.just("vault"),
)


@st.composite
def some_copies(draw: st.DrawFn, *, ahead: bool = False) -> list[Copy]:
    """Up to a dozen sets, each at an instant of its own, in one of two tiers or in both."""
    hours = draw(st.lists(st.integers(min_value=-3 if ahead else 0, max_value=1500), unique=True, max_size=12))
    level: st.SearchStrategy[ProofLevel] = st.sampled_from(LEVELS)
    rarely = st.integers(min_value=0, max_value=5).map(lambda n: n == 0)
    return [
        copy_at(
            ago(hours=h),
            level=draw(level),
            tier=tier,
            damaged=draw(rarely),
            held=draw(rarely),
            shrunken=draw(rarely),
            pinned_by=RunId("run-1") if draw(rarely) else None,
        )
        for h in hours
        for tier in draw(st.sampled_from((("online",), ("vault",), ("online", "vault"))))
    ]


Key = tuple[str, str]


def key(copy: Copy) -> Key:
    return copy.set, copy.tier


def protected(copies: Sequence[Copy]) -> set[Key]:
    """The interlock, said again as plainly as can be: held, in use, the last proven and the newest intact copy of each tier."""
    safe = {key(c) for c in copies if c.held or c.pinned_by}
    levels: tuple[ProofLevel, ...] = ("proven", "intact")
    for tier in ("online", "vault"):
        for level in levels:
            able = [c for c in copies if c.tier == tier and not c.damaged and at_least(c.level, level)]
            for of in (able, [c for c in able if not c.shrunken]):
                safe |= {key(max(of, key=lambda c: c.instant))} if of else set()
    return safe


def deleted(outcome: RetentionOutcome) -> set[Key]:
    return {(d.set, d.tier) for d in outcome.decisions if not d.keep}


@settings(max_examples=150, deadline=None)
@given(some_copies(), policies, policies)
def test_what_protects_us_is_never_deleted(copies: list[Copy], online: RetentionPolicy, vault: RetentionPolicy) -> None:
    """Promise 3, whatever the policy says."""
    assert not deleted(decide(copies, {"online": online, "vault": vault}, NOW, ZONE)) & protected(copies)


@settings(max_examples=100, deadline=None)
@given(some_copies(), policies, policies)
def test_a_second_run_deletes_nothing_more(copies: list[Copy], online: RetentionPolicy, vault: RetentionPolicy) -> None:
    """Idempotent: what is decided at one instant is decided once."""
    plan = {"online": online, "vault": vault}
    gone = deleted(decide(copies, plan, NOW, ZONE))
    assert not deleted(decide([c for c in copies if key(c) not in gone], plan, NOW, ZONE))


@settings(max_examples=60, deadline=None)
@given(some_copies(ahead=True), policies, st.randoms(use_true_random=False))
def test_the_order_of_the_copies_does_not_matter(copies: list[Copy], policy: RetentionPolicy, random: Callable[..., object]) -> None:
    """The same facts give the same decisions, reasons included."""
    plan = {"online": policy, "vault": policy}
    shuffled = list(copies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, plan, NOW, ZONE) == decide(copies, plan, NOW, ZONE)


@settings(max_examples=60, deadline=None)
@given(some_copies(ahead=True), policies)
def test_every_copy_gets_exactly_one_decision_with_a_reason(copies: list[Copy], policy: RetentionPolicy) -> None:
    """No copy is forgotten, and none is kept or dropped without words."""
    outcome = decide(copies, {"online": policy, "vault": policy}, NOW, ZONE)
    assert sorted((d.set, d.repository) for d in outcome.decisions) == sorted((c.set, c.repository) for c in copies)
    assert all(d.rule and d.reason.startswith("kept: " if d.keep else "expired: ") for d in outcome.decisions)


@settings(max_examples=60, deadline=None)
@given(some_copies(ahead=True), policies)
def test_a_copy_from_the_future_or_a_frozen_expiry_deletes_nothing(copies: list[Copy], policy: RetentionPolicy) -> None:
    """A wrong clock and an unconfirmed catalog both mean: hands off."""
    plan = {"online": policy, "vault": policy}
    outcome = decide(copies, plan, NOW, ZONE)
    if any(c.instant > NOW + CLOCK_TOLERANCE for c in copies):
        assert outcome.frozen and not deleted(outcome)
    assert not deleted(decide(copies, plan, NOW, ZONE, expiry=False))


@settings(max_examples=60, deadline=None)
@given(some_copies(), st.integers(min_value=0, max_value=2000))
def test_silence_expires_nothing(copies: list[Copy], hours: int) -> None:
    """Without new good copies, keep_within decides the same however much time passes."""
    plan = {tier: RetentionPolicy(keep_within=Seconds(86400.0)) for tier in ("online", "vault")}
    assert deleted(decide(copies, plan, NOW + timedelta(hours=hours), ZONE)) == deleted(decide(copies, plan, NOW, ZONE))


@pytest.mark.positive_control
def test_the_oracle_notices_a_retention_without_the_interlock() -> None:
    """Twin: the keep rules alone, without rules 1-3, delete what `protected` names."""
    copies = [copy_at(ago(hours=1)), copy_at(ago(days=3), level="proven")]
    policy = RetentionPolicy(keep_within=Seconds(86400.0))
    gone = {key(c) for c in copies if not by_rules(c, copies, policy, ZONE).rule}
    assert gone & protected(copies)
