"""A run's timeline as an inline SVG: one bar a step, its budget as a thin frame behind it, and the objective as a line where it fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.model.record import RunRecord, StepRecord
from dr.units import show_duration

WIDTH, LABEL, ROW = 720, 150, 26
"""Pixels of the drawing's own coordinates: the whole, the column of names, one step."""


@dataclass(frozen=True)
class Bar:
    """One step, in drawing coordinates; `budget` is the width its budget would have had, None where it is far off the scale."""

    name: str
    state: str
    x: float
    y: float
    width: float
    took: str
    budget: float | None
    over: bool
    words: str


@dataclass(frozen=True)
class Timeline:
    bars: tuple[Bar, ...]
    height: int
    total: str
    ticks: tuple[tuple[float, str], ...]
    words: str
    """The text alternative."""


def timeline(run: RunRecord, steps: Sequence[StepRecord]) -> Timeline | None:
    """None where nothing has begun."""
    timed = [(s, s.started, s.ended) for s in steps if s.started and s.ended]
    if not timed:
        return None
    span = max(*((ended - run.started).total_seconds() for _, _, ended in timed), 0.001)
    scale = (WIDTH - LABEL - 90) / span
    bars = tuple(_bar(step, begun, ended, index, run, scale) for index, (step, begun, ended) in enumerate(timed))
    ticks = tuple((LABEL + span * part * scale, show_duration(span * part)) for part in (0.0, 0.25, 0.5, 0.75, 1.0))
    words = f"{len(bars)} steps in {show_duration(span)}: " + "; ".join(bar.words for bar in bars)
    return Timeline(bars, len(bars) * ROW + 34, show_duration(span), ticks, words)


def _bar(step: StepRecord, begun: datetime, ended: datetime, index: int, run: RunRecord, scale: float) -> Bar:
    seconds = (ended - begun).total_seconds()
    over = step.budget is not None and seconds > step.budget
    room = WIDTH - LABEL - 90
    framed = step.budget * scale if step.budget is not None and step.budget * scale <= room else None
    budget = f" of a budget of {show_duration(step.budget)}" if step.budget is not None else ""
    return Bar(
        name=step.step,
        state="over" if over else step.state,
        x=LABEL + (begun - run.started).total_seconds() * scale,
        y=index * ROW + 6,
        width=max(seconds * scale, 1.5),
        took=show_duration(seconds),
        budget=framed,
        over=over,
        words=f"{step.step} {step.state} in {show_duration(seconds)}{budget}{', over budget' if over else ''}",
    )
