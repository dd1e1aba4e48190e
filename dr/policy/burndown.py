"""While a drill or a recovery runs: when will a user be able to work again, as far as can be seen, and is that too late?

What can be seen is how far the step is (`done` of `total` since it began), and how long what comes after it took in the last drill. The
rate is the step's own mean, since it began: a loader that pauses to build an index makes it fall slowly, not to nothing. Nothing is
foreseen from too little: see `SOONEST` and `LEAST`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model.base import Seconds
from dr.model.forecast import DrillSample
from dr.model.runbook import Plan
from dr.policy.recovery import clock_ends_after

CLOCKED = ("drill", "recovery")
SOONEST = 0.02
"""Of the objective that a step must have lasted before its rate means something: 5 minutes of 4 hours."""
LEAST = 0.05
"""Of a step's work that must be done before its rate means something."""
AFTER_USE = "check"
"""The action that stops a drill's clock: in its first step a user works again. A recovery's runs until the first probe after `open`."""


@dataclass(frozen=True)
class Outlook:
    """As far as can be seen now. `finish`: of the step, `back`: of the outage; None where nothing can be foreseen yet."""

    deadline: datetime
    """The moment at which the objective is missed."""
    finish: datetime | None = None
    back: datetime | None = None
    late: Seconds | None = None
    """By how much the objective will be missed, or is being missed already; None while it will be held, as far as can be seen."""


def burns(plan: Plan, step: str) -> bool:
    """Whether the clock runs during that step: it is a run with an objective, and nobody can work yet."""
    if plan.kind not in CLOCKED or plan.objective is None:
        return False
    recovery, last = plan.kind == "recovery", clock_ends_after(plan)
    for planned in plan.steps:
        if planned.action == AFTER_USE and not recovery:
            return False
        if planned.id == step:
            return True
        if recovery and planned.id == last:
            return False
    return False


def outlook(
    recognised: datetime, objective: Seconds, began: datetime, now: datetime, *, done: int | None, total: int | None, after: Seconds
) -> Outlook:
    """`recognised`: when the clock began, `began`: the step. `after`: what will still come between the step's end and the first user."""
    deadline = recognised + timedelta(seconds=objective)
    finish = _finish(began, now, done, total, least=SOONEST * objective)
    back = (finish or now) + timedelta(seconds=after)
    late = Seconds((back - deadline).total_seconds()) if back > deadline else None
    return Outlook(deadline, finish, back if finish else None, late)


def _finish(began: datetime, now: datetime, done: int | None, total: int | None, *, least: float) -> datetime | None:
    lasted = (now - began).total_seconds()
    if not done or not total or lasted < least or done < LEAST * total:
        return None
    return now + timedelta(seconds=lasted * max(0, total - done) / done)


def after(phase: str | None, last: DrillSample | None) -> Seconds:
    """What came between the end of that phase and the first user in the last drill; nothing where none is known, which is too little."""
    inside = [p for p in last.phases if p.inside] if last else []
    names = [p.name for p in inside]
    if phase is None or phase not in names:
        return Seconds(0.0)
    return Seconds(sum(p.seconds for p in inside[names.index(phase) + 1 :]))
