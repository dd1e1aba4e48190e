"""Where the units of this user are: a folder each, locked while it lives, with the socket at which it is asked.

What is asked there: `about` tells how it stands, `end` ends it; a greeting, with a pair of streams, is for `unit`.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dr.errors import Failed, StandbyInUse
from dr.model.base import JsonObject
from dr.units import show_duration

_LINK = "link"
_LARGEST = 128 * 1024
"""Bytes of one message at a unit's socket."""
_ANSWER = 5.0
"""Seconds for a unit to answer."""
_LOOK = 0.1
_PATIENCE = 10.0
"""Seconds in which an agent that knows that its link is lost is gone, mostly: it ends what it does first."""


def above() -> Path:
    """The folder of all; made where there is none."""
    folder = Path.home() / ".local" / "state" / "dr-units"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def one_at_a_time() -> Iterator[Path]:
    """Nobody else makes or sweeps a unit meanwhile. What died without tidying up is gone."""
    folder = above()
    alone = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX)
        for left in folder.iterdir():
            with contextlib.suppress(OSError), _locked(left):
                shutil.rmtree(left, ignore_errors=True)
        yield folder
    finally:
        os.close(alone)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Raises OSError where somebody lives there."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


@dataclass(frozen=True)
class Seat:
    """A unit's own: whoever holds `held` open is the unit."""

    folder: Path
    listener: socket.socket
    held: int

    def close(self) -> None:
        """Without being the unit."""
        self.listener.close()
        os.close(self.held)


def made(folder: Path) -> Seat:
    """A new one, that listens already. Raises Failed where one lives that does not answer."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise Failed("the work that was begun there does not answer") from None
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        listener.bind(f"/proc/self/fd/{held}/{_LINK}")  # the folder's own path may be longer than a socket's may
    finally:
        os.umask(before)
    listener.listen(8)
    return Seat(folder, listener, held)


def connected(folder: Path) -> socket.socket | None:
    """To the unit there; None where none lives."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    found.settimeout(_ANSWER)
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            found.connect(f"/proc/self/fd/{at}/{_LINK}")
        finally:
            os.close(at)
    except OSError:
        found.close()
        return None
    return found


def _asked(folder: Path, question: JsonObject) -> JsonObject | None:
    """None where nobody answers."""
    control = connected(folder)
    if control is None:
        return None
    with control, contextlib.suppress(OSError, ValueError):
        control.send(json.dumps(question).encode())
        told = json.loads(control.recv(_LARGEST))
        return told if isinstance(told, dict) else None
    return None


def living(root: str) -> list[JsonObject]:
    """What the units say that work on this standby: name, run, since (seconds), away (seconds without a connection, or None), pid."""
    told = [_asked(folder, {"about": True}) for folder in sorted(above().iterdir())]
    return [one for one in told if one is not None and one.get("root") == os.path.realpath(root)]


def told(unit: JsonObject) -> str:
    """In words."""
    work = f"it works on {unit['name']}, for {show_duration(round(unit['since']))}"
    if unit["away"] is None:
        return work
    left = max(0, round(unit["rejoin"] - unit["away"]))
    return f"{work}; the link is lost for {show_duration(round(unit['away']))}, and in {show_duration(left)} that work ends by itself"


def end_forsaken(root: str, ended: Callable[[str], bool]) -> None:
    """End the units on this standby that nobody is connected to, of runs that `ended` says nobody comes back for."""
    for one in living(root):
        if one["away"] is not None and one["pid"] != os.getpid() and ended(str(one["run"])):
            _asked(above() / str(one["name"]), {"end": True})


def alone(root: str, silence: float, ended: Callable[[str], bool]) -> int:
    """No other agent works on this standby until what this gives back is closed. Raises StandbyInUse if one still does after the patience.

    `silence`: seconds after which an agent whose link was cut knows it; `ended`: as in `end_forsaken`.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    until = time.monotonic() + max(_PATIENCE, silence)
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(folder)
                raise StandbyInUse(f"another dr works on {root}", hint="wait for its run: dr runs list") from None
            end_forsaken(root, ended)
            time.sleep(_LOOK)
        else:
            return folder
