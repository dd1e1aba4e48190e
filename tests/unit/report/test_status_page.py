"""The status page: what a manager reads on a phone in 20 seconds is true, whole and safe to send."""

import re
from datetime import timedelta
from html import unescape

import pytest

from dr.model.backup import Copy
from dr.model.base import SystemName
from dr.model.readiness import Colour, DrillFact
from dr.model.record import Finding
from dr.policy.readiness import readiness
from dr.report.status import Shown, Standing, headline, sentence, status_page
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at
from tests.unit.policy.test_policy_readiness import ENTRY, PROVEN, drill

pytestmark = pytest.mark.unit
GRAVE = Finding(
    key="damaged:x", severity="critical", system=HMIS, message="3 parts of <b>the</b> set are damaged", hint="dr verify hmis", at=NOW
)


def shown(copies: tuple[Copy, ...] = (PROVEN,), drills: tuple[DrillFact, ...] = (drill(),), findings: tuple[Finding, ...] = ()) -> Shown:
    return Shown(readiness(HMIS, ENTRY, copies, drills, findings, (), NOW), "Housing & <Shelter>", findings)


def page_of(*systems: Shown, counts: dict[Colour, int] | None = None, notes: tuple[str, ...] = ()) -> str:
    found = counts if counts is not None else {one.readiness.colour: 1 for one in systems}
    return status_page(Standing("Example & Sons", "America/Chicago", NOW, "dr 1", systems, found, notes))


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])).split())


def test_a_system_is_one_sentence() -> None:
    """What comes back, how old, how fast, proven when."""
    assert sentence(shown().readiness, "America/Chicago") == (
        "If we lost it now, we would get back everything until Sun 22 Nov 2026, 01:00 CST (the last 5 h would be lost), "
        "in about 1 h from online, as drilled; proven 5 hours ago."
    )


@pytest.mark.parametrize(
    ("copies", "drills", "said"),
    [
        ((), (), "If we lost it now, nothing would come back: there is no good copy."),
        ((copy_at(ago(hours=5)),), (), "how fast (from online: never drilled); no copy was ever restored and compared."),
        ((PROVEN,), (drill("FAIL"),), "but nobody knows how fast (from online: no drill passed); proven 5 hours ago."),
        ((PROVEN, copy_at(ago(hours=1))), (drill(),), "in about 1 h from online, as drilled; an older copy was proven 5 hours ago."),
    ],
)
def test_what_is_not_known_is_said_as_such(copies: tuple[Copy, ...], drills: tuple[DrillFact, ...], said: str) -> None:
    """No number is shown that was not measured."""
    assert sentence(shown(copies, drills).readiness, "UTC").endswith(said)


def test_one_tier_s_speed_is_not_claimed_for_another_s_copy() -> None:
    """The newest copy is in the vault, the drill that passed was of the online tier: how fast that copy comes back is not known."""
    both = ENTRY.model_copy(update={"retention": {**ENTRY.retention, "vault": ENTRY.retention["online"]}})
    found = readiness(HMIS, both, (PROVEN, copy_at(ago(hours=1), tier="vault")), (drill(),), (), (), NOW)
    assert "(the last 1 h would be lost), but nobody knows how fast (from vault: never drilled)" in sentence(found, "UTC")


def test_everything_red_is_seen_without_unfolding() -> None:
    """A fold hides what only needs attention."""
    grave = tuple(GRAVE.model_copy(update={"key": f"k{n}", "message": f"grave thing {n}"}) for n in range(5))
    seen, _, folded = page_of(shown((copy_at(ago(hours=5)),), (), grave)).partition("<details>")
    assert all(f"grave thing {n}" in seen for n in range(5))
    assert "never drilled" in folded


def test_what_is_red_stands_first_with_what_to_do_next() -> None:
    """The worst system is on top, its worst reason first, and the hint of its finding beside it."""
    other = shown().readiness.model_copy(update={"system": SystemName("payroll")})
    page = words(page_of(Shown(other, "Payroll", ()), shown(findings=(GRAVE,)), counts={"green": 1, "red": 1}))
    assert (
        page.index("AT RISK")
        < page.index("3 parts of <b>the</b> set are damaged")
        < page.index("Next: dr verify hmis")
        < page.index("Payroll")
    )
    assert "1 of 2 systems is at risk, 1 is ready." in page


def test_what_others_wrote_is_text_and_never_markup() -> None:
    """A name or a message that looks like HTML changes nothing on the page, and nothing is fetched or run."""
    page = page_of(shown(findings=(GRAVE,)), notes=("<script>x</script>",))
    assert "<b>the</b>" not in page
    assert "<Shelter>" not in page
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)|url\(|@import", page)


def test_systems_that_are_not_listed_are_counted() -> None:
    """A page of forty out of thousands does not look like a page of all."""
    page = words(page_of(shown(findings=(GRAVE,)), counts={"red": 1, "green": 4999}))
    assert "1 of 5,000 systems is at risk, 4,999 are ready." in page
    assert "4,999 systems are not listed here" in page


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "No system is protected."),
        ({"green": 1}, "The system is ready."),
        ({"amber": 1}, "The system needs attention."),
        ({"red": 1}, "The system is at risk."),
        ({"green": 3}, "All 3 systems are ready."),
        ({"green": 1, "amber": 2, "red": 1}, "1 of 4 systems is at risk, 2 need attention, 1 is ready."),
    ],
)
def test_the_headline_counts_the_worst_first(counts: dict[Colour, int], said: str) -> None:
    assert headline(counts) == said
    assert said in words(page_of(counts=counts))


def test_nothing_protected_is_red() -> None:
    """An empty page is no good news."""
    assert 'class="banner FAIL"' in page_of(counts={})


def test_an_old_copy_is_told_as_too_old() -> None:
    """Over the objective is said in words and drawn, not only coloured."""
    page = page_of(shown((copy_at(NOW - timedelta(hours=30), level="proven"),)))
    assert "OVER the objective of 24 h" in words(page)
    assert 'aria-label="125 % of the objective"' in page
