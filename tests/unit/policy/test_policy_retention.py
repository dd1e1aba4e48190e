"""Retention never lets go of what protects us, and says in words why each copy stays or goes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dr.model.backup import Copy
from dr.model.base import RunId
from dr.model.inventory import RetentionPolicy
from dr.model.record import Decision, RetentionOutcome
from dr.policy.retention import decide
from dr.policy.retention_rules import by_rules
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at

pytestmark = pytest.mark.unit

DAY = 86400.0
ZONE = "America/Chicago"
ONLINE = RetentionPolicy.from_facts({"keep_within": "24h"})
VAULT = RetentionPolicy.from_facts({"keep_within": "30d", "expire_after": "31d"})
PLAN = {"online": ONLINE, "vault": VAULT}


def of(outcome: RetentionOutcome, copy: Copy) -> Decision:
    return next(d for d in outcome.decisions if (d.set, d.repository) == (copy.set, copy.repository))


def say(copies: Sequence[Copy], about: Copy, **policies: RetentionPolicy) -> str:
    return of(decide(copies, policies or PLAN, NOW, ZONE), about).reason


def test_two_failed_nights_keep_the_last_proven_online_copy() -> None:
    """A 24 h tier whose backups stopped must not become an empty tier, and says why it keeps what is too old."""
    proven, older = copy_at(ago(days=3), level="proven"), copy_at(ago(days=4, hours=1), level="proven")
    outcome = decide([older, proven], PLAN, NOW, ZONE)
    kept = of(outcome, proven)
    assert (kept.keep, kept.rule) == (True, "last-proven")
    assert kept.reason == "kept: last proven copy of tier online; its 24 h ended 2 days ago"
    gone = of(outcome, older)
    assert not gone.keep
    assert gone.reason == "expired: its 24 h ended 60 minutes before the newest good copy, and no other rule holds it".replace(
        "60 minutes", "1 hour"
    )


def test_the_newest_intact_copy_stays_beside_an_older_proven_one() -> None:
    """Rules 2 and 3 protect two different copies."""
    proven, newer, between = copy_at(ago(days=40), level="proven"), copy_at(ago(days=2)), copy_at(ago(days=4))
    outcome = decide([proven, newer, between], PLAN, NOW, ZONE)
    assert [of(outcome, c).rule for c in (proven, newer, between)] == ["last-proven", "newest-intact", "no-rule-keeps-it"]


def test_a_damaged_copy_is_neither_proven_nor_intact_nor_an_anchor() -> None:
    """Damage cancels every proof: the older undamaged copies stay."""
    damaged, proven, intact = (
        copy_at(ago(hours=1), level="proven", damaged=True),
        copy_at(ago(days=9), level="proven"),
        copy_at(ago(days=8.5)),
    )
    outcome = decide([damaged, proven, intact], PLAN, NOW, ZONE)
    assert [of(outcome, c).rule for c in (damaged, proven, intact)] == ["newer-than-good", "last-proven", "newest-intact"]
    assert not outcome.needs_person


def test_a_date_that_was_contradicted_anchors_no_window_and_stands_for_no_later_set() -> None:
    """A clock was two days ahead for a night, and its date has come: what was made after it stays, and its window counts."""
    falsely = copy_at(ago(hours=1)).model_copy(update={"not_after": ago(hours=26)})
    last, within = copy_at(ago(hours=26)), copy_at(ago(hours=49))
    outcome = decide([falsely, last, within], PLAN, NOW, ZONE)
    assert [of(outcome, c).rule for c in (falsely, last, within)] == ["newest-intact", "newest-intact", "keep-within"]
    believed = falsely.model_copy(update={"not_after": None})
    assert [of(decide([believed, last, within], PLAN, NOW, ZONE), c).keep for c in (believed, last, within)] == [True, False, False]


def test_a_protected_copy_past_the_privacy_limit_stays_and_is_loud() -> None:
    """The interlock outranks the privacy limit, and a person hears of it."""
    old = copy_at(ago(days=40), tier="vault", level="proven")
    held = copy_at(ago(days=50), tier="vault", held=True)
    used = copy_at(ago(days=60), tier="vault", pinned_by=RunId("drill-1"))
    plain = copy_at(ago(days=70), tier="vault")
    outcome = decide([old, held, used, plain], PLAN, NOW, ZONE)
    assert of(outcome, old).reason == "kept: last proven copy of tier vault; its privacy limit of 31 d passed 9 days ago"
    assert of(outcome, held).reason == "kept: held by a person; its privacy limit of 31 d passed 19 days ago"
    assert of(outcome, used).reason == "kept: in use by run drill-1; its privacy limit of 31 d passed 29 days ago"
    assert all(of(outcome, c).loud for c in (old, held, used))
    assert of(outcome, plain).reason == "expired: past its privacy limit of 31 d by 39 days"


def test_the_privacy_limit_outranks_the_keep_rules() -> None:
    """A long keep rule cannot keep personal data past its limit."""
    fresh, old = copy_at(ago(days=1), level="proven"), copy_at(ago(days=32))
    policy = RetentionPolicy.from_facts({"keep_within": "365d", "expire_after": "31d"})
    assert say([fresh, old], old, online=policy) == "expired: past its privacy limit of 31 d by 24 hours"


def test_a_tier_without_a_good_copy_loses_nothing() -> None:
    """Nothing verified, or all of it damaged: nothing expires, whatever its age."""
    copies = [copy_at(ago(days=d), level="stored") for d in (1, 40)] + [copy_at(ago(days=50), level="proven", damaged=True)]
    outcome = decide(copies, {"online": VAULT}, NOW, ZONE)
    assert all(d.keep and d.rule == "no-good-copy" for d in outcome.decisions)
    assert of(outcome, copies[0]).reason == "kept: tier online has no good copy at all, so nothing expires"
    assert of(outcome, copies[1]).loud


def test_a_shrunken_copy_does_not_replace_the_whole_one_before_it() -> None:
    """Half the bytes, however well proven, is a warning and no anchor."""
    whole, shrunken = copy_at(ago(days=3), level="proven"), copy_at(ago(days=1), level="proven", shrunken=True)
    outcome = decide([whole, shrunken], PLAN, NOW, ZONE)
    assert [of(outcome, c).rule for c in (whole, shrunken)] == ["last-proven", "last-proven"]


def test_windows_are_not_counted_from_a_shrunken_copy() -> None:
    """Nights of an emptied source push no whole copy out of its window."""
    shrunken = copy_at(ago(hours=1), shrunken=True)
    whole, before = copy_at(ago(days=5), level="proven"), copy_at(ago(days=5, hours=12))
    outcome = decide([shrunken, whole, before], PLAN, NOW, ZONE)
    assert (of(outcome, before).keep, of(outcome, before).rule) == (True, "keep-within")


def test_a_copy_that_was_committed_ahead_freezes_expiry_whatever_its_instant_says() -> None:
    """Either clock may be the wrong one: the source's, or that of the machine that committed."""
    ahead = copy_at(ago(hours=1)).model_copy(update={"committed": NOW + timedelta(minutes=6)})
    outcome = decide([ahead, copy_at(ago(days=9)), copy_at(ago(days=3), level="proven")], PLAN, NOW, ZONE)
    assert outcome.frozen
    assert all(d.keep for d in outcome.decisions)


