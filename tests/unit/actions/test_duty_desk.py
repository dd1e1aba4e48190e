"""The desk where duties move: on record first, claimed in the shared store, told once, whatever dies between and whoever else is at it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dr.errors import Unreachable
from dr.model.base import Seconds
from dr.model.claim import Claim
from dr.model.duty import Fence
from dr.model.duty_events import HandedBack, Rejected, Returned
from dr.model.exercise import NOW as PLAYING
from dr.model.exercise import Playing, Scenario
from dr.model.inventory import Duty
from dr.model.outage import OutageId
from dr.notify.render import render
from dr.policy.duty_words import AUDIENCES
from dr.stream.claims import read_claim
from tests.support.duty_world import DESK, GREEN_BAY, MADISON, MILWAUKEE, NOON, PAYROLL, Machine, vault

pytestmark = pytest.mark.unit
POINTS = ("after-turn", "after-owed", "after-claimed")


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, vault())


def test_a_lost_office_holds_nothing_and_the_next_holds_it_by_a_claim_only(machine: Machine) -> None:
    """Asked is not held, and yes is not held: the store's answer is."""
    machine.lose()
    assert (machine.of(DESK).state, machine.holder(DESK)) == ("proposed", (None, 0))
    assert machine.claims().read(DESK).claim is None
    machine.accept(DESK, MILWAUKEE)
    assert machine.holder(DESK) == (MILWAUKEE, 1)
    claim = machine.claims().read(DESK).claim
    assert claim is not None
    assert (claim.office, claim.number, claim.after, claim.home, claim.by) == (MILWAUKEE, 1, 0, "here", "bert")


def test_everybody_whom_it_concerns_is_told_once(machine: Machine) -> None:
    """Both offices' people, management and partners; who is of a group hears as one of it."""
    machine.lose()
    assert machine.told("office-lost") == [*AUDIENCES, "dora"]
    assert machine.told("duty-asked") == ["bert"]  # two duties, one message
    machine.accept(DESK, MILWAUKEE)
    machine.desk().heed()
    assert machine.told("duty-moved") == [*AUDIENCES, "bert", "dora"]


def test_who_is_asked_for_several_duties_reads_first_what_they_must_answer_first(machine: Machine) -> None:
    """The subject names one time: whoever answered by a later one would be passed over."""
    hurried = Duty(title="Payroll", office="madison", needs=("books",), succession=("milwaukee",), accept_within=Seconds(300))
    machine.inventory = machine.inventory.model_copy(update={"duties": {**machine.inventory.duties, PAYROLL: hurried}})
    machine.lose()
    (asked,) = [word.story for word in machine.post.words if word.template == "duty-asked"]
    assert [(line["name"], line["until"]) for line in asked.to_facts()["duties"]] == [(PAYROLL, "12:05"), (DESK, "12:15")]


def test_who_is_silent_is_passed_over_and_their_late_yes_does_not_count(machine: Machine) -> None:
    machine.lose()
    machine.wait(16)
    machine.desk().tick()
    machine.desk().heed()
    assert machine.told("duty-withdrawn") == ["bert"]
    withdrawn = next(word for word in machine.post.words if word.template == "duty-withdrawn")
    assert " is no longer asked for " in render(withdrawn.template, withdrawn.story).subject
    machine.accept(DESK, MILWAUKEE, 1)
    last = machine.records.duty_turns()[-1].turn.transitions
    assert [each.why for each in last if isinstance(each, Rejected)] == ["number 1 is stale: the newest is 2"]
    machine.accept(DESK, GREEN_BAY, 2)
    assert machine.holder(DESK) == (GREEN_BAY, 2)


def test_a_clock_that_ran_a_day_ahead_and_was_put_right_makes_nobody_wait_a_day(machine: Machine) -> None:
    """Who was asked while it was wrong has a quarter of an hour from then on, and the next is asked: not tomorrow."""
    machine.wait(24 * 60)
    machine.lose()
    machine.clock.move_to(NOON)
    machine.desk().tick()
    machine.wait(14)
    machine.desk().tick()
    assert machine.told("duty-withdrawn") == []
    machine.wait(2)
    machine.desk().tick()
    machine.desk().heed()
    assert machine.told("duty-withdrawn") == ["bert"]
    machine.accept(DESK, GREEN_BAY, 2)
    assert machine.holder(DESK) == (GREEN_BAY, 2)


def test_nobody_left_to_ask_is_said_until_somebody_holds_it(machine: Machine) -> None:
    """A finding stays open, and management is pursued until somebody says that they saw it."""
    machine.lose()
    machine.lose(MILWAUKEE)
    machine.lose(GREEN_BAY)
    assert machine.of(DESK).state == "unheld"
    assert [finding.key for finding in machine.records.open_findings()] == ["duty-unheld:help-desk", "duty-unheld:payroll"]
    assert machine.told("duty-unheld") == ["management"]
    assert all(word.acknowledge for word in machine.post.words if word.template == "duty-unheld")
    machine.desk().say(Returned(at=machine.clock.now(), office=GREEN_BAY, by="carl"))
    machine.desk().heed()
    for duty in (DESK, PAYROLL):
        asked = machine.of(duty).asked
        assert asked is not None
        machine.accept(duty, GREEN_BAY, asked.number)
    assert machine.records.open_findings() == []


