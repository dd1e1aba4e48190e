"""`dr office` and `dr duties`: what is typed, what is refused, and how everything stands then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dr.app.duties import Offices, heed_all
from dr.app.home import App, whoami
from dr.app.office_lost import Loss, Prepared, prepare
from dr.cli.duty_shown import show_loss
from dr.errors import ConfigError, Refused, Unreachable
from dr.model.base import RunId
from dr.model.claim import Claim
from dr.model.duty import Fence
from dr.model.duty_story import DutyStory
from dr.model.record import RunRecord
from dr.program import this_dr
from dr.stream.claims import seal
from tests.support.catalog_runs import plan_of, step_of
from tests.support.duty_world import DESK, GREEN_BAY, MADISON, MILWAUKEE, PAYROLL, Machine, vault

pytestmark = pytest.mark.unit


@dataclass
class House:
    """What of `App` these verbs reach, on one machine of `duty_world`."""

    machine: Machine
    left: list[RunId] = field(default_factory=list)
    """Runs that were broken off."""

    def __post_init__(self) -> None:
        self.home = self.machine.place
        self.services, self.inventory = self.machine, self.machine.inventory
        self.records, self.clock = self.machine.records, self.machine.clock
        self.runbooks: dict[str, Any] = {}

    def interrupted(self) -> list[RunId]:
        return self.left


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, vault(), home=str(tmp_path.resolve()))


def offices(machine: Machine, by: str = "", *, exercise: bool = False) -> Offices:
    return Offices(cast("App", House(machine)), exercise, by=by)


def prepared(machine: Machine, loss: Loss, left: tuple[RunId, ...] = ()) -> Prepared:
    return prepare(cast("App", House(machine, [*left])), loss)


def plant(machine: Machine, home: str, number: int) -> Callable[[str, str], bool]:
    """Another machine's claim comes in between the look and the claim."""

    def between(what: str, line: str) -> bool:
        if what == "claim" and "elsewhere" not in str(machine.store.duties):
            theirs = Claim(
                duty=line,
                office=GREEN_BAY,
                number=Fence(number),
                after=Fence(number - 1),
                place=number,
                at=machine.clock.now(),
                by="greg",
                home=home,
            )
            machine.store.duties.setdefault(line, {})[number] = seal(theirs, machine.keys)
        return False

    return between


# ---------------------------------------------------------------- answers


def test_a_yes_makes_a_holder_and_typed_again_it_is_the_same_yes(machine: Machine) -> None:
    machine.lose()
    for _ in range(2):
        line = offices(machine).accept(DESK, MILWAUKEE)
        assert (line.office, line.number, line.state, line.asked) == (MILWAUKEE, 1, "held", "")


def test_a_yes_to_a_stale_number_is_refused(machine: Machine) -> None:
    machine.lose()
    machine.wait(16)
    heed_all(cast("App", House(machine)))
    with pytest.raises(Refused, match="number 1 is stale: the newest is 2"):
        offices(machine).accept(DESK, MILWAUKEE, 1)
    assert machine.claims().read(DESK).claim is None


def test_a_yes_of_who_was_not_asked_is_refused_and_who_is_asked_is_named(machine: Machine) -> None:
    machine.lose()
    with pytest.raises(Refused) as said:
        offices(machine).accept(DESK, GREEN_BAY)
    assert str(said.value) == "Green Bay is not asked for Help desk; Milwaukee is\n   HINT: dr duties"


def test_who_was_beaten_in_the_store_is_told_who_holds_it(machine: Machine) -> None:
    machine.lose()
    machine.store.fails = plant(machine, "elsewhere", 1)
    with pytest.raises(Refused, match="another machine was first: Green Bay holds Help desk by number 1"):
        offices(machine).accept(DESK, MILWAUKEE)


def test_a_yes_while_the_store_is_silent_is_kept_and_said_to_be_worth_nothing_yet(machine: Machine) -> None:
    machine.lose()
    machine.store.fails = lambda what, _line: what in ("claim", "claims")
    with pytest.raises(Unreachable, match="Milwaukee's yes is on record, but nobody holds Help desk by it yet: the store of"):
        offices(machine).accept(DESK, MILWAUKEE)
    listing = offices(machine).listing()
    assert listing.lines[0].accepted
    assert "what another machine moved is not seen here" in listing.warnings[0]
    machine.store.fails = lambda _what, _line: False
    heed_all(cast("App", House(machine)))
    assert machine.holder(DESK) == (MILWAUKEE, 1)


