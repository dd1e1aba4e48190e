"""A rehearsed disaster follows from its seed alone, and is scored by what is on record: who knew when, who held what when, what failed."""

from datetime import timedelta

import pytest

from dr.model.base import ContactName, OfficeName
from dr.model.duty_events import Lost, Rejected
from dr.model.exercise import DownChannel, Scenario, Scorecard
from dr.model.notice_record import Acknowledgement, Delivery, Notice
from dr.policy.exercise import score
from dr.policy.failover import turn
from dr.policy.scenario import played_at, scenario, stage, told
from tests.support.duty_rosters import MONDAY, Story, roster

pytestmark = pytest.mark.unit
CHANNELS = {"ann": 2, "bo": 1, "cy": 1, "di": 0}
PLAYED = Scenario(seed=1, kind="office-failover", office=OfficeName("madison"), at=MONDAY, away=(ContactName("bo"),))


def made(seed: int) -> Scenario:
    return scenario(roster(), CHANNELS, seed, "office-failover", MONDAY)


def notice(to: str, *deliveries: Delivery, seen: float | None = None, acknowledge: bool = True) -> Notice:
    """One that `to` saw after `seen` seconds."""
    saw = () if seen is None else (Acknowledgement(contact=to, at=MONDAY + timedelta(seconds=seen)),)
    return Notice(
        id=f"n-{to}",
        to=to,
        template="office-lost",
        subject=f"EXERCISE for {to}",
        body="",
        severity="critical",
        state="delivered",
        created=MONDAY,
        deliveries=deliveries,
        acknowledge=acknowledge,
        acknowledgements=saw,
        exercise=True,
    )


def sent(to: str, after: float, channel: int = 0, *, arrived: bool = True) -> Delivery:
    at = MONDAY + timedelta(seconds=after)
    return Delivery(contact=to, channel=channel, scheme="mailto", state="delivered" if arrived else "failed", attempt=1, at=at)


def played(rounds: int = 2) -> Story:
    """Madison is lost; after 90 seconds Milwaukee takes the help desk, after 300 Green Bay the servers."""
    story = Story()
    story.lose("madison")
    story.later(seconds=90)
    story.takes("milwaukee", 1)
    if rounds > 1:
        story.later(seconds=210)
        story.takes("green-bay", 1, "servers")
    return story


def test_the_same_seed_makes_the_same_disaster() -> None:
    assert made(7) == made(7) and Scenario.from_json(made(7).model_dump_json()) == made(7)


def test_seeds_make_different_disasters() -> None:
    """Every cause, several hours, somebody away, a channel down: and always somebody left to learn from it."""
    many = [made(seed) for seed in range(60)]
    assert {each.through for each in many} == {None, (), ("badger",)}
    assert len({each.at for each in many}) > 30 and {len(each.away) for each in many} >= {0, 1, 2}
    assert {each.down[0].contact for each in many} == {"ann", "bo", "cy"} and all(each.office == "madison" for each in many)
    assert all({"bo", "cy", "di"} - set(each.away) for each in many)


def test_the_office_may_be_named() -> None:
    """Whatever else the seed says stays as it is."""
    named = scenario(roster(), CHANNELS, 7, "office-failover", MONDAY, "green-bay")
    assert named.office == "green-bay" and named.at == made(7).at


def test_a_question_more_changes_no_other_answer() -> None:
    """An organisation that grows by a person rehearses the same office at the same hour by the same seed."""
    more = roster(people=dict(roster().people) | {"ed": roster().people["bo"]})
    assert scenario(more, CHANNELS, 7, "office-failover", MONDAY).at == made(7).at


def test_an_organisation_without_offices_rehearses_none() -> None:
    with pytest.raises(ValueError, match="no office is written down"):
        scenario(roster(offices={}, duties={}), CHANNELS, 1, "office-failover", MONDAY)


def test_the_stage_is_set_as_the_scenario_has_it() -> None:
    """On a board of its own, on which a real loss is refused, with the hour that is played."""
    board = stage(roster(), PLAYED)
    real = turn(roster(), board, Lost(at=MONDAY, office=OfficeName("madison"), by="Ann"))
    assert isinstance(real.transitions[0], Rejected) and board.exercise
    rehearsed = turn(roster(), board, Lost(at=MONDAY, office=OfficeName("madison"), by="Ann", exercise=True))
    first = rehearsed.board.assignments[0].asked
    assert first is not None and first.office == "green-bay", "Bo of Milwaukee is away"
    assert played_at(PLAYED, MONDAY + timedelta(days=3), MONDAY + timedelta(days=3, seconds=5)) == MONDAY + timedelta(seconds=5)


def test_the_leader_is_told_in_words() -> None:
    assert told(roster(), PLAYED) == ("It is Monday, 10:00. Madison is lost, and nobody knows why.", "Away: Bo.")
    downs = told(roster(), made(7))
    assert any(line.startswith("Channel 1 of ") for line in downs)


