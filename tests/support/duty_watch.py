"""What must hold of duties after every turn, asked of the boards and of what was said: by rules of its own, not by the machine's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dr.model.duty import Assignment, Board
from dr.model.duty_events import Accepted, Ask, Assign, Claim, Claimed, HandedBack, Moved, RaceLost, Rejected, Release, Ticked, Turn, Unheld
from dr.policy.roster import Roster

Taken = Mapping[str, Sequence[Claim]]


class Broken(AssertionError):
    """Something that must always hold does not. `rule`: which."""

    def __init__(self, rule: str, words: str) -> None:
        super().__init__(f"{rule}: {words}")
        self.rule = rule


def touched(roster: Roster, board: Board) -> set[str]:
    """The offices that may hold nothing."""
    lost = {str(each.office) for each in board.lost}
    gone = set(lost)
    for loss in board.lost:
        failed = roster.offices[loss.office].depends if loss.through is None else loss.through
        gone |= {name for name, office in roster.offices.items() if set(office.depends) & set(failed) and name not in board.spared}
    return gone


@dataclass
class Watch:
    """One machine's board is looked at; what it gave out so far is remembered."""

    roster: Roster
    given: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def look(self, before: Board, after: Turn, taken: Taken) -> None:
        self._heard(before, after)
        self._numbers(before, after)
        gone = touched(self.roster, after.board)
        for said in after.board.assignments:
            self._whole(said, after)
            self._holder(said, gone, taken)
            self._loud(said, before.of(said.duty), after)
        for each in after.transitions:
            if isinstance(each, Ask):
                self._able(each, after.board, gone)

    def again(self, one: Turn, other: Turn) -> None:
        if one != other:
            raise Broken("deterministic", f"{one.event} gave two different turns")

    def _heard(self, before: Board, after: Turn) -> None:
        """No event is lost; one that does not count changes no holder."""
        if not isinstance(after.event, Ticked) and not after.transitions:
            raise Broken("heard", f"{after.event} passed without a word")
        if before.at > after.board.at:
            raise Broken("heard", "the clock ran back")
        if [each.duty for each in after.board.assignments] != list(self.roster.duties):
            raise Broken("heard", "a duty was lost")

    def _numbers(self, before: Board, after: Turn) -> None:
        """They only rise; a claim is for who was asked by that very number, or agreed on."""
        for each in after.transitions:
            if isinstance(each, Ask):
                if each.number <= self.given.get(each.duty, 0):
                    raise Broken("numbers", f"{each.duty}: number {each.number} was given out twice")
                self.given[each.duty] = each.number
            elif isinstance(each, Assign):
                if each.number <= self.held.get(each.duty, 0):
                    raise Broken("numbers", f"{each.duty}: held by {each.number} after {self.held[each.duty]}")
                self.held[each.duty] = each.number
                self.given[each.duty] = max(each.number, self.given.get(each.duty, 0))
            elif isinstance(each, Claim):
                self._agreed(each, before, after)
                self.given[each.duty] = max(each.number, self.given.get(each.duty, 0))

    def _agreed(self, claim: Claim, before: Board, after: Turn) -> None:
        said, event = before.of(claim.duty), after.event
        assert said is not None
        if isinstance(event, Accepted):
            asked = said.asked
            if asked is None or (asked.office, asked.number) != (claim.office, claim.number) or asked.accepted:
                raise Broken("stale", f"{claim} by {event}, asked was {asked}")
        elif not isinstance(event, HandedBack):
            raise Broken("stale", f"{claim} without a yes")
        elif event.number != said.number or said.office is None or not event.given_by or event.given_by == event.taken_by:
            raise Broken("stale", f"{claim} without an agreement of both: {event}")
        elif claim.number <= self.given.get(claim.duty, 0):
            raise Broken("numbers", f"{claim.duty}: number {claim.number} was given out twice")

    def _whole(self, said: Assignment, after: Turn) -> None:
        """Held, proposed or unheld: nothing between."""
        waiting = said.asked is not None and (said.asked.accepted or said.asked.until >= after.board.at)
        shapes = {
            "held": said.office is not None and (said.asked is None or said.asked.accepted),
            "proposed": said.office is None and waiting,
            "unheld": said.office is None and said.asked is None and said.again is not None and said.again > after.board.at,
        }
        if not shapes[said.state]:
            raise Broken("held or loudly unheld", f"{said}")

    def _holder(self, said: Assignment, gone: set[str], taken: Taken) -> None:
        """Never an affected one; and only one that the store has by that number."""
        if said.office in gone:
            raise Broken("affected", f"{said.office} holds {said.duty}")
        there = [each for each in taken.get(said.duty, ()) if each.number == said.number]
        if len(there) > 1:
            raise Broken("two holders", f"{said.duty}: number {said.number} was taken by {[each.office for each in there]}")
        if said.number and not there:
            raise Broken("two holders", f"{said.duty}: number {said.number} was never claimed")
        if said.office is not None and said.number and there[0].office != said.office:
            raise Broken("two holders", f"{said.duty}: number {said.number} is {there[0].office}'s, and {said.office} holds it here")

    def _loud(self, said: Assignment, before: Assignment | None, after: Turn) -> None:
        """Every change is told: who holds it no more, whom it is proposed to, that nobody is left."""
        told = [each for each in after.transitions if getattr(each, "duty", None) == said.duty]
        if before is None:
            return
        if before.office not in (None, said.office) and not any(isinstance(t, Release) and t.office == before.office for t in told):
            raise Broken("held or loudly unheld", f"{before.office} was not told that it holds {said.duty} no more")
        newly = said.state == "unheld" and (before.state != "unheld" or before.again != said.again)
        if newly and not any(isinstance(t, Unheld) for t in told):
            raise Broken("held or loudly unheld", f"nobody was told that nobody holds {said.duty}")
        if said.state == "held" and said.number != before.number and not any(isinstance(t, Assign) for t in told):
            raise Broken("held or loudly unheld", f"nobody was told that {said.office} holds {said.duty}")
        if said.number != before.number and not isinstance(after.event, Claimed | RaceLost | Moved):
            raise Broken("two holders", f"{said.duty} moved by {after.event}, without the store")
        if any(isinstance(t, Rejected) for t in told) and said.office is not None and before.office != said.office:
            raise Broken("stale", f"{said.duty} moved by what was rejected")

    def _able(self, ask: Ask, board: Board, gone: set[str]) -> None:
        """Whoever is asked has the people, is unaffected, and is named with reasons; whoever is not asked, with one."""
        away = {each.contact for each in board.away if each.until is None or each.until > board.at}
        here = [person for name, person in self.roster.people.items() if person.office == ask.office and name not in away]
        skills = {skill for person in here for skill in person.skills}
        if ask.office in gone or not here or not set(self.roster.duties[ask.duty].needs) <= skills:
            raise Broken("able", f"{ask.office} is asked for {ask.duty} and cannot hold it")
        said = board.of(ask.duty)
        if said and ask.office in {each.office for each in said.passed}:
            raise Broken("heard", f"{ask.office} had its chance for {ask.duty}")
        if not ask.reasons or not all(each.why for each in ask.passed):
            raise Broken("heard", f"{ask} without reasons")
