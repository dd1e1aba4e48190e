"""One reader of a system at a time: two would plant over each other's needles, and a set would hold the other's, which proves nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dr.model.base import SystemName
from dr.model.ports import StepContext

_LOOK_EVERY = 0.5
"""Seconds between two looks whether the other reader has ended."""


@contextmanager
def one_reader(system: SystemName, ctx: StepContext) -> Iterator[None]:
    """While it is held no other backup of this home reads the system; it goes with the process. Raises Stopped while it waits."""
    place = Path(ctx.home) / "state" / "readers"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(place / str(system), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(handle, system, ctx)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, system: SystemName, ctx: StepContext) -> None:
    said = False
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not said:
                ctx.progress(f"waiting for another backup of {system} to end")
            said = True
            ctx.stop.wait(_LOOK_EVERY)
            ctx.check_stop()
