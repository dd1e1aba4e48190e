"""Which programs of this machine use a folder, as the kernel tells it; and ending those that a restored server left behind."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from dr.errors import Failed
from dr.hosts.removal import identity

_PATIENCE = 5.0
"""Seconds for a killed program to be gone."""


def end_left_behind(data: str) -> None:
    """Kill what works in the data directory of a server that has ended: only what the server started does."""
    for pid in list(_processes()):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)  # so that the number cannot become somebody else's between the look and the end
            try:
                if _works_in(pid, data):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)


def require_unused(place: str) -> None:
    """Raises Failed if a program works in the place, or has a file of it open: what it holds would not be gone when it is removed."""
    until = time.monotonic() + _PATIENCE
    while using := [pid for pid in _processes() if _uses(pid, place)]:
        if time.monotonic() > until:
            count = f"{len(using)} program{'s' * (len(using) != 1)} still use{'s' * (len(using) == 1)}"
            named = ", ".join(str(pid) for pid in using)
            raise Failed(f"{count} what lies in {place}: process {named}", hint="end it, then scrub again")
        time.sleep(0.05)


def _processes() -> Iterator[int]:
    own = os.getpid()
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and int(entry.name) != own)


def _works_in(pid: int, folder: str) -> bool:
    try:
        return identity(os.stat(f"/proc/{pid}/cwd")) == identity(os.stat(folder, follow_symlinks=False))  # noqa: PTH116
    except OSError:
        return False


def _uses(pid: int, place: str) -> bool:
    return any(held == place or held.startswith(f"{place}/") for held in _held(pid))


def _held(pid: int) -> Iterator[str]:
    """Where it works and what it has open; nothing of one that has ended or is another user's, who cannot enter a private place."""
    try:
        yield os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - a Path would not keep `pipe:[1]`
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry.path)  # noqa: PTH115
    except OSError:
        return