def test_nobody_is_called_any_more_for_a_duty_that_somebody_holds(machine: Machine) -> None:
    """A critical message is begun anew until it is answered: "nobody holds it" would be said for ever, by another one each half hour."""
    machine.lose()
    machine.lose(MILWAUKEE)
    machine.lose(GREEN_BAY)
    first = machine.called()
    assert len(first) == 1
    machine.wait(31)
    machine.desk().tick()
    machine.desk().heed()
    second = machine.called()
    assert len(second) == 1 and second != first
    machine.desk().say(Returned(at=machine.clock.now(), office=GREEN_BAY, by="carl"))
    machine.desk().heed()
    for duty in (DESK, PAYROLL):
        assert machine.called() == second
        asked = machine.of(duty).asked
        assert asked is not None
        machine.accept(duty, GREEN_BAY, asked.number)
    assert machine.called() == []


def test_where_there_is_no_such_group_everybody_hears_that_nobody_holds_a_duty(machine: Machine) -> None:
    """Who wrote no group called management did not ask to hear nothing."""
    contacts = {name: one.model_copy(update={"groups": ()}) for name, one in machine.inventory.contacts.items()}
    machine.inventory = machine.inventory.model_copy(update={"contacts": contacts})
    for office in (MADISON, MILWAUKEE, GREEN_BAY):
        machine.lose(office)
    assert machine.told("duty-unheld") == ["anna", "bert", "carl", "dora", "emil"]


def test_the_trail_has_an_exercise_when_it_was_and_not_at_the_hour_that_it_plays(machine: Machine) -> None:
    """Else next Tuesday's entries would stand before today's, and whoever reads the trail would look for what happened then."""
    night = Scenario(seed=1, kind="office-failover", office=MADISON, at=NOON + timedelta(days=3))
    lasts = Playing(id="exercise-1", scenario=night, began=NOON, until=NOON + timedelta(hours=1), outage=OutageId("out-1"))
    machine.records.set_setting(PLAYING, lasts.model_dump_json())
    machine.lose(log="exercise-1")
    said = [entry for entry in machine.records.audit_entries() if entry.event.startswith("duty.")]
    assert [(entry.event, entry.at) for entry in said] == [("duty.lost", NOON)]
    assert machine.of(DESK, "exercise-1").since == NOON + timedelta(days=3)


def test_a_silent_store_gives_nobody_a_duty_and_forgets_nothing(machine: Machine) -> None:
    """The yes is on record, everybody was asked, nobody holds it; when the store answers, the same claim is put."""
    machine.lose()
    machine.store.fails = lambda what, _path: what in ("claim", "claims")
    with pytest.raises(Unreachable, match="the store of claims does not answer, so that nobody can be given a duty"):
        machine.accept(DESK, MILWAUKEE)
    assert machine.holder(DESK) == (None, 0)
    machine.store.fails = lambda _what, _path: False
    machine.wait(60)
    machine.desk().heed()
    assert machine.holder(DESK) == (MILWAUKEE, 1)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("hit", [1, 2, 3, 5])
def test_killed_anywhere_it_goes_on_and_no_number_is_given_twice(machine: Machine, point: str, hit: int) -> None:
    """A story of a loss, two answers, a refusal by silence and a way back, cut short at a point and told again from the last word said."""
    hits = 0

    def die(name: str) -> None:
        nonlocal hits
        hits += name == point
        if name == point and hits == hit:
            raise Crash

    machine.at = die
    for act in _story(machine):
        try:
            act()
        except Crash:
            machine.desk().heed()  # whoever comes by, before the same is typed again
            act()
    assert [machine.holder(duty) for duty in (DESK, PAYROLL)] == [(MADISON, 3), (GREEN_BAY, 2)]
    assert [(one.place, one.number) for one in _line(machine, DESK)] == [(1, 2), (2, 3)]
    assert [one.number for one in _line(machine, PAYROLL)] == [2]
    assert machine.records.uncarried_turns() == []
    ids = [word.id for word in machine.post.words]
    assert len(ids) == len(set(ids))
    assert machine.told("duty-moved").count("partners") == 3


def test_every_point_of_the_story_is_reached(machine: Machine) -> None:
    """Else the test above would kill nothing."""
    seen: list[str] = []
    machine.at = seen.append
    for act in _story(machine):
        act()
    assert {point: seen.count(point) >= 3 for point in POINTS} == dict.fromkeys(POINTS, True)


