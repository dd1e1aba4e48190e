"""Who lives: every working process holds a slot, an flock that the kernel drops with it. The slot is its name as an executor."""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dr.errors import Refused

SLOTS = 32
_held: "weakref.WeakSet[Slot]" = weakref.WeakSet()


class Slot:
    """A place among the living; given back by `release` or by the end of the process, never by a child that lives on."""

    def __init__(self, name: str, file: IO[str], path: Path) -> None:
        self.name = name
        self._file = file
        self.path = path
        _held.add(self)

    def held(self) -> bool:
        """Whether it still keeps others out: not if its file was removed or replaced, which somebody else may have locked since."""
        return _is_at(self._file, self.path)

    def release(self) -> None:
        self._file.close()


def _forget_in_child() -> None:
    """A forked child shares the open file, and with it the lock: it must not keep its parent's slot alive."""
    for slot in list(_held):
        slot.release()


os.register_at_fork(after_in_child=_forget_in_child)


def take_slot(folder: Path, count: int = SLOTS) -> Slot:
    """The first free slot. Raises Refused when all are taken."""
    for number in range(count):
        name = f"slot-{number:02d}"
        path = folder / f"{name}.lock"
        file = _lock(path)
        if file:
            return Slot(name, file, path)
    raise Refused(f"{count} processes of dr work in {folder} already", hint="wait until one of them ends; `dr runs list` shows what runs")


@contextmanager
def held_if_dead(folder: Path, name: str) -> Iterator[bool]:
    """Whether nobody lives in that slot; if so it is held meanwhile, so that nobody moves in while its runs are taken over."""
    file = _lock(folder / f"{name}.lock")
    try:
        yield file is not None
    finally:
        if file:
            file.close()


def is_alive(folder: Path, name: str) -> bool:
    """Whether a process holds that slot."""
    with held_if_dead(folder, name) as dead:
        return not dead


def _lock(path: Path) -> IO[str] | None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        file = path.open("a")  # not inheritable over exec, as every file that Python opens
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if _is_at(file, path):
            return file
        file.close()  # it was removed before it was locked: it would keep nobody out


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except (OSError, ValueError):
        return False
