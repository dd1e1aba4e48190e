"""Places of the inventory that must not meet: a standby's with production's or a repository's, repositories', files' with the keys'.

Only the text is judged (and this machine's symbolic links, followed), of one machine at a time, which is told by its address and port;
what the machines say of themselves is the guard's to judge.
"""

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from dr.config.nodes import Node
from dr.config.problems import Problem
from dr.model.places import Folder, Place, Server

PRODUCTION, STANDBY, REPOSITORY, SOURCE, SWAP = "production", "standby", "repository", "source", "swap"
_LOOPBACK = {"localhost", "::1", "0.0.0.0", "::", ""}  # noqa: S104 - compared, not listened on
_APART = "drills are loaded there and scrubbed: give the standby an empty folder that shares nothing with production or the backups"
_OWN = "give each repository a folder of its own, on another disk if it can be"
_OUT = "put the repository elsewhere, or the backups would be backed up with the files"
_AWAY = "what stands there is moved away when a recovered file set takes its place: name a folder that is the application's alone"
_BURIED = "one file set would bury the other: give each a folder of its own"
_KEYS = "name the folder of the system's own files; the home is stored by the action save-home"


@dataclass(frozen=True)
class Placed:
    """A place, whose it is (`role`: one of the five above), how it is called in a message, where it is written, and on which machine."""

    role: str
    name: str
    place: Place
    node: Node
    machine: str = ""
    """Nothing for this one."""


def place_problems(all_: Sequence[Placed], home: Path) -> Iterator[Problem]:
    """Every two places that must not meet."""
    for one, other in combinations(all_, 2):
        yield from _pair(one, other) or _pair(other, one)
    for one in all_:
        if one.role == SOURCE and isinstance(one.place, Folder) and not one.machine:
            for name in ("state", "keys"):
                how = relation(one.place.path, str(home / name))
                if how in ("is", "lies in"):
                    yield one.node.problem(f"{one.name}: its folder {how} {name}/ of this home", _KEYS)


def _pair(one: Placed, other: Placed) -> list[Problem]:
    """What is wrong between the two, told at `one`."""
    if one.machine != other.machine:
        return []
    if isinstance(one.place, Server) and isinstance(other.place, Server):
        return _servers(one, one.place, other, other.place)
    if isinstance(one.place, Server) or isinstance(other.place, Server):
        return []
    how = relation(one.place.path, other.place.path, here=not one.machine)
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
    (SWAP, STANDBY): lambda _: _AWAY,
    (SWAP, PRODUCTION): lambda _: _AWAY,
    (SWAP, SOURCE): lambda _: _AWAY,
    (SWAP, REPOSITORY): lambda _: _AWAY,
    (SWAP, SWAP): lambda how: "" if how == "is" else _BURIED,  # two standbys of which one is put into service at a time
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


def relation(one: str, other: str, *, here: bool = True) -> str:
    """How a folder stands to another: `is`, `lies in`, `holds`, or nothing. `here`: on this machine, where links are followed."""
    resolved = os.path.realpath if here else posixpath.normpath
    first, second = Path(resolved(one)), Path(resolved(other))
    if first == second:
        return "is"
    if second in first.parents:
        return "lies in"
    return "holds" if first in second.parents else ""
