"""The lock of a repository in a folder: one process at a time commits or removes a set there."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dr.errors import Unreachable
from dr.repositories.directory_upload import Place

LOCK = "lock"


@contextmanager
def locked(place: Place, wait: float) -> Iterator[None]:
    """Holds the lock; `wait`: seconds to wait for another process. Raises Unreachable after that, and what `reaching` raises."""
    with place.reaching("be locked"):
        fd = _lock_file(place)
    try:
        with suppress(OSError):
            os.fchmod(fd, 0o600)
        _wait_for(fd, place, wait)
        yield
    finally:
        os.close(fd)


def _lock_file(place: Place) -> int:
    """A place that is mounted read-only can be restored from; nobody removes anything through it, so its folder serves as lock."""
    try:
        return os.open(place.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        if problem.errno != errno.EROFS:
            raise
        return os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _wait_for(fd: int, place: Place, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise Unreachable(f"repository '{place.name}' is locked by another process", hint="find who holds its lock file") from None
        time.sleep(0.05)
