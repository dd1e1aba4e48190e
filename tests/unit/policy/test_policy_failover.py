"""Duties move to an office that can hold them, because it said yes and the store has it; every word of it with its reason."""

from datetime import timedelta

import pytest

from dr.model.base import OfficeName
from dr.model.duty import DutyName, Fence
from dr.model.duty_events import (
    Ask,
    Assign,
    Claim,
    Moved,
    Noted,
    Present,
    RaceLost,
    Rejected,
    Release,
    Spared,
    Ticked,
    Turn,
    Unheld,
    Withdraw,
)
from dr.model.inventory import Duty, Office
from dr.policy.failover import abreast, claims, due, turn
from dr.policy.roster import Person
from tests.support.duty_rosters import HOURS, MONDAY, NIGHT, Story, roster

pytestmark = pytest.mark.unit


def test_a_lost_office_holds_nothing_and_the_first_that_can_is_asked() -> None:
    """Each duty is let go at once and asked for at once, with who was passed over and why."""
    story = Story()
    said = story.lose("madison")
    assert [type(each) for each in said] == [Noted, Release, Release, Ask, Ask]
    ask = said[-1]
    assert isinstance(ask, Ask) and (ask.duty, ask.office, ask.number) == ("servers", "green-bay", 1)
    assert ask.reasons == ("in place 2 of 3 of its succession", "servers: Cy", "it would carry 1")
    assert [(each.office, each.why) for each in ask.passed] == [
        ("madison", "is lost since 2026-11-23 10:00"),
        ("milwaukee", "nobody there has servers"),
        ("eau-claire", "shares badger with Madison, which is lost"),
    ]
    assert ask.until == MONDAY + timedelta(hours=1) and story.of().until == MONDAY + timedelta(minutes=15)
    assert story.of().state == "proposed" and story.holder() == (None, 0)


def test_a_yes_holds_nothing_before_the_store_has_it() -> None:
    story = Story()
    story.lose("madison")
    assert story.accept("milwaukee", 1) == (
        Claim(duty=DutyName("help-desk"), office=OfficeName("milwaukee"), number=Fence(1), after=Fence(0)),
    )
    assert story.holder() == (None, 0) and len(claims(story.board)) == 1
    said = story.claimed("milwaukee", 1)
    assert [type(each) for each in said] == [Assign] and story.holder() == ("milwaukee", 1) and claims(story.board) == ()


def test_a_loss_takes_its_building_and_what_it_shares_unless_it_is_said_to_be_the_office_only() -> None:
    """The building surely; what they share is taken to have failed, until the declarer says what has."""
    offices = dict(roster().offices) | {"milwaukee": Office(title="Milwaukee", building="main-street")}
    for through, asked in ((None, "green-bay"), (("badger",), "green-bay"), ((), "green-bay")):
        story = Story(roster(offices=offices))
        story.lose("madison", through=through)
        assert story.asked() == (asked, 1) and [each.office for each in story.board.lost] == ["madison", "milwaukee"]
        story.refuse("green-bay", 1)
        assert story.asked() == (("eau-claire", 2) if through == () else None)


def test_an_office_that_shares_a_provider_and_works_is_spared() -> None:
    story = Story()
    story.lose("madison")
    story.refuse("milwaukee", 1)
    story.refuse("green-bay", 2)
    assert story.of().state == "unheld"
    story.hears(Spared(at=story.now, office=OfficeName("eau-claire"), by="Di"))
    assert story.asked() == ("eau-claire", 3)


def test_who_is_silent_is_passed_over_and_their_late_yes_is_refused() -> None:
    """By the number: the office that is asked next must not be raced by the one before it."""
    story = Story()
    story.lose("madison")
    assert story.later(minutes=14) == ()
    said = story.later(minutes=1)
    assert isinstance(said[0], Withdraw) and said[0].why == "was silent for 15 minutes" and story.asked() == ("green-bay", 2)
    late = story.accept("milwaukee", 1)
    assert [type(each) for each in late] == [Rejected] and story.asked() == ("green-bay", 2)
    assert isinstance(late[0], Rejected) and late[0].why == "number 1 is stale: the newest is 2"
    story.takes("green-bay", 2)
    assert story.holder() == ("green-bay", 2)


def test_where_all_refuse_nobody_holds_it_loudly_and_all_are_asked_again() -> None:
    story = Story()
    story.lose("madison")
    story.refuse("milwaukee", 1, why="three of us are ill")
    said = story.refuse("green-bay", 2)
    loud = said[-1]
    assert isinstance(loud, Unheld) and loud.why == "nobody holds Help desk: no office is left to ask"
    assert loud.passed[1].why == "refused (Somebody: three of us are ill)" and loud.again == due(story.board) == MONDAY + timedelta(
        minutes=30
    )
    assert story.later(minutes=29)[:0] == () and story.of().state == "unheld"
    story.later(minutes=1)
    assert story.asked() == ("milwaukee", 3)


