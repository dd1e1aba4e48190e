"""Random histories of offices lost, asked, silent, returned and racing: several machines, one shared store. Decided by numbers alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dr.model.base import ContactName, OfficeName
from dr.model.duty import Board, DutyName, Fence
from dr.model.duty_events import (
    Accepted,
    Away,
    Claim,
    Claimed,
    Event,
    HandedBack,
    Lost,
    Moved,
    Present,
    RaceLost,
    Refused,
    Returned,
    Spared,
    Ticked,
    Turn,
)
from dr.model.inventory import Duty, Office
from dr.policy.failover import claims, open_board, turn
from dr.policy.roster import Person, Roster
from tests.support.duty_watch import Watch

T = TypeVar("T")
Machine = Callable[[Roster, Board, Event], Turn]
BEGIN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
OFFICES = ("madison", "milwaukee", "green-bay", "eau-claire", "racine")
HOURS = (None, None, ("Mon-Fri 08:00-17:00",), ("Mon-Sun 20:00-24:00", "Mon-Sun 00:00-08:00"))
SKILLS = (("hmis", "privacy"), ("hmis",), ("privacy",), ())
NEEDS = ((), ("hmis",), ("hmis", "privacy"), ())


class Over(Exception):
    """The numbers are used up: so is the history."""


@dataclass
class Dice:
    """The same numbers make the same history, and fewer or smaller ones a simpler one."""

    rolls: Iterator[int]

    def pick(self, items: Sequence[T]) -> T:
        try:
            return items[next(self.rolls) % len(items)]
        except StopIteration:
            raise Over from None

    def coin(self) -> bool:
        return self.pick((True, False))


def some_roster(dice: Dice) -> Roster:
    names = OFFICES[: 2 + dice.pick(range(4))]
    offices = {name: _office(dice, name) for name in names}
    people = {f"p{n}": Person(name=f"P{n}", office=dice.pick(names), skills=dice.pick(SKILLS)) for n in range(dice.pick(range(10, -1, -1)))}
    duties = {f"d{n}": _duty(dice, names) for n in range(1 + dice.pick(range(3)))}
    return Roster(zone="America/Chicago", offices=offices, people=people, duties=duties)


def _office(dice: Dice, name: str) -> Office:
    return Office(
        title=name.title(),
        main=name == OFFICES[0],
        hours=dice.pick(HOURS),
        capacity=dice.pick((None, 1, 2, 4)),
        building=dice.pick((None, None, "tower")),
        depends=dice.pick(((), (), ("power-east",), ("lakeland", "power-east"))),
    )


def _duty(dice: Dice, names: Sequence[str]) -> Duty:
    turned = dice.pick(range(len(names)))
    order = (*names[turned:], *names[:turned])[: dice.pick(range(len(names) + 1))]
    return Duty(title="A duty", office=dice.pick(names), needs=dice.pick(NEEDS), load=dice.pick((1, 0, 2, 3)), succession=order)


@dataclass
class Store:
    """What all machines share: of each duty, every claim that was taken. `careless`: it takes them all."""

    careless: bool = False
    taken: dict[str, list[Claim]] = field(default_factory=dict)

    def put(self, claim: Claim, at: datetime) -> Claimed | RaceLost:
        there = self.taken.setdefault(claim.duty, [])
        if claim not in there and (self.careless or (there[-1].number if there else 0) == claim.after):
            there.append(claim)
        newest = there[-1]
        if (newest.number, newest.office) == (claim.number, claim.office):
            return Claimed(at=at, duty=claim.duty, office=claim.office, number=claim.number)
        return RaceLost(at=at, duty=claim.duty, number=claim.number, taken=newest.number, office=newest.office)


@dataclass
class Post:
    """One machine: its board, and the claims that it has put and heard no answer of."""

    board: Board
    watch: Watch
    pending: list[Claim] = field(default_factory=list)


@dataclass
class History:
    """Turns are taken until the numbers are used up; what must always hold is asked after each."""

    dice: Dice
    machine: Machine = turn
    store: Store = field(default_factory=Store)
    machines: int = 2
    turns: int = 0
    heard: list[Lost] = field(default_factory=list)
    """What one machine is told of a loss, another may be told later."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often each kind of event came in, and each kind of transition came out."""

    def play(self) -> int:
        """How many turns were taken. Raises `duty_watch.Broken` for what does not hold."""
        try:
            roster = some_roster(self.dice)
            board = open_board(roster, BEGIN)
            posts = [Post(board, Watch(roster)) for _ in range(self.machines)]
            while True:
                self._one(roster, self.dice.pick(posts))
        except Over:
            return self.turns

    def _one(self, roster: Roster, post: Post) -> None:
        event = self._event(roster, post)
        after = self.machine(roster, post.board, event)
        post.watch.look(post.board, after, self.store.taken)
        post.watch.again(after, self.machine(roster, Board.from_facts(post.board.to_facts()), event) if self.turns % 16 == 0 else after)
        post.board = after.board
        post.pending += [each for each in after.transitions if isinstance(each, Claim)]
        self.turns += 1
        self.seen.update((event.event, *(each.does for each in after.transitions)))

    def _event(self, roster: Roster, post: Post) -> Event:
        minutes = self.dice.pick((0, 1, 5, 16, 40, 200, -30))
        at = post.board.at + timedelta(minutes=minutes)
        if post.pending and self.dice.coin():
            return self._answer(post, at)
        return self.dice.pick(_EVENTS)(self, roster, post, at)

    def _answer(self, post: Post, at: datetime) -> Event:
        """The store answers; or the machine dies after the claim was put, begins anew, and claims again."""
        answer = self.store.put(post.pending.pop(0), at)
        if self.dice.pick((False, False, False, True)):
            post.pending = list(claims(post.board))
            return Ticked(at=at)
        return answer

    def lost(self, roster: Roster, _post: Post, at: datetime) -> Event:
        if self.heard and self.dice.coin():
            return self.dice.pick(self.heard).model_copy(update={"at": at})
        through = self.dice.pick((None, (), ("power-east",)))
        loss = Lost(at=at, office=self.office(roster), by="somebody", through=through, exercise=self.dice.pick((False,) * 9 + (True,)))
        self.heard.append(loss)
        return loss

    def returned(self, roster: Roster, post: Post, at: datetime) -> Event:
        lost = [each.office for each in post.board.lost]
        return Returned(at=at, office=self.dice.pick(lost) if lost else self.office(roster), by="somebody")

    def spared(self, roster: Roster, _post: Post, at: datetime) -> Event:
        return Spared(at=at, office=self.office(roster), by="somebody")

    def accepted(self, roster: Roster, post: Post, at: datetime) -> Event:
        duty, office, number = self.said(roster, post)
        return Accepted(at=at, duty=duty, office=office, number=number, by="somebody")

    def refused(self, roster: Roster, post: Post, at: datetime) -> Event:
        duty, office, number = self.said(roster, post)
        return Refused(at=at, duty=duty, office=office, number=number, by="somebody", why=self.dice.pick(("", "ill")))

    def handed_back(self, roster: Roster, post: Post, at: datetime) -> Event:
        duty, _, number = self.said(roster, post)
        said = post.board.of(duty)
        number = said.number if said and self.dice.pick((True, True, False)) else number
        to = OfficeName(roster.duties[duty].office) if self.dice.pick((True, False)) else self.office(roster)
        return HandedBack(at=at, duty=duty, to=to, number=number, given_by="ann", taken_by=self.dice.pick(("bo", "bo", "ann", "")))

    def moved(self, roster: Roster, _post: Post, at: datetime) -> Event:
        duty = DutyName(self.dice.pick(tuple(roster.duties)))
        there = self.store.taken.get(duty)
        if not there:
            return Ticked(at=at)
        return Moved(at=at, duty=duty, office=there[-1].office, number=there[-1].number)

    def away(self, roster: Roster, _post: Post, at: datetime) -> Event:
        contact = ContactName(self.dice.pick((*roster.people, "nobody")))
        return Away(at=at, contact=contact, until=self.dice.pick((None, at + timedelta(hours=2))))

    def present(self, roster: Roster, _post: Post, at: datetime) -> Event:
        return Present(at=at, contact=ContactName(self.dice.pick((*roster.people, "nobody"))))

    def ticked(self, _roster: Roster, _post: Post, at: datetime) -> Event:
        return Ticked(at=at)

    def office(self, roster: Roster) -> OfficeName:
        return OfficeName(self.dice.pick((*roster.offices, "nowhere") if self.turns % 8 == 7 else tuple(roster.offices)))

    def said(self, roster: Roster, post: Post) -> tuple[DutyName, OfficeName, Fence]:
        """Mostly what was really asked; else any office, any number near."""
        asked = [each for each in post.board.assignments if each.asked is not None]
        chosen = self.dice.pick(asked) if asked and self.dice.coin() else None
        if chosen is not None and chosen.asked is not None:
            return chosen.duty, chosen.asked.office, chosen.asked.number
        duty = DutyName(self.dice.pick(tuple(roster.duties)))
        said = post.board.of(duty)
        number = self.dice.pick(range((said.issued if said else 0) + 2))
        return duty, self.office(roster), Fence(number)


_EVENTS: tuple[Callable[[History, Roster, Post, datetime], Event], ...] = (
    History.ticked,
    History.lost,
    History.lost,
    History.accepted,
    History.accepted,
    History.accepted,
    History.refused,
    History.returned,
    History.handed_back,
    History.handed_back,
    History.spared,
    History.moved,
    History.away,
    History.present,
)
