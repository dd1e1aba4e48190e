"""Somebody else's standby: on which days a set may be restored there."""

from datetime import UTC, date, datetime

import pytest

from dr.model.inventory import Inventory
from dr.model.third_party import Agreement, ThirdParty
from dr.policy.agreements import findings, in_force, unagreed, why_not, with_agreements
from tests.support.outage_world import inventory

pytestmark = pytest.mark.unit
SIGNED = ThirdParty(owner="County IT", agreement=Agreement(document="BAA 14", signed="2026-01-15", until="2027-01-15"))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-01-14", "it belongs to County IT, and 'BAA 14' is in force only from 2026-01-15 on"),
        ("2026-01-15", ""),
        ("2027-01-15", ""),
        ("2027-01-16", "it belongs to County IT, and 'BAA 14' ended on 2027-01-15"),
    ],
)
def test_an_agreement_is_in_force_from_its_first_to_its_last_day(day: str, why: str) -> None:
    assert why_not(SIGNED, date.fromisoformat(day)) == why


def test_the_day_is_that_of_the_organisations_zone() -> None:
    """In Madison it is still the last day when it is the next one in Greenwich."""
    world = inventory().model_copy(update={"third_party": {"standby": SIGNED}})
    assert unagreed(world, datetime(2027, 1, 16, 5, 59, tzinfo=UTC)) == {}
    assert list(unagreed(world, datetime(2027, 1, 16, 6, 0, tzinfo=UTC))) == ["standby"]


def test_without_an_agreement_there_is_none_on_record() -> None:
    alone = ThirdParty(owner="County IT")
    assert why_not(alone, date(2026, 6, 1)) == "it belongs to County IT, and no agreement with them is on record"
    assert in_force(alone) == ""
    assert in_force(SIGNED) == "it belongs to County IT; 'BAA 14' is in force from 2026-01-15 to 2027-01-15"


@pytest.mark.parametrize(("signed", "until"), [("20260115", None), ("2026-02-30", None), ("2026-01-15", "2026-01-14")])
def test_what_is_no_date_or_ends_before_it_begins_is_refused(signed: str, until: str | None) -> None:
    with pytest.raises(ValueError, match=r"no date|ends after it begins"):
        Agreement(document="BAA", signed=signed, until=until)


# ---------------------------------------------------------------- as a finding


def world(**parties: ThirdParty) -> Inventory:
    return inventory().model_copy(update={"third_party": parties})


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T18:00+00:00")


@pytest.mark.parametrize(
    ("day", "severity", "words"),
    [
        ("2026-12-15", None, ""),
        ("2026-12-16", "warning", "in 30 days nothing may be restored on host 'standby' any more: it belongs to County IT; 'BAA 14'"),
        ("2027-01-14", "warning", "after tomorrow nothing"),
        ("2027-01-15", "warning", "after today nothing"),
        ("2027-01-16", "critical", "nothing may be restored on host 'standby': it belongs to County IT, and 'BAA 14' ended on 2027-01-15"),
        ("2026-01-14", "critical", "nothing may be restored on host 'standby': it belongs to County IT, and 'BAA 14' is in force only"),
    ],
)
def test_before_an_agreement_ends_it_is_a_warning_and_after_it_grave(day: str, severity: str | None, words: str) -> None:
    """With whom to speak is its hint."""
    found = list(findings(world(standby=SIGNED), noon(day)))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(one.message.startswith(words) and "agree with County IT anew" in one.hint for one in found)


def test_an_agreement_without_an_end_is_never_spoken_of() -> None:
    lasting = ThirdParty(owner="County IT", agreement=Agreement(document="BAA 14", signed="2026-01-15"))
    assert list(findings(world(standby=lasting), noon("2036-01-15"))) == []


def test_what_a_night_recorded_gives_way_to_how_it_is_now() -> None:
    """Since when it is so is kept; what was mended since then is no finding any more, and nothing else is lost."""
    (kept,) = findings(world(standby=SIGNED), noon("2027-01-20"))
    other = kept.model_copy(update={"key": "disk-full"})
    assert with_agreements([other, kept], world(standby=SIGNED), noon("2027-01-22")) == [other, kept]
    assert with_agreements([other, kept], world(), noon("2027-01-22")) == [other]