def test_a_no_asks_the_next_at_once_and_they_read_why(machine: Machine) -> None:
    machine.lose()
    line = offices(machine, "bert").refuse(DESK, MILWAUKEE, "three of us are ill")
    assert (line.asked, line.asked_number) == (GREEN_BAY, 2)
    assert "Milwaukee: refused (bert: three of us are ill)" in line.later
    with pytest.raises(ConfigError, match="--because says nothing"):
        offices(machine).refuse(DESK, GREEN_BAY, " ")


def test_where_nobody_is_left_it_says_what_ends_that_and_who_said_no_may_still_say_yes(machine: Machine) -> None:
    """By a new number: the old one stays stale. An office that was lost with another has its command too."""
    machine.lose()
    offices(machine).refuse(DESK, MILWAUKEE, "three of us are ill")
    line = offices(machine).refuse(DESK, GREEN_BAY, "no")
    assert (line.state, line.office, line.asked) == ("unheld", "", "")
    assert line.next == (
        ("Milwaukee takes it after all", "dr office accept help-desk --office milwaukee"),
        ("Green Bay takes it after all", "dr office accept help-desk --office green-bay"),
        ("Madison works again", "dr office back madison"),
    )
    with pytest.raises(Refused, match="number 1 is stale"):
        offices(machine).accept(DESK, MILWAUKEE, 1)
    assert offices(machine).refuse(DESK, MILWAUKEE, "a mistake").state == "unheld"
    line = offices(machine).accept(DESK, GREEN_BAY)
    assert (line.office, line.number, line.next) == (GREEN_BAY, 4, ())


def test_an_office_that_was_not_passed_over_does_not_take_what_nobody_holds(machine: Machine) -> None:
    """Madison is lost: its yes counts for nothing."""
    machine.lose()
    for office in (MILWAUKEE, GREEN_BAY):
        offices(machine).refuse(DESK, office, "no")
    with pytest.raises(Refused, match="Madison is not asked for Help desk"):
        offices(machine).accept(DESK, MADISON)
    assert machine.claims().read(DESK).claim is None


def test_an_answer_without_its_flag_is_pointed_at_the_exercise_and_the_other_way_round(machine: Machine) -> None:
    machine.lose(log="exercise-1")
    with pytest.raises(Refused, match="it is asked in the exercise that is under way: the same command, with --exercise"):
        offices(machine).accept(DESK, MILWAUKEE)
    with pytest.raises(Refused, match="the same command, with --exercise"):
        offices(machine).refuse(DESK, MILWAUKEE, "no")
    with pytest.raises(Refused, match=r"number 1 was never given out\n.*the same command, with --exercise"):
        offices(machine).accept(DESK, MILWAUKEE, 1)
    assert offices(machine, exercise=True).accept(DESK, MILWAUKEE).office == MILWAUKEE
    offices(machine, exercise=True).refuse(PAYROLL, MILWAUKEE, "no")
    machine.lose()
    with pytest.raises(Refused, match="it is asked for real: the same command, without --exercise"):
        offices(machine, exercise=True).accept(PAYROLL, MILWAUKEE)


def test_a_rehearsal_that_is_over_calls_nobody_any_more(machine: Machine) -> None:
    """Its run is gone: else "nobody holds it", which nobody answers since it was only played, would be said anew for ever."""
    for office in (MADISON, MILWAUKEE, GREEN_BAY):
        machine.lose(office, log="exercise-1")
    machine.lose()
    assert machine.records.next_due("exercise-1") is not None
    heed_all(cast("App", House(machine)))
    assert machine.records.next_due("exercise-1") is None
    assert any(notice.due for notice in machine.records.notices() if not notice.exercise), "what is real goes on"


def test_a_yes_to_a_rehearsal_that_is_over_moves_nobody_and_tells_nobody(machine: Machine) -> None:
    """Typed a week later: partner agencies would read that a duty moved."""
    machine.lose(log="exercise-1")
    told = len(machine.post.words)
    with pytest.raises(Refused, match="the rehearsal is over"):
        Offices(cast("App", House(machine)), exercise=True, verb="office-accept").accept(DESK, MILWAUKEE)
    assert len(machine.post.words) == told
    assert offices(machine, exercise=True).listing().exercise == "exercise-1", "how it ended can be looked at"


def test_what_is_no_duty_or_no_office_is_said(machine: Machine) -> None:
    with pytest.raises(ConfigError, match="'desk' is not a duty"):
        offices(machine).accept("desk", MILWAUKEE)
    with pytest.raises(ConfigError, match="'chicago' is not an office"):
        offices(machine).accept(DESK, "chicago")
    with pytest.raises(Refused, match="no rehearsal was begun"):
        offices(machine, exercise=True).accept(DESK, MILWAUKEE)


# ---------------------------------------------------------------- the way back


