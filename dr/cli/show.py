"""How results are shown: tables and colours for a person, JSON for a program. Colours obey NO_COLOR and pipes."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import click

from dr.model.base import JsonValue
from dr.units import visible

MARKS = {"green": "●", "amber": "▲", "red": "✖", "PASS": "✔", "FAIL": "✖", "INCOMPLETE": "▲"}
"""A shape beside every colour, so that nobody needs to see the colour."""
_UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|d|[KMGT]?i?B)\b)")
WIDEST = 100
"""Columns of a screen that is meant to be read as one."""
_STYLES = {
    "": None,
    "green": "green",
    "PASS": "green",
    "done": "green",
    "proven": "green",
    "delivered": "green",
    "amber": "yellow",
    "INCOMPLETE": "yellow",
    "cancelled": "yellow",
    "warning": "yellow",
    "partial": "yellow",
    "red": "red",
    "FAIL": "red",
    "failed": "red",
    "critical": "red",
    "nobody": "red",
    "DAMAGED": "red",
}

Drawn = tuple[str, str]
"""A line, and the word for its colour."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def coloured(text: str, word: str, *, bold: bool = False) -> str:
    """`text` in the colour that `word` stands for; click drops it where the output is no terminal."""
    if os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=_STYLES.get(word), bold=bold)


def marked(word: str, text: str | None = None) -> str:
    return coloured(f"{MARKS.get(word, '')} {text if text is not None else word}".strip(), word, bold=True)


def print_json(value: JsonValue) -> None:
    click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Aligned columns; in a pipe the same columns, uncut, so that `grep` and `awk` work. `empty` says what it means that there is none."""
    if not rows:
        click.echo(empty)
        return
    for line in aligned(headings, rows):
        click.echo(line)


def titled(name: str, title: str) -> str:
    """`hmis · Client records`; the name alone where the title says no more."""
    return name if title.casefold() in ("", click.unstyle(name).casefold()) else f"{name} · {title}"


def print_drawn(lines: Iterable[Drawn]) -> None:
    for text, word in lines:
        click.echo(coloured(text, word) if word else text)


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table's lines, each column as wide as its widest cell."""
    widths = [max(_wide(str(line[i])) for line in (headings, *rows)) for i in range(len(headings))]
    yield _line([click.style(h, dim=True) if not os.environ.get("NO_COLOR") else h for h in headings], widths)
    for row in rows:
        yield _line([coloured(cell, cell) if cell and cell in _STYLES else cell for cell in row], widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _wide(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _wide(cell: str) -> int:
    return len(click.unstyle(cell))


def screen() -> int:
    """Columns to write for: the terminal's, WIDEST at most; WIDEST in a pipe."""
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns) if sys.stdout.isatty() else WIDEST


def wrapped(text: str, width: int, *, first: str, rest: str) -> Iterator[str]:
    """`text`, made safe to show, broken at words into lines of at most `width`, the first behind `first`, the others behind `rest`.

    A number stays with its unit.
    """
    held = _UNIT.sub("\u00a0", visible(text))
    for line in textwrap.wrap(held, max(20, width), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False):
        yield line.replace("\u00a0", " ")


def paragraph(line: str, width: int, *, indent: str) -> list[str]:
    """One line of a text that somebody wrote, `wrapped` where it is too long; its own indent and an empty line stay."""
    inner = indent + " " * (len(line) - len(line.lstrip(" ")))
    return list(wrapped(line.strip(), width, first=inner, rest=inner)) or [""]


def say(text: str = "") -> None:
    """Progress and remarks: to stderr, so that stdout stays the answer."""
    sys.stdout.flush()
    click.echo(text, err=True)
