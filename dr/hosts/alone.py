"""One `dr` at a time works on what a run made production: the one before may still be at it, where its link was lost without a word."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from dr.errors import Failed
from dr.hosts.removal import opened


@contextmanager
def alone(run_place: str) -> Iterator[None]:
    """For the length of a block, or until this process dies. Raises Failed where another is at work."""
    with opened(run_place) as folder:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(
                "another dr still works on what this run restored", hint="it ends by itself where its link is lost: then try again"
            ) from None
        yield
