"""Who is told next, by which channel, and when one looks again: over random people, outcomes and nights."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.base import Seconds
from dr.model.notice_record import Acknowledgement, Delivery, Notice
from dr.model.notices import NoticeRules
from dr.model.record import Severity
from dr.policy.escalation import Decision, decide
from dr.policy.quiet import Person, quiet_until
from dr.policy.readiness import noticed

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RULES = NoticeRules()
ANNA, BOB, CARL = Person("anna", 2), Person("bob", 1), Person("carl", 1)
Decider = Callable[..., Decision]


def notice_of(severity: Severity = "warning", *, acknowledge: bool = True, **more: object) -> Notice:
    facts = {"id": "n", "to": "administrators", "template": "t", "subject": "s", "body": "b", "state": "owed", "created": NOW.isoformat()}
    return Notice.from_facts({**facts, "severity": severity, "acknowledge": acknowledge, **more})


class Story:
    """A ledger that is played forward: every message that is decided on is sent and comes back as `outcomes` say, in turn."""

    def __init__(
        self, notice: Notice, people: Sequence[Person], outcomes: Sequence[str] = (), decider: Decider = decide, rules: NoticeRules = RULES
    ) -> None:
        self.notice, self.people, self.now, self.rules = notice, people, NOW, rules
        self._outcomes, self._decide, self._sent = outcomes, decider, 0
        self.everybody = {one.name: one for one in people}

    def look(self) -> Decision:
        return self._decide(self.notice, self.people, self.everybody, self.rules, self.now)

    def step(self) -> Decision:
        """What is to be sent now is; else time goes on until one must look again."""
        decision = self.look()
        came_back = tuple(self._outcome(send.contact, send.channel, send.mark, send.why, decision.round) for send in decision.sends)
        update = {"state": decision.state, "round": decision.round, "due": decision.due}
        self.notice = self.notice.model_copy(update={**update, "deliveries": (*self.notice.deliveries, *came_back)})
        if not decision.sends and decision.due is not None:
            self.now = max(decision.due, self.now)
        return decision

    def _outcome(self, contact: str, channel: int, mark: str, why: str, round_: int) -> Delivery:
        state = self._outcomes[self._sent % len(self._outcomes)] if self._outcomes else "delivered"
        self._sent += 1
        facts = {"contact": contact, "channel": channel, "scheme": "mailto", "state": state, "attempt": 1, "at": self.now.isoformat()}
        return Delivery.from_facts({**facts, "mark": mark, "why": why, "round": round_})

    def play(self, steps: int) -> list[tuple[str, int, str]]:
        """Who was told by which channel, and how it was marked."""
        for _ in range(steps):
            if self.step().due is None:
                break
        return [(d.contact, d.channel, d.mark) for d in self.notice.deliveries]


def test_what_wants_no_answer_goes_to_everybody_once() -> None:
    story = Story(notice_of(acknowledge=False), [ANNA, BOB])
    assert story.play(5) == [("anna", 0, ""), ("bob", 0, "")]
    assert (story.notice.state, story.notice.due) == ("delivered", None)


def test_a_channel_that_failed_is_followed_by_the_next_at_once() -> None:
    story = Story(notice_of(acknowledge=False), [ANNA], ["failed", "delivered"])
    assert story.play(5) == [("anna", 0, ""), ("anna", 1, "")]
    assert story.now == NOW
    assert story.notice.deliveries[1].why == "channel 1 failed"


def test_whom_no_channel_reached_is_tried_again_after_longer_and_longer_waits() -> None:
    """And each is said to be a repeat, since it may have arrived."""
    story = Story(notice_of(acknowledge=False), [BOB], ["failed"])
    assert story.play(50) == [("bob", 0, "")] + [("bob", 0, "repeat")] * 3
    waits = [(b.at - a.at).total_seconds() for a, b in zip(story.notice.deliveries, story.notice.deliveries[1:], strict=False)]
    assert (waits, story.notice.state, story.notice.due) == ([60, 300, 900], "failed", None)


def test_unacknowledged_goes_to_the_next_channel_then_to_the_next_person() -> None:
    """One after the other, ten minutes each."""
    story = Story(notice_of(), [ANNA, BOB])
    told = [(d, (story.now - NOW).total_seconds() / 60) for _ in range(6) for d in story.step().sends]
    assert [(send.contact, send.channel, at) for send, at in told[:3]] == [("anna", 0, 0.0), ("anna", 1, 10.0), ("bob", 0, 20.0)]
    assert told[1][0].why == "not acknowledged within 10 min"


def test_a_critical_one_tells_all_at_once_unless_their_group_is_told_in_turn() -> None:
    assert [send.contact for send in Story(notice_of("critical"), [ANNA, BOB, CARL]).look().sends] == ["anna", "bob", "carl"]
    in_turn = NoticeRules(in_turn=("administrators",))
    assert [send.contact for send in Story(notice_of("critical"), [ANNA, BOB], rules=in_turn).look().sends] == ["anna"]
    together = NoticeRules(together=("administrators",))
    assert [send.contact for send in Story(notice_of(), [ANNA, BOB], rules=together).look().sends] == ["anna", "bob"]


def test_an_acknowledgement_ends_it() -> None:
    story = Story(notice_of("critical"), [ANNA, BOB])
    story.step()
    story.notice = story.notice.model_copy(update={"acknowledgements": (Acknowledgement(contact="bob", at=NOW),)})
    story.now += timedelta(days=1)
    assert (story.look().sends, story.look().due) == ((), None)


def test_when_nobody_is_left_it_is_unanswered_and_begins_again() -> None:
    """Half an hour later, and what comes then says so; one that is not critical three times in all."""
    story = Story(notice_of(), [BOB])
    assert story.play(50) == [("bob", 0, ""), ("bob", 0, "again"), ("bob", 0, "again")]
    assert (story.notice.state, story.notice.due) == ("unanswered", None)
    waits = [(b.at - a.at).total_seconds() for a, b in zip(story.notice.deliveries, story.notice.deliveries[1:], strict=False)]
    assert waits == [2400.0, 2400.0]


def test_who_does_not_answer_has_a_deputy_and_who_is_away_is_told_last() -> None:
    away = Person("anna", 1, away=(("2026-11-20", "2026-11-30"),), deputy="bob")
    there = Person("anna", 1, deputy="bob")
    everybody = {"bob": BOB}
    first = decide(notice_of("critical"), [away], {**everybody, "anna": away}, RULES, NOW)
    assert [send.contact for send in first.sends] == ["bob"]
    story = Story(notice_of("critical"), [there])
    story.everybody = {**everybody, "anna": there}
    assert [contact for contact, _, _ in story.play(4)] == ["anna", "bob"]


def test_a_deputy_who_is_the_deputys_deputy_is_no_endless_circle() -> None:
    one, other = Person("anna", 1, deputy="bob"), Person("bob", 1, deputy="anna")
    story = Story(notice_of("critical"), [one, other])
    assert [send.contact for send in story.look().sends] == ["anna", "bob"]


NIGHT = Person("anna", 1, zone="America/Chicago", quiet="22:00-07:00")
AT_NIGHT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)  # 02:30 there


def test_quiet_hours_hold_back_what_is_not_critical_until_they_end() -> None:
    held = decide(notice_of(acknowledge=False), [NIGHT], {}, RULES, AT_NIGHT)
    assert (held.sends, held.due) == ((), datetime(2026, 11, 23, 13, 0, tzinfo=UTC))
    assert [send.contact for send in decide(notice_of("critical"), [NIGHT], {}, RULES, AT_NIGHT).sends] == ["anna"]


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from(["UTC", "America/Chicago", "Australia/Lord_Howe"]))
def test_a_quiet_time_always_ends_later_within_a_day(at: datetime, zone: str) -> None:
    """Also where the clock is put back or forward: else a message would be held back for ever, or asked about without end."""
    now = at.replace(tzinfo=UTC)
    until = quiet_until(Person("a", 1, zone, "22:00-07:00"), now)
    assert until is None or now < until <= now + timedelta(hours=10)


# ---------------------------------------------------------------- whatever happens

PEOPLE = st.lists(
    st.builds(
        Person,
        name=st.sampled_from(["anna", "bob", "carl", "dora"]),
        channels=st.integers(1, 3),
        quiet=st.sampled_from([None, "11:00-13:00", "22:00-07:00"]),
        away=st.sampled_from([(), (("2026-11-20", "2026-11-25"),)]),
        deputy=st.sampled_from([None, "anna", "bob", "dora"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.name,
)
OUTCOMES = st.lists(st.sampled_from(["delivered", "failed", "unknown"]), min_size=1, max_size=7).filter(lambda o: set(o) != {"unknown"})
NOTICES = st.builds(
    notice_of,
    severity=st.sampled_from(["info", "warning", "critical"]),
    acknowledge=st.booleans(),
    run=st.sampled_from([None, "nightly-1"]),
)
RULE = st.builds(NoticeRules, in_turn=st.sampled_from([(), ("administrators",)]), retry=st.sampled_from([(), (Seconds(60),)]))


def twice_unmarked(story: Story) -> list[tuple[str, int]]:
    """Who was told again by a channel that had been tried before, as if it were the first time."""
    had: set[tuple[str, int]] = set()
    found = []
    for delivery in story.notice.deliveries:
        place = delivery.contact, delivery.channel
        if place in had and not delivery.mark:
            found.append(place)
        had.add(place)
    return found


@settings(max_examples=80, deadline=None)
@given(NOTICES, PEOPLE, OUTCOMES, RULE)
def test_nobody_is_told_twice_by_one_channel_without_it_being_said(
    notice: Notice, people: list[Person], outcomes: list[str], rules: NoticeRules
) -> None:
    story = Story(notice, people, outcomes, rules=rules)
    story.play(40)
    assert twice_unmarked(story) == []


@pytest.mark.positive_control
def test_one_who_forgets_what_was_sent_tells_people_twice() -> None:
    """Twin: a decision that does not look into the ledger."""

    def forgetful(notice: Notice, *rest: object) -> Decision:
        return decide(notice.model_copy(update={"deliveries": ()}), *rest)  # type: ignore[arg-type]

    story = Story(notice_of(), [BOB], decider=forgetful)
    story.play(3)
    assert twice_unmarked(story) == [("bob", 0), ("bob", 0)]


@settings(max_examples=80, deadline=None)
@given(PEOPLE, OUTCOMES, RULE, st.integers(1, 60))
def test_an_unacknowledged_critical_one_is_always_looked_at_again(
    people: list[Person], outcomes: list[str], rules: NoticeRules, steps: int
) -> None:
    """Promise 8: silence never ends it; and quiet hours hold back none of its messages."""
    story = Story(notice_of("critical"), people, outcomes, rules=rules)
    for _ in range(steps):
        decision = story.step()
        assert decision.due is not None
        assert not [waiting for waiting in decision.waiting if "quiet" in waiting.what]


@settings(max_examples=80, deadline=None)
@given(NOTICES, PEOPLE, OUTCOMES, st.integers(0, 30))
def test_a_rise_in_severity_always_breaks_through(notice: Notice, people: list[Person], outcomes: list[str], steps: int) -> None:
    """Whatever was told and acknowledged before: somebody is told anew, at once, quiet hours or not."""
    story = Story(notice, people, outcomes)
    story.play(steps)
    anew = story.notice.round + 1
    seen = (Acknowledgement(contact="anna", at=story.now, round=story.notice.round),)
    update = {"severity": "critical", "round": anew, "raised": anew, "acknowledgements": seen}
    story.notice = story.notice.model_copy(update=update)
    assert story.look().sends


AHEAD = st.integers(1, 72)
LONGEST = timedelta(seconds=max(RULES.acknowledge_within, RULES.again, *RULES.retry))


def waits_too_long(story: Story, hours: int, steps: int) -> list[timedelta]:
    """How long it is from one look to the next, where that is more than any wait: played by a clock that runs so far ahead for as many
    steps, then is set back, and is right from then on."""
    story.now += timedelta(hours=hours)
    story.play(steps)
    story.now = NOW
    found = []
    for _ in range(30):
        decision = story.look()
        if decision.due is not None and decision.due - story.now > 2 * LONGEST:
            found.append(decision.due - story.now)
        if story.step().due is None:
            break
    return found


@settings(max_examples=80, deadline=None)
@given(NOTICES, PEOPLE, OUTCOMES, AHEAD, st.integers(0, 20))
def test_a_clock_that_ran_ahead_puts_nothing_off_for_longer_than_a_wait(
    notice: Notice, people: list[Person], outcomes: list[str], hours: int, steps: int
) -> None:
    """Nobody is asked hours late because something was written in hours that have not come yet; only the night may last longer."""
    awake = [replace(one, quiet=None) for one in people]
    assert waits_too_long(Story(notice, awake, outcomes), hours, steps) == []


@pytest.mark.positive_control
def test_a_wait_that_is_believed_whatever_it_says_would_be_seen() -> None:
    """Twin: a decision that goes by a clock that is still ahead."""

    def credulous(notice: Notice, people: Sequence[Person], everybody: object, rules: NoticeRules, _now: datetime) -> Decision:
        return decide(notice, people, {}, rules, NOW + timedelta(hours=5))

    assert waits_too_long(Story(notice_of(), [ANNA], decider=credulous), 5, 1)


def test_the_next_is_asked_though_the_clock_was_set_back_meanwhile() -> None:
    """Bob was told by a clock three hours ahead: Carl is asked now, and not in three hours; and he has his ten minutes."""
    story = Story(notice_of(), [BOB, CARL])
    story.now += timedelta(hours=3)
    story.step()
    story.now = NOW
    told = [(send.contact, story.now - NOW) for _ in range(2) for send in story.step().sends]
    assert told == [("carl", timedelta(0))]
    assert story.now == NOW + timedelta(minutes=10)


def test_a_clock_set_back_by_a_little_hurries_nobody() -> None:
    """It is asked for a second time when it was meant to be, or ten minutes later."""
    story = Story(notice_of(), [ANNA])
    story.step()
    story.now -= timedelta(seconds=30)
    assert (story.look().sends, story.look().due) == ((), NOW + timedelta(minutes=10))


@settings(max_examples=100, deadline=None)
@given(NOTICES, PEOPLE, OUTCOMES)
def test_everybody_is_told_or_it_is_not_delivered(notice: Notice, people: list[Person], outcomes: list[str]) -> None:
    """The state is never better than what was delivered: of what wants no answer, each of them or who stands in."""
    story = Story(notice.model_copy(update={"acknowledge": False}), people, outcomes)
    story.play(60)
    reached = {delivery.contact for delivery in story.notice.deliveries if delivery.state == "delivered"}
    if story.notice.state == "delivered":
        assert all(one.name in reached or one.deputy for one in people)
    else:
        assert story.notice.due is not None or any(one.name not in reached for one in people)


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        ({}, ["a notice to administrators is still owed, 9 hours ago"]),
        ({"due": (NOW + timedelta(hours=1)).isoformat()}, []),
        ({"digest": "digest-1"}, []),
        ({"state": "unanswered"}, ["a notice to administrators was acknowledged by nobody, 9 hours ago"]),
        ({"state": "unanswered", "exercise": True}, []),
    ],
)
def test_what_is_held_back_on_purpose_is_not_late(more: dict[str, object], texts: list[str]) -> None:
    """By the night, or until a flood is told in one; an exercise that nobody answered is its score's to say."""
    notice = notice_of(**{**more, "created": (NOW - timedelta(hours=9)).isoformat()})  # type: ignore[arg-type]
    assert [reason.text for reason in noticed(None, [], [notice], NOW)] == texts
