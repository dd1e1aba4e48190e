"""Who listens on a port of this machine, as the kernel tells it: not what a file in a data directory claims."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESTABLISHED, _LISTEN = "01", "0A"


@dataclass(frozen=True)
class Listener:
    """A process that listens. Both are None where it is another user's: then nothing is known about it."""

    pid: int | None
    folder: str | None
    """Where it works: a PostgreSQL server works in its data directory."""


def listeners(port: int) -> list[Listener]:
    """Every listener on this TCP port, on any address of this machine."""
    sockets = set(_sockets(port))
    if not sockets:
        return []
    found = [Listener(pid, _folder(pid)) for pid in _holders(sockets)]
    return found or [Listener(None, None)]


def connected(port: int) -> int:
    """How many connections to this TCP port there are on this machine, whoever has them."""
    return len(list(_sockets(port, _ESTABLISHED)))


def _sockets(port: int, state: str = _LISTEN) -> Iterator[str]:
    """The inodes of the sockets at this port that are in that state: of those that listen, and of their ends of connections."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="utf-8").splitlines()[1:]
        except FileNotFoundError:
            continue  # a kernel without IPv6
        for words in (line.split() for line in lines):
            if words[3] == state and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]


def _holders(sockets: set[str]) -> Iterator[int]:
    """Asked many times in a drill, of every program of the machine: plain names, since paths as objects took twice as long."""
    wanted = {f"socket:[{inode}]" for inode in sockets}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal() and any(held in wanted for held in _descriptors(name)):
            yield int(name)


def _descriptors(pid: str) -> Iterator[str]:
    """What it has open; one that is closed meanwhile hides no other."""
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:  # it ended, or is another user's
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry.path)  # noqa: PTH115


def _folder(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return None
