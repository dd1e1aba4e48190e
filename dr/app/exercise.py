"""`dr exercise`: a disaster that is made up, played through the real machinery under its own names, and scored.

Nothing real moves: its duties, claims and messages are a rehearsal's. What is real is the time that it takes, and whether people answer.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import sleep

from dr import __version__
from dr.actions.duty_desk import Desk, home_token
from dr.actions.outage_telling import owe_each, owe_words
from dr.app import outages
from dr.app.breaking_off import breaking_off
from dr.app.home import App, whoami
from dr.app.office_lost import Loss, exercise_name, plan_of, require_settled
from dr.app.office_lost import Prepared as Failover
from dr.app.office_lost import prepare as prepare_failover
from dr.errors import ConfigError, DrError, Refused, Stopped
from dr.model.base import OfficeName, RunId
from dr.model.duty_events import Away
from dr.model.exercise import NOW, ExerciseEvidence, ExerciseKind, Playing, Scenario
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageId
from dr.model.runbook import Plan
from dr.policy.exercise import score
from dr.policy.outages import rules_of
from dr.policy.roster import Roster, roster_of
from dr.policy.scenario import scenario, told

_LOOK_EVERY = 0.25
"""Seconds between two looks at who answered."""
_AFTERWARDS = timedelta(minutes=10)
"""For which an exercise is taken to last beyond its own end, where whoever led it is gone."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What a person types. `office`: the lost one; empty: the seed's. `wait`: how long people have to answer, in seconds."""

    kind: ExerciseKind
    seed: int
    office: str = ""
    wait: float = 900.0


@dataclass(frozen=True)
class Prepared:
    """An exercise that may be begun."""

    wish: Wish
    scenario: Scenario
    words: tuple[str, ...]
    """What is played, for whoever leads it."""
    people: str
    """Who is written to, in words."""
    failover: Failover | None
    """As it would be asked for when it begins; None: of a call tree."""


@dataclass(frozen=True)
class Played:
    evidence: ExerciseEvidence
    page: Path

    @property
    def exit_code(self) -> int:
        """0: every duty was taken and somebody said that they saw it; 1: a gap of weight."""
        return 1 if self.evidence.verdict == "FAIL" else 0


def prepare(app: App, wish: Wish) -> Prepared:
    """Look, and begin nothing. Raises ConfigError for what was typed, Refused while something real is out, or another exercise lasts."""
    roster, contacts = roster_of(app.inventory), app.inventory.contacts
    if wish.office and wish.office not in roster.offices:
        raise ConfigError(f"'{wish.office}' is not an office", hint=f"there are {', '.join(roster.offices) or 'none'}")
    if not roster.offices or not contacts:
        raise ConfigError("an exercise needs offices and contacts", hint="write them into inventory/organisation.yaml and contacts.yaml")
    _require_calm(app)
    require_settled(app, roster)
    channels = {name: len(contact.channels) for name, contact in contacts.items()}
    played = scenario(roster, channels, wish.seed, wish.kind, app.clock.now(), wish.office)
    return Prepared(
        wish,
        played,
        told(roster, played),
        ", ".join(contact.name for contact in contacts.values()),
        prepare_failover(app, _loss(played)) if wish.kind == "office-failover" else None,
    )


def _require_calm(app: App) -> None:
    for one in app.records.outages(open_only=True):
        if one.exercise:
            hint = f'is nobody at it any more? dr outage resolve {one.id} --text "broken off"'
            raise Refused(f"an exercise is under way: {one.id}, by {one.by}", hint=hint)
        if one.state == "declared":
            raise Refused(f"{one.about} is out, for real: this is no time for an exercise", hint=f"dr outage show {one.id}")


def _loss(played: Scenario, log: str = "") -> Loss:
    through = "all" if played.through is None else " ".join(played.through) or "none"
    return Loss(str(played.office), through, exercise=True, away=played.away, log=log, at=played.at)


