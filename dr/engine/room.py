"""Room for the engine's own records. On a full disk SQLite fails, and DBOS tries again for ever without a word: so we look first."""

import os
from pathlib import Path

from dr.errors import Failed, Refused
from dr.units import show_size

TO_BEGIN = 16 * 2**20
TO_GO_ON = 256 * 2**10
"""Bytes."""


def require_to_begin(state: Path) -> None:
    """Raises Refused where a run could not be recorded to its end; nothing was run."""
    free = _free(state)
    if free < TO_BEGIN:
        raise Refused(
            f"the disk under {state} has {show_size(free)} free; a run needs {show_size(TO_BEGIN)} for its own records",
            hint="make room there; `dr runs resume` then goes on with what was interrupted",
        )


def require_to_go_on(state: Path) -> None:
    """Raises Failed when the disk has filled up meanwhile."""
    if _free(state) < TO_GO_ON:
        raise Failed(f"the disk under {state} is full, so nothing goes on", hint="make room; `dr runs resume` then goes on where it was")


def _free(state: Path) -> int:
    try:
        place = os.statvfs(state)
    except FileNotFoundError:  # not made yet: the folder that will hold it
        return _free(state.parent)
    blocks = place.f_bfree if os.geteuid() == 0 else place.f_bavail
    return blocks * place.f_frsize
