"""Whether who claimed a message still works at it. By the process's number and when it began, since numbers are given out again.

One that ended and that nobody has buried, or that was stopped (Ctrl-Z), works at nothing.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_numbers = itertools.count(1)
_here: set[str] = set()
_IDLE = frozenset("ZXT")
"""Ended and not buried yet, ended, stopped."""


@contextmanager
def carrying() -> Iterator[str]:
    """A name under which messages are claimed, which lives as long as this block does."""
    name = f"{os.getpid()}-{_begun(os.getpid())}-{next(_numbers)}"
    _here.add(name)
    try:
        yield name
    finally:
        _here.discard(name)


def lives(name: str) -> bool:
    """Whether it does; also of a carrier in another process of this machine."""
    process, begun, _ = (*name.split("-"), "", "")[:3]
    if not process.isdigit():
        return False
    if int(process) == os.getpid():
        return name in _here
    return bool(begun) and _begun(int(process)) == begun


def _begun(process: int) -> str:
    """In the kernel's own ticks (proc(5): fields 3 and 22, counted after the program's name); empty where no such process goes on."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in _IDLE else fields[19]