def play(app: App, prepared: Prepared, say: Say, page: Path | None = None) -> Played:
    """Declare it, carry it out, wait for answers, end it, score it, keep the card.

    Raises Stopped where whoever leads it breaks it off: everybody was told that it is over, and nothing is scored.
    """
    game = _Game(app, prepared, say)
    with breaking_off(game.break_off) as broken:
        try:
            game.declare()
            game.fail_over(broken)
            game.await_answers(broken)
            evidence = game.scored()
        finally:
            game.end("broken off" if broken.is_set() else "over")
    if broken.is_set():
        raise Stopped("the exercise was broken off: everybody was told that it is over, and it is not scored")
    return _kept(app, evidence, page)


class _Game:
    """One exercise, from its declaration to its end."""

    def __init__(self, app: App, prepared: Prepared, say: Say) -> None:
        self._app, self._prepared, self._say = app, prepared, say
        self._played, self._roster = prepared.scenario, roster_of(app.inventory)
        began = app.clock.now()
        self._until = began + timedelta(seconds=prepared.wish.wait)
        self._playing = Playing(
            id=exercise_name(began),
            scenario=self._played,
            began=began,
            until=self._until + _AFTERWARDS,
            outage=outages.new_id(began),
        )
        self._desk = outages.Desk(app.services, app.clock, whoami())
        self._outage: Outage | None = None
        self._run: RunId | None = None
        self._moving = False
        """Whether duties are being moved."""

    # ------------------------------------------------------------ its course

    def declare(self) -> None:
        """From here on every process of the home plays it; people are told."""
        records, playing = self._app.records, self._playing
        records.set_setting(NOW, playing.model_dump_json())
        facts = {"kind": self._played.kind, "seed": self._played.seed, "office": self._played.office}
        records.audit("exercise.begun", playing.id, facts, actor=whoami(), at=playing.began)
        self._outage = self._desk.declare(self._wanted()).outage
        self._say(f"declared: {self._outage.id}, {self._said_so()}")
        if self._played.kind == "call-tree":
            owe_each(self._outage, self._app.services, self._app.clock.now(), self._others())
            self._app.services.post.carry()

    def fail_over(self, broken: Event) -> None:
        """The runbook of a real loss, on the exercise's own board, on which those who are away are away."""
        if self._prepared.failover is None or broken.is_set():
            return
        desk = Desk(self._app.services, whoami(), home_token(self._app.home), self._playing.id)
        for contact in self._played.away:
            desk.say(Away(at=desk.clock.now(), contact=contact))
        plan = plan_of(self._app, _loss(self._played, self._playing.id))
        left = (self._until - self._app.clock.now()).total_seconds()
        self._moving = True
        self._app.carry_out(_bounded(plan, max(1.0, left)), self._begun)
        self._moving = False

    def _begun(self, run: RunId) -> None:
        self._run = run

    def break_off(self) -> None:
        """What moves duties is asked to end; where its run is only just being begun, as soon as it is under way."""
        self._say("breaking it off; everybody is told that it is over (Ctrl-C again leaves at once)")
        while self._moving:
            with suppress(DrError):
                self._app.control(self._run or RunId(""), "cancel")
                return
            sleep(_LOOK_EVERY)

    def await_answers(self, broken: Event) -> None:
        """Until everybody who is asked said that they saw it, or the time is over."""
        shown = ""
        while not broken.is_set() and (waiting := self._unanswered()) and self._app.clock.now() < self._until:
            words = f"waiting for {', '.join(sorted({notice.to for notice in waiting}))} to say that they saw it (dr ack CODE)"
            if words != shown:
                self._say(shown := words)
            owe_words(self._of(), self._app.services, self._app.clock.now())
            self._app.services.post.carry()
            sleep(_LOOK_EVERY)

    def scored(self) -> ExerciseEvidence:
        """As it is on record now. A message is scored before the end of the exercise takes it back."""
        app, notices = self._app, self._notices()
        turns = [each.turn for each in app.records.duty_turns(self._playing.id)]
        card = score(self._roster, self._playing.began, notices, turns, played=self._played, rules=app.inventory.notices)
        return ExerciseEvidence(
            exercise=self._playing.id,
            organisation=app.inventory.organisation.name,
            zone=app.inventory.organisation.zone,
            tool=f"dr {__version__}",
            by=whoami(),
            scenario=self._played,
            words=self._prepared.words,
            ended=app.clock.now(),
            outage=self._of().id,
            run=self._run,
            names=_names(self._roster),
            audit=app.records.audit_head(),
            verdict=card.verdict,
            card=card,
        )

    def end(self, how: str) -> None:
        """Whatever happened: nothing is made out to be down any more, and everybody is told that it is over."""
        self._app.records.set_setting(NOW, "")
        self._app.records.drop_notices(OutageId(self._playing.id), ())
        if self._outage is not None:
            self._desk.resolve(self._outage.id, f"the exercise is {how}; thank you")

    # ------------------------------------------------------------ parts

    def _wanted(self) -> Outage:
        now = self._app.clock.now()
        away = [self._roster.people[name].name for name in self._played.away if name in self._roster.people]
        what = f"{self._prepared.words[0].rstrip('.')}. {_stay_away(away)}Everybody else: do as if it were so".strip()
        office = OfficeName(self._played.office)
        return Outage(
            id=self._playing.outage, office=office, severity="major", what=what, state="declared", exercise=True, began=now, by=whoami()
        )

    def _of(self) -> Outage:
        assert self._outage is not None
        return self._outage

    def _said_so(self) -> str:
        reached = {each.contact for notice in self._notices() for each in notice.deliveries if each.state == "delivered"}
        return f"{len(reached)} people were told" if len(reached) != 1 else "1 person was told"

    def _others(self) -> list[str]:
        """Who is in none of the groups that are told of a major outage."""
        groups = {str(group) for group in rules_of(self._app.inventory).groups("major")}
        return [name for name, one in self._app.inventory.contacts.items() if not groups & {name, *one.groups}]

    def _unanswered(self) -> list[Notice]:
        asked = [notice for notice in self._notices() if notice.acknowledge and not notice.answered and not notice.digest]
        return [notice for notice in asked if notice.state != "nobody" and notice.to not in self._played.away]

    def _notices(self) -> list[Notice]:
        records = self._app.records
        return [*records.outage_notices(self._playing.outage), *records.outage_notices(OutageId(self._playing.id))]


