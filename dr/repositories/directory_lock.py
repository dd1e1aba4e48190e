"""The lock of a repository in a folder: one process at a time commits or removes a set there."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dr.errors import Unreachable
from dr.repositories.directory_upload import Place

LOCK = "lock"
_PAUSE = 0.05
"""Seconds between two tries."""


class Held:
    """A lock that is held, as long as its file is the one that others see."""

    def __init__(self, place: Place, fd: int) -> None:
        self._place = place
        self._fd = fd

    def still(self) -> bool:
        """Not any more where the file was removed or replaced, or a file server gave the lock to another while this process stood still."""
        try:
            mine = os.fstat(self._fd)
            there = self._place.root.stat() if stat.S_ISDIR(mine.st_mode) else (self._place.root / LOCK).lstat()
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # no change where it is held; refused where somebody else has it
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def require(self) -> None:
        """Asked right before what cannot be undone. Raises Unreachable."""
        if not self.still():
            raise Unreachable(
                f"repository '{self._place.name}': the lock was lost while this process held it, so another may be at work there",
                hint="nobody may remove its lock file while dr works; nothing more was done there: run this again",
            )


@contextmanager
def locked(place: Place, wait: float) -> Iterator[Held]:
    """Holds the lock; `wait`: seconds to wait for another process. Raises Unreachable after that, and what `reaching` raises."""
    until = time.monotonic() + wait
    while True:
        with place.reaching("be locked"):
            fd = _lock_file(place)
        try:
            with suppress(OSError):
                os.fchmod(fd, 0o600)
            _wait_for(fd, place, until)
            held = Held(place, fd)
            if held.still():  # else the file was removed while we waited for it: it locks nobody out
                yield held
                return
        finally:
            os.close(fd)
        if time.monotonic() > until:  # a file server whose files never are the same twice would have us try for ever
            raise Unreachable(
                f"repository '{place.name}': the lock is never the file that was locked", hint="does somebody remove it again and again?"
            )
        time.sleep(_PAUSE)


def _lock_file(place: Place) -> int:
    """A place that is mounted read-only can be restored from; nobody removes anything through it, so its folder serves as lock."""
    try:
        return os.open(place.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        if problem.errno != errno.EROFS:
            raise
        return os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _wait_for(fd: int, place: Place, until: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise Unreachable(f"repository '{place.name}' is locked by another process", hint="find who holds its lock file") from None
        time.sleep(_PAUSE)
