"""What a recovery takes beside what a drill measured: declared phases, and a door that is shut at the worst hour. Pure.

Declared phases are time that passes in every recovery, so a drill passes only where they fit into the objective beside what it measured.
Opening hours are not: they depend on the hour at which the system is lost, which no drill can better, so they do not fail one. A week in
which a recovery could take longer than promised is told on each drill, in the forecast, and as a finding that stands until what is promised
is what can be held.
"""

from collections.abc import Collection

from dr.model.base import Seconds
from dr.model.forecast import Declared, TierForecast, Unmeasured, closed_words, declared_words
from dr.model.record import RtoMeasured
from dr.model.runbook import Plan
from dr.model.summary import Anomaly
from dr.units import show_duration


def on_top(said: Unmeasured | None, measured: Collection[str]) -> tuple[Declared, ...]:
    """What was declared and no phase measured: what is measured is not counted twice."""
    return tuple(one for one in said.declared if one.name not in measured) if said else ()


def left_to_the_machine(plan: Plan) -> Seconds | None:
    """Of the objective, what a run may itself take; None where it has none. A recovery's own clock runs through every phase there is."""
    if plan.objective is None:
        return None
    measured = {step.phase for step in plan.steps if step.phase}
    return Seconds(plan.objective.rto - sum(one.seconds for one in on_top(plan.unmeasured, measured)))


def rto_words(rto: RtoMeasured, place: str) -> str:
    """`measured 12 min + declared courier 45 min = 57 min; at the worst hour of the week (Friday 17:00) + 2 d 16 h until vault opens`.

    Nothing where nothing was declared.
    """
    measured = f"measured {show_duration(rto.seconds)}"
    added = f"{measured} + declared {declared_words(rto.declared)} = {show_duration(rto.total)}" if rto.declared else measured
    shut = [closed_words(rto.closed, place)] if rto.closed else []
    return "; ".join([added, *shut]) if rto.declared or rto.closed else ""


def shut_out(system: str, found: TierForecast) -> Anomaly | None:
    """A warning where the objective cannot be held at the worst hour, whatever the drills say, and they alone do not miss it already."""
    if found.closed is None or found.objective is None:
        return None
    back = (found.p95 if found.p95 is not None else sum(one.seconds for one in found.declared)) + found.closed.seconds
    if back <= found.objective:
        return None
    rest = f"then about {show_duration(back - found.closed.seconds)}" if back > found.closed.seconds else "then the recovery itself"
    message = (
        f"{system} cannot come back from {found.tier} within its objective of {show_duration(found.objective)} if it is lost at the worst "
        f"hour of the week: who comes {found.closed.when} waits {show_duration(found.closed.seconds)} until it opens, {rest}"
    )
    hint = "agree on access out of hours, keep another copy where there is no door, or promise (rto) what holds at the worst hour"
    return Anomaly(key=f"forecast:{system}:{found.tier}:closed", severity="warning", message=message, hint=hint)
