"""The claims of duties, as most of their stores have them.

A store is a repository; which ones, and in which order, the inventory says. A claim holds when a majority of the stores has it under its
number: 1 of 1, 2 of 2, 2 of 3. A store gives each number away once, so of two who claim one number at once at most one has a majority; and
two majorities share a store, so nobody reads one and misses the highest number. One store is enough where it outlives every office; with
three, one may be lost together with an office. With two both are needed: that is no safer than one, and stops sooner.

A majority that cannot be reached is no majority: nothing is assigned then, and nobody's own memory makes up for it. A claim that reached
fewer stores than that stays where it is and holds nothing; the next claim goes above its number.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from dr.errors import Damaged, DrError, Refused, Unreachable
from dr.model.base import RepositoryName, canonical
from dr.model.claim import Claim, claim_place
from dr.model.ports import Keyring, Repository

Value = TypeVar("Value")


@dataclass(frozen=True)
class Stand:
    """What the stores say of one duty."""

    claim: Claim | None
    """The claim that holds: the highest that a majority has. None where nobody ever claimed it."""
    highest: int
    """The highest number that any store has: the next claim goes above it, whatever became of that one."""
    begun: tuple[Claim, ...] = ()
    """Claims above the one that holds, which too few stores have."""
    unsure: bool = False
    """Whether one of those may hold after all: a store that would tell does not answer."""
    strange: tuple[str, ...] = ()
    """What lies there and cannot be believed, in words."""
    silent: tuple[RepositoryName, ...] = ()


class Claims:
    """Reads and writes through every store. `stores`: at least one."""

    def __init__(self, stores: Sequence[Repository], keys: Keyring) -> None:
        self._stores, self._keys = stores, keys
        self._most = len(stores) // 2 + 1

    def read(self, duty: str, *, exercise: bool = False) -> Stand:
        """Raises Unreachable where no majority of the stores answers."""
        answers, silent = self._ask(lambda store: store.claims(claim_place(duty, exercise=exercise)))
        strange: list[str] = []
        votes: Counter[bytes] = Counter()
        known: dict[bytes, Claim] = {}
        for name, found in answers:
            for number, data in found:
                try:
                    known[data] = self._open(data, duty, number, exercise)
                    votes[data] += 1
                except Damaged as error:
                    strange.append(f"{name}: {duty}/{number}: {error.message}")
        highest = max((number for _, found in answers for number, _ in found), default=0)
        held = max((known[data] for data, count in votes.items() if count >= self._most), key=lambda one: one.number, default=None)
        above = {data: known[data] for data in votes if held is None or known[data].number > held.number}
        unsure = any(votes[data] + len(silent) >= self._most for data in above)
        begun = tuple(sorted(above.values(), key=lambda one: (one.number, one.office)))
        return Stand(held, highest, begun, unsure, tuple(strange), tuple(name for name, _ in silent))

    def put(self, claim: Claim) -> Claim:
        """Claim it; gives back the claim that stands: this one, or that of who was first. Safe to repeat.

        Raises Unreachable where too few stores took it for it to hold, and too few had another's: then nothing is assigned.
        """
        data = seal(claim, self._keys)
        answers, silent = self._ask(lambda store: store.claim(claim.place, claim.number, data))
        ours = sum(stands == data for _, stands in answers)
        if ours >= self._most:
            return claim
        if ours + len(silent) >= self._most:
            raise self._too_few(silent, ours)
        return max((self._other(name, stands, claim) for name, stands in answers if stands != data), key=lambda one: one.number)

    def _other(self, store: RepositoryName, stands: bytes, claim: Claim) -> Claim:
        try:
            return self._open(stands, claim.duty, None, claim.exercise)
        except Damaged as error:
            raise Damaged(
                f"{store}: a claim of {claim.duty} stands above {claim.number}, and {error.message}",
                hint="was it put there by a stranger? `dr duties` shows which; the next claim goes above it: type it again",
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

    def _open(self, data: bytes, duty: str, number: int | None, exercise: bool) -> Claim:
        claim = read_claim(data, self._keys)
        if (claim.duty, claim.exercise) != (duty, exercise) or number not in (None, claim.number):
            raise Damaged("it is a claim of something else that was put there")
        return claim


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
    except (ValueError, KeyError, TypeError, binascii.Error, ValidationError):
        raise Damaged("it cannot be read") from None
