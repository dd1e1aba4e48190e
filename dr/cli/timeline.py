"""A run's timeline in a terminal: one line a step, its bar over the run's length, its budget as a frame."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dr.cli.show import coloured
from dr.units import visible

if TYPE_CHECKING:
    from dr.app.timeline import Bar, Timeline

_NAME = 26
"""Columns of the longest name that is shown whole."""
_NARROWEST = 16
"""Columns of bars below which they say nothing: then there are only the words."""
FINE = {"bar": "█", "over": "▓", "budget": "·", "beyond": "›", "mark": "▲", "times": "×", "cut": "…"}
PLAIN = {"bar": "#", "over": "!", "budget": ".", "beyond": ">", "mark": "^", "times": "x", "cut": "~"}
"""The same where the output cannot show the others."""


def draw(timeline: "Timeline", columns: int, encoding: str | None = "utf-8") -> Iterator[str]:
    """Lines of at most `columns`."""
    signs = FINE if _can_show(encoding) else PLAIN
    names = [_name(bar, signs) for bar in timeline.bars]
    took = [_took(bar) for bar in timeline.bars]
    first, last = max(map(len, names)), max(map(len, took))
    wide = columns - first - last - 4
    if wide < _NARROWEST:
        for bar in timeline.bars:
            yield _cut(f"{_name(bar, signs)}: {_took(bar)}", columns, signs)
        return
    for bar, name, words in zip(timeline.bars, names, took, strict=True):
        yield f"{name:<{first}}  {_bar(bar, wide, signs)}  {words}".rstrip()
    yield from _foot(timeline, first + 2, wide, columns, signs)


def _can_show(encoding: str | None) -> bool:
    try:
        "".join(FINE.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _name(bar: "Bar", signs: dict[str, str]) -> str:
    again = f" {signs['times']}{bar.attempt}" if bar.attempt > 1 else ""
    return _cut(visible(bar.name), _NAME - len(again), signs) + again


def _cut(text: str, most: int, signs: dict[str, str]) -> str:
    return text if len(text) <= most else text[: most - 1] + signs["cut"]


def _took(bar: "Bar") -> str:
    state = "" if bar.state in ("done", "over") else f" {bar.state}"
    phase = f" ({visible(bar.phase)})" if bar.phase and bar.phase != bar.name else ""
    return f"{bar.took}{' of ' + bar.allowed if bar.allowed else ''}{', over' if bar.over else ''}{state}{phase}"


def _bar(bar: "Bar", wide: int, signs: dict[str, str]) -> str:
    """Before it nothing, then what it took, then what was left of its budget. Whatever took any time takes a column."""
    start = min(int(bar.x / 100 * wide), wide - 1)
    end = min(max(start + 1, round((bar.x + bar.width) / 100 * wide)), wide)
    limit = min(max(start + 1, round((bar.x + bar.budget) / 100 * wide)), wide) if bar.budget is not None else end
    within = min(end, limit) if bar.over else end
    word = {"running": "amber", "over": "red", "skipped": "", "done": "green"}.get(bar.state, bar.state)
    left = signs["budget"] * max(0, limit - end)
    if bar.beyond and left:
        left = left[:-1] + signs["beyond"]
    drawn = coloured(signs["bar"] * (within - start), "green" if word == "red" else word) + coloured(signs["over"] * (end - within), "red")
    return " " * start + drawn + left + " " * (wide - max(end, limit))


def _foot(timeline: "Timeline", indent: int, wide: int, columns: int, signs: dict[str, str]) -> Iterator[str]:
    """The scale, and where the recovery clock stopped."""
    yield " " * indent + "0" + timeline.total.rjust(wide - 1)
    if timeline.usable is None:
        return
    at = min(int(timeline.usable / 100 * wide), wide - 1)
    words = f"usable again after {timeline.usable_after}"
    line = f"{' ' * at}{signs['mark']} {words}"
    if indent + len(line) > columns:
        line = f"{words} {signs['mark']}".rjust(at + 1)
    yield (" " * indent + line) if indent + len(line) <= columns else words
