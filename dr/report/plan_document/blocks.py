"""What a chapter of the document is made of, as values: what is said is decided before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dr.model.base import JsonObject, JsonValue
from dr.report.tables import Cell, Table

Shade = Literal["", "good", "warn", "bad", "soft"]


@dataclass(frozen=True)
class Text:
    """A sentence or a few. `bad`, `warn`: what is missing or wrong, which nobody may read over."""

    words: str
    shade: Shade = ""
    more: str = ""
    """In small letters below it: for who wants it exactly."""


@dataclass(frozen=True)
class Points:
    """A list; `label` stands above it where it is not empty."""

    points: tuple[Text, ...]
    label: str = ""
    numbered: bool = False


@dataclass(frozen=True)
class Heading:
    """Of a part of a chapter: one system of several, say."""

    heading: str


@dataclass(frozen=True)
class Folded:
    """Unfolded on paper, and on a screen where it is `seen`."""

    title: str
    about: str
    inside: tuple[Points, ...]
    seen: bool = False


Block = Text | Points | Heading | Folded | Table


@dataclass(frozen=True)
class Chapter:
    """`name` is its anchor; `short` stands in the list of chapters."""

    name: str
    title: str
    short: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Tile:
    cap: str
    big: str
    note: str
    shade: Shade = ""


@dataclass(frozen=True)
class Summary:
    """One system in short."""

    title: str
    sentence: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Document:
    organisation: str
    zone: str
    made: str
    digest: str
    tool: str
    internal: bool
    """With names, addresses and places: for the organisation's own people."""
    gaps: Text
    """How many are known."""
    summaries: tuple[Summary, ...]
    chapters: tuple[Chapter, ...]


def grid(title: str, heads: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(title, heads, tuple(rows))


_SECRET = {"file", "env", "credential"}


def given(parameters: JsonObject) -> str:
    """A kind's parameters in a line: `address db.example.org, port 5432`. Where a secret is kept is nobody's business."""
    return ", ".join(filter(None, (_given(name, value) for name, value in parameters.items())))


def _given(name: str, value: JsonValue) -> str:
    if isinstance(value, dict):
        inner = "" if set(value) <= _SECRET else given(value)
        return f"{name} ({inner})" if inner else ""
    if isinstance(value, list | tuple):
        words = [given(one) if isinstance(one, dict) else str(one) for one in value]
        return f"{name} {' and '.join(words)}"
    return f"{name} {value}"


def joined(words: list[str] | tuple[str, ...], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
