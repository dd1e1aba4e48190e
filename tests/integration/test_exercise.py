"""A rehearsed disaster on a whole home: real mail and web hooks, real claims in a real store, people who answer and people who do not."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dr.actions.duty_desk import Desk
from dr.app.demo_exercise import addresses, play_in_demo
from dr.app.doctor.duties import duties
from dr.app.evidence import verify_evidence
from dr.app.exercise import Played, Wish, play, prepare
from dr.app.exercises import exercises
from dr.app.home import App
from dr.app.office_lost import Loss
from dr.app.office_lost import prepare as prepare_loss
from dr.app.outages import Asked
from dr.app.outages import Desk as OutageDesk
from dr.app.outages import prepare as prepare_outage
from dr.app.retry_notices import carry
from dr.clock import FixedClock, SystemClock
from dr.demo.receivers import Heard, receivers
from dr.errors import ConfigError, Refused, Stopped
from dr.model.base import ContactName, OfficeName
from dr.model.duty_events import Lost
from dr.model.exercise import MADE_OUT, NOW, DownChannel, ExerciseKind, Playing, Scenario
from dr.model.outage import OutageId
from dr.model.ports import Word
from dr.model.record import Progress
from dr.notify.stories import ContactTestStory
from tests.support.home_world import HomeWorld

pytestmark = pytest.mark.integration
SEED = 47
"""Madison is lost and nobody knows why, so Eau Claire, whose lead is away, cannot be asked; the administrator's only channel is down."""
PEOPLE = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A home as `dr init` makes it; its channels lead nowhere until a test says where."""
    made = HomeWorld(tmp_path)
    for contact in PEOPLE:
        file = made.home / "keys" / f"notify-{contact}.url"
        file.write_text(f"json://127.0.0.1:9/{contact}\n")
        file.chmod(0o600)
    yield App(made.home, SystemClock(), lambda _: None)


def nothing(_: object) -> None:
    """Nobody listens."""


def silent(app: App, wish: Wish, heard: list[Heard]) -> Played:
    """Everybody is told, and nobody answers."""
    with receivers(heard.append) as doors:
        app.services.address = addresses(app.inventory, doors)
        return play(app, prepare(app, wish), nothing)


def test_a_whole_exercise_moves_every_duty_and_nothing_real(app: App) -> None:
    """Told by mail, answered by codes and yeses, claimed in the store, scored, signed, and over: with every message marked."""
    heard: list[Heard] = []
    played = play_in_demo(app, prepare(app, Wish("office-failover", SEED, wait=60)), nothing, slowest=0.3, listen=heard.append)
    card, records = played.evidence.card, app.records

    assert (played.exit_code, card.verdict) == (0, "INCOMPLETE"), card.gaps
    assert {str(each.duty): each.office for each in card.duties} == {
        "system-administration": "milwaukee",
        "privacy": "green-bay",
        "data-quality": "green-bay",
        "user-training": "milwaukee",
    }
    assert card.first_notice is not None and card.first_acknowledgement is not None and card.full_assignment is not None
    assert [gap.text for gap in card.gaps] == ["System administrator was not reached by any channel"]

    assert len(heard) > 8 and all("EXERCISE" in each.subject and "EXERCISE" in each.text for each in heard)
    during = [each for each in heard if "is back" not in each.subject]
    assert "system-administrator" not in {each.contact for each in during}, "that channel was made out to be down"
    assert records.board() is None and records.setting(NOW) == "", "nothing real moved, and the exercise is over"
    assert [one.state for one in records.outages()] == ["reviewed"] and not records.next_due(played.evidence.outage)
    assert "exercise.scored" in {entry.event for entry in app.audit_entries(20)}

    assert verify_evidence(app, played.page.with_suffix(".json"))[0].startswith(f"{played.evidence.exercise}: INCOMPLETE, an exercise")
    assert app.verify_audit().vouched == 2, "the run's evidence and the card bear witness"
    assert "the plan carried it, with gaps" in [*duties(app)][-1].text


def test_an_exercise_that_everybody_sleeps_through_is_red(app: App) -> None:
    """Each message arrived; nobody took a duty, nobody said a word: that is no success."""
    heard: list[Heard] = []
    played = silent(app, Wish("office-failover", SEED, wait=1), heard)
    assert heard and played.exit_code == 1 and played.evidence.verdict == "FAIL"
    graves = [gap.text for gap in played.evidence.card.gaps if gap.grave]
    assert "nobody said that they saw anything" in graves and "nobody holds Help desk" not in str(graves)
    assert "nobody holds System administration yet: Milwaukee is asked" in graves
    turns = len(app.records.duty_turns(played.evidence.exercise))
    assert "The plan did not carry it" in played.page.read_text(encoding="utf-8")
    assert [*duties(app)][-1].colour == "amber"

    weeks = App(app.home, FixedClock(app.clock.now() + timedelta(days=20)), lambda _: None)  # the hour that was played has come, and gone
    carry(weeks)
    assert not [notice.id for notice in weeks.records.due_notices(weeks.clock.now()) if notice.exercise], "what is over asks nobody"
    assert len(weeks.records.duty_turns(played.evidence.exercise)) == turns


def test_a_call_tree_asks_everybody_for_a_word(app: App) -> None:
    """Those too who are in no group that hears of an outage. No duty moves."""
    heard: list[Heard] = []
    played = silent(app, Wish("call-tree", SEED, wait=0.5), heard)
    asked = {each.contact for each in heard if "dr ack " in each.text}
    assert asked == {*PEOPLE} - {"system-administrator"} and played.evidence.run is None and not played.evidence.card.duties
    names = [gap.text for gap in played.evidence.card.gaps if not gap.grave]
    assert "Green Bay office lead did not say that they saw it" in names
    assert "Eau Claire office lead did not say that they saw it" not in names, "they are away"


# ---------------------------------------------------------------- what is made out to be down


def word(name: str, *, exercise: bool) -> Word:
    story = ContactTestStory(organisation="Harbor", name="A", channel=1, channels=1, kind="mailto", at="now", valid="90 d")
    return Word(id=name, to="help-desk-lead", template="contact-test", story=story, exercise=exercise)


def playing(app: App, *, lasts: timedelta) -> None:
    now = app.clock.now()
    down = (DownChannel(contact=ContactName("help-desk-lead"), channel=0),)
    made = Scenario(seed=1, kind="call-tree", office=OfficeName("madison"), at=now, down=down)
    kept = Playing(id="exercise-1", scenario=made, began=now, until=now + lasts, outage=OutageId("out-1"))
    app.records.set_setting(NOW, kept.model_dump_json())


def carried(app: App, *words: Word) -> dict[str, str]:
    """What became of each: empty where it arrived."""
    with receivers(nothing) as doors:
        app.services.address = addresses(app.inventory, doors)
        for one in words:
            app.services.post.owe(one)
        app.services.post.carry()
    found = {one.id: app.records.notice(one.id) for one in words}
    return {name: notice.deliveries[-1].detail for name, notice in found.items() if notice}


def test_what_an_exercise_has_down_holds_back_nothing_real(app: App) -> None:
    """A real message on the same channel, at the same time, arrives."""
    playing(app, lasts=timedelta(hours=1))
    assert carried(app, word("real", exercise=False), word("played", exercise=True)) == {"real": "", "played": MADE_OUT}


@pytest.mark.positive_control
def test_where_nothing_is_played_the_same_message_arrives(app: App) -> None:
    """Whoever led it is gone, and its time is over: the channel works again by itself."""
    playing(app, lasts=timedelta(seconds=-1))
    assert carried(app, word("played", exercise=True)) == {"played": ""}


# ---------------------------------------------------------------- broken off


def test_an_exercise_that_is_broken_off_is_over_for_everybody_and_scored_for_nobody(app: App) -> None:
    """By a Ctrl-C while offices are asked: the run that moves duties ends, people are told, and the next exercise can begin."""

    left: list[str] = []

    def leave_then(progress: Progress) -> None:
        if "is asked, until" in progress.what and not left:  # the second Ctrl-C would end these tests
            left.append(progress.what)
            os.kill(os.getpid(), signal.SIGINT)

    led = App(app.home, SystemClock(), leave_then)
    heard: list[Heard] = []
    with pytest.raises(Stopped, match="it is not scored"):
        silent(led, Wish("office-failover", SEED, wait=60), heard)
    assert [run.state for run in app.records.runs(kind="failover")] == ["cancelled"]
    assert app.records.outages(open_only=True) == [] and list(exercises(app)) == []
    assert [one for one in heard if "the exercise is broken off; thank you" in one.text]
    assert prepare(app, Wish("call-tree", SEED)).words


# ---------------------------------------------------------------- when there is none


def test_duties_are_moved_by_the_command_that_shows_and_asks_first_and_by_no_other(app: App) -> None:
    """Begun as any other runbook, it would put the main office down as lost by one person's word, unseen."""
    with pytest.raises(Refused, match=r"^'office-failover' moves duties: .*\n.*dr office lost OFFICE"):
        app.run("office-failover", {"office": "nowhere"})  # were it begun, it would end at once
    assert app.records.board() is None and not app.records.runs()


