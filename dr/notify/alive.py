"""Whether who claimed a message still works at it. By the process's number and when it began, since numbers are given out again."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_numbers = itertools.count(1)
_here: set[str] = set()


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
    """In the kernel's own ticks (proc(5): field 22, counted after the program's name); empty where there is no such process."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
