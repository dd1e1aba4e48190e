"""Very many random histories of duties that move; see scripts/campaign-failover. A history is repeated by its seed and number alone."""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.support.duty_histories import Dice, History
from tests.support.duty_watch import Broken

BATCH = 500
SHOWN = ("lost", "returned", "accepted", "refused", "handed-back", "ask", "claim", "race-lost", "assign", "release", "unheld", "rejected")


@dataclass
class Tally:
    histories: int = 0
    turns: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.histories += other.histories
        self.turns += other.turns
        self.seen += other.seen
        self.broken += other.broken


def rolls(seed: int, number: int) -> Iterator[int]:
    dice = random.Random(f"{seed}:{number}")
    return iter([dice.getrandbits(16) for _ in range(dice.randrange(60, 260))])


def batch(seed: int, first: int, last: int) -> Tally:
    """Histories `first` to `last` of a seed."""
    tally = Tally()
    for number in range(first, last):
        history = History(Dice(rolls(seed, number)))
        try:
            tally.turns += history.play()
        except Broken as broken:
            tally.broken.append(f"history {number} of seed {seed}, turn {history.turns}: {broken}")
        tally.histories += 1
        tally.seen += history.seen
    return tally


def campaign(seed: int, histories: int, workers: int) -> Tally:
    tally = Tally()
    starts = range(0, histories, BATCH)
    with ProcessPoolExecutor(workers) as pool:
        for done in pool.map(batch, [seed] * len(starts), starts, [min(start + BATCH, histories) for start in starts]):
            tally.add(done)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign-failover", description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    begun = time.monotonic()
    tally = campaign(asked.seed, asked.histories, asked.workers)
    print(f"{tally.histories:,} histories of seed {asked.seed}, {tally.turns:,} turns, {time.monotonic() - begun:.0f} seconds")
    print("  " + ", ".join(f"{name} {tally.seen[name]:,}" for name in SHOWN))
    for words in tally.broken[:20]:
        print(f"  BROKEN {words}")
    print("nothing that must always hold was broken" if not tally.broken else f"{len(tally.broken)} histories broke a rule")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