def moved(machine: Machine) -> None:
    machine.lose()
    for duty in (DESK, PAYROLL):
        offices(machine).accept(duty, MILWAUKEE)


def test_duties_come_back_one_by_one_by_the_word_of_two(machine: Machine) -> None:
    """A returning office is a stranger: it gets nothing by saying that it is back."""
    moved(machine)
    lines = offices(machine, "anna").back(MADISON)
    assert [(line.duty, line.office) for line in lines] == [(DESK, MILWAUKEE), (PAYROLL, MILWAUKEE)]
    assert [machine.holder(duty)[0] for duty in (DESK, PAYROLL)] == [MILWAUKEE, MILWAUKEE]
    assert offices(machine, "bert").give(DESK, MADISON).office == MADISON
    assert offices(machine, "bert").give(DESK, MADISON).number == 2
    assert [machine.holder(duty) for duty in (DESK, PAYROLL)] == [(MADISON, 2), (MILWAUKEE, 1)]


def test_one_person_does_not_agree_with_themselves_but_says_why_they_are_alone(machine: Machine) -> None:
    moved(machine)
    offices(machine, "anna").back(MADISON)
    with pytest.raises(Refused, match="anna would take Help desk, so somebody else must give it: two offices agree, by two people"):
        offices(machine, "anna").give(DESK, MADISON)
    assert machine.holder(DESK) == (MILWAUKEE, 1)
    assert offices(machine, "anna").give(DESK, MADISON, "nobody else is left").office == MADISON
    assert "nobody else is left" in str(machine.records.duty_turns()[-2].turn.event)


def test_what_nobody_asked_back_is_not_given(machine: Machine) -> None:
    moved(machine)
    with pytest.raises(Refused, match="nobody of Madison has said that it would take Help desk from who holds it now"):
        offices(machine, "bert").give(DESK, MADISON)


def test_a_hand_back_that_another_machine_overtook_is_refused(machine: Machine) -> None:
    moved(machine)
    offices(machine, "anna").back(MADISON)
    machine.store.fails = plant(machine, "elsewhere", 2)
    with pytest.raises(Refused, match="another machine was first: number 2 was claimed elsewhere"):
        offices(machine, "bert").give(DESK, MADISON)


# ---------------------------------------------------------------- the loss


def test_a_loss_says_who_would_be_asked_and_begins_nothing(machine: Machine) -> None:
    found = prepared(machine, Loss(MADISON))
    assert [(one.duty, one.holder, one.to, one.until) for one in found.duties] == [
        (duty, "Madison", MILWAUKEE, machine.clock.now() + timedelta(minutes=15)) for duty in (DESK, PAYROLL)
    ]
    assert found.told == "the group management, the group partners, the people of Madison, the people of Milwaukee"
    assert machine.records.duty_turns() == []


@pytest.mark.parametrize(
    ("loss", "confirm"),
    [
        (Loss(MADISON), "two"),
        (Loss(MADISON, alone="nobody is awake"), "one"),
        (Loss(MADISON, exercise=True), "one"),
        (Loss(GREEN_BAY), "one"),
    ],
)
def test_two_people_confirm_it_where_the_main_office_is_silent(machine: Machine, loss: Loss, confirm: str) -> None:
    """A rehearsal moves nothing, and whoever is alone says why."""
    assert prepared(machine, loss).plan.parameters["confirm"] == confirm


