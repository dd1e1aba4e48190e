"""An outage is proposed where enough machines fail to get an answer often enough, and never because of one machine."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.base import HostName
from dr.model.redundancy import Detection, DetectionProbe
from dr.policy.detection import Answer, Seen, detect, proposes

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
EVERY = timedelta(minutes=5)
RULE = Detection(
    vantages=(HostName("a"), HostName("b"), HostName("c")),
    probes={"web": DetectionProbe(check="tcp-answers", with_={"host": "10.0.0.1", "port": 443})},
    failures=3,
)
ANSWERS: list[Answer] = ["answers", "fails", "unknown"]
NOTHING: list[Answer] = ["unknown"] * 9
FAILURES: list[Answer] = ["fails"] * 9
rows = st.lists(st.sampled_from(ANSWERS), max_size=12)


def row(*newest_first: Answer) -> list[Seen]:
    return [Seen(at=NOW - number * EVERY, answer=answer) for number, answer in enumerate(newest_first)]


def down(**machines: list[Seen]) -> bool:
    return detect({"web": machines}, RULE, NOW) is not None


@given(rows)
def test_one_machine_alone_never_proposes(seen: list[Answer]) -> None:
    """However long it fails: it may be cut off itself. The others answer, or nothing is known of them."""
    assert not down(a=row(*seen))
    assert not down(a=row(*seen), b=row("answers", *seen), c=row(*NOTHING))


@given(st.lists(st.lists(st.sampled_from(ANSWERS), min_size=0, max_size=2), max_size=5))
def test_a_flapping_system_is_not_down(pieces: list[list[Answer]]) -> None:
    """A success among any three looks ends the row at every machine."""
    flapping: list[Answer] = []
    for piece in pieces:
        flapping += [*piece, "answers"]
    assert not down(a=row(*flapping), b=row(*flapping), c=row(*flapping))


@given(rows, rows, rows)
@settings(max_examples=300)
def test_down_means_that_two_machines_failed_three_times_since_they_last_got_an_answer(
    a: list[Answer], b: list[Answer], c: list[Answer]
) -> None:
    """The rule, said another way: counted from the newest, without what was not asked, up to the last answer."""

    def failures(seen: list[Answer]) -> int:
        asked = [answer for answer in seen if answer != "unknown"]
        return asked.index("answers") if "answers" in asked else len(asked)

    found = detect({"web": {"a": row(*a), "b": row(*b), "c": row(*c)}}, RULE, NOW)
    agreeing = [name for name, seen in (("a", a), ("b", b), ("c", c)) if failures(seen) >= 3]
    assert (list(found.vantages) if found else []) == (agreeing if len(agreeing) >= 2 else [])
    if found:
        assert found.since <= NOW - 2 * EVERY
        assert found.failures >= 3


def test_the_row_began_when_the_second_machine_saw_it() -> None:
    """What the recovery clock starts at is an instant at which two machines had seen it, not the first hiccup of one."""
    found = detect({"web": {"a": row(*FAILURES), "b": row("fails", "fails", "fails", "answers")}}, RULE, NOW)
    assert found is not None
    assert (found.since, found.failures) == (NOW - 2 * EVERY, 3)


def test_what_was_not_asked_for_an_hour_counts_for_nothing() -> None:
    """Three failures of yesterday, and a watch that has stood still since, are no outage of today."""
    old = [Seen(at=seen.at - timedelta(hours=2), answer=seen.answer) for seen in row("fails", "fails", "fails")]
    assert not down(a=old, b=old)
    assert not down(a=row("fails", "fails", "fails"), b=old)


@pytest.mark.parametrize(("proposed", "underway"), [(True, False), (False, True), (True, True)])
def test_an_outage_is_proposed_once(proposed: bool, underway: bool) -> None:
    """Not again while it lasts, and not beside one that people know of."""
    found = detect({"web": {"a": row("fails", "fails", "fails"), "b": row("fails", "fails", "fails")}}, RULE, NOW)
    assert proposes(found, proposed=False, underway=False)
    assert not proposes(found, proposed=proposed, underway=underway)
    assert not proposes(None, proposed=False, underway=False)


@pytest.mark.positive_control
def test_one_machine_would_propose_if_it_were_counted_twice() -> None:
    """The guard is that names of one machine are one witness: counted by its two names, a machine that is cut off proposes an outage."""
    cut_off = row("fails", "fails", "fails")
    assert not down(machine=cut_off)
    assert down(production=cut_off, standby=cut_off)


def test_a_rule_that_one_machine_could_fulfil_is_refused() -> None:
    """Two vantages at least, and no more must agree than there are."""
    for wrong in ({"vantages": ["a"]}, {"agree": 1}, {"agree": 4}, {"failures": 1}):
        with pytest.raises(ValueError, match=r"vantages|agree|failures"):
            Detection.from_facts({**RULE.to_facts(), **wrong})