@pytest.mark.positive_control
def test_a_turn_that_counted_as_done_when_it_was_taken_would_lose_what_follows(machine: Machine) -> None:
    """What the mark behind the effects is there for: with the mark before them nobody is asked, and a yes claims nothing."""

    def mark(point: str) -> None:
        for taken in machine.records.uncarried_turns() if point == "after-turn" else ():
            machine.records.carried_turn("", taken.number, machine.clock.now())

    machine.at = mark
    machine.lose()
    machine.accept(DESK, MILWAUKEE)
    assert machine.post.words == []
    assert (machine.holder(DESK), machine.claims().read(DESK).claim) == ((None, 0), None)


def _story(machine: Machine) -> list[Callable[[], object]]:
    def silent() -> None:
        machine.clock.move_to(max(machine.clock.now(), NOON + timedelta(minutes=16)))
        machine.desk().tick()
        machine.desk().heed()

    def back() -> None:
        machine.desk().say(Returned(at=machine.clock.now(), office=MADISON, by="anna"))
        machine.desk().heed()

    def handed() -> None:
        if machine.of(DESK).office != MADISON:
            both = HandedBack(at=machine.clock.now(), duty=DESK, to=MADISON, number=Fence(2), given_by="bert", taken_by="anna")
            machine.desk().say(both)
        machine.desk().heed()

    return [
        machine.lose,
        silent,
        lambda: machine.accept(DESK, GREEN_BAY, 2),
        lambda: machine.accept(PAYROLL, GREEN_BAY, 2),
        back,
        handed,
    ]


def _line(machine: Machine, duty: str) -> list[Claim]:
    return [read_claim(data, machine.keys) for _, data in machine.store.claims(duty)]


def test_two_machines_that_move_one_duty_at_once_make_one_holder(tmp_path: Path) -> None:
    """Both saw the loss, both have a yes by number 1: the store takes one, and the other machine knows it by the same answer."""
    shared = vault()
    one, other = Machine(tmp_path, shared, "one"), Machine(tmp_path, shared, "other")
    for each in (one, other):
        each.lose()
    other.wait(16)
    other.desk().tick()
    other.desk().heed()  # there Milwaukee was silent, so that Green Bay is asked, by number 2
    one.accept(DESK, MILWAUKEE, 1)
    other.accept(DESK, GREEN_BAY, 2)
    assert one.holder(DESK) == other.holder(DESK) == (MILWAUKEE, 1)
    assert [claim.office for claim in _line(one, DESK)] == [MILWAUKEE]
    assert other.told("duty-withdrawn") == ["bert", "carl"]


def test_a_machine_that_slept_learns_from_the_store_who_holds_what(tmp_path: Path) -> None:
    """Its catalog is older than the store: a home that was brought back, or the office that was lost. The claims win."""
    shared = vault()
    awake, slept = Machine(tmp_path, shared, "awake"), Machine(tmp_path, shared, "slept")
    awake.lose()
    awake.accept(DESK, MILWAUKEE, 1)
    assert slept.holder(DESK) == (MADISON, 0)
    slept.desk().sync()
    slept.desk().heed()
    assert slept.holder(DESK) == (MILWAUKEE, 1)
    assert slept.holder(PAYROLL) == (MADISON, 0)
    assert slept.post.words == []  # the machine that claimed it told everybody


def test_who_died_between_the_claim_and_its_record_learns_it_from_the_store_and_tells_of_it(machine: Machine) -> None:
    """By whatever comes by: a look at who holds what is enough."""

    def die(point: str) -> None:
        if point == "after-claimed":
            raise Crash

    machine.lose()
    machine.at = die
    with pytest.raises(Crash):
        machine.accept(DESK, MILWAUKEE)
    machine.at = lambda _: None
    machine.desk().sync()
    machine.desk().heed()
    assert machine.holder(DESK) == (MILWAUKEE, 1)
    assert machine.told("duty-moved") == [*AUDIENCES, "bert", "dora"]


def test_a_rehearsal_moves_nothing_and_every_word_of_it_says_so(machine: Machine) -> None:
    machine.lose(log="exercise-1")
    machine.accept(DESK, MILWAUKEE, log="exercise-1")
    assert machine.holder(DESK, "exercise-1") == (MILWAUKEE, 1)
    assert machine.holder(DESK) == (MADISON, 0)
    assert machine.claims().read(DESK).claim is None
    assert machine.claims().read(DESK, "exercise-1").number == 1
    assert {word.exercise for word in machine.post.words} == {True}
    assert machine.records.open_findings() == []


def test_a_store_that_forgot_does_not_take_a_duty_from_its_holder(machine: Machine) -> None:
    """Rolled back, or another one: what this machine saw claimed counts, and the next number is above it."""
    machine.lose()
    machine.accept(DESK, MILWAUKEE)
    machine.store.duties.clear()
    machine.desk().sync()
    assert machine.holder(DESK) == (MILWAUKEE, 1)
    machine.lose(MILWAUKEE)
    machine.accept(DESK, GREEN_BAY, 2)
    assert machine.holder(DESK) == (GREEN_BAY, 2)
    assert [(one.number, one.after) for one in _line(machine, DESK)] == [(2, 1)]
