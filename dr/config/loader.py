"""Our own safe YAML: the text of one file into a tree with places. It never builds an object and never runs anything.

Refused, each with its place: duplicate keys, more than a few aliases, what aliases blow up to, merge keys, tags (but `!secret`), a second
document, words that YAML readers disagree on (see `scalars`), names that are not text, deep nesting, bytes that are not UTF-8.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from dr.config.nodes import Document, Items, Node, Scalar, Table, plain
from dr.config.problems import Problem, closest
from dr.config.scalars import Surprise, read_plain
from dr.config.syntax import BREAK, UNREADABLE, syntax_problem

MAX_BYTES = 2**20
SECRET_PLACES = ("file", "env", "credential")
_PLACES = "write !secret {file: keys/NAME}, !secret {env: NAME} or !secret {credential: NAME}"


@dataclass(frozen=True)
class Limits:
    """How much one file may hold. `values` counts what it holds once its aliases are written out."""

    aliases: int = 16
    values: int = 20_000
    depth: int = 32


class _Stop(Exception):
    """The rest of the file cannot be understood."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_file(path: Path, name: str) -> tuple[Table | None, list[Problem]]:
    """Read one file; `name` is how it is shown. None where nothing could be made of it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None, [
                Problem(
                    name, 0, 0, 0, "the file is larger than 1 MiB", "this is not a file that a person wrote; is it in the wrong folder?"
                )
            ]
        data = path.read_bytes()
    except OSError as error:
        return None, [Problem(name, 0, 0, 0, f"cannot be read: {error.strerror}")]
    return read_bytes(data, name)


def read_bytes(data: bytes, name: str) -> tuple[Table | None, list[Problem]]:
    """Like `read_text`, of UTF-8 bytes."""
    try:
        return read_text(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [Problem(name, line, 1, 1, "this line is not UTF-8 text", "save the file as UTF-8")]


def read_text(text: str, name: str, limits: Limits = Limits()) -> tuple[Table | None, list[Problem]]:
    """The tree of one document, which must be a mapping, and everything that is wrong with it as YAML."""
    document = Document(name, tuple(BREAK.split(text)))
    composer = _Composer(document, limits)
    try:
        root = composer.compose(text)
    except _Stop as stop:
        return None, [*composer.problems, stop.problem]
    if isinstance(root, Table) and not root.secret:
        return root, composer.problems
    if root is None or (isinstance(root, Scalar) and root.value is None and not root.bad):
        return None, [*composer.problems, Problem(name, 0, 0, 0, "the file is empty", "write it, or remove the file")]
    return None, [*composer.problems, root.problem("the file must hold names with values", "write `name: value` lines")]


class _Composer:
    """From PyYAML's events to our tree. Recursion is bounded by the limits."""

    def __init__(self, document: Document, limits: Limits) -> None:
        self.document = document
        self.limits = limits
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.sizes: dict[int, int] = {}
        self.aliases = 0
        self.nodes = 0
        self.depth = 0
        self.events: Iterator[yaml.Event] = iter(())

    def compose(self, text: str) -> Node | None:
        self.events = self._parsed(text)
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _Stop(self._mark(event).problem("a second document begins here", "one file holds one document; remove the ---"))
                root = self._node(next(self.events))
        return root

    def _parsed(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except UNREADABLE as error:
            raise _Stop(syntax_problem(error, text, self.document)) from None

    def _mark(self, event: yaml.Event) -> Node:
        start, end = cast("yaml.Mark", event.start_mark), cast("yaml.Mark", event.end_mark)
        return Node(self.document, start.line, start.column, end.line, end.column)

    def _node(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self.nodes
        self._count(event, 1)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = None
        node = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else self._nested(event)
        self.sizes[id(node)] = self.nodes - before
        if anchor:
            self.anchors[anchor] = node
        return node

    def _count(self, event: yaml.Event, more: int) -> None:
        self.nodes += more
        if self.nodes > self.limits.values:
            raise _Stop(
                self._mark(event).problem(
                    f"the file holds more than {self.limits.values} values", "aliases that repeat aliases grow fast; write less"
                )
            )

    def _alias(self, event: yaml.AliasEvent) -> Node:
        self.aliases += 1
        if self.aliases > self.limits.aliases:
            raise _Stop(self._mark(event).problem(f"more than {self.limits.aliases} aliases in one file", "write the values out"))
        target = self.anchors.get(event.anchor or "")
        if target is None:
            known = event.anchor in self.anchors
            why = f"alias '*{event.anchor}' holds itself" if known else f"alias '*{event.anchor}' has no anchor before it"
            return self._bad(event, why, f"mark a value above with &{event.anchor}, or write it out")
        self._count(event, self.sizes[id(target)])
        return target

    def _bad(self, event: yaml.Event, message: str, hint: str) -> Scalar:
        mark = self._mark(event)
        self.problems.append(mark.problem(message, hint))
        return Scalar(mark.document, mark.line, mark.col, mark.end_line, mark.end_col, bad=True)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        if event.tag is not None:
            return self._bad(event, *_tag(event.tag))
        mark = self._mark(event)
        quoted = bool(event.style)
        value = event.value if quoted else read_plain(event.value)
        if isinstance(value, Surprise):
            return self._bad(event, value.message, value.hint)
        if isinstance(value, str) and not value.isascii():
            try:  # JSON writes a character beyond U+FFFF as two escapes
                value = value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                return self._bad(event, "half of a surrogate pair is not text", "write the character itself")
        return Scalar(mark.document, mark.line, mark.col, mark.end_line, mark.end_col, value=value, text=event.value, quoted=quoted)

    def _nested(self, event: yaml.Event) -> Node:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise _Stop(
                self._mark(event).problem(f"nested more than {self.limits.depth} deep", "nothing here needs that; check the brackets")
            )
        node = self._items(event) if isinstance(event, yaml.SequenceStartEvent) else self._table(cast("yaml.MappingStartEvent", event))
        self.depth -= 1
        return node

    def _items(self, event: yaml.SequenceStartEvent) -> Items:
        mark = self._mark(event)
        node = Items(mark.document, mark.line, mark.col, mark.end_line, mark.end_col)
        if event.tag is not None:
            self._bad(event, *_tag(event.tag))
            node.bad = True
        for inner in self.events:
            if isinstance(inner, yaml.SequenceEndEvent):
                _close(node, inner)
                break
            node.items.append(self._node(inner))
        return node

    def _table(self, event: yaml.MappingStartEvent) -> Table:
        mark = self._mark(event)
        node = Table(mark.document, mark.line, mark.col, mark.end_line, mark.end_col, secret=event.tag == "!secret")
        if event.tag is not None and not node.secret:
            self._bad(event, *_tag(event.tag))
            node.bad = True
        for inner in self.events:
            if isinstance(inner, yaml.MappingEndEvent):
                _close(node, inner)
                break
            self._entry(node, inner)
        if node.secret:
            self._check_secret(node)
        return node

    def _entry(self, table: Table, event: yaml.Event) -> None:
        key = self._key(event)
        value = self._node(next(self.events))
        if key is None:
            table.bad = True
            return
        if key.text in table.entries:
            first = table.entries[key.text][0]
            self.problems.append(
                key.problem(f"'{key.text}' is written twice", f"it stands in line {first.line + 1} already; keep one of them")
            )
            return
        table.entries[key.text] = (key, value)

    def _key(self, event: yaml.Event) -> Scalar | None:
        """A name: any bare word or quoted text, as it is written; None if it cannot be one."""
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            node = self._node(event)
            if not node.bad:
                self.problems.append(node.problem("a name must be text", "write `name: value`"))
            return None
        if event.value == "<<" and not event.style:
            self._bad(event, "merge keys (<<) are not read", "write the values out")
            return None
        if not event.style and not isinstance(read_plain(event.value), str):
            self._bad(event, f"'{event.value}' as a name is not text to every YAML reader", f'write "{event.value}" in quotes')
            return None
        key = self._scalar(event)
        return None if key.bad else key

    def _check_secret(self, node: Table) -> None:
        problems = [
            key.problem(f"a secret has no '{name}'", f"{closest(name, SECRET_PLACES)} {_PLACES}".strip())
            for name, (key, _) in node.entries.items()
            if name not in SECRET_PLACES
        ]
        values = [value for _, value in node.entries.values()]
        problems += [value.problem("it must be text, and not empty", _PLACES) for value in values if not value.bad and not _is_text(value)]
        if not problems and not node.bad and len(values) != 1:
            problems.append(node.problem(f"a secret is kept in one place, and this names {len(values) or 'none'}", _PLACES))
        node.bad = node.bad or bool(problems)
        self.problems += problems


def _is_text(node: Node) -> bool:
    value = plain(node)
    return isinstance(value, str) and bool(value)


def _close(node: Node, end: yaml.Event) -> None:
    """Where a block ends PyYAML points behind the next line's indent; only a flow's end (`}`, `]`) is inside the text it closes."""
    start, stop = cast("yaml.Mark", end.start_mark), cast("yaml.Mark", end.end_mark)
    if stop.index > start.index:
        node.end_line, node.end_col = stop.line, stop.column


def _tag(tag: str) -> tuple[str, str]:
    if tag == "!secret":
        return "a secret's value is not written here", _PLACES
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    return f"tag '{shown}' is not known", "the only tag is !secret; write the value without one"