def test_a_late_yes_to_a_duty_that_nobody_holds_is_asked_for_again_by_a_new_number() -> None:
    """The stale number does not count; that somebody is willing does."""
    story = Story()
    story.lose("madison")
    story.later(minutes=15)
    story.refuse("green-bay", 2)
    said = story.accept("milwaukee", 1)
    assert [type(each) for each in said] == [Rejected, Ask] and story.asked() == ("milwaukee", 3)


def test_a_number_that_was_never_given_out_is_refused() -> None:
    story = Story()
    story.lose("madison")
    said = story.accept("milwaukee", 7)
    assert isinstance(said[0], Rejected) and said[0].why == "number 7 was never given out" and story.asked() == ("milwaukee", 1)


def test_who_loses_the_race_takes_over_what_the_store_says() -> None:
    """Of two machines that asked two offices, one moved the duty."""
    story = Story()
    story.lose("madison")
    story.accept("milwaukee", 1)
    race = RaceLost(at=MONDAY, duty=DutyName("help-desk"), number=Fence(1), taken=Fence(4), office=OfficeName("green-bay"))
    said = story.hears(race)
    assert [type(each) for each in said] == [Withdraw, Assign] and story.holder() == ("green-bay", 4)
    assert story.refuse("green-bay", 4)[-1] and story.asked() == ("milwaukee", 5)


def test_what_another_machine_moved_is_heard_of() -> None:
    story = Story()
    said = story.hears(Moved(at=MONDAY, duty=DutyName("help-desk"), office=OfficeName("milwaukee"), number=Fence(2)))
    assert [type(each) for each in said] == [Release, Assign] and story.holder() == ("milwaukee", 2)
    older = story.hears(Moved(at=MONDAY, duty=DutyName("help-desk"), office=OfficeName("green-bay"), number=Fence(1)))
    assert older == (Noted(why="number 1 of Green Bay is known"),) and story.holder() == ("milwaukee", 2)


def test_an_office_that_is_lost_while_its_claim_is_on_the_way_holds_nothing() -> None:
    """The claim may have been taken, so its number is spent; the duty goes on to the next."""
    story = Story()
    story.lose("madison")
    story.accept("milwaukee", 1)
    story.lose("milwaukee")
    assert claims(story.board) != ()
    story.claimed("milwaukee", 1)
    assert story.holder() == (None, 1) and story.asked() == ("green-bay", 2)


def test_a_returned_office_is_a_stranger_until_it_is_handed_back_by_both() -> None:
    story = Story()
    story.lose("madison")
    story.takes("milwaukee", 1)
    story.back("madison")
    assert story.holder() == ("milwaukee", 1) and [each.office for each in story.board.returned] == ["madison"]
    for number, one, other, why in (
        (0, "Bo", "Ann", "number 0 is stale: it is held by number 1"),
        (1, "Bo", "Bo", "two people must agree: who gives it and who takes it"),
        (1, "", "Ann", "two people must agree: who gives it and who takes it"),
    ):
        said = story.hand_back("madison", number, one, other)
        assert isinstance(said[0], Rejected) and said[0].why == why and story.holder() == ("milwaukee", 1)
    assert isinstance(story.hand_back("madison", 1)[0], Claim) and story.holder() == ("milwaukee", 1)
    assert [type(each) for each in story.claimed("madison", 2)] == [Release, Assign] and story.holder() == ("madison", 2)
    story.takes("green-bay", 1, "servers")
    assert [each.office for each in story.board.returned] == ["madison"]
    story.refuse("green-bay", 1, "servers")
    story.takes("madison", 2, "servers")
    assert story.board.returned == () and story.holder("servers") == ("madison", 2)


def test_a_stranger_is_asked_last_but_before_nobody() -> None:
    story = Story()
    story.lose("madison")
    story.back("madison")
    story.refuse("milwaukee", 1)
    assert story.asked() == ("green-bay", 2)
    story.refuse("green-bay", 2)
    assert story.asked() == ("eau-claire", 3)
    story.refuse("eau-claire", 3)
    assert story.asked() == ("madison", 4) and "it is just back from being lost" in story.of().asked.reasons  # type: ignore[union-attr]


