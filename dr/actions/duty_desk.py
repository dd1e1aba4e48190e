"""Where turns of the failover machine are taken and what follows from them is done: words are owed, claims are put into their store.

A turn is on record before anything follows from it, and is marked when everything did. Whoever comes by (a step, a command, on this machine
or after a crash) does what is left: a word that is owed twice is one notice, a claim that is put twice is one claim. What the store says
comes back as the next turn. Nobody holds a duty before the store has the claim.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

from dr.actions.played import PlayedClock, playing_of
from dr.clock import Clock
from dr.model.base import OfficeName, RepositoryName, RunId
from dr.model.claim import Claim as StoredClaim
from dr.model.duty import Assignment, Board, DutyName, Fence
from dr.model.duty_events import Claim, Claimed, Event, Moved, Noted, RaceLost, Ticked, Turn, Unheld
from dr.model.duty_log import REAL, DutyTurn
from dr.model.inventory import Inventory
from dr.model.ports import Keyring, Post, Records, Repository, StepContext, Word
from dr.model.record import Finding
from dr.policy import failover
from dr.policy.claim_stores import claim_stores
from dr.policy.duty_words import NOBODY, DutyWord, Teller
from dr.policy.roster import Roster, roster_of
from dr.stream.claims import Claims, Stand

_MARK = "state/home.json"
UNHELD = "duty-unheld:"
"""How the key of a finding begins that says that nobody holds a duty."""


FAILPOINTS = ("after-turn", "after-owed", "after-claimed", "after-carried")
"""Of a step that works at the desk, in the order in which they are passed."""


class World(Protocol):
    """What the desk needs of a step's context; a command has it too."""

    @property
    def inventory(self) -> Inventory: ...
    @property
    def records(self) -> Records: ...
    @property
    def post(self) -> Post: ...
    @property
    def keys(self) -> Keyring: ...
    @property
    def clock(self) -> Clock: ...
    def repository(self, name: RepositoryName) -> Repository: ...