def _stay_away(names: Sequence[str]) -> str:
    return f"{', '.join(names)}: you are away, do not answer. " if names else ""


def _bounded(plan: Plan, seconds: float) -> Plan:
    """The same plan, whose people have so long to take every duty."""
    waits = "await-acceptances"
    steps = [one.model_copy(update={"with_": {**one.with_, "most": seconds}}) if one.action == waits else one for one in plan.steps]
    return plan.model_copy(update={"steps": tuple(steps)})


def _names(roster: Roster) -> dict[str, str]:
    people = {name: person.name for name, person in roster.people.items()}
    return {**people, **{name: office.title for name, office in roster.offices.items()}}


# ---------------------------------------------------------------- kept


def _kept(app: App, evidence: ExerciseEvidence, page: Path | None) -> Played:
    """The card, signed; on record in the audit trail, and as the review of its outage."""
    from dr.report.scorecard import answer, write_card
    from dr.report.write import key_id

    trusted = app.home / app.inventory.organisation.keys.trusted[0]
    place = write_card(app.home / "evidence", evidence, app.services.keys, key_id(trusted.read_bytes()), page)
    facts = {"verdict": evidence.verdict, "gaps": len(evidence.card.gaps), "seed": evidence.scenario.seed}
    app.records.audit("exercise.scored", evidence.exercise, facts, actor=whoami(), at=app.clock.now())
    outages.Desk(app.services, app.clock, whoami()).review(evidence.outage, f"{evidence.verdict}. {answer(evidence)}")
    return Played(evidence, place)


def default_seed(app: App) -> int:
    """Another disaster each day."""
    return int(f"{app.clock.now():%Y%m%d}")
