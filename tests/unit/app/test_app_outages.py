"""What a person does about an outage: on record and in the trail first, then owed to everybody whom it concerns, then carried."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dr.actions.outage_telling import is_past, owe_words
from dr.app.outages import Desk
from dr.errors import ConfigError, Refused
from dr.model.outage import Outage, OutageEntry, OutageId
from tests.support.outage_world import NOON, OutageWorld, outage

pytestmark = pytest.mark.unit


class Killed(BaseException):
    """The process ended here."""


def dying_at(world: OutageWorld, point: str) -> Desk:
    """A desk whose process ends when it reaches that point."""

    def at(name: str) -> None:
        if name == point:
            raise Killed

    return Desk(world, world.clock, "anna", at)


def proposed(world: OutageWorld, what: str) -> Outage:
    """As a watch does it, that is no person."""
    seen = outage(state="proposed", what=what, by="dr watch")
    entry = OutageEntry(outage=seen.id, key="proposed", act="proposed", by=seen.by, at=world.clock.now(), text=what)
    world.records.open_outage(seen, entry)
    owe_words(seen, world, world.clock.now())
    owe_words(seen, world, world.clock.now())
    return seen


@pytest.fixture
def world(tmp_path: Path) -> OutageWorld:
    return OutageWorld(tmp_path)


def test_what_is_declared_is_on_record_in_the_trail_and_told(world: OutageWorld) -> None:
    done = world.desk.declare(outage())
    assert world.records.outage(done.outage.id) == done.outage
    assert [(e.act, e.by, e.text) for e in world.records.outage_entries(done.outage.id)] == [("declared", "anna", "the server burnt")]
    assert [(e.event, e.facts) for e in world.records.audit_of(done.outage.id)] == [
        ("outage.declared", {"about": "hmis", "text": "the server burnt", "severity": "major"})
    ]
    assert world.told() == [("management", "outage-declared"), ("administrators", "outage-declared")]
    assert [notice.to for notice in done.notices] == ["administrators", "management"]
    assert world.post.carried == 1


def test_the_same_system_is_not_declared_twice_but_a_rehearsal_may_go_on_beside(world: OutageWorld) -> None:
    """The open one is named: two clocks of one failure would tell two stories."""
    world.desk.declare(outage())
    with pytest.raises(Refused) as caught:
        world.desk.declare(outage(2, by="bert", what="it is slow"))
    assert str(caught.value) == (
        "an outage of hmis is declared already: out-20261123T180000Z-0001, by anna\n"
        '   HINT: say how it goes: dr outage update out-20261123T180000Z-0001 "..."; '
        "see all of it: dr outage show out-20261123T180000Z-0001"
    )
    assert world.desk.declare(outage(3, exercise=True)).outage.exercise
    assert world.desk.declare(outage(4, office="madison")).outage.office == "madison"
    assert [one.id[-4:] for one in world.records.outages(open_only=True)] == ["0004", "0003", "0001"]


def test_a_declaration_typed_again_after_a_crash_is_the_same_one(world: OutageWorld) -> None:
    with pytest.raises(Killed):
        dying_at(world, "after-record").declare(outage())
    assert world.told() == []
    done = world.desk.declare(outage(2))
    assert done.outage.id == outage().id
    assert world.told() == [("management", "outage-declared"), ("administrators", "outage-declared")]
    assert len(world.records.outage_entries(done.outage.id)) == 1


POINTS = ("after-record", "after-owed", "after-carried")
ACTS: dict[str, Callable[[Desk, OutageId], object]] = {
    "update": lambda desk, one: desk.update(one, "half of it is there"),
    "assign": lambda desk, one: desk.assign(one, "carl"),
    "resolve": lambda desk, one: desk.resolve(one, "users work"),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_whoever_comes_by_owes_what_is_left_once(world: OutageWorld, act: str, point: str) -> None:
    """No word is lost, and none is owed twice: by the same command typed again, by a timer, by the outage's own run, by all of them."""
    one = world.desk.declare(outage()).outage.id
    before = len(world.post.words)
    with pytest.raises(Killed):
        ACTS[act](dying_at(world, point), one)
    known = world.records.outage(one)
    assert known is not None
    owe_words(known, world, world.clock.now())
    ACTS[act](world.desk, one)
    owe_words(known, world, world.clock.now())
    told = world.told(before)
    wanted = {
        "update": [("management", "outage-update"), ("administrators", "outage-update")],
        "assign": [("carl", "outage-assigned"), ("management", "outage-update"), ("administrators", "outage-update")],
        "resolve": [("management", "outage-resolved"), ("administrators", "outage-resolved")],
    }[act]
    assert told == wanted
    assert len(world.records.outage_entries(one)) == 2


