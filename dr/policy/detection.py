"""When failed answers mean that a system is down: enough in a row, at enough machines. One machine that sees nothing may be cut off itself.

Pure: answers in, a proposal with its reasons out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from dr.model.base import Instant, StrictModel
from dr.model.redundancy import Detection

Answer = Literal["answers", "fails", "unknown"]
"""`unknown`: the vantage itself could not ask. That counts neither for the system nor against it."""


class Seen(StrictModel):
    """One question from one vantage, when and with what outcome."""

    at: Instant
    answer: Answer


class Down(StrictModel):
    """Why it is believed to be down."""

    probe: str
    vantages: tuple[str, ...]
    """Machines that agree."""
    since: Instant
    """The first failure that all of them had seen by then: when users could no longer work, as far as machines can tell."""
    failures: int


def failing(newest_first: Sequence[Seen], rule: Detection, now: datetime) -> tuple[int, datetime] | None:
    """How many failures there are in a row at one vantage, and when the first was. None: too few, or the newest says too little by now.

    A success ends the row. An `unknown` neither ends it nor counts.
    """
    asked = [seen for seen in newest_first if seen.answer != "unknown" and seen.at <= now]
    row = []
    for seen in asked:
        if seen.answer == "answers":
            break
        row.append(seen)
    if len(row) < rule.failures or now - row[0].at > timedelta(seconds=rule.stale_after):
        return None
    return len(row), row[-1].at


def detect(seen: Mapping[str, Mapping[str, Sequence[Seen]]], rule: Detection, now: datetime) -> Down | None:
    """`seen`: probe to machine to its answers, newest first. A machine counts once, under however many names it is asked.

    Of several probes that are down, the one that has been down for longest.
    """
    found = [down for probe, machines in seen.items() if (down := _agreed(probe, machines, rule, now)) is not None]
    return min(found, key=lambda down: (down.since, down.probe), default=None)


def _agreed(probe: str, machines: Mapping[str, Sequence[Seen]], rule: Detection, now: datetime) -> Down | None:
    rows = {machine: row for machine, answers in machines.items() if (row := failing(answers, rule, now)) is not None}
    if len(rows) < max(2, rule.agree):
        return None
    firsts = sorted(first for _, first in rows.values())
    since = firsts[max(2, rule.agree) - 1]  # when the last of those whose word is needed had failed for the first time
    return Down(probe=probe, vantages=tuple(sorted(rows)), since=since, failures=min(count for count, _ in rows.values()))


def proposes(down: Down | None, *, proposed: bool, underway: bool) -> bool:
    """Whether an outage is to be proposed now: once, for as long as it lasts, and not beside one that people know of already.

    `proposed`: this very row of failures was told already; `underway`: an outage of the system is proposed, declared or not yet over.
    """
    return down is not None and not proposed and not underway
