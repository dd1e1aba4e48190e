"""Chance that repeats: everything random comes from one seed, and every date from a fixed last day, so two fills are equal."""

import random
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")

LAST_DAY = date(2026, 11, 21).toordinal()
FIRST_DAY = date(2020, 11, 22).toordinal()
MISSING = (8, 9, 99, 99)
"""Client doesn't know; prefers not to answer; not collected (twice: it is the usual one)."""
_WEIGHT = (1.0, 0.95, 0.8, 0.6, 0.5, 0.45, 0.45, 0.5, 0.55, 0.65, 0.85, 1.0)
"""How likely somebody comes in, January to December: shelters fill in winter."""


@cache
def iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


@cache
def _weight(day: int) -> float:
    return _WEIGHT[date.fromordinal(day).month - 1]


class Dice:
    """The seeded source of every choice."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.random = rng.random
        self._times = tuple(f" {rng.randint(7, 19):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}" for _ in range(997))

    def chance(self, likelihood: float) -> bool:
        return self.random() < likelihood

    def pick(self, options: Sequence[Item]) -> Item:
        """One of them; repeat an option to make it likelier."""
        return options[int(self.random() * len(options))]

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + int(self.random() * (high - low + 1))

    def coded(self, answers: Sequence[int], missing: float = 0.07) -> int:
        """An answer, or a code for why there is none."""
        return self.pick(MISSING) if self.random() < missing else self.pick(answers)

    def winter_day(self, low: int, high: int) -> int:
        """A day between two days, likelier in winter."""
        while True:
            day = self.between(low, high)
            if self.random() < _weight(day):
                return day

    def at(self, day: int) -> str:
        """An instant within the working hours of a day."""
        return iso(day) + self.pick(self._times)