def declare(app: App, *, exercise: bool) -> str:
    wanted = prepare_outage(app, Asked("hmis", None, "minor", "a test", None, exercise))
    return OutageDesk(app.services, app.clock, "anna").declare(wanted).outage.id


def test_while_something_real_is_out_there_is_no_exercise(app: App) -> None:
    declare(app, exercise=False)
    with pytest.raises(Refused, match="hmis is out, for real"):
        prepare(app, Wish("call-tree", SEED))


@pytest.mark.parametrize("kind", ["call-tree", "office-failover"])
def test_while_a_duty_is_asked_for_for_real_nothing_is_rehearsed(app: App, kind: ExerciseKind) -> None:
    """Whoever is really asked for a duty must not read an EXERCISE beside it."""
    desk = Desk(app.services, "anna", "here")
    desk.say(Lost(at=app.clock.now(), office=OfficeName("madison"), by="anna"))
    with pytest.raises(Refused, match="System administration is being asked for, for real: this is no time for a rehearsal"):
        prepare(app, Wish(kind, SEED))
    with pytest.raises(Refused, match="is being asked for, for real"):
        prepare_loss(app, Loss("madison", exercise=True))


def test_one_exercise_at_a_time(app: App) -> None:
    """It says how to end one that nobody is at any more."""
    first = declare(app, exercise=True)
    with pytest.raises(Refused, match="an exercise is under way") as refused:
        prepare(app, Wish("call-tree", SEED))
    assert f"dr outage resolve {first}" in refused.value.hint


def test_the_same_seed_is_the_same_exercise(app: App) -> None:
    """Whom it asks, too."""
    one, two = (prepare(app, Wish("office-failover", SEED)) for _ in range(2))
    assert one.words == two.words and one.failover and two.failover
    assert [each.to for each in one.failover.duties] == [each.to for each in two.failover.duties]
    assert prepare(app, Wish("office-failover", SEED + 1)).words != one.words


def test_an_office_that_there_is_not_is_told(app: App) -> None:
    with pytest.raises(ConfigError, match="'mars' is not an office"):
        prepare(app, Wish("call-tree", SEED, office="mars"))


def test_a_card_that_was_changed_is_none(app: App) -> None:
    """The doctor goes by what our keys signed, and by nothing else."""
    played = silent(app, Wish("call-tree", SEED, wait=0.1), [])
    file = played.page.with_suffix(".json")
    facts = json.loads(file.read_text())
    facts["evidence"]["verdict"] = "PASS"
    file.write_text(json.dumps(facts))
    assert "no disaster was ever rehearsed" in [*duties(app)][-1].text
