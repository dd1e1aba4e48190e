"""A plan as a picture: a box a step, ranks from above to below, branches beside each other, an arrow for what each waits for.

Pure but for `as_svg`, which fills the template. Self-contained: no font, script or file from elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.model.runbook import Plan, PlannedStep, Section
from dr.units import show_duration, visible

BOX_WIDTH, BOX_HEIGHT = 350, 68
_GAP_X, _GAP_Y, _MARGIN, _HEAD, _BAND_HEAD = 24, 30, 24, 98, 30
_LETTERS = 44
"""That fit into one line of a box."""
_TITLES: Mapping[Section, str] = {"steps": "In this order", "on_failure": "If a step fails", "always": "In any case, at the end"}
SECTIONS: tuple[Section, ...] = ("steps", "on_failure", "always")


@dataclass(frozen=True)
class Box:
    """One step; `x` and `y` are its upper left corner, in pixels."""

    step: str
    action: str
    notes: tuple[str, ...]
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    """From below the middle of one box to above the middle of another."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True)
class Band:
    title: str
    section: Section
    y: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True)
class Picture:
    runbook: str
    title: str
    about: str
    width: int
    height: int
    bands: tuple[Band, ...]
    words: str
    """The text alternative."""


def ranks(steps: Sequence[PlannedStep]) -> list[list[PlannedStep]]:
    """Steps that may begin together stand in one rank: each below everything that it waits for."""
    depth: dict[str, int] = {}
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if all(name in depth for name in step.needs)]
        if not ready:  # a circle: the loader refuses one, and a drawing need not end because of it
            ready = waiting
        for step in ready:
            depth[step.id] = 1 + max((depth.get(name, -1) for name in step.needs), default=-1)
        waiting = [step for step in waiting if step.id not in depth]
    return [[step for step in steps if depth[step.id] == rank] for rank in range(max(depth.values(), default=-1) + 1)]


def picture(plan: Plan) -> Picture:
    """Where everything stands."""
    sections = {name: ranks(getattr(plan, name)) for name in SECTIONS if getattr(plan, name)}
    columns = max((len(rank) for rows in sections.values() for rank in rows), default=1)
    width = max(640, 2 * _MARGIN + columns * BOX_WIDTH + (columns - 1) * _GAP_X)
    bands, y = [], _HEAD
    for name, rows in sections.items():
        band = _band(name, rows, y, width)
        bands.append(band)
        y += band.height + 12
    said = "; ".join(f"{band.title.lower()}: {', '.join(box.step for box in band.boxes)}" for band in bands)
    return Picture(plan.runbook, plan.title, _about(plan), width, y + 8, tuple(bands), said)


def _about(plan: Plan) -> str:
    kind = f"{'An' if plan.kind[0] in 'aeiou' else 'A'} {plan.kind}"
    about = " ".join(filter(None, (kind, f"of {plan.system}" if plan.system else "", f"from {plan.tier}" if plan.tier else "")))
    if plan.objective is None:
        return about + "."
    target = f", meant to be {show_duration(plan.objective.target)}" if plan.objective.target is not None else ""
    return f"{about}. Objective: back within {show_duration(plan.objective.rto)}{target}."


def _band(name: Section, rows: Sequence[Sequence[PlannedStep]], y: int, width: int) -> Band:
    boxes: dict[str, Box] = {}
    for rank, row in enumerate(rows):
        left = (width - len(row) * BOX_WIDTH - (len(row) - 1) * _GAP_X) // 2
        for column, step in enumerate(row):
            x, top = left + column * (BOX_WIDTH + _GAP_X), y + _BAND_HEAD + rank * (BOX_HEIGHT + _GAP_Y)
            boxes[step.id] = Box(step.id, step.action, _fitting(notes(step)), x, top)
    arrows = tuple(_arrow(boxes[need], boxes[step.id]) for row in rows for step in row for need in step.needs if need in boxes)
    height = _BAND_HEAD + len(rows) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y + 16
    return Band(_TITLES[name], name, y, height, tuple(boxes.values()), arrows)


def _fitting(said: tuple[str, ...]) -> tuple[str, ...]:
    """As many as fit into a box; dots for the rest, which the words have."""
    shown = [one for count, one in enumerate(said) if len(" · ".join(said[: count + 1])) <= _LETTERS]
    return tuple(shown) if len(shown) == len(said) else (*shown, "…")


def _arrow(one: Box, other: Box) -> Arrow:
    return Arrow(one.x + BOX_WIDTH // 2, one.y + BOX_HEIGHT, other.x + BOX_WIDTH // 2, other.y)


def notes(step: PlannedStep) -> tuple[str, ...]:
    """What is special about a step, in a few words each."""
    return tuple(
        filter(
            None,
            (
                f"phase {step.phase}" if step.phase and step.phase != step.id else "",
                f"budget {show_duration(step.budget)}" if step.budget is not None else "",
                f"{step.retry.attempts} attempts" if step.retry.attempts > 1 else "",
                f"ends after {show_duration(step.timeout)}" if step.timeout is not None else "",
                "only on a condition" if step.when else "",
                "may fail" if step.on_error == "continue" else "",
            ),
        )
    )


def _shown(value: object) -> object:
    """XML holds no control characters, escaped or not: one of them in a title would make the file unreadable."""
    return visible(value) if isinstance(value, str) else value


def as_svg(drawn: Picture) -> str:
    """The picture as one SVG file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    return environment.get_template("plan.svg.j2").render(picture=drawn, box_width=BOX_WIDTH, box_height=BOX_HEIGHT)
