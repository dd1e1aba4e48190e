"""A flood becomes one message; what is more severe than it does not wait."""

from datetime import UTC, datetime, timedelta

import pytest

from dr.model.notice_record import Notice
from dr.model.notices import NoticeRules
from dr.model.record import Severity
from dr.policy.gathering import Gathering, gatherings

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RULES = NoticeRules(flood=3)


def notices(
    count: int, severity: Severity = "warning", *, minutes_ago: int = 0, begun: bool = False, to: str = "administrators", **more: object
) -> list[Notice]:
    created = NOW - timedelta(minutes=minutes_ago)
    facts = {"to": to, "template": "t", "subject": "s", "body": "b", "state": "owed", "severity": severity}
    told = {"begun": ["anna"]} if begun else {}
    return [
        Notice.from_facts({**facts, **told, **more, "id": f"{severity}-{minutes_ago}-{n}", "created": created.isoformat()})
        for n in range(count)
    ]


def decided(fresh: list[Notice], recent: list[Notice]) -> list[Gathering]:
    return list(gatherings(fresh, recent, RULES, NOW))


def test_a_few_go_by_themselves() -> None:
    assert decided(notices(3), []) == []
    assert decided(notices(1), notices(2, begun=True, minutes_ago=1)) == []


def test_very_many_at_once_are_one_now() -> None:
    found = decided(notices(10_000), [])
    assert [(len(one.notices), one.until) for one in found] == [(10_000, None)]


def test_what_comes_on_top_waits_for_the_end_of_the_ten_minutes() -> None:
    said = notices(3, begun=True, minutes_ago=4)
    assert [one.until for one in decided(notices(2), said)] == [NOW + timedelta(minutes=6)]
    digest = notices(1, begun=True, minutes_ago=2, gathered=9)
    assert [one.until for one in decided(notices(2), [*said, *digest])] == [NOW + timedelta(minutes=8)]


def test_what_is_more_severe_than_all_that_was_said_does_not_wait() -> None:
    said = notices(3, begun=True, minutes_ago=4)
    assert decided(notices(1, "critical"), said) == []
    assert [(len(one.notices), one.until) for one in decided([*notices(4), *notices(1, "critical")], said)] == [(5, None)]


def test_what_is_critical_never_waits() -> None:
    """An office that is asked to take a duty has a quarter of an hour; ten minutes of it may not go by in a queue."""
    said = notices(9, "critical", begun=True, minutes_ago=4)
    assert decided(notices(1, "critical"), said) == []
    assert [(len(one.notices), one.until) for one in decided(notices(7, "critical"), said)] == [(7, None)]


def test_each_audience_outage_and_exercise_has_its_own() -> None:
    """An exercise's messages may hide none of a real outage's."""
    fresh = [*notices(3), *notices(3, to="management"), *notices(3, outage="o-1"), *notices(3, exercise=True)]
    assert decided(fresh, []) == []
    assert len(decided([*fresh, *notices(2, outage="o-1", minutes_ago=1)], [])) == 1


def test_what_was_said_long_ago_counts_no_more() -> None:
    assert decided(notices(3), notices(9, begun=True, minutes_ago=11)) == []