def test_a_copy_dated_ahead_anchors_nothing_and_freezes_expiry() -> None:
    """A wrong clock must not expire the true copies."""
    ahead, old, proven = copy_at(NOW + timedelta(minutes=6)), copy_at(ago(days=9)), copy_at(ago(days=3), level="proven")
    outcome = decide([ahead, old, proven], PLAN, NOW, ZONE)
    assert all(d.keep for d in outcome.decisions)
    assert outcome.frozen == f"set {ahead.set} in online-disk is dated 6 minutes ahead of now; check the clocks, nothing expires until then"
    assert of(outcome, ahead).reason == "kept: dated 6 minutes ahead of now, so a clock is wrong"
    assert of(outcome, old).rule == "frozen"
    assert of(outcome, old).reason.startswith("kept: expiry is frozen; otherwise expired: its 24 h ended 5 days before")


def test_five_minutes_of_clock_skew_are_forgiven() -> None:
    """A clock a little ahead is no reason to stop."""
    skewed = copy_at(NOW + timedelta(minutes=5))
    assert decide([skewed, copy_at(ago(days=9), level="proven"), copy_at(ago(days=3))], PLAN, NOW, ZONE).frozen == ""


def test_expiry_that_is_off_keeps_everything() -> None:
    """After a catalog rebuild nothing goes until a person says so."""
    copies = [copy_at(ago(days=d), level="proven") for d in (1, 5, 9)]
    outcome = decide(copies, PLAN, NOW, ZONE, expiry=False)
    assert all(d.keep for d in outcome.decisions)
    assert outcome.frozen == "expiry is off until a person turns it on (`dr retention --turn-on`)"


