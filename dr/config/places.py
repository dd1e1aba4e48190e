"""Places of the inventory that must not meet: a standby's with production's or a repository's, repositories', files' with the keys'.

Only the text is judged (and symbolic links, followed); what the machines say of themselves is the guard's to judge.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from dr.config.nodes import Node
from dr.config.problems import Problem
from dr.model.places import Folder, Place, Server

PRODUCTION, STANDBY, REPOSITORY, SOURCE = "production", "standby", "repository", "source"
_LOOPBACK = {"localhost", "::1", "0.0.0.0", "::", ""}  # noqa: S104 - compared, not listened on
_APART = "drills are loaded there and scrubbed: give the standby an empty folder that shares nothing with production or the backups"
_OWN = "give each repository a folder of its own, on another disk if it can be"
_OUT = "put the repository elsewhere, or the backups would be backed up with the files"
_KEYS = "name the folder of the system's own files; the home is stored by the action save-home"


@dataclass(frozen=True)
class Placed:
    """A place, whose it is (`role`: one of the four above), how it is called in a message, and where it is written."""

    role: str
    name: str
    place: Place
    node: Node


def place_problems(all_: Sequence[Placed], home: Path) -> Iterator[Problem]:
    """Every two places that must not meet."""
    for one, other in combinations(all_, 2):
        yield from _pair(one, other) or _pair(other, one)
    for one in all_:
        if one.role == SOURCE and isinstance(one.place, Folder):
            for name in ("state", "keys"):
                how = relation(one.place.path, str(home / name))
                if how in ("is", "lies in"):
                    yield one.node.problem(f"{one.name}: its folder {how} {name}/ of this home", _KEYS)


def _pair(one: Placed, other: Placed) -> list[Problem]:
    """What is wrong between the two, told at `one`."""
    if isinstance(one.place, Server) and isinstance(other.place, Server):
        return _servers(one, one.place, other, other.place)
    if isinstance(one.place, Server) or isinstance(other.place, Server):
        return []
    how = relation(one.place.path, other.place.path)
    hint = _HINTS.get((one.role, other.role), _nothing)(how) if how else ""
    return [one.node.problem(f"{one.name}: its folder {how} that of {other.name} ({_where(other.node)})", hint)] if hint else []


def _nothing(_how: str) -> str:
    return ""


_HINTS: dict[tuple[str, str], Callable[[str], str]] = {
    (STANDBY, PRODUCTION): lambda _: _APART,
    (STANDBY, SOURCE): lambda _: _APART,
    (STANDBY, REPOSITORY): lambda _: _APART,
    (STANDBY, STANDBY): lambda _: "give each standby a folder of its own",
    (REPOSITORY, REPOSITORY): lambda _: _OWN,
    (REPOSITORY, SOURCE): lambda how: _OUT if how in ("is", "lies in") else "",
}
"""By whose place meets whose: what to do; nothing where it may be."""


def _servers(one: Placed, mine: Server, other: Placed, theirs: Server) -> list[Problem]:
    same = mine.port == theirs.port and _address(mine.address) == _address(theirs.address)
    if not same or (one.role, other.role) != (STANDBY, PRODUCTION):
        return []
    message = f"{one.name}: port {mine.port} is that of {other.name} ({_where(other.node)})"
    return [one.node.problem(message, "give the standby a free port of its own, such as " + str(mine.port % 65535 + 1))]


def _address(address: str) -> str:
    return "127.0.0.1" if address in _LOOPBACK else address


def _where(node: Node) -> str:
    return f"{node.document.name}:{node.line + 1}"


def relation(one: str, other: str) -> str:
    """How a folder stands to another, links followed: `is`, `lies in`, `holds`, or nothing."""
    first, second = Path(os.path.realpath(one)), Path(os.path.realpath(other))
    if first == second:
        return "is"
    if second in first.parents:
        return "lies in"
    return "holds" if first in second.parents else ""
