"""An outage on a screen: what an operator under stress reads, whole."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.app.home import App
from dr.app.keeping import keep_all
from dr.app.outage_banner import banners
from dr.app.outage_seen import reached, seen, what_now, who_is_told
from dr.app.outages import Done, pick
from dr.cli.outage import _newest
from dr.cli.outage_acts import question
from dr.cli.outage_shown import acted, again, changed, head, next_lines, shown
from dr.clock import Clock
from dr.errors import ConfigError
from dr.model.inventory import Inventory
from dr.model.notice_record import Acknowledgement, Delivery
from dr.model.outage import OutageId
from dr.model.ports import Records
from tests.support.outage_world import NOON, OutageWorld, outage

pytestmark = pytest.mark.unit
ZONE = "America/Chicago"


@dataclass
class Looking:
    """As much of an App as looking at an outage needs."""

    records: Records
    inventory: Inventory
    clock: Clock
    state: Path
    home: Path = field(default=Path("/srv/dr"))


def app_of(world: OutageWorld, place: Path) -> App:
    return cast("App", Looking(world.records, world.inventory, world.clock, place))


@pytest.fixture
def world(tmp_path: Path) -> OutageWorld:
    return OutageWorld(tmp_path)


def deliver(world: OutageWorld, outage_id: OutageId) -> None:
    """Anna was reached by mail and said so, Bert by nothing, Dora by a text."""
    for notice in world.records.outage_notices(outage_id):
        came = {"administrators": ("anna", "mailto"), "management": ("dora", "ntfy")}.get(notice.to)
        if came is None:
            continue
        got = Delivery(contact=came[0], channel=0, scheme=came[1], state="delivered", attempt=1, at=NOON)
        lost = Delivery(contact="bert", channel=0, scheme="mailto", state="failed", attempt=1, at=NOON, detail="the provider refused it")
        sent = {
            "deliveries": (got, lost) if notice.to == "administrators" else (got,),
            "acknowledgements": (Acknowledgement(contact="anna", at=NOON, comment="coming"),) if notice.to == "administrators" else (),
            "due": NOON + timedelta(minutes=5) if notice.to == "administrators" else None,
        }
        world.records.record_delivery(notice.model_copy(update=sent))


def test_after_a_declaration_it_says_who_was_reached_who_was_not_and_what_to_type(world: OutageWorld, tmp_path: Path) -> None:
    """Names, by which channel, and what comes next; each command is whole and on a line of its own."""
    done = world.desk.declare(outage())
    deliver(world, done.outage.id)
    app = app_of(world, tmp_path)
    notices = world.records.outage_notices(done.outage.id)
    drawn = [
        *acted(seen(app, done.outage), done.entry, reached(app, notices), ZONE, NOON, 100),
        *next_lines(what_now(app, done.outage)),
    ]
    assert [line for line, _ in drawn] == [
        "✖ OUT: hmis · Client records, since 11:55 (5 min), major",
        "  out-20261123T180000Z-0001",
        "  in hand:          nobody has it in hand: dr outage assign --to CONTACT",
        "  told:             ✖ Bert Backup: NOT REACHED (mailto: the provider refused it); next try 12:05;",
        "                    tell them by hand",
        "                    ✔ Anna Admin: mailto, saw it",
        "                    ✔ Dora Director: ntfy",
        "  next:             administrators hear again by 12:30 at the latest: a process in the background",
        "                    keeps people told",
        "",
        "  bring it back:    dr recover hmis --declared 2026-11-23T11:55 --reason 'the server burnt'",
        '  how it goes:      dr outage update out-20261123T180000Z-0001 "..."',
        "  who has it:       dr outage assign out-20261123T180000Z-0001 --to anna",
        '  it is over:       dr outage resolve out-20261123T180000Z-0001 --text "..."',
    ]


def test_an_update_and_an_assignment_print_what_is_new(world: OutageWorld, tmp_path: Path) -> None:
    """Not all of the outage again; and an exercise is called one."""
    one = world.desk.declare(outage(severity="minor", exercise=True)).outage.id
    app = app_of(world, tmp_path)

    def drawn(done: Done) -> list[str]:
        return [line for line, _ in changed(seen(app, done.outage), done.entry, reached(app, done.notices), ZONE, NOON, 100)]

    told = [
        "  told:             … Anna Admin: not told yet; at 12:00, if nobody has acknowledged by then",
        "                    … Bert Backup: not told yet; at 12:00, if nobody has acknowledged by then",
    ]
    hear = [
        "  next:             administrators hear again by 14:00 at the latest: a process in the background",
        "                    keeps people told",
    ]
    assert drawn(world.desk.update(one, "half of it is there")) == [
        "● EXERCISE: hmis, out for 5 min: half of it is there",
        "  out-20261123T180000Z-0001",
        "  in hand:          nobody has it in hand: dr outage assign --to CONTACT",
        *told,
        *hear,
    ]
    assert drawn(world.desk.assign(one, "bert", "you are nearest")) == [
        "● EXERCISE: hmis, out for 5 min: Bert Backup has it in hand now: you are nearest",
        "  out-20261123T180000Z-0001",
        "  in hand:          ✖ Bert Backup does not know it yet: telephone them, or give it to somebody else",
        *told,
        *hear,
    ]
    assert drawn(world.desk.update(one, "all offices", "major"))[0] == "● EXERCISE: hmis, out for 5 min: all offices (major now)"


def test_whoever_has_it_in_hand_and_was_reached_is_not_said_to_be_unaware(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage()).outage.id
    done = world.desk.assign(one, "anna")
    deliver(world, one)
    app, notices = app_of(world, tmp_path), world.records.outage_notices(one)
    drawn = [line for line, _ in changed(seen(app, done.outage), done.entry, reached(app, notices), ZONE, NOON, 100)]
    assert not [line for line in drawn if "does not know it yet" in line]


def test_a_review_says_that_nobody_is_told(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    done, app = world.desk.review(one, "a breaker"), app_of(world, tmp_path)
    drawn = [line for line, _ in changed(seen(app, done.outage), done.entry, reached(app, done.notices), ZONE, NOON, 100)]
    assert drawn[0] == "● hmis, was out for 5 min: reviewed: a breaker. It stays on record; nobody is told"


def test_what_was_typed_again_says_since_when_it_is_on_record(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage()).outage.id
    app = app_of(world, tmp_path)
    world.desk.resolve(one, "users work")
    world.wait(5)
    done = world.desk.resolve(one, "users work")
    drawn = [line for line, _ in again(seen(app, done.outage), done.entry, reached(app, ()), ZONE, world.clock.now(), 100)]
    assert drawn[:2] == ["● resolved already: hmis, 12:00, by anna: users work. Nobody is told twice.", "  out-20261123T180000Z-0001"]


def test_an_exercise_is_called_one_before_anybody_is_asked() -> None:
    assert question("hmis", exercise=True) == "EXERCISE: play that hmis is out, and tell people so?"
    assert "EXERCISE" not in question("hmis", exercise=False)


def test_a_title_that_is_the_name_is_not_said_twice(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage()).outage
    system = world.inventory.systems["hmis"].model_copy(update={"title": "HMIS"})
    world.inventory = world.inventory.model_copy(update={"systems": {"hmis": system}})
    assert next(line for line, _ in head(seen(app_of(world, tmp_path), one), ZONE, NOON, 100)) == "✖ OUT: hmis, since 11:55 (5 min), major"


def test_all_of_it_in_order_in_the_organisation_s_zone(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage()).outage.id
    deliver(world, one)
    world.wait(10)
    world.desk.assign(one, "bert", "you are nearest")
    world.wait(50)
    over = world.desk.resolve(one, "users work").outage
    drawn = [line for line, _ in shown(seen(app_of(world, tmp_path), over), ZONE, world.clock.now(), 100)]
    assert drawn[:4] == [
        "✔ BACK: hmis · Client records, out from 11:55 until 13:00 (1 h 05 min), major",
        "  out-20261123T180000Z-0001",
        "  what:             the server burnt",
        "  lasted:           1 h 05 min; the objective is 4 h: within it",
    ]
    story = drawn[drawn.index("  Monday 23 November 2026 (CST)") + 1 :]
    assert story == [
        "  11:55  ✖ it was recognised that it is out",
        "  12:00  ● anna declared it (major): the server burnt",
        "  12:00  → administrators: told that it is out; 1 of 2 reached",
        "  12:00  ✔ Anna Admin saw it: coming",
        "  12:00  → management: told that it is out; reached",
        "  12:10  ● anna gave it to Bert Backup: you are nearest",
        "  12:10  → administrators: told how it goes; 0 of 2 reached",
        "  12:10  → Bert Backup: told that it is theirs; 0 of 1 reached",
        "  12:10  → management: told how it goes; 0 of 1 reached",
        "  13:00  ● anna: it is over: users work",
        "  13:00  → administrators: told that it is over; 0 of 2 reached; it goes on",
        "  13:00  → management: told that it is over; 0 of 1 reached; it goes on",
    ]


def test_the_top_of_the_status_says_what_is_out_the_real_ones_first(world: OutageWorld) -> None:
    world.desk.declare(outage(1, office="madison", severity="minor", exercise=True, what="no power"))
    world.desk.declare(outage(2))
    real, rehearsed = banners(world.records, ZONE, NOON)
    assert (
        real.text
        == "hmis IS OUT since 11:55 (5 min), major: the server burnt; nobody has it in hand. dr outage show out-20261123T180000Z-0002"
    )
    assert rehearsed.text == (
        "EXERCISE: office madison IS OUT since 11:55 (5 min), minor: no power; nobody has it in hand. "
        "dr outage show out-20261123T180000Z-0001"
    )
    assert (real.real, rehearsed.real) == (True, False)


def test_who_will_be_told_is_said_before_anybody_is(world: OutageWorld, tmp_path: Path) -> None:
    assert who_is_told(app_of(world, tmp_path), "major") == "management (Dora Director); administrators (Anna Admin, Bert Backup)"


def test_an_office_s_runbook_is_the_handing_over_of_its_duties(world: OutageWorld, tmp_path: Path) -> None:
    one = world.desk.declare(outage(office="madison", exercise=True)).outage
    assert what_now(app_of(world, tmp_path), one)[0] == ("its duties", "dr office lost madison --exercise")


def test_which_outage_is_asked_only_where_there_are_two(world: OutageWorld, tmp_path: Path) -> None:
    app = app_of(world, tmp_path)
    with pytest.raises(ConfigError, match="there is no open outage"):
        pick(app, None, "declared")
    one = world.desk.declare(outage()).outage
    assert pick(app, None, "declared") == one
    world.desk.declare(outage(2, office="madison"))
    with pytest.raises(ConfigError, match="which outage"):
        pick(app, None, "declared")
    assert pick(app, "out-20261123T180000Z-0002", "declared").office == "madison"


def test_beside_an_exercise_an_act_without_a_name_is_about_the_real_one(world: OutageWorld, tmp_path: Path) -> None:
    """Under stress nobody copies names; an exercise is taken where it is all there is."""
    app = app_of(world, tmp_path)
    played = world.desk.declare(outage(1, exercise=True)).outage
    assert pick(app, None, "declared") == played
    real = world.desk.declare(outage(2)).outage
    world.desk.declare(outage(3, office="madison", exercise=True))
    assert pick(app, None, "declared", newest=True) == real
    assert pick(app, played.id, "declared") == played
    assert _newest(app, None) == real
    world.desk.declare(outage(4, office="madison"))
    with pytest.raises(ConfigError) as several:
        pick(app, None, "declared")
    assert several.value.message == (
        "which outage? there are out-20261123T180000Z-0004 (REAL: madison, since 11:55); "
        "out-20261123T180000Z-0002 (REAL: hmis, since 11:55); "
        "out-20261123T180000Z-0003 (EXERCISE: madison, since 11:55); "
        "out-20261123T180000Z-0001 (EXERCISE: hmis, since 11:55)"
    )
    assert several.value.exit_code == 2


def test_where_nothing_is_out_an_act_is_about_the_newest_one(world: OutageWorld, tmp_path: Path) -> None:
    """Whoever resolves it a second time, without its name, hears how it stands."""
    one = world.desk.declare(outage()).outage.id
    world.desk.resolve(one, "users work")
    assert pick(app_of(world, tmp_path), None, "declared", newest=True).id == one
    with pytest.raises(ConfigError, match="there is no open outage"):
        pick(app_of(world, tmp_path), None, "declared")


def test_whoever_finds_that_nobody_keeps_people_told_begins_it_for_what_is_declared(world: OutageWorld, tmp_path: Path) -> None:
    """Of an outage that was only proposed nobody but the administrators hears."""
    world.desk.declare(outage())
    world.records.open_outage(outage(2, office="madison", state="proposed"), world.records.outage_entries(outage().id)[0])
    begun: list[tuple[Path, OutageId]] = []
    assert keep_all(app_of(world, tmp_path), lambda home, one: begun.append((home, one))) == [outage().id]
    assert begun == [(Path("/srv/dr"), outage().id)]