def test_an_online_copy_stays_until_its_vault_twin_is_intact() -> None:
    """`requires_copy_in`: a twin that is only stored, or damaged, does not release it."""
    policy = RetentionPolicy.from_facts({"keep_within": "24h", "requires_copy_in": "vault"})
    newest, old = copy_at(ago(hours=1), level="proven"), copy_at(ago(days=3))
    for twin in (copy_at(ago(days=3), tier="vault", level="stored"), copy_at(ago(days=3), tier="vault", damaged=True)):
        outcome = decide([newest, old, twin], {"online": policy, "vault": VAULT}, NOW, ZONE)
        assert of(outcome, old).reason == "kept: tier vault has no intact copy of this set yet"
    intact = copy_at(ago(days=3), tier="vault")
    assert not of(decide([newest, old, intact], {"online": policy, "vault": VAULT}, NOW, ZONE), old).keep


@pytest.mark.parametrize(("going", "staying", "asks"), [(1, 1, False), (2, 1, True), (2, 2, False), (3, 2, True)])
def test_more_than_half_of_a_tier_needs_a_person(going: int, staying: int, asks: bool) -> None:
    """Exactly half of a small tier is an ordinary night; more is a question."""
    copies = [copy_at(ago(hours=h), level="proven") for h in range(staying)] + [copy_at(ago(days=5 + d)) for d in range(going)]
    outcome = decide(copies, {"online": ONLINE}, NOW, ZONE)
    assert sum(not d.keep for d in outcome.decisions) == going
    share = f"{going} of {going + staying} copies of hmis in tier online would go, more than half"
    words = f"{share}: a person confirms with `dr retention --confirm`"
    assert outcome.needs_person == (words if asks else "")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"keep_within": "48h"}, {"keep_within": "24h"}, "keep_within was 2 d"),
        ({"keep_within": "24h", "keep_daily": 7}, {"keep_within": "24h", "keep_daily": 6}, "keep_daily was 7"),
        ({"keep_within": "24h"}, {"keep_within": "24h", "expire_after": "31d"}, "expire_after is now 31 d"),
        ({"keep_within": "24h", "requires_copy_in": "vault"}, {"keep_within": "24h"}, "requires_copy_in was vault"),
        ({}, {"keep_last": 3}, "it had no keep rule before, so it kept everything"),
        ({"keep_within": "24h"}, {"keep_within": "30h"}, ""),
        ({"keep_last": 3}, {}, ""),
    ],
)
def test_a_policy_that_shrank_since_last_night_needs_a_person(before: dict[str, object], after: dict[str, object], words: str) -> None:
    """A slip in a file must not empty a tier overnight, even on a night when nothing is due yet."""
    old, new = RetentionPolicy.from_facts(before), RetentionPolicy.from_facts(after)
    outcome = decide([copy_at(ago(hours=1))], {"online": new}, NOW, ZONE, previous_policies={"online": old})
    wanted = f"the policy of tier online shrank since last night ({words}): a person confirms with `dr retention --confirm`"
    assert outcome.needs_person == (wanted if words else "")