def test_that_a_second_person_confirms_it_first_is_shown_before_who_is_told_then(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but the administrators hears of it before; whoever reads "told" takes it that the others know."""
    monkeypatch.setenv("SUDO_USER", "ann")

    def shown(loss: Loss) -> str:
        show_loss(prepared(machine, loss), "America/Chicago", machine.clock.now(), exercise=loss.exercise)
        return " ".join(capsys.readouterr().err.split())

    two, told = shown(Loss(MADISON)), "told: the group management, the group partners, the people of Madison, the people of Milwaukee"
    first = f"first: a second person, other than {whoami()}, confirms it, since the main office is silent; "
    assert first in two and f"runs approve RUN then {told} claims in: " in two and "confirmed by" not in two
    alone = shown(Loss(MADISON, alone="nobody is awake"))
    assert f" {told} confirmed by: nobody else is asked: nobody is awake claims in: " in alone and "then told" not in alone


def test_a_loss_is_declared_once(machine: Machine) -> None:
    machine.lose()
    with pytest.raises(Refused, match="Madison is lost already, by the word of anna"):
        prepared(machine, Loss(MADISON))
    for duty in (DESK, PAYROLL):
        machine.accept(duty, MILWAUKEE)
    assert prepared(machine, Loss(MADISON, exercise=True)).plan.parameters["exercise"]


def begun(machine: Machine, exercise: str = "") -> RunId:
    """A failover of Madison that is not over."""
    record = RunRecord(
        run=RunId(f"office-failover-{exercise or '1'}"),
        runbook="office-failover",
        title="x",
        kind="failover",
        state="running",
        started=machine.clock.now(),
        requested_by="anna",
        plan=plan_of().digest(),
        parameters={"office": MADISON, "exercise": exercise},
    )
    machine.records.begin_run(record, plan_of())
    return record.run


def test_a_loss_that_waits_for_a_second_person_or_was_interrupted_is_said_beside_the_duties(machine: Machine) -> None:
    """The table alone would look as in normal times."""
    run, rehearsed = begun(machine), begun(machine, "exercise-1")
    asked = {"instructions": "Is it lost?", "second_person": True, "timeout": 7200.0}
    step = step_of("approval", action="approve", state="running", run=run).model_copy(update={"resolved": asked})
    machine.records.record_step(step)
    waits = "the loss of Madison waits until somebody other than anna has confirmed it, and moves nothing before: sudo "
    (said,) = offices(machine).listing().warnings
    assert said.startswith(waits) and said.endswith(f"{this_dr(offices(machine).app.home)} runs approve {run} approval")
    house = cast("App", House(machine, [run, rehearsed]))
    assert Offices(house).listing().warnings[0] == f"the loss of Madison was interrupted, and nobody carries it on: dr runs resume {run}"


@pytest.mark.parametrize(("left", "words"), [((), "is under way"), ((RunId("office-failover-1"),), "was interrupted")])
def test_a_failover_goes_on_where_it_was_instead_of_beginning_anew(machine: Machine, left: tuple[RunId, ...], words: str) -> None:
    begun(machine)
    with pytest.raises(Refused, match=f"the failover of madison {words}: office-failover-1"):
        prepared(machine, Loss(MADISON), left)


def test_what_an_office_does_not_depend_on_cannot_have_failed_with_it(machine: Machine) -> None:
    with pytest.raises(ConfigError, match="Madison does not depend on 'power'"):
        prepared(machine, Loss(MADISON, "power"))


def test_who_types_is_who_is_written_down(machine: Machine) -> None:
    machine.lose()
    offices(machine).accept(DESK, MILWAUKEE)
    claim = machine.claims().read(DESK).claim
    assert claim is not None
    assert claim.by == whoami()


# ---------------------------------------------------------------- who answers


@pytest.fixture
def named(machine: Machine) -> Machine:
    """Bert's login is on record."""
    bert = machine.inventory.contacts["bert"].model_copy(update={"logins": ("bert",)})
    machine.inventory = machine.inventory.model_copy(update={"contacts": {**machine.inventory.contacts, "bert": bert}})
    return machine


def answered(machine: Machine) -> list[tuple[str, str, str]]:
    """Whom it was told that somebody else answered for them: by whom, and what."""
    words = [one for one in machine.post.words if one.template == "duty-answered"]
    stories = [cast("DutyStory", one.story) for one in words]
    return [(one.to, story.by, "; ".join(line.why for line in story.duties)) for one, story in zip(words, stories, strict=True)]


def test_who_answers_for_another_office_is_warned_recorded_and_told_to_its_people_and_it_counts(named: Machine) -> None:
    named.lose()
    office = offices(named, "anna")
    assert office.aside(MILWAUKEE) == "you (anna, not of Milwaukee) answer for Milwaukee: it counts, is on record, and is told to Bert"
    assert office.accept(DESK, MILWAUKEE).office == MILWAUKEE
    assert "accepted by anna, not of Milwaukee" in named.of(DESK).why
    assert offices(named, "anna").refuse(PAYROLL, MILWAUKEE, "ill").asked == GREEN_BAY
    assert answered(named) == [("bert", "anna", "yes, to number 1"), ("bert", "anna", "no (ill), to number 1")]
    claim = named.claims().read(DESK).claim
    assert claim is not None and claim.by == "anna"


def test_who_answers_for_their_own_office_is_told_nothing_of_it_and_where_nobody_can_tell_neither(named: Machine) -> None:
    named.lose()
    assert offices(named, "bert as dr").aside(MILWAUKEE) == ""
    offices(named, "bert as dr").accept(DESK, MILWAUKEE)
    offices(named, "bert").refuse(PAYROLL, MILWAUKEE, "ill")
    offices(named, "anna").accept(PAYROLL, GREEN_BAY)
    assert answered(named) == []


def test_that_an_office_works_by_the_word_of_another_is_told_to_its_people(named: Machine) -> None:
    named.lose(MILWAUKEE)
    offices(named, "anna").back(MILWAUKEE)
    assert answered(named) == [("bert", "anna", "")]
