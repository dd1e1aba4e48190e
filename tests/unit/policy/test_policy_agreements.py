"""Somebody else's standby: on which days a set may be restored there."""

from datetime import UTC, date, datetime

import pytest

from dr.model.third_party import Agreement, ThirdParty
from dr.policy.agreements import in_force, unagreed, why_not
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