def test_a_tier_without_a_policy_or_without_rules_keeps_everything() -> None:
    """Nothing is deleted by a default."""
    copies = [copy_at(ago(days=d)) for d in (1, 200, 400)]
    assert [d.rule for d in decide(copies, {}, NOW, ZONE).decisions] == ["newest-intact", "no-policy", "no-policy"]
    assert [d.rule for d in decide(copies, {"online": RetentionPolicy()}, NOW, ZONE).decisions] == ["newest-intact", "no-limit", "no-limit"]


def chicago(month: int, day: int, hour: int, minute: int = 30) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@pytest.mark.parametrize(
    ("evening_before", "morning", "evening", "after"),
    [
        pytest.param(chicago(10, 31, 23), chicago(11, 1, 0), chicago(11, 1, 23), chicago(11, 2, 0), id="25 hours in autumn"),
        pytest.param(chicago(3, 7, 23), chicago(3, 8, 0), chicago(3, 8, 23), chicago(3, 9, 0), id="23 hours in spring"),
    ],
)
def test_daily_slots_are_the_organisations_days(evening_before: datetime, morning: datetime, evening: datetime, after: datetime) -> None:
    """Promise 10's other half: through both changes a day has one slot, cut at local midnight."""
    copies = [copy_at(at) for at in (evening_before, morning, evening, after)]
    outcome = decide(copies, {"online": RetentionPolicy(keep_daily=3)}, after + timedelta(hours=1), ZONE)
    assert [of(outcome, c).keep for c in copies] == [True, False, True, True]
    assert of(outcome, copies[2]).reason == "kept: the newest good copy of one of the last 3 days"


def test_weeks_months_and_years_keep_their_newest_good_copy() -> None:
    """Coarser slots, in the organisation's zone; a copy that is only stored takes no slot."""
    december, new_year, stored = chicago(12, 31, 20), datetime(2027, 1, 1, 5, 30, tzinfo=UTC), copy_at(ago(days=0.5), level="stored")
    copies = [copy_at(december), copy_at(new_year)]  # 05:30 UTC on 1 January is still 2026 in Chicago
    for policy in (RetentionPolicy(keep_yearly=2), RetentionPolicy(keep_monthly=2), RetentionPolicy(keep_weekly=2)):
        outcome = decide([*copies, stored], {"online": policy}, datetime(2027, 1, 2, tzinfo=UTC), ZONE)
        assert [of(outcome, c).keep for c in copies] == [False, True]


def test_two_repositories_of_one_tier_share_a_place_in_the_count() -> None:
    """keep_last counts sets: a second copy in the tier must not push an older set out."""
    sets = [(copy_at(ago(days=d)), copy_at(ago(days=d), repository="second")) for d in (1, 2, 3)]
    outcome = decide([c for pair in sets for c in pair], {"online": RetentionPolicy(keep_last=2)}, NOW, ZONE)
    assert [[of(outcome, c).keep for c in pair] for pair in sets] == [[True, True], [True, True], [False, False]]


def test_tiers_and_systems_are_judged_apart() -> None:
    """Another system's proof, or another tier's, protects nothing here."""
    other = copy_at(ago(hours=1), level="proven", system=type(HMIS)("payroll"))
    own, vault = copy_at(ago(days=5), level="proven"), copy_at(ago(hours=2), level="proven", tier="vault")
    assert of(decide([other, own, vault], PLAN, NOW, ZONE), own).rule == "last-proven"


@pytest.mark.positive_control
def test_without_the_interlock_the_rules_alone_delete_the_last_proven_copy() -> None:
    """Twin of the interlock's test: the keep rules know nothing of proofs."""
    proven, newer = copy_at(ago(days=3), level="proven"), copy_at(ago(hours=1))
    assert of(decide([proven, newer], PLAN, NOW, ZONE), proven).keep
    assert by_rules(proven, [proven, newer], ONLINE, ZONE).rule == ""