def test_an_end_typed_twice_is_one_end_and_says_so(world: OutageWorld) -> None:
    """In the same words it is on record already, and nobody is told twice; in other words it is refused, with when, by whom and what."""
    one = world.desk.declare(outage()).outage.id
    first = world.desk.resolve(one, "users work")
    told = len(world.post.words)
    world.wait(3)
    second = world.desk.resolve(one, "users work")
    assert (first.again, second.again, second.entry) == (False, True, first.entry)
    assert {notice.template for notice in second.notices} == {"outage-resolved"}, "who was reached then can still be said"
    with pytest.raises(Refused) as caught:
        Desk(world, world.clock, "bert").resolve(one, "it works again")
    assert caught.value.message == f"{one} is resolved already: Mon 23 Nov 2026, 12:00 CST, by anna: users work"
    assert len(world.post.words) == told
    assert len(world.records.outage_entries(one)) == 2


def test_a_review_typed_twice_is_one(world: OutageWorld) -> None:
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    assert [world.desk.review(one, "a breaker").again for _ in range(2)] == [False, True]
    assert not world.desk.review(one, "and the UPS was old").again, "there is more to say"


def test_a_dismissal_typed_twice_is_one(world: OutageWorld) -> None:
    seen = proposed(world, "a probe failed")
    assert [world.desk.dismiss(seen.id, "the probe's own network").again for _ in range(2)] == [False, True]
    with pytest.raises(Refused, match="is dismissed already: Mon 23 Nov 2026, 12:00 CST, by anna"):
        world.desk.dismiss(seen.id, "nothing")


def test_what_another_process_owed_first_is_told_as_this_acts_own(world: OutageWorld) -> None:
    """The one that keeps people told may see the entry before its own command owes the words: it is not said that nobody was told."""
    one = world.desk.declare(outage()).outage.id

    def other(point: str) -> None:
        if point == "after-record":
            known = world.records.outage(one)
            assert known is not None
            owe_words(known, world, world.clock.now())

    done = Desk(world, world.clock, "anna", other).update(one, "half of it is there")
    assert {notice.to for notice in done.notices} == {"management", "administrators"}


def test_what_is_over_is_not_told_any_more_as_if_it_lasted(world: OutageWorld) -> None:
    """Who was not reached hears that it is over, and not, hours later, that it is out."""
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    due = {notice.template for notice in world.records.outage_notices(one) if notice.due is not None}
    assert due == {"outage-resolved"}


def test_that_it_is_over_is_told_though_it_was_gathered_with_other_words(world: OutageWorld) -> None:
    """The one message that says it among others is none of those that are dropped because it is over."""
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    end = next(notice for notice in world.records.outage_notices(one) if (notice.to, notice.template) == ("management", "outage-resolved"))
    world.records.gather(end.model_copy(update={"id": "digest-1", "template": "digest"}), [end.id])
    owe_words(world.records.outage(one) or outage(), world, world.clock.now())
    due = {notice.id for notice in world.records.outage_notices(one) if notice.due is not None and notice.to == "management"}
    assert due == {"digest-1"}


def test_nobody_is_told_anew_that_something_is_out_which_is_over(world: OutageWorld) -> None:
    """A mend of the mail server, and everything that did not arrive is sent again: but for what is not so any more."""
    one = world.desk.declare(outage()).outage.id
    assert [is_past(notice, world) for notice in world.records.outage_notices(one)] == [False, False]
    world.desk.resolve(one, "users work")
    past = {notice.template: is_past(notice, world) for notice in world.records.outage_notices(one)}
    assert past == {"outage-declared": True, "outage-resolved": False}


def test_management_hears_when_it_becomes_a_major_one(world: OutageWorld) -> None:
    one = world.desk.declare(outage(severity="minor")).outage.id
    assert world.told() == [("administrators", "outage-declared")]
    world.desk.update(one, "all offices now", "major")
    assert world.told(1) == [("management", "outage-declared"), ("administrators", "outage-update")]
    assert [word.severity for word in world.post.words] == ["warning", "critical", "critical"]


