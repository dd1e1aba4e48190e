"""What another machine says of what it looked at, before anybody hears of it: short, printable, and of the form that a look has."""

from collections.abc import Sequence
from datetime import datetime

from dr.hosts.session import Session
from dr.model.base import HostName, JsonObject, StrictModel
from dr.model.ports import Looking, Probe, Redundant, StepContext
from dr.model.record import CheckResult
from dr.model.redundancy import Half, KeptReading, Reading, unseen
from dr.units import visible

MOST = 300
"""Characters of its words, and halves of one thing, at most."""
SENT = 200
"""Earlier readings that it is told of at most: their figures alone, from which it sees where a disk goes."""


def look(session: Session, host: HostName, kind: Redundant, params: StrictModel, at: Looking) -> Reading:
    """How a thing stands there, as its own `dr` sees it."""
    asked = {"params": params.to_facts(), "earlier": sent(at.earlier)}
    return read(session.ask(f"look-{kind.kind}", asked)["reading"], host)


def inquire(session: Session, check: Probe, params: StrictModel, ctx: StepContext) -> CheckResult:
    """Whether a system answers when it is asked from there."""
    told = session.ask(f"inquire-{check.kind}", {"params": params.to_facts()})["result"]
    return answered(told, check.kind, ctx.clock.now())


def sent(earlier: Sequence[KeptReading]) -> list[JsonObject]:
    """Spread over the time that is known, the newest first."""
    told = [kept for kept in earlier if kept.reading.figures]
    thin = told[:: max(1, len(told) // SENT + 1)]
    bare = (kept.model_copy(update={"reading": Reading(state="unknown", figures=kept.reading.figures), "run": None}) for kept in thin)
    return [kept.to_facts() for kept in bare]


def read(told: object, host: HostName) -> Reading:
    """What it found there; unknown where that is nothing that a look says."""
    try:
        reading = Reading.from_facts(dict(told))  # type: ignore[call-overload]
    except (ValueError, TypeError):
        return unseen(f"what dr on host '{host}' says of it is none that dr says")
    halves = tuple(Half(name=_line(half.name), state=half.state, words=_line(half.words)) for half in reading.halves[:MOST])
    return Reading(state=reading.state, halves=halves, words=_line(reading.words), figures=reading.figures)


def answered(told: object, check: str, now: datetime) -> CheckResult:
    """Whether a system answered there. What is no such answer is no answer of the system's: it was not asked."""
    try:
        result = CheckResult.from_facts(dict(told))  # type: ignore[call-overload]
    except (ValueError, TypeError):
        return CheckResult(
            check=check, passed=False, examined=0, summary="dr over there says nothing that it should", started=now, ended=now
        )
    shown = {"check": check, "summary": _line(result.summary), "differences": (), "unproven": (), "details": {}}
    return result.model_copy(update={**shown, "started": now, "ended": now, "proves": False, "artifacts": ()})


def _line(text: str) -> str:
    return visible(" ".join(text[:MOST].split()))
