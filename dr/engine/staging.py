"""Private folders of a step on the controller: made empty, removed at its end, swept when a crash left them."""

import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dr.errors import ConfigError
from dr.model.base import HostPath, RunId, StepId

FOLDER = "staging"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@contextmanager
def staging_folder(state: Path, run: RunId, step: StepId, name: str) -> Iterator[HostPath]:
    """`state/staging/<run>/<step>/<name>`, mode 0700, empty at the start and gone at the end. Raises ConfigError for an unsafe name."""
    if not _SAFE.fullmatch(name):
        raise ConfigError(f"step '{step}': '{name}' is no name for a staging folder", hint="use letters, digits, '.', '_' and '-'")
    place = state / FOLDER / run / step / name
    if place.exists():
        shutil.rmtree(place)
    for folder in (state / FOLDER, state / FOLDER / run, place.parent, place):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield HostPath(str(place))
    finally:
        shutil.rmtree(place, ignore_errors=True)
        for folder in (place.parent, place.parent.parent):
            with suppress(OSError):  # another step of the run still has something there
                folder.rmdir()


def sweep(state: Path, living: Collection[RunId]) -> list[str]:
    """Remove what runs that are over left behind; says whose."""
    folder = state / FOLDER
    if not folder.is_dir():
        return []
    gone = sorted(entry.name for entry in folder.iterdir() if entry.name not in living)
    for name in gone:
        shutil.rmtree(folder / name, ignore_errors=True)
    return gone
