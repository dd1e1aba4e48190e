"""One turn of the failover machine while it is being taken: the board as it is so far, and what was decided. Nothing outlives the turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dr.model.base import Instant, OfficeName
from dr.model.duty import Asked, Assignment, Board, DutyName, Fence, PassedOver
from dr.model.duty_events import Ask, Assign, Claim, Noted, Rejected, Release, Transition, Unheld, Withdraw
from dr.policy.affected import affected
from dr.policy.candidates import Candidate, Candidates, candidates
from dr.policy.roster import Roster


def rising(said: Assignment) -> Fence:
    """Higher than all that were given out and all that were claimed."""
    return Fence(max(said.issued, said.number) + 1)


def not_asked(said: Assignment, office: str, number: int) -> str:
    """Why a yes does not count; nothing where it does: it must come from the office that is asked now, to the number it is asked by."""
    asked = said.asked
    if asked is not None and (asked.office, asked.number) == (office, number):
        return ""
    if number > max(said.issued, said.number):
        return f"number {number} was never given out"
    return f"number {number} is stale: the newest is {max(said.issued, said.number)}"


@dataclass(frozen=True)
class Rules:
    """What the machine rests on, each by itself, so that a test can take one away and see what then happens."""

    affected: Callable[[Roster, Board], Mapping[str, str]] = affected
    candidates: Callable[[Roster, Board, str, Mapping[str, str]], Candidates] = candidates
    next_number: Callable[[Assignment], Fence] = rising
    not_asked: Callable[[Assignment, str, int], str] = not_asked
    claim_first: bool = True
    """Whether an office that accepted holds a duty only once the shared store took the claim."""


RULES = Rules()


@dataclass
class Sitting:
    roster: Roster
    board: Board
    rules: Rules
    said: list[Transition] = field(default_factory=list)

    @property
    def affected(self) -> Mapping[str, str]:
        return self.rules.affected(self.roster, self.board)

    def say(self, transition: Transition) -> None:
        self.said.append(transition)

    def note(self, why: str) -> None:
        self.say(Noted(why=why))

    def reject(self, why: str, duty: str | None = None, office: str | None = None) -> None:
        self.say(Rejected(duty=DutyName(duty) if duty else None, office=OfficeName(office) if office else None, why=why))

    def alter(self, **changes: Any) -> None:
        self.board = self.board.model_copy(update=changes)

    def put(self, said: Assignment, **changes: Any) -> Assignment:
        """A duty's assignment, changed, in its place on the board."""
        fresh = said.model_copy(update=changes)
        self.alter(assignments=tuple(fresh if each.duty == fresh.duty else each for each in self.board.assignments))
        return fresh

    def hold(self, said: Assignment, office: OfficeName, number: Fence, why: str) -> None:
        """The store has it that this office holds the duty. One that is affected by now holds nothing: its number is spent all the same."""
        lost, title = self.affected.get(office), self.roster.office_title(office)
        if said.office is not None and said.office != office:
            self.say(Release(duty=said.duty, office=said.office, number=said.number, why=f"{title} has it by number {number}"))
        spent: dict[str, Any] = {"number": number, "issued": max(said.issued, number), "asked": None, "since": self.board.at, "again": None}
        if lost:
            self.put(said, state="unheld", office=None, why=f"{title} {lost}", **spent)
            self.say(Release(duty=said.duty, office=office, number=number, why=f"{title} {lost}"))
        else:
            self.put(said, state="held", office=office, why=why, passed=(), **spent)
            self.say(Assign(duty=said.duty, office=office, number=number, before=said.office, why=why))

    def release(self, said: Assignment, why: str) -> Assignment:
        """Whoever holds it holds it no more. An office that it is being handed to stays the next."""
        if said.office is not None:
            self.say(Release(duty=said.duty, office=said.office, number=said.number, why=why))
        state = "proposed" if said.asked is not None else "unheld"
        return self.put(said, state=state, office=None, since=self.board.at, why=why, again=None)

    def withdraw(self, said: Assignment, why: str, *, passing: bool) -> Assignment:
        """Whoever is asked is asked no more. `passing`: it had its chance, and is not asked again in this round."""
        asked = said.asked
        if asked is None:
            return said
        self.say(Withdraw(duty=said.duty, office=asked.office, number=asked.number, why=why))
        passed = (*said.passed, PassedOver(office=asked.office, why=why)) if passing else said.passed
        state = "held" if said.office is not None else "unheld"
        return self.put(said, state=state, asked=None, passed=passed, since=said.since if said.office else self.board.at)

    def ask(self, said: Assignment, chosen: Candidate, passed: tuple[PassedOver, ...]) -> None:
        number, until = self.rules.next_number(said), self.until(said.duty)
        asked = Asked(office=chosen.office, number=number, since=self.board.at, until=until, reasons=chosen.reasons)
        self.put(said, state="proposed", asked=asked, issued=max(said.issued, number), since=self.board.at, again=None)
        self.say(Ask(duty=said.duty, office=chosen.office, number=number, until=until, reasons=chosen.reasons, passed=passed))

    def until(self, duty: str) -> Instant:
        own = self.roster.duties[duty].accept_within
        return self.board.at + timedelta(seconds=own if own is not None else self.roster.failover.accept_within)

    def claim(self, said: Assignment, asked: Asked) -> None:
        """Nobody holds a duty because they said so: the store has the last word."""
        fresh = self.put(said, asked=asked, issued=max(said.issued, asked.number), again=None)
        if not self.rules.claim_first:
            self.hold(fresh, asked.office, asked.number, f"accepted by {asked.by}")
            return
        self.say(claim_of(fresh, asked))

    def unheld(self, said: Assignment, passed: tuple[PassedOver, ...]) -> None:
        again = self.board.at + timedelta(seconds=self.roster.failover.ask_again)
        why = f"nobody holds {self.roster.duty_title(said.duty)}: no office is left to ask"
        self.put(said, state="unheld", since=said.since, why=why, again=again)
        self.say(Unheld(duty=said.duty, why=why, passed=passed, again=again))


def claim_of(said: Assignment, asked: Asked) -> Claim:
    return Claim(duty=said.duty, office=asked.office, number=asked.number, after=said.number)
