"""A read file as a tree that knows where each piece of it stands, so that a problem found in a value can be shown in the text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dr.config.problems import Problem, mask_line
from dr.model.base import JsonObject, JsonValue

Loc = Sequence[str | int]
"""Keys and indices from the root, as pydantic's `loc`."""


@dataclass(frozen=True, eq=False)
class Document:
    """A file: the name it is shown by (relative to the home), and its lines."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(eq=False)
class Node:
    """A piece of a document; lines and columns count from 0, the end is exclusive. `bad`: its own problem was told already."""

    document: Document
    line: int
    col: int
    end_line: int
    end_col: int
    bad: bool = False

    def problem(self, message: str, hint: str = "", *, secret: bool = False, start: int = 0, length: int | None = None) -> Problem:
        """A problem at this node, or at `length` characters from its character `start`. `secret`: do not show what is written here."""
        lines = self.document.lines
        if not lines:
            return Problem(self.document.name, 0, 0, 0, message, hint)
        line = lines[self.line] if self.line < len(lines) else ""
        end = self.end_col if self.end_line == self.line else len(line.rstrip())
        col = min(self.col + start, max(self.col, end))
        wide = max(1, (end - col) if length is None else min(length, end - col))
        shown, moved, wide = mask_line(line, col, wide, secret=secret)
        return Problem(self.document.name, self.line + 1, col + 1, wide, message, hint, shown, None if moved == col else moved)


@dataclass(eq=False)
class Scalar(Node):
    value: JsonValue = None
    text: str = ""
    quoted: bool = False

    def place(self, start: int, length: int) -> tuple[int, int | None]:
        """Where a piece of the text stands within the node; the whole node where the text is not written as it reads."""
        raw = self.end_col - self.col - (2 if self.quoted else 0)
        return (start + (1 if self.quoted else 0), length) if self.line == self.end_line and raw == len(self.text) else (0, None)


@dataclass(eq=False)
class Items(Node):
    items: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Table(Node):
    """A mapping. `secret`: it is tagged so."""

    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    secret: bool = False

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return entry[1] if entry else None


def plain(node: Node | None) -> JsonValue:
    """The value without its places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    if isinstance(node, Table):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    return None


def plain_table(node: Node | None) -> JsonObject:
    """The value of a mapping; empty where there is none."""
    return plain(node) if isinstance(node, Table) else {}


def at(node: Node, loc: Loc, *, key: bool = False) -> Node:
    """The node at `loc`, or the deepest one on the way to it. `key`: the key of the last step instead of its value."""
    last: Node = node
    for part in loc:
        if isinstance(node, Table) and isinstance(part, str) and part in node.entries:
            last, node = node.entries[part]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            last = node = node.items[part]
        elif part == "[key]":
            return last
        else:
            return node
    return last if key else node


def match(node: Node | None, pattern: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Scalar | None, Node]]:
    """Every node that a pattern of keys leads to (`*`: any key or item): what the stars stood for, its key, and the node."""
    yield from _match(node, pattern, (), None)


def _match(
    node: Node | None, pattern: Sequence[str], stars: tuple[str, ...], key: Scalar | None
) -> Iterator[tuple[tuple[str, ...], Scalar | None, Node]]:
    if node is None:
        return
    if not pattern:
        yield stars, key, node
        return
    first, rest = pattern[0], pattern[1:]
    if isinstance(node, Table):
        for name, (its_key, value) in node.entries.items():
            if first in ("*", name):
                yield from _match(value, rest, (*stars, name) if first == "*" else stars, its_key)
    elif isinstance(node, Items) and first == "*":
        for index, item in enumerate(node.items):
            yield from _match(item, rest, (*stars, str(index)), None)


def scalars(node: Node | None, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Scalar]]:
    """Every scalar below a node, with the way to it."""
    if isinstance(node, Scalar):
        yield where, node
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from scalars(item, (*where, index))
    elif isinstance(node, Table):
        for name, (_, value) in node.entries.items():
            yield from scalars(value, (*where, name))


def secrets(node: Node | None, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Table]]:
    """Every `!secret` below a node, with the way to it."""
    if isinstance(node, Table) and node.secret:
        yield where, node
    elif isinstance(node, Table):
        for name, (_, value) in node.entries.items():
            yield from secrets(value, (*where, name))
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from secrets(item, (*where, str(index + 1)))
