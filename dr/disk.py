"""Small files, written whole or not at all, and on the disk when we say so: a word of the vocabulary for the rooms that write."""

import os
import tempfile
from pathlib import Path


def make_folder(path: Path, mode: int = 0o700) -> None:
    """The folder with exactly this mode if it is new; one that is there stays as it is."""
    if not path.is_dir():
        path.mkdir(parents=True, mode=mode)
        path.chmod(mode)


def write_new(path: Path, data: bytes, mode: int = 0o600) -> bool:
    """Write and fsync beside it, then link into place: whoever looks sees all of it or none. False if it was there already."""
    handle, beside = _open_beside(path)
    try:
        _fill(handle, data, mode)
        try:
            path.hardlink_to(beside)
        except FileExistsError:
            return False
    finally:
        beside.unlink()
    sync_folder(path.parent)
    return True


def _open_beside(path: Path) -> tuple[int, Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    return handle, Path(name)


def _fill(handle: int, data: bytes, mode: int) -> None:
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write and fsync beside it, then take its place: whoever looks sees the old file or the new one, whole."""
    handle, beside = _open_beside(path)
    try:
        _fill(handle, data, mode)
        beside.replace(path)
    except BaseException:
        beside.unlink()  # a full disk would get one more of them with every command
        raise
    sync_folder(path.parent)
