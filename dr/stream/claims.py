"""The claims of duties, as most of their stores have them.

A store is a repository; which ones the inventory says. A claim holds when a majority of the stores has it at its place in the duty's line:
1 of 1, 2 of 2, 2 of 3. A store gives each place away once, so of two who claim at once at most one has a majority; and two majorities
share a store, so nobody reads one and misses the newest claim. One store is enough where it outlives every office. With three, one may be
lost together with an office. With two both are needed, which is no safer than one and stops sooner.

A majority that cannot be reached is no majority: nothing is assigned then, and nobody's own memory makes up for it. A claim that reached
fewer stores than that holds nothing, and may be on its way to more: nobody asks for the place behind it before that one is given away, or
so split among the stores that nobody can win it any more. Else two that met would each win a place of their own.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from dr.errors import Damaged, DrError, Refused, Unreachable
from dr.model.base import RepositoryName, canonical
from dr.model.claim import Claim, line_of
from dr.model.ports import Keyring, Repository

Value = TypeVar("Value")


@dataclass(frozen=True)
class Stand:
    """What the stores say of one duty."""

    claim: Claim | None
    """The claim that holds: the last in line that a majority has. None where nobody ever claimed it."""
    last: int
    """The last place in line that any store has given away, to whatever."""
    next: int = 1
    """The place that the next claim asks for: the first that somebody can still win."""
    begun: tuple[Claim, ...] = ()
    """Claims behind the one that holds, which too few stores have."""
    doubtful: tuple[Claim, ...] = ()
    """Those of them that may hold after all: a store that would tell does not answer."""
    strange: tuple[str, ...] = ()
    """What lies there and cannot be believed, in words."""
    silent: tuple[RepositoryName, ...] = ()

    @property
    def number(self) -> int:
        """The fencing number that holds; 0 where nobody ever claimed the duty."""
        return self.claim.number if self.claim else 0

    @property
    def unsure(self) -> bool:
        return bool(self.doubtful)


class Claims:
    """Reads and writes through every store. `stores`: at least one."""

    def __init__(self, stores: Sequence[Repository], keys: Keyring) -> None:
        self._stores, self._keys = stores, keys
        self._most = len(stores) // 2 + 1

    @property
    def names(self) -> tuple[RepositoryName, ...]:
        return tuple(store.name for store in self._stores)

    def read(self, duty: str, exercise: str = "") -> Stand:
        """Raises Unreachable where no majority of the stores answers."""
        line = line_of(duty, exercise)
        answers, silent = self._ask(lambda store: store.claims(line))
        strange: list[str] = []
        votes: Counter[bytes] = Counter()
        known: dict[bytes, Claim] = {}
        for name, found in answers:
            for place, data in found:
                try:
                    known[data] = self._open(data, line, place)
                    votes[data] += 1
                except Damaged as error:
                    strange.append(f"{name}: {line}/{place}: {error.message}")
        tops = [max((place for place, _ in found), default=0) for _, found in answers]
        held = max((known[data] for data, count in votes.items() if count >= self._most), key=lambda one: one.place, default=None)
        behind = sorted((data for data in votes if held is None or known[data].place > held.place), key=lambda data: _order(known[data]))
        doubtful = (known[data] for data in behind if votes[data] + len(silent) >= self._most)
        best = {known[data].place: max(votes[one] for one in behind if known[one].place == known[data].place) for data in behind}
        return Stand(
            claim=held,
            last=max(tops),
            next=self._next(held.place if held else 0, best, tops, len(silent)),
            begun=tuple(known[data] for data in behind),
            doubtful=tuple(doubtful),
            strange=tuple(strange),
            silent=tuple(name for name, _ in silent),
        )

    def _next(self, held: int, best: Mapping[int, int], tops: Sequence[int], silent: int) -> int:
        """The first place behind `held` where somebody can still have a majority. `best`: a place to the most stores that one claim has
        there; `tops`: each store's highest place, below which it gives none away. A silent store may give, or have given, any."""
        tried = sorted({held + 1, *best, *(top + 1 for top in tops if top > held)})
        return next(place for place in tried if best.get(place, 0) + sum(top < place for top in tops) + silent >= self._most)

    def put(self, wish: Claim) -> Claim:
        """Claim a duty, as the successor of the claim `wish.after`; gives back the claim that stands: this one, or that of who was first.

        Safe to repeat. Stores that know less than `after` were rolled back, or are new: they learn the newest number by this claim.
        Raises Unreachable where too few stores took it for it to hold, and too few had another's: then nothing is assigned.
        """
        stand = self._sure(wish)
        if stand.claim is not None and (_same(stand.claim, wish) or stand.number > wish.after):
            return stand.claim
        own = next((one for one in stand.begun if one.place == stand.next and _same(one, wish)), None)
        return self._put(own or wish.model_copy(update={"place": stand.next}))

    def _sure(self, wish: Claim) -> Stand:
        """A claim that may hold, as far as can be seen, is put into the stores that lack it: then it does, and is the newest."""
        stand = self.read(wish.duty, wish.exercise)
        others = _of_others(stand, wish)
        if others:
            with suppress(Unreachable):
                self._put(others[0])
            stand = self.read(wish.duty, wish.exercise)
            others = _of_others(stand, wish)
        if others:
            raise Unreachable(
                f"whether {others[0].office} holds {wish.duty} by number {others[0].number}, only {', '.join(stand.silent)} can tell",
                hint="bring that store back (`dr repositories check`), then type it again",
            )
        return stand

    def _put(self, claim: Claim) -> Claim:
        data = seal(claim, self._keys)
        answers, silent = self._ask(lambda store: store.claim(claim.line, claim.place, data))
        ours = sum(stands == data for _, stands in answers)
        if ours >= self._most:
            return claim
        if ours + len(silent) >= self._most:
            raise self._too_few(silent, ours)
        others = Counter(stands for _, stands in answers if stands != data)
        first, votes = others.most_common(1)[0]
        if votes < self._most:
            raise Unreachable(
                f"two claims of {claim.duty} met in the stores, and neither has most of them: nobody was given the duty",
                hint="type it again: the next claim stands behind both",
            )
        return self._other(claim, first)

    def _other(self, claim: Claim, stands: bytes) -> Claim:
        try:
            return self._open(stands, claim.line, None)
        except Damaged as error:
            raise Damaged(
                f"what stands last among the claims of {claim.line} was put there by no office of ours: {error.message}",
                hint="`dr duties` shows where it lies; type it again: the next claim stands behind it",
            ) from None

    def _ask(self, what: Callable[[Repository], Value]) -> tuple[list[tuple[RepositoryName, Value]], list[tuple[RepositoryName, DrError]]]:
        answers: list[tuple[RepositoryName, Value]] = []
        silent: list[tuple[RepositoryName, DrError]] = []
        for store in self._stores:
            try:
                answers.append((store.name, what(store)))
            except (Unreachable, Refused, Damaged) as error:  # another organisation's, or not ours to write: as good as not there
                silent.append((store.name, error))
        if len(answers) < self._most:
            raise self._too_few(silent, len(answers))
        return answers, silent

    def _too_few(self, silent: Sequence[tuple[RepositoryName, DrError]], reached: int) -> Unreachable:
        said = "; ".join(f"{name}: {error.message}" for name, error in silent)
        what = "the store of claims does not answer" if len(self._stores) == 1 else f"of {len(self._stores)} stores of claims {reached} did"
        return Unreachable(
            f"{what}, so that nobody can be given a duty: {said}",
            hint="bring the store back (`dr repositories check`), then type it again; a claim that only this machine knew would be none",
        )

    def _open(self, data: bytes, line: str, place: int | None) -> Claim:
        claim = read_claim(data, self._keys)
        if claim.line != line or place not in (None, claim.place):
            raise Damaged("it is a claim of something else that was put there")
        return claim


def _order(claim: Claim) -> tuple[int, str, str]:
    return claim.place, claim.office, claim.home


def _of_others(stand: Stand, wish: Claim) -> list[Claim]:
    return [one for one in stand.doubtful if not _same(one, wish)]


def _same(one: Claim, other: Claim) -> bool:
    """Whatever place they have, and however late it was repeated."""
    return (one.line, one.office, one.number, one.home) == (other.line, other.office, other.number, other.home)


def seal(claim: Claim, keys: Keyring) -> bytes:
    """As it is stored: one canonical JSON text, signed; the same claim gives the same bytes."""
    facts = claim.to_facts()
    signature = base64.b64encode(keys.sign(canonical(facts))).decode("ascii")
    return canonical({"claim": facts, "signature": signature}) + b"\n"


def read_claim(data: bytes, keys: Keyring) -> Claim:
    """Raises Damaged for what no key that is trusted has signed."""
    try:
        stored = json.loads(data)
        signature = base64.b64decode(stored["signature"], validate=True)
        keys.verify(canonical(stored["claim"]), signature)
        return Claim.from_facts(stored["claim"])
    except Damaged:
        raise Damaged("no key that is trusted has signed it") from None
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, ValidationError):
        raise Damaged("it cannot be read") from None
