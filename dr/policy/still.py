"""When a run lay still: paused by a person, or with nobody to carry it on. The clock ran on; the machine did nothing. Pure."""

from collections.abc import Sequence
from datetime import datetime

from dr.clock import iso
from dr.model.base import JsonObject, Seconds
from dr.model.record import AuditEntry, StepRecord, Still
from dr.units import show_duration

TAKEN_UP = "run-taken-up"
"""On record when a process goes on with a run that another left."""
PAUSE, GOES_ON = "run-pause", ("run-resume", "run-cancel", "run-cancel-hard")
LEAST = 5.0
"""Seconds from which on it is worth a word: what died is taken over within two."""
SHARE = 0.02
"""Of a recovery time. A drill that lay still longer is no measurement of the machine."""


def taken_up(last: datetime, now: datetime) -> JsonObject:
    """What is put on record of it: the last sign of life, and the seconds since."""
    return {"last": iso(last), "still": max(0.0, (now - last).total_seconds())}


def stills(entries: Sequence[AuditEntry], steps: Sequence[StepRecord], since: datetime, until: datetime) -> tuple[Still, ...]:
    """Those within a time, in their order and apart from each other, as the audit trail of the run has them. `entries`: oldest first."""
    found: list[Still] = []
    for one in sorted([*_left(entries), *_pauses(entries, steps, until)], key=lambda still: (still.began, still.ended)):
        began = max([one.began, since, *(before.ended for before in found)])
        if began < (ended := min(one.ended, until)):
            found.append(one.model_copy(update={"began": began, "ended": ended}))
    return tuple(one for one in found if one.seconds >= LEAST)


def _left(entries: Sequence[AuditEntry]) -> list[Still]:
    told = [
        (datetime.fromisoformat(entry.facts["last"]), entry.at) for entry in entries if entry.event == TAKEN_UP and entry.facts.get("last")
    ]
    return [Still(began=began, ended=ended, why="nobody carried it on") for began, ended in told if began < ended]


def _pauses(entries: Sequence[AuditEntry], steps: Sequence[StepRecord], until: datetime) -> list[Still]:
    """What is under way when a pause is heeded is finished first: it lies still from then on."""
    found: list[Still] = []
    paused: AuditEntry | None = None
    for entry in entries:
        if entry.event == PAUSE:
            paused = paused or entry
        elif paused is not None and entry.event in GOES_ON:
            found += _pause(paused, entry.at, steps)
            paused = None
    return found + (_pause(paused, until, steps) if paused is not None else [])


def _pause(paused: AuditEntry, ended: datetime, steps: Sequence[StepRecord]) -> list[Still]:
    working = [step for step in steps if step.started and step.started <= paused.at and (step.ended or ended) > paused.at]
    began = max([paused.at, *(min(step.ended or ended, ended) for step in working)])
    return [Still(began=began, ended=ended, why=f"paused by {paused.actor}")] if began < ended else []


def lay(found: Sequence[Still]) -> Seconds:
    return Seconds(sum(one.seconds for one in found))


def spoils(still: float, measured: float) -> bool:
    """Whether a measured time says little of the machine, since the run lay still in it."""
    return still >= LEAST and still > SHARE * measured


def still_words(found: Sequence[Still], of: str = "of it ") -> str:
    """`lay still for 2 h 03 min of it (paused by anna: 2 h; nobody carried it on: 3 min)`; nothing where it never did."""
    each = "; ".join(f"{one.why}: {show_duration(one.seconds)}" for one in found)
    return f"lay still for {show_duration(lay(found))} {of}({each})" if found else ""