@dataclass(frozen=True)
class Desk:
    """`home`: this home's own token; `log`: the rehearsal, or empty; `at` is called at each point at which a test may kill."""

    world: World
    by: str
    home: str
    log: str = REAL
    run: RunId | None = None
    at: Callable[[str], None] = field(default=lambda _: None)

    @cached_property
    def roster(self) -> Roster:
        return roster_of(self.world.inventory)

    @cached_property
    def clock(self) -> Clock:
        """The hour that is played, in an exercise that lasts; else the machine's own."""
        playing = playing_of(self.world.records, self.world.clock.now()) if self.log != REAL else None
        return PlayedClock(playing, self.world.clock) if playing is not None and playing.id == self.log else self.world.clock

    @cached_property
    def claims(self) -> Claims:
        return Claims([self.world.repository(name) for name in claim_stores(self.world.inventory)], self.world.keys)

    def board(self) -> Board:
        """How everything stands on this machine; in normal times, where nothing was ever recorded."""
        return self._board(self.world.records.board(self.log))

    def say(self, event: Event) -> DutyTurn | None:
        """Put what follows from an event on record, and do nothing yet; None where nothing follows that is not on record already."""

        def decide(known: Board | None) -> Turn | None:
            before = self._board(known)
            turn = failover.turn(self.roster, before, event)
            put_right = known is not None and before.at < known.at
            return turn if put_right or _says_something(turn, before) else None

        now = self.world.clock.now()  # the trail has when it was said, whatever the hour that is played
        taken = self.world.records.take_turn(self.log, decide, by=self.by, home=self.home, run=self.run, at=now)
        if taken is not None:
            self.at("after-turn")
        return taken

    def heed(self) -> int:
        """Do what follows from every turn, and from what comes of that; how many turns that were. Raises Unreachable, where the store
        of claims does not answer: everybody was written to all the same, and the claim is put by whoever comes by next."""
        done = 0
        while waiting := self.world.records.uncarried_turns(self.log):
            for taken in waiting:  # words first: who must act must know, also while the store is silent
                self._owe(taken)
            for taken in waiting:
                self._put(taken)
                self.world.records.carried_turn(self.log, taken.number, self.world.clock.now())
                done += 1
        self._call_off()
        self._alarm()
        return done

    def tick(self) -> DutyTurn | None:
        """Whoever was silent for too long is passed over."""
        known, now = self.world.records.board(self.log), self.clock.now()
        board = self._board(known)
        due, put_right = failover.due(board), known is not None and board.at < known.at
        return self.say(Ticked(at=now)) if put_right or (due is not None and due <= now) else None

    def sync(self) -> Mapping[str, Stand]:
        """Ask the store what other machines moved, and put that on record; what it says of every duty. Raises Unreachable."""
        board = self.board()
        stands = {duty: self.claims.read(duty, self.log) for duty in self.roster.duties}
        for duty, stand in stands.items():
            known = board.of(duty)
            if stand.claim is not None and known is not None and stand.number > known.number:
                kind = Claimed if stand.claim.home == self.home else Moved  # one's own: a crash came before it was known here
                self.say(kind(at=self.clock.now(), duty=DutyName(duty), office=stand.claim.office, number=stand.claim.number))
        return stands

    def settled(self) -> bool:
        """Whether every duty is held, and nobody is asked for any."""
        return all(each.state == "held" and each.asked is None for each in self._ours())

    def _ours(self) -> list[Assignment]:
        return [each for each in self.board().assignments if each.duty in self.roster.duties]

    # ------------------------------------------------------------ inside

    def _board(self, known: Board | None) -> Board:
        if known is None:
            return failover.open_board(self.roster, self.clock.now(), exercise=self.log != REAL)
        board = failover.abreast(self.roster, known)
        return failover.set_right(board, self.clock.now()) if self.log == REAL else board

    def _alarm(self) -> None:
        """A duty that nobody holds is a finding until somebody does; of a rehearsal none is."""
        if self.log != REAL:
            return
        now, run = self.world.clock.now(), self.run or RunId("")
        open_ones = {f"{UNHELD}{each.duty}": each for each in self._ours() if each.state != "held"}
        for key, each in open_ones.items():
            title = self.roster.duty_title(each.duty)
            waits = f"{self.roster.office_title(each.asked.office)} is asked" if each.asked else "nobody is left to ask"
            found = Finding(key=key, severity="critical", message=f"nobody holds {title}: {waits}", hint="dr duties", run=self.run, at=now)
            self.world.records.finding(found)
        self.world.records.close_findings(UNHELD, list(open_ones), now, run)

    def _call_off(self) -> None:
        """Nobody is called any more for a duty that somebody holds by now; nor by an older message than the newest that says it."""
        prefix, over = f"{self.log or 'duties'}:", cache(self._past)
        now, run = self.world.clock.now(), self.run or RunId("")
        for notice in self.world.records.call_off(prefix, lambda name: name.startswith(tuple(f"{prefix}{past}" for past in over()))):
            self.world.records.close_finding(f"unanswered:{notice}", now, run)

    def _past(self) -> list[str]:
        """Of the turns by which a duty was left with nobody, how the names of their messages go on where that is past."""
        board, found, again = self.board(), list[str](), set[str]()
        for taken in reversed(self.world.records.duty_turns(self.log)):
            free = {str(each.duty) for each in taken.turn.transitions if isinstance(each, Unheld)}
            if free and all(duty in again or (said := board.of(duty)) is None or said.state == "held" for duty in free):
                found.append(f"{taken.number}:{NOBODY}:")
            again |= free
        return found

    def _owe(self, taken: DutyTurn) -> None:
        for word in Teller(self.world.inventory, self.roster, taken).words():
            self.world.post.owe(_posted(word, taken))
            self.at("after-owed")

    def _put(self, taken: DutyTurn) -> None:
        for each in taken.turn.transitions:
            if isinstance(each, Claim) and each in failover.claims(self.board()):  # else it was answered, or is void by now
                self._claim(each, taken)

    def _claim(self, claim: Claim, taken: DutyTurn) -> None:
        now = self.clock.now()
        stands = self.claims.put(self._paper(claim, taken))
        self.at("after-claimed")
        duty, number = claim.duty, claim.number
        if (stands.office, stands.number, stands.home) == (claim.office, number, self.home):
            self.say(Claimed(at=now, duty=duty, office=claim.office, number=number))
        else:
            self.say(RaceLost(at=now, duty=duty, number=number, taken=stands.number, office=stands.office))

    def _paper(self, claim: Claim, taken: DutyTurn) -> StoredClaim:
        """The same one, however often it is put."""
        return StoredClaim(
            duty=claim.duty,
            office=OfficeName(claim.office),
            number=Fence(claim.number),
            after=Fence(claim.after),
            at=taken.turn.event.at,
            by=taken.by,
            home=self.home,
            run=taken.run,
            exercise=self.log,
        )


def desk_of(ctx: StepContext, log: str, by: str = "") -> Desk:
    """A step's own."""
    return Desk(ctx, by or ctx.requested_by, home_token(Path(ctx.home)), log, ctx.run, ctx.failpoint)


def home_token(home: Path) -> str:
    """By which this home's claims are told from another's that was brought back from the same repository. Of a state folder that cannot
    be written, the place itself."""
    try:
        return str(json.loads((home / _MARK).read_text(encoding="utf-8"))["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(home.resolve())


def _says_something(turn: Turn, before: Board) -> bool:
    moved = turn.board.model_copy(update={"at": before.at}) != before
    return moved or any(not isinstance(each, Noted) for each in turn.transitions)


def _posted(word: DutyWord, taken: DutyTurn) -> Word:
    """A rehearsal's messages are of its own name: gathered with no other's, and taken back together when it is over."""
    return Word(
        id=word.id,
        to=word.to,
        template=word.template,
        story=word.story,
        severity=word.severity,
        outage=taken.log or None,
        acknowledge=word.acknowledge,
        exercise=bool(taken.log),
    )