def test_a_good_exercise_has_its_times_and_no_gap() -> None:
    notices = [notice("ann", sent("ann", 4), seen=40), notice("bo", sent("bo", 2), seen=70)]
    card = score(roster(), MONDAY, notices, played().turns)
    assert (card.first_notice, card.first_acknowledgement, card.all_acknowledged, card.full_assignment) == (2.0, 40.0, 70.0, 300.0)
    assert [(each.title, each.office, each.after, each.asked) for each in card.duties] == [
        ("Help desk", "milwaukee", 90.0, ("milwaukee",)),
        ("Servers", "green-bay", 300.0, ("green-bay",)),
    ]
    assert [(each.contact, each.reached, each.acknowledged) for each in card.people] == [("ann", 4.0, 40.0), ("bo", 2.0, 70.0)]
    assert card.gaps == () and card.verdict == "PASS" and Scorecard.from_json(card.model_dump_json()) == card
    assert [(each.what, each.took, each.expected, each.within) for each in card.measures] == [
        ("first notice", 2.0, 60.0, True),
        ("first acknowledgement", 40.0, 600.0, True),
        ("full assignment", 300.0, 3600.0, True),
    ]


def test_what_went_wrong_is_said_the_worst_first() -> None:
    story = played(rounds=1)
    story.later(hours=1)
    notices = [
        notice("ann", sent("ann", 90, arrived=False), sent("ann", 95, 1), seen=100),
        notice("bo", sent("bo", 80, arrived=False)),
        notice("management", acknowledge=False).model_copy(update={"state": "nobody"}),
    ]
    card = score(roster(), MONDAY, notices, story.turns)
    assert (card.full_assignment, card.all_acknowledged, card.verdict) == (None, None, "FAIL")
    assert [(gap.text, gap.grave) for gap in card.gaps] == [
        ("nothing was sent to management: no contact or group has that name", True),
        ("nobody holds Servers: no office was left to ask", True),
        ("Bo was not reached by any channel", False),
        ("channel 1 of Ann (mailto) failed", False),
        ("first notice took 1 min 35 s; 1 min is what was meant (everybody who is owed a word has it then)", False),
        ("Green Bay, asked for Servers, was silent for 1 hour", False),
    ]
    assert all(gap.next for gap in card.gaps)


def test_a_channel_that_worked_at_the_second_try_is_no_gap() -> None:
    notices = [notice("ann", sent("ann", 4, arrived=False), sent("ann", 9), seen=40)]
    assert score(roster(), MONDAY, notices, played().turns).gaps == ()


def test_where_nobody_was_told_nothing_else_is_said_of_messages() -> None:
    card = score(roster(), MONDAY, [], played().turns)
    assert [gap.text for gap in card.gaps] == ["nobody was told anything"] and card.first_notice is None and card.verdict == "FAIL"


def silence() -> list[Notice]:
    """Everybody got it, nobody answered; one is for a group."""
    return [notice("ann", sent("ann", 1)), notice("management", sent("bo", 2))]


def test_an_exercise_that_nobody_answers_is_red() -> None:
    """However well every duty found a holder."""
    card = score(roster(), MONDAY, silence(), played().turns)
    assert card.verdict == "FAIL" and [gap.text for gap in card.gaps] == [
        "nobody said that they saw anything",
        "nobody of management said that they saw 'EXERCISE for management'",
        "Ann did not say that they saw it",
    ]


@pytest.mark.positive_control
def test_without_the_look_for_gaps_the_same_silence_is_green() -> None:
    assert score(roster(), MONDAY, silence(), played().turns, seek=lambda _: ()).verdict == "PASS"


def test_what_was_played_is_no_gap() -> None:
    """Somebody away does not answer; a channel that is made out to be down fails; what counts is whether the plan got round both."""
    away = Scenario(**{**PLAYED.__dict__, "down": (DownChannel(contact=ContactName("ann"), channel=0),)})
    notices = [notice("ann", sent("ann", 1, arrived=False), sent("ann", 2, 1), seen=30), notice("bo", sent("bo", 2))]
    assert score(roster(), MONDAY, notices, played().turns, played=away).verdict == "PASS"
    unplayed = [gap.text for gap in score(roster(), MONDAY, notices, played().turns).gaps]
    assert unplayed == ["Bo did not say that they saw it", "channel 1 of Ann (mailto) failed"]


def test_a_yes_that_the_store_never_heard_of_is_a_gap() -> None:
    story = Story()
    story.lose("madison")
    story.accept("milwaukee", 1)
    gaps = score(roster(), MONDAY, [notice("ann", sent("ann", 1), seen=2)], story.turns).gaps
    assert [(gap.text, gap.grave) for gap in gaps] == [
        ("nobody holds Help desk: Milwaukee accepted, and the store of claims has not answered", True),
        ("nobody holds Servers yet: Green Bay is asked", True),
    ]
