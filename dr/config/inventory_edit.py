"""`inventory/*.yaml` changed at a place: a value exchanged, a key added; every other character, comments too, stays. Pure, but for reading.

Places are those of the read tree; a file is changed from its end towards its beginning, so that they stay true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.config.inventory import read_folder
from dr.config.nodes import Loc, Node, Scalar, Table, at
from dr.errors import Refused


@dataclass(frozen=True)
class Change:
    """One edit: what stands from `start` to `end` (line, column) of a file becomes `text`."""

    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


class Inventory:
    """The files as they are, and the edits that are wanted."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.root, _ = read_folder(home)
        self.changes: list[Change] = []

    def set(self, where: Loc, text: str) -> None:
        """Let the value at `where` be written as `text`. Raises Refused where no plain value stands there."""
        node = at(self.root, where)
        if not isinstance(node, Scalar) or node.line != node.end_line:
            raise Refused(
                f"{node.document.name}: {'.'.join(map(str, where))} is not written as one value in a line", hint=f"set it to {text} by hand"
            )
        self.changes.append(Change(node.document.name, (node.line, node.col), (node.end_line, node.end_col), text))

    def add(self, where: Loc, lines: Sequence[tuple[str, str]]) -> None:
        """Add keys to the mapping at `where`, which has some. Raises Refused where there is none."""
        table = at(self.root, where)
        if not isinstance(table, Table) or not table.entries:
            raise Refused(f"the inventory has no mapping at {'.'.join(map(str, where))}", hint="write it by hand")
        first, _ = next(iter(table.entries.values()))
        last = _last(table)
        flows = self._line(table)[table.col : table.col + 1] == "{"
        words = [f"{key}: {value}" for key, value in lines]
        text = "".join(f", {one}" for one in words) if flows else "".join(f"\n{' ' * first.col}{one}" for one in words)
        end = (last.end_line, last.end_col) if flows else (last.end_line, len(self._line(last, end=True)))
        self.changes.append(Change(table.document.name, end, end, text))

    def note(self, where: Loc, comment: str) -> None:
        """Put a comment behind the line of the value at `where`, if none is there."""
        node = at(self.root, where)
        line = self._line(node)
        if "#" not in line[node.end_col :]:
            self.changes.append(Change(node.document.name, (node.line, len(line)), (node.line, len(line)), f"  # {comment}"))

    def texts(self) -> dict[str, tuple[str, str]]:
        """File to its text before and after the edits."""
        found = {}
        for name in sorted({change.file for change in self.changes}):
            before = (self._home / name).read_text(encoding="utf-8")
            found[name] = (before, _edited(before, [change for change in self.changes if change.file == name]))
        return found

    def _line(self, node: Node, *, end: bool = False) -> str:
        return node.document.lines[node.end_line if end else node.line]


def _last(table: Table) -> Node:
    """The last piece of a mapping, however deep: where it ends on paper."""
    _, value = list(table.entries.values())[-1]
    return _last(value) if isinstance(value, Table) and value.entries and not value.secret else value


def _edited(text: str, changes: Sequence[Change]) -> str:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for change in sorted(changes, key=lambda one: (one.start, one.end), reverse=True):
        first, last = starts[change.start[0]] + change.start[1], starts[change.end[0]] + change.end[1]
        text = text[:first] + change.text + text[last:]
    return text
