"""What happens to offices and duties, and what follows from it.

An event comes in, a board and transitions come out (`dr.policy.failover`). Whoever carries the transitions out (asks people, claims a
number in a shared store) tells what came of it by the next event. Every value has its round trip through JSON.
"""

from typing import Annotated, Literal

from pydantic import Field

from dr.model.base import ContactName, Instant, OfficeName, Slug, StrictModel
from dr.model.duty import Board, DutyName, Fence, PassedOver


class Lost(StrictModel):
    """An office is declared lost. Whoever shares its building is lost with it; whoever shares a thing that it depends on is affected."""

    event: Literal["lost"] = "lost"
    at: Instant
    office: OfficeName
    by: str
    """Everybody who confirmed it."""
    through: tuple[Slug, ...] | None = None
    """Of what it depends on, what has failed. None: nobody knows, so all of it is taken to have; nothing: the office only."""
    exercise: bool = False


class Returned(StrictModel):
    """A lost office works again."""

    event: Literal["returned"] = "returned"
    at: Instant
    office: OfficeName
    by: str


class Spared(StrictModel):
    """An office that is taken to be affected says that it works."""

    event: Literal["spared"] = "spared"
    at: Instant
    office: OfficeName
    by: str


class Accepted(StrictModel):
    """The office that was asked says yes, to that number."""

    event: Literal["accepted"] = "accepted"
    at: Instant
    duty: DutyName
    office: OfficeName
    number: Fence
    by: str


class Refused(StrictModel):
    """The office that was asked says no; or the one that holds the duty by that number can hold it no longer."""

    event: Literal["refused"] = "refused"
    at: Instant
    duty: DutyName
    office: OfficeName
    number: Fence
    by: str
    why: str = ""


class HandedBack(StrictModel):
    """Whoever holds a duty gives it, whoever is to hold it takes it: two people, one agreement, about the holder's number."""

    event: Literal["handed-back"] = "handed-back"
    at: Instant
    duty: DutyName
    to: OfficeName
    number: Fence
    """By which it is held now."""
    given_by: str
    taken_by: str


class Claimed(StrictModel):
    """The shared store took the claim: from now on the office holds the duty."""

    event: Literal["claimed"] = "claimed"
    at: Instant
    duty: DutyName
    office: OfficeName
    number: Fence


class RaceLost(StrictModel):
    """The shared store refused the claim of `number`, since somebody else's came first: `taken` by `office`, the newest there is."""

    event: Literal["race-lost"] = "race-lost"
    at: Instant
    duty: DutyName
    number: Fence
    taken: Fence
    office: OfficeName


class Moved(StrictModel):
    """The shared store shows a newer claim than the board knows: another machine moved the duty."""

    event: Literal["moved"] = "moved"
    at: Instant
    duty: DutyName
    office: OfficeName
    number: Fence


class Away(StrictModel):
    """A person cannot be counted on, until an instant or until `Present`."""

    event: Literal["away"] = "away"
    at: Instant
    contact: ContactName
    until: Instant | None = None


class Present(StrictModel):
    event: Literal["present"] = "present"
    at: Instant
    contact: ContactName


class Ticked(StrictModel):
    """Time has passed: who was asked and stayed silent is passed over, who is due to be asked again is."""

    event: Literal["ticked"] = "ticked"
    at: Instant


Event = Annotated[
    Lost | Returned | Spared | Accepted | Refused | HandedBack | Claimed | RaceLost | Moved | Away | Present | Ticked,
    Field(discriminator="event"),
]


class Ask(StrictModel):
    """Ask an office to take a duty by a number, which was never given out before; say why it, and why none of the others."""

    does: Literal["ask"] = "ask"
    duty: DutyName
    office: OfficeName
    number: Fence
    until: Instant
    reasons: tuple[str, ...] = ()
    passed: tuple[PassedOver, ...] = ()


class Withdraw(StrictModel):
    """An office that was asked is asked no more: its number is void."""

    does: Literal["withdraw"] = "withdraw"
    duty: DutyName
    office: OfficeName
    number: Fence
    why: str


class Claim(StrictModel):
    """Put `number` into the shared store, as the successor of `after`.

    It must be taken only if `after` is the newest claim of the duty there (0: there is none), so that of all who claim at once one wins.
    Safe to repeat: the same claim that is there already is `Claimed`, every other newest one is `RaceLost`.
    """

    does: Literal["claim"] = "claim"
    duty: DutyName
    office: OfficeName
    number: Fence
    after: Fence


class Assign(StrictModel):
    """The office holds the duty from now on. `before`: who held it last, as far as the board knows."""

    does: Literal["assign"] = "assign"
    duty: DutyName
    office: OfficeName
    number: Fence
    before: OfficeName | None = None
    why: str = ""


class Release(StrictModel):
    """The office holds the duty no more; whatever it still does by `number` is void once a higher one is claimed."""

    does: Literal["release"] = "release"
    duty: DutyName
    office: OfficeName
    number: Fence
    why: str


class Unheld(StrictModel):
    """Nobody holds the duty and nobody is left to ask: management is told, loudly."""

    does: Literal["unheld"] = "unheld"
    duty: DutyName
    why: str
    passed: tuple[PassedOver, ...] = ()
    again: Instant


class Rejected(StrictModel):
    """What was said does not count: a stale number, an office that was not asked, a hand-back by one person. Nothing was changed by it."""

    does: Literal["rejected"] = "rejected"
    duty: DutyName | None = None
    office: OfficeName | None = None
    why: str


class Noted(StrictModel):
    """What was said is so, and asks for nothing more."""

    does: Literal["noted"] = "noted"
    why: str


Transition = Annotated[
    Ask | Withdraw | Claim | Assign | Release | Unheld | Rejected | Noted,
    Field(discriminator="does"),
]


class Turn(StrictModel):
    """One turn of the machine: what came in, what must be done, and how everything stands then."""

    event: Event
    transitions: tuple[Transition, ...]
    board: Board
