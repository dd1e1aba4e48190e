"""Where an agent works that writes to no standby: in a private folder that is gone when it is."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dr.app.agent.allowed import plain
from dr.model.base import JsonObject


@contextmanager
def private_folder() -> Iterator[Path]:
    """0700, on disk, gone at the end; what a killed agent left there is removed by the next one."""
    above = Path.home() / ".local" / "state" / "dr-agent"
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_sweeps(above):
        mine = Path(tempfile.mkdtemp(dir=above))
        held = os.open(mine, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        os.close(held)


@contextmanager
def _one_sweeps(above: Path) -> Iterator[None]:
    """Nobody else looks for what was left while a new folder is not locked yet."""
    alone = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX)
        _sweep(above)
        yield
    finally:
        os.close(alone)


def _sweep(above: Path) -> None:
    for left in above.iterdir():
        with suppress(OSError):
            held = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(held)


def laid_out(params: JsonObject, files: JsonObject, folder: Path) -> JsonObject:
    """A check's parameters, where those that name a file of the controller's home name one here that holds the text it sent along."""
    for name, text in files.items():
        (folder / plain(name)).write_text(str(text), encoding="ascii")
    return {**params, **{name: str(folder / name) for name in files}}