def test_what_a_watch_proposes_asks_once_and_is_declared_as_it_was_noticed(world: OutageWorld) -> None:
    """The clock starts when it was noticed, not when a person got round to saying so."""
    seen = proposed(world, "3 probes of 2 hosts failed")
    assert world.told() == [("administrators", "outage-proposed")]
    world.wait(10)
    done = world.desk.declare(outage(3, what="the switch is dead"))
    assert (done.outage.id, done.outage.began, done.outage.what, done.outage.state) == (
        seen.id,
        seen.began,
        "the switch is dead",
        "declared",
    )
    assert world.told(1) == [("management", "outage-declared"), ("administrators", "outage-declared")]


def test_what_was_proposed_and_is_none_is_dismissed_and_nobody_is_asked_any_more(world: OutageWorld) -> None:
    seen = proposed(world, "a probe failed")
    done = world.desk.dismiss(seen.id, "the probe's own network")
    assert done.outage.state == "dismissed"
    assert world.told(1) == [("administrators", "outage-dismissed")]
    assert [n.template for n in world.records.outage_notices(seen.id) if n.due is not None] == ["outage-dismissed"]
    with pytest.raises(Refused, match="was dismissed: it never was one"):
        world.desk.confirm(seen.id, None, "", None)


def test_nobody_who_is_no_contact_is_given_it(world: OutageWorld) -> None:
    one = world.desk.declare(outage()).outage.id
    with pytest.raises(ConfigError) as caught:
        world.desk.assign(one, "emil")
    assert str(caught.value) == "'emil' is no contact\n   HINT: inventory/contacts.yaml has anna, bert, dora, carl"


def test_an_exercise_is_marked_in_every_word(world: OutageWorld) -> None:
    one = world.desk.declare(outage(exercise=True)).outage.id
    world.desk.resolve(one, "over")
    assert {word.exercise for word in world.post.words} == {True}


def test_a_silence_is_a_finding_until_somebody_says_how_it_goes(world: OutageWorld) -> None:
    one = world.desk.declare(outage()).outage
    world.wait(61)
    owe_words(one, world, world.clock.now())
    found = [f for f in world.records.open_findings() if f.key == f"outage-silent:{one.id}"]
    assert [(f.severity, f.message) for f in found] == [
        ("critical", "hmis is out for 1 h 06 min, and nobody has said for 1 h 01 min how it goes; nobody has it in hand")
    ]
    world.desk.update(one.id, "we are on it")
    assert [f for f in world.records.open_findings() if f.key.startswith("outage-silent:")] == []


def test_a_word_says_what_is_out_what_is_done_and_when_one_hears_next(world: OutageWorld) -> None:
    """The story is typed: nothing else can enter a message."""
    one = world.desk.declare(outage()).outage.id
    world.desk.assign(one, "bert")
    words = {(word.to, word.template): word.story.to_facts() for word in world.post.words}
    told = words["administrators", "outage-declared"]
    assert (told["about"], told["title"], told["began"], told["next"], told["objective"]) == (
        "hmis",
        "Client records",
        "11:55",
        "12:30",
        "4 h, until 15:55",
    )
    assert words["management", "outage-declared"]["next"] == "", "only those who are promised a word are promised one"
    assert words["management", "outage-update"]["said"] == "Bert Backup has it in hand now"


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(["update", "assign", "look", "wait", "kill"]), max_size=8))
def test_in_any_history_every_entry_is_told_once_to_everybody(tmp_path_factory: pytest.TempPathFactory, acts: list[str]) -> None:
    """Kills between record and word included: at the end the ledger has one word of each kind for each entry and group."""
    world = OutageWorld(tmp_path_factory.mktemp("outage"))
    one = world.desk.declare(outage()).outage.id
    for number, act in enumerate(acts):
        known = world.records.outage(one)
        assert known is not None
        if act == "wait":
            world.wait(7)
        elif act == "look":
            owe_words(known, world, world.clock.now())
        elif act == "kill":
            with pytest.raises(Killed):
                dying_at(world, "after-record").update(one, f"said and died {number}")
        elif act == "update":
            world.desk.update(one, f"said {number}")
        else:
            world.desk.assign(one, "carl", f"given {number}")
    world.desk.resolve(one, "over")
    entries = world.records.outage_entries(one)
    told = [word.id for word in world.post.words]
    assert len(told) == len(set(told))
    for entry in entries:
        for group in ("management", "administrators"):
            assert told.count(f"{one}:{entry.key}:{group}") == 1
    assert all(entry.at >= NOON for entry in entries)
