"""A run's timeline, in per cent of its length, so that it is as legible on a phone as on a wall: one bar a step over its budget's frame.

The template draws it as inline SVG without a viewBox: widths are per cent, heights and letters real pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.model.record import RtoMeasured, RunRecord, StepRecord
from dr.units import show_duration

ROW, BAR = 44, 12
"""Pixels: one step with its words above its bar; the bar."""
LONGEST = 20
"""Letters of a step's name beside its bar."""
NARROWEST = 0.4
"""Per cent: what is shorter is still seen."""


@dataclass(frozen=True)
class Bar:
    """One step. `x`, `width`, `budget`: per cent; `budget` is cut off at the right edge (`beyond`), None without one."""

    name: str
    state: str
    x: float
    y: int
    width: float
    took: str
    budget: float | None
    beyond: bool
    over: bool
    words: str
    phase: str = ""
    attempt: int = 1
    """The last one that was made."""
    allowed: str = ""
    """The budget in words."""
    label: str = ""
    """The name, cut to what leaves room for the times beside it on a phone; `words` has all of it."""


@dataclass(frozen=True)
class Timeline:
    bars: tuple[Bar, ...]
    height: int
    total: str
    usable: float | None
    """Where the recovery clock stopped, per cent; None where it did not."""
    words: str
    """The text alternative."""
    usable_after: str = ""
    """The same in words."""


@dataclass(frozen=True)
class Gauge:
    """How much of an objective was used, per cent of the larger of the two."""

    used: float
    objective: float
    target: float | None
    over: bool
    words: str


def timeline(
    run: RunRecord, steps: Sequence[StepRecord], rto: RtoMeasured | None = None, *, now: datetime | None = None
) -> Timeline | None:
    """None where nothing has ended. `now`: then what is under way is drawn too, as far as it has come."""
    timed = [(s, s.started, ended) for s in steps if s.started and (ended := s.ended or now)]
    if not timed:
        return None
    span = max(*((ended - run.started).total_seconds() for _, _, ended in timed), 0.001)
    bars = tuple(_bar(step, begun, ended, index, run, span) for index, (step, begun, ended) in enumerate(timed))
    usable = min(100.0, rto.seconds / span * 100) if rto else None
    stopped = f"; usable again after {show_duration(rto.seconds)}" if rto else ""
    words = f"{len(bars)} step{'s' * (len(bars) != 1)} in {show_duration(span)}: " + "; ".join(bar.words for bar in bars) + stopped
    return Timeline(bars, len(bars) * ROW + 4, show_duration(span), usable, words, show_duration(rto.seconds) if rto else "")


def _bar(step: StepRecord, begun: datetime, ended: datetime, index: int, run: RunRecord, span: float) -> Bar:
    seconds = max(0.0, (ended - begun).total_seconds())
    over = step.budget is not None and seconds > step.budget
    width = max(seconds / span * 100, NARROWEST)
    x = min(max(0.0, (begun - run.started).total_seconds() / span * 100), 100 - NARROWEST)
    wanted = step.budget / span * 100 if step.budget is not None else None
    budget = f" of a budget of {show_duration(step.budget)}" if step.budget is not None else ""
    return Bar(
        name=step.step,
        label=step.step if len(step.step) <= LONGEST else step.step[: LONGEST - 1] + "…",
        state="over" if over else step.state,
        x=x,
        y=index * ROW,
        width=min(width, 100 - x),
        took=show_duration(seconds),
        budget=min(wanted, 100 - x) if wanted is not None else None,
        beyond=wanted is not None and wanted > 100 - x,
        over=over,
        words=f"{step.step} {step.state} in {show_duration(seconds)}{budget}{', over budget' if over else ''}",
        phase=step.phase or "",
        attempt=step.attempt,
        allowed=show_duration(step.budget) if step.budget is not None else "",
    )


def gauge(seconds: float, objective: float | None, target: float | None = None) -> Gauge | None:
    """None without an objective."""
    if not objective or objective <= 0:
        return None
    whole = max(seconds, objective)
    share = seconds / objective * 100
    words = f"{'less than 1' if share < 1 else format(share, '.0f')} % of the objective"
    return Gauge(
        used=max(seconds / whole * 100, NARROWEST),
        objective=objective / whole * 100,
        target=target / whole * 100 if target else None,
        over=seconds > objective,
        words=words,
    )
