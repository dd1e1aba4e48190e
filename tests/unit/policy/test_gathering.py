"""A flood becomes one message; what is more severe than it does not wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.notice_record import Notice
from dr.model.notices import NoticeRules
from dr.model.record import Severity
from dr.policy.gathering import OF_RUNS, Gathering, gatherings, told_at, waits, worst

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


# ---------------------------------------------------------------- what runs tell


def of_run(number: int = 0, severity: Severity = "critical", *, minutes_ago: float = 0, due: float | None = None, **more: object) -> Notice:
    """`due`: in so many minutes."""
    created = NOW - timedelta(minutes=minutes_ago)
    facts = {"to": "administrators", "template": "nightly-failed", "subject": "s", "body": "b", "state": "owed", "severity": severity}
    waits = {"due": (NOW + timedelta(minutes=due)).isoformat()} if due is not None else {}
    return Notice.from_facts({**facts, **waits, "id": f"run-{number}", "run": f"nightly-{number}", "created": created.isoformat(), **more})


def until(notice: Notice, *others: Notice) -> float | None:
    """Minutes from now."""
    found = told_at(notice, others, RULES, NOW)
    return None if found is None else (found - NOW).total_seconds() / 60


def test_of_what_runs_tell_the_first_goes_at_once_and_the_others_wait() -> None:
    """Critical or not, begun or just about to be, and all until the same moment."""
    assert until(of_run()) is None
    assert until(of_run(1), of_run(minutes_ago=4)) == 6
    assert until(of_run(2), of_run(minutes_ago=4, begun=["anna"]), of_run(1, minutes_ago=3, due=6)) == 6
    assert until(of_run(1), of_run(minutes_ago=10, begun=["anna"])) is None, "that is over"


def test_who_comes_when_the_others_are_about_to_be_told_is_told_with_them() -> None:
    """The minutes are over, and the timer has not come by yet."""
    assert until(of_run(2), of_run(minutes_ago=10.5, begun=["anna"]), of_run(1, minutes_ago=10.2, due=-0.5)) == -0.5


def test_after_many_were_told_in_one_more_of_them_wait_again() -> None:
    digest = of_run(9, template=OF_RUNS, run=None, gathered=48, begun=["anna"], minutes_ago=1)
    member = of_run(1, minutes_ago=8, digest="run-9")
    assert until(of_run(3), of_run(minutes_ago=9.5, begun=["anna"]), member, digest) == 9
    asleep = digest.model_copy(update={"begun": (), "due": NOW + timedelta(hours=6)})
    assert until(of_run(3), asleep) == 9, "by night it is not told yet"


def test_what_is_more_severe_than_all_that_runs_said_does_not_wait() -> None:
    said = of_run(0, "info", minutes_ago=1, template="nightly-recovered", begun=["anna"])
    assert until(of_run(1, "critical"), said, of_run(2, "info", due=9)) is None
    assert until(of_run(3, "critical"), said, of_run(1, "critical", begun=["anna"])) == 9
    assert until(of_run(4, "info"), said) == 9


@pytest.mark.parametrize("template", ["recovery-failed", "recovery-begun", "approval-wanted", "objective-late", "redundancy-lost"])
def test_what_somebody_must_act_on_waits_for_nothing(template: str) -> None:
    others = [of_run(n, begun=["anna"]) for n in range(9)]
    assert until(of_run(10, template=template), *others, of_run(11, template=template, begun=["anna"])) is None


def test_others_people_and_others_words_keep_no_run_waiting() -> None:
    assert until(of_run(1), of_run(to="management"), *notices(9, "critical", begun=True)) is None


@pytest.mark.parametrize("minutes", [30.0, 600.0])
def test_a_clock_that_ran_ahead_keeps_nobody_waiting(minutes: float) -> None:
    """Neither what was said then, nor what was put off then."""
    ahead = of_run(minutes_ago=-minutes, begun=["anna"])
    assert until(of_run(1), ahead) is None
    assert until(of_run(1), ahead, of_run(2, minutes_ago=-minutes, due=minutes + 10)) == 10
    assert decided(notices(2), notices(9, begun=True, minutes_ago=-int(minutes))) == []


def test_runs_that_have_waited_are_told_in_one_from_the_second_on() -> None:
    """And one alone by itself; words of no run go their own way."""
    assert decided([of_run(1)], []) == []
    assert [len(one.notices) for one in decided([of_run(1), of_run(2), *notices(3)], [])] == [2]
    rows = [
        (one.template, one.severity) for found in decided([of_run(1), of_run(2, "info", template="near-miss")], []) for one in found.notices
    ]
    assert rows == [("nightly-failed", "critical"), ("near-miss", "info")]


NIGHT = st.lists(
    st.tuples(st.integers(0, 1500), st.sampled_from(["info", "critical"]), st.sampled_from(["nightly-failed", "near-miss"])),
    min_size=1,
    max_size=30,
)
"""Seconds, severity and template of what runs tell."""


@settings(max_examples=60, deadline=None)
@given(NIGHT)
def test_a_night_is_few_messages_and_nothing_in_it_is_lost_or_late(night: list[tuple[int, Severity, str]]) -> None:
    """Each goes at once or is due within ten minutes; each ten minutes there is one digest, and what went at once rose in severity."""
    ledger: list[Notice] = []
    for number, (second, severity, template) in enumerate(sorted(night)):
        now = NOW + timedelta(seconds=second)
        digest = [n for n in ledger if waits(n) and n.due is not None and n.due <= now]
        if digest:
            told = of_run(100 + number, worst(digest), template=OF_RUNS, run=None, gathered=len(digest), begun=["anna"])
            ledger = [n.model_copy(update={"digest": told.id}) if n in digest else n for n in ledger]
            ledger.append(told.model_copy(update={"created": now}))
        new = of_run(number, severity, template=template).model_copy(update={"created": now})
        until = told_at(new, ledger, RULES, now)
        assert until is None or until <= now + timedelta(seconds=RULES.gather)
        ledger.append(new.model_copy(update={"due": until} if until else {"begun": ("anna",)}))
    at_once = [n for n in ledger if n.begun and not n.gathered]
    assert len(at_once) <= 2 + 2 * (1500 // RULES.gather), "the first, and a rise, of each ten minutes"