def test_nothing_is_handed_to_an_office_that_is_lost_or_touched() -> None:
    story = Story()
    story.lose("madison")
    story.takes("milwaukee", 1)
    said = story.hand_back("eau-claire", 1)
    assert isinstance(said[0], Rejected) and said[0].why == "Eau Claire shares badger with Madison, which is lost"


def test_a_holder_that_can_no_longer_gives_up_and_is_not_asked_at_once() -> None:
    story = Story()
    story.lose("madison")
    story.takes("milwaukee", 1)
    said = story.refuse("milwaukee", 1, why="the heating failed")
    assert [type(each) for each in said] == [Release, Ask] and story.asked() == ("green-bay", 2)


def test_people_who_are_away_hold_no_duty() -> None:
    """An office has what its people who are there have together."""
    story = Story()
    story.away("bo")
    said = story.lose("madison")
    asks = [each for each in said if isinstance(each, Ask)]
    assert asks[0].office == "green-bay" and "nobody is there: Bo away" in [each.why for each in asks[0].passed]
    story.away("cy")
    story.refuse("green-bay", 1)
    assert story.of().state == "unheld"
    story.hears(Present(at=story.now, contact=next(each.contact for each in story.board.away if each.contact == "bo")))
    assert story.asked() == ("milwaukee", 2)


def test_better_asleep_than_unheld_and_awake_before_asleep() -> None:
    offices = dict(roster().offices) | {"milwaukee": Office(title="Milwaukee", hours=HOURS)}
    story = Story(roster(offices=offices), at=NIGHT)
    said = story.lose("madison")
    ask = next(each for each in said if isinstance(each, Ask))
    assert ask.office == "green-bay" and ask.passed[-1].why == "comes later: it is outside its hours now"
    story.refuse("green-bay", 1)
    assert story.asked() == ("milwaukee", 2)


def test_room_before_none_and_the_least_loaded_where_the_order_says_nothing() -> None:
    """What an office was asked for a moment ago counts as carried."""
    offices = {name: Office(title=name.title(), capacity=2) for name in roster().offices}
    duties = {f"d{n}": Duty(title=f"D{n}", office="madison") for n in range(7)}
    story = Story(roster(offices=offices, duties=duties))
    asks = [each for each in story.lose("madison") if isinstance(each, Ask)]
    assert [each.office for each in asks[:6]] == ["milwaukee", "green-bay", "eau-claire"] * 2
    assert "it would carry 3 of 2, which is more than it can" in asks[6].reasons


def test_an_office_without_people_is_not_asked() -> None:
    story = Story(roster(people={"cy": Person(name="Cy", office="green-bay", skills=("phones", "servers"))}))
    story.lose("madison")
    assert story.asked() == ("green-bay", 1)


def test_a_rehearsal_does_not_move_a_real_duty() -> None:
    story = Story()
    said = story.lose("madison", exercise=True)
    assert isinstance(said[0], Rejected) and story.holder() == ("madison", 0)


@pytest.mark.parametrize("what", ["accept", "claimed", "lose", "back"])
def test_what_is_said_twice_changes_nothing_twice(what: str) -> None:
    story = Story()
    story.lose("madison")
    story.takes("milwaukee", 1)
    before = story.board
    again = {
        "accept": lambda: story.accept("milwaukee", 1),
        "claimed": lambda: story.claimed("milwaukee", 1),
        "lose": lambda: story.lose("madison"),
        "back": lambda: story.back("green-bay"),
    }[what]()
    assert [type(each) for each in again] == [Noted] and story.board == before


def test_a_clock_that_was_put_back_gives_nobody_more_time() -> None:
    story = Story()
    story.lose("madison")
    story.later(minutes=10)
    story.hears(Ticked(at=MONDAY - timedelta(days=1)))
    assert story.now == MONDAY + timedelta(minutes=10)


def test_a_duty_that_the_inventory_was_given_later_is_held_as_it_says() -> None:
    story = Story()
    story.lose("madison")
    more = dict(story.roster.duties) | {"privacy": Duty(title="Privacy", office="green-bay")}
    board = abreast(roster(duties=more), story.board)
    assert board.assignments[:2] == story.board.assignments and (board.of("privacy") or story.of()).office == "green-bay"


def test_a_turn_survives_its_round_trip() -> None:
    """It is recorded as JSON and read back by whoever begins anew."""
    story = Story()
    story.lose("madison", through=("badger",))
    story.accept("milwaukee", 1)
    for each in story.turns:
        assert Turn.from_json(each.model_dump_json()) == each == Turn.from_facts(each.to_facts())
    read = Turn.from_facts(story.turns[-1].to_facts())
    assert turn(story.roster, read.board, Ticked(at=story.now)) == turn(story.roster, story.board, Ticked(at=story.now))
