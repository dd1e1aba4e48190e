"""The demo's invented people in an exercise: each reads what arrives, and after some seconds does what the message says to type.

Who answers after how long, and who says no, follows from the seed. Whoever is away reads nothing.
"""

import hashlib
import heapq
import itertools
import re
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from dr.demo.receivers import Heard
from dr.errors import DrError

_CODE = re.compile(r"\bdr ack ([A-Z2-9]{4}-[A-Z2-9]{2})\b")
_ASK = re.compile(r"\bdr office accept ([a-z0-9-]+) --office ([a-z0-9-]+) --number (\d+) --exercise\b")
_SLOWEST = 6
"""Seconds after which everybody who is there has answered."""
_NO = 9
"""One office of so many says no, when it is asked first."""


class Typed(Protocol):
    """What a person types, on whatever machine has the home. Each raises DrError for what is refused."""

    def acknowledge(self, code: str) -> None: ...
    def accept(self, duty: str, office: str, number: int) -> None: ...
    def refuse(self, duty: str, office: str) -> None: ...


class Players:
    """`hear` may be called from any thread; all of them type on one keyboard, one after the other."""

    def __init__(self, typed: Typed, seed: int, away: Collection[str], *, slowest: float = _SLOWEST) -> None:
        self._typed, self._seed, self._away, self._slowest = typed, seed, away, slowest
        self._due: list[tuple[float, int, str, tuple[str, ...]]] = []
        self._numbers, self._changed, self._ended = itertools.count(), threading.Condition(), False
        self._asked: set[tuple[str, ...]] = set()

    def hear(self, heard: Heard) -> None:
        """A message arrived at somebody."""
        if heard.contact in self._away:
            return
        at = time.monotonic() + self._after(heard.contact)
        with self._changed:
            for said in self._told(heard):
                if said[0] == "ack" or said not in self._asked:  # of an office, whoever reads it first answers
                    self._asked.add(said)
                    heapq.heappush(self._due, (at, next(self._numbers), heard.contact, said))
            self._changed.notify()

    @contextmanager
    def playing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._type, name="players", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            thread.join(30)

    # ------------------------------------------------------------ inside

    def _told(self, heard: Heard) -> Iterator[tuple[str, ...]]:
        yield from (("ack", code) for code in _CODE.findall(heard.text))
        yield from (("office", *found) for found in _ASK.findall(heard.text))

    def _after(self, contact: str) -> float:
        return self._slowest * (0.2 + 0.8 * (self._roll(f"after {contact}") % 100) / 100)

    def _roll(self, question: str) -> int:
        return int.from_bytes(hashlib.sha256(f"players {self._seed}:{question}".encode()).digest()[:8], "big")

    def _type(self) -> None:
        while (said := self._next()) is not None:
            try:
                self._do(said)
            except DrError:
                continue  # somebody else was first, or the exercise is over: as on a real day, it is said, and that is all

    def _next(self) -> tuple[str, ...] | None:
        with self._changed:
            while not self._ended:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[3]
                self._changed.wait(wait)
        return None

    def _do(self, said: tuple[str, ...]) -> None:
        if said[0] == "ack":
            self._typed.acknowledge(said[1])
            return
        _, duty, office, number = said
        if number == "1" and self._roll(f"no {office} {duty}") % _NO == 0:
            self._typed.refuse(duty, office)
        else:
            self._typed.accept(duty, office, int(number))
