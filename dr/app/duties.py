"""`dr duties` and `dr office`: who holds what, and what an office answers. Each answer is on record first; then it has its effect.

A yes makes a holder only when the store of claims has taken it. A crash between loses nothing: whoever comes by next does what is left.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dr.actions.duty_desk import Desk, home_token
from dr.actions.played import lasts
from dr.app.duty_lines import Line, Listing, line_of, listing_of
from dr.app.failovers_open import open_failovers
from dr.app.failpoints import of_verb
from dr.app.home import App, whoami
from dr.errors import ConfigError, Refused, Unreachable
from dr.model.base import OfficeName
from dr.model.duty import Assignment, Board, DutyName, Fence
from dr.model.duty_events import Accepted, Event, HandedBack, Rejected, Returned, Spared
from dr.model.duty_events import Refused as SaidNo
from dr.model.duty_log import REAL, DutyTurn, Wanted
from dr.model.outage import OutageId
from dr.policy.answering import stranger
from dr.policy.approval import same_person
from dr.policy.roster import Roster
from dr.policy.second_person import through
from dr.program import owner, this_dr
from dr.stream.claims import Stand

LONGEST = 500
"""Characters of why an office says no."""


def heed_all(app: App) -> None:
    """Whoever comes by: pass over who was silent, and do what follows from every turn. What a silent store keeps is left for the next."""
    for log in (REAL, *app.records.duty_exercises()[-1:]):
        if log != REAL and not lasts(app.records, log, app.clock.now()):
            app.records.drop_notices(OutageId(log), ())
        elif app.inventory.duties and app.records.board(log) is not None:
            desk = Desk(app.services, whoami(), home_token(app.home), log)
            with suppress(Unreachable):
                desk.tick()
                desk.heed()


def require_duties(roster: Roster) -> None:
    """Raises ConfigError where nobody wrote any."""
    if not roster.duties:
        raise ConfigError(
            "the inventory has no duties",
            hint="write them in inventory/duties.yaml; `dr init /tmp/example` makes a home with an example to copy",
        )


def require_known(roster: Roster, office: str) -> None:
    """Raises ConfigError for an office that is none, and where there are no duties that it could hold."""
    require_duties(roster)
    if office not in roster.offices:
        raise ConfigError(f"'{office}' is not an office", hint=f"there are {', '.join(roster.offices)}")


@dataclass(frozen=True)
class Offices:
    """What is typed, in one home. `by`: who types it."""

    app: App
    exercise: bool = False
    verb: str = ""
    by: str = ""

    @cached_property
    def desk(self) -> Desk:
        at: Callable[[str], None] = of_verb(self.verb) if self.verb else lambda _: None
        return Desk(self.app.services, self.by or whoami(), home_token(self.app.home), self._log(), at=at)

    # ------------------------------------------------------------ looking

    def listing(self) -> Listing:
        """How everything stands, with what the store of claims says of it now; that it does not answer is a warning."""
        require_duties(self.desk.roster)
        stands, trouble = self._synced()
        return listing_of(self.desk, stands, (*open_failovers(self.app, exercise=self.exercise), *trouble))

    # ------------------------------------------------------------ answers

    def accept(self, duty: str, office: str, number: int | None = None) -> Line:
        """Say yes for an office; how the duty stands then. Raises Refused for a stale number, or where another was first, Unreachable
        where the store of claims does not answer: then the yes is on record, and nobody holds the duty yet."""
        self._known(duty, office)
        self._synced()
        wanted = number if number is not None else self._number_asked(self._after_all(duty, office), office)
        self._say(Accepted(at=self._now(), duty=DutyName(duty), office=OfficeName(office), number=Fence(wanted), by=self._named(office)))
        self._heed(f"{self._title(office)}'s yes is on record, but nobody holds {self._duty(duty)} by it yet")
        held = self._of(duty)
        if held.office != office or held.number < wanted:
            other = f"{self._title(held.office)} holds {self._duty(duty)} by number {held.number}" if held.office else held.why
            raise Refused(f"another machine was first: {other}", hint="dr duties")
        return self._line(duty)

    def refuse(self, duty: str, office: str, because: str) -> Line:
        """Say no for an office that is asked, or that can hold what it holds no longer; the next one is asked. Raises as `accept`."""
        self._known(duty, office)
        why = " ".join(because.split())[:LONGEST]
        if not why:
            raise ConfigError("--because says nothing", hint="write why in a few words: who is asked next reads it")
        self._synced()
        said = self._of(duty)
        number = said.number if said.office == office and not self._is_asked(said, office) else self._number_asked(said, office)
        self._say(
            SaidNo(at=self._now(), duty=DutyName(duty), office=OfficeName(office), number=Fence(number), by=self._named(office), why=why)
        )
        self._heed("the no is on record")
        return self._line(duty)

    def works(self, office: str) -> Board:
        """An office that is taken to be affected by a loss says that it works."""
        self._known(None, office)
        self._synced()
        self._say(Spared(at=self._now(), office=OfficeName(office), by=self._named(office)))
        self._heed("it is on record")
        return self.desk.board()

    # ------------------------------------------------------------ the way back

    def back(self, office: str) -> list[Line]:
        """A lost office works again, and would take its duties back: those that others hold, each to be given by its holder."""
        self._known(None, office)
        self._synced()
        if self.desk.board().loss(office) is not None:
            self._say(Returned(at=self._now(), office=OfficeName(office), by=self._named(office)))
        away = [each for each in self.desk.board().assignments if self._normal(each) == office and each.office != office]
        for each in away:
            if each.office is not None:
                self.app.records.want_duty(self._wanted(each, office))
                self.desk.at("after-wanted")
        self._heed("it is on record")
        return [self._line(each.duty) for each in away]

    def give(self, duty: str, to: str, alone: str = "") -> Line:
        """Hand a duty back to an office that said it would take it. Raises Refused where it did not, or where one person says both and does
        not say why (`alone`)."""
        self._known(duty, to)
        self._synced()
        said = self._of(duty)
        if said.office == to:
            self._heed(f"{self._title(to)} holds {self._duty(duty)} already")
            return self._line(duty)
        asked = [each for each in self.app.records.wanted_duties(self.desk.log) if (each.duty, each.to) == (duty, to)]
        wanted = next((each for each in reversed(asked) if each.number == said.number), None)
        if wanted is None:
            raise Refused(
                f"nobody of {self._title(to)} has said that it would take {self._duty(duty)} from who holds it now",
                hint=f"somebody there says so first: dr office back {to}",
            )
        if not alone:
            self._require_two(wanted, duty)
        given, taken = self._both(said, wanted, alone)
        self._say(HandedBack(at=self._now(), duty=said.duty, to=wanted.to, number=said.number, given_by=given, taken_by=taken))
        self._heed(f"the agreement is on record, but {self._title(to)} does not hold {self._duty(duty)} yet")
        held = self._of(duty)
        if held.office != to:
            raise Refused(f"another machine was first: {held.why}", hint="dr duties")
        return self._line(duty)

    # ------------------------------------------------------------ who answers

    def aside(self, office: str) -> str:
        """What whoever types must know where they answer for an office that is not theirs; nothing where it is, or nobody can tell."""
        strange = stranger(self.app.inventory, office, self.desk.by)
        if not strange:
            return ""
        people = ", ".join(each.name for each in self.app.inventory.contacts.values() if each.office == office)
        return f"you ({self.desk.by}, {strange}) answer for {self._title(office)}: it counts, is on record, and is told to {people}"

    def _named(self, office: str) -> str:
        strange = stranger(self.app.inventory, office, self.desk.by)
        return f"{self.desk.by}, {strange}" if strange else self.desk.by

    # ------------------------------------------------------------ parts

    def _require_two(self, wanted: Wanted, duty: str) -> None:
        if not self.exercise and same_person(self.desk.by, wanted.by):
            raise Refused(
                f"{wanted.by} would take {self._duty(duty)}, so somebody else must give it: two offices agree, by two people",
                hint=self._how_second(wanted, duty),
            )

    def _how_second(self, wanted: Wanted, duty: str) -> str:
        account = through(wanted.by, owner(self.app.home))
        what = f"{this_dr(self.app.home)} office give {duty} --to {wanted.to}"
        alone = "where there is nobody else: --alone and why"
        if account is None:
            return f"somebody with a login of their own types: {what}; {alone}"
        return f"from their own login they type: sudo {'' if account == 'root' else f'-u {account} '}{what}; {alone}"

    def _both(self, said: Assignment, wanted: Wanted, alone: str) -> tuple[str, str]:
        if alone:
            return f"{self.desk.by}, alone: {alone}", wanted.by
        if not self.exercise:
            return self.desk.by, wanted.by
        return f"{self.desk.by} for {said.office}", f"{wanted.by} for {wanted.to}"  # a rehearsal may be one person's

    def _wanted(self, each: Assignment, office: str) -> Wanted:
        return Wanted(log=self.desk.log, duty=each.duty, to=OfficeName(office), number=each.number, by=self.desk.by, at=self._now())

    def _synced(self) -> tuple[dict[str, Stand], tuple[str, ...]]:
        try:
            return dict(self.desk.sync()), ()
        except Unreachable as error:
            return {}, (f"{error.message}: what another machine moved is not seen here",)

    def _say(self, event: Event) -> DutyTurn | None:
        taken = self.desk.say(event)
        rejected = [each for each in (taken.turn.transitions if taken else ()) if isinstance(each, Rejected)]
        if rejected:
            with suppress(Unreachable):  # what else follows, such as that somebody else is asked
                self.desk.heed()
            raise Refused(rejected[0].why, hint=self._or_there(rejected[0].duty or "", rejected[0].office or ""))
        return taken

    def _heed(self, on_record: str) -> None:
        try:
            self.desk.heed()
        except Unreachable as error:
            self.app.services.post.carry()
            raise Unreachable(f"{on_record}: {error.message}", hint=error.hint) from None
        self.app.services.post.carry()
        self.desk.at("after-carried")

    def _log(self) -> str:
        """Of the newest rehearsal. Raises Refused where there is none."""
        if not self.exercise:
            return REAL
        known = self.app.records.duty_exercises()
        if not known:
            raise Refused("no rehearsal was begun", hint="dr office lost OFFICE --exercise")
        if self.verb and not lasts(self.app.records, known[-1], self.app.clock.now()):
            raise Refused("the rehearsal is over: nobody is asked any more", hint="dr duties --exercise shows how it ended")
        return known[-1]

    def _known(self, duty: str | None, office: str) -> None:
        require_known(self.desk.roster, office)
        if duty is not None and duty not in self.desk.roster.duties:
            raise ConfigError(f"'{duty}' is not a duty", hint=f"there are {', '.join(self.desk.roster.duties)}")

    def _after_all(self, duty: str, office: str) -> Assignment:
        """Where nobody holds it and nobody is asked, an office that said no, or nothing, may still say yes: it is asked anew for that."""
        said = self._of(duty)
        if said.state == "unheld" and office in [each.office for each in said.passed]:
            old = Accepted(at=self._now(), duty=said.duty, office=OfficeName(office), number=said.issued, by=self.desk.by)
            self.desk.say(old)  # its number counts no more, but that somebody is willing does
        return self._of(duty)

    def _number_asked(self, said: Assignment, office: str) -> int:
        if self._is_asked(said, office) and said.asked is not None:
            return said.asked.number
        if said.office == office:
            return said.number
        other = f"; {self._title(said.asked.office)} is" if said.asked else f"; {self._title(said.office)} holds it" if said.office else ""
        raise Refused(f"{self._title(office)} is not asked for {self._duty(said.duty)}{other}", hint=self._or_there(said.duty, office))

    def _or_there(self, duty: str, office: str) -> str:
        """A yes to what is asked in a rehearsal is typed with its flag; else who is asked."""
        logs = [REAL] if self.exercise else self.app.records.duty_exercises()[-1:]
        boards = [board for log in logs if (board := self.app.records.board(log)) is not None]
        asked = [each for board in boards if (each := board.of(duty)) is not None and self._is_asked(each, office)]
        if not asked:
            return f"dr duties{' --exercise' if self.exercise else ''}"
        if self.exercise:
            return "it is asked for real: the same command, without --exercise"
        return "it is asked in the exercise that is under way: the same command, with --exercise"

    def _is_asked(self, said: Assignment, office: str) -> bool:
        return said.asked is not None and said.asked.office == office

    def _of(self, duty: str) -> Assignment:
        found = self.desk.board().of(duty)
        if found is None:
            raise ConfigError(f"'{duty}' is not a duty", hint=f"there are {', '.join(self.desk.roster.duties)}")
        return found

    def _line(self, duty: str) -> Line:
        return line_of(self.desk, self._of(duty), self.desk.board())

    def _normal(self, each: Assignment) -> str:
        duty = self.desk.roster.duties.get(each.duty)
        return duty.office if duty else ""

    def _duty(self, duty: str) -> str:
        return self.desk.roster.duty_title(duty)

    def _title(self, office: str) -> str:
        return self.desk.roster.office_title(office)

    def _now(self) -> datetime:
        return self.desk.clock.now()
