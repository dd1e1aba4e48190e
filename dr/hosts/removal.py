"""Removing a tree: any depth, no symbolic link followed, no other file system entered, nothing protected touched."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from dr.errors import Failed, Refused

Identity = tuple[int, int]
"""Device and inode."""
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Removed:
    """What was removed: files of every kind but folders, and the bytes that they held, as `ls -l` counts them."""

    files: int = 0
    size: int = 0


def identity(at: os.stat_result) -> Identity:
    return at.st_dev, at.st_ino


def open_folder(name: str | bytes, within: int | None = None) -> int:
    """A descriptor of a folder itself, never of what a symbolic link points to. Raises OSError."""
    return os.open(name, os.O_RDONLY | _FOLDER, dir_fd=within)


@contextlib.contextmanager
def opened(name: str | bytes, within: int | None = None) -> Iterator[int]:
    """`open_folder` for the length of a block."""
    descriptor = open_folder(name, within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_tree(parent: int, name: str, *, protected: Set[Identity], first: str = "", last: str = "") -> Removed | None:
    """Remove the folder `name` of an open parent; None if it is not there.

    The plain file `first` in it goes, durably, before everything else, and the plain file `last` after.

    A protected folder in it, or one of another file system, raises Refused: found in a walk before anything goes, and again right before
    each folder is opened to be emptied. Folders are moved up to the top first, so that depth costs neither stack nor descriptors. Raises
    Failed if it stops half-way.
    """
    removal = _Removal(os.fstat(parent).st_dev, protected)
    try:
        top = removal.open(parent, name)
    except FileNotFoundError:
        return None
    try:
        removal.inspect(top)
        with contextlib.suppress(FileNotFoundError):
            removal.unlink(top, first)
            os.fsync(top)
        removal.empty(top, last)
        os.rmdir(name, dir_fd=parent)
        os.fsync(parent)
    except OSError as error:
        raise Failed(f"'{name}' cannot be removed whole ({os.strerror(error.errno or 0)})", hint="is something mounted in it?") from None
    finally:
        os.close(top)
    return removal.removed


class _Removal:
    def __init__(self, device: int, protected: Set[Identity]) -> None:
        self._device = device
        self._protected = protected
        self.removed = Removed()
        self._names = (f".dr-{secrets.token_hex(8)}-{number}" for number in count())

    def open(self, parent: int, name: str | bytes) -> int:
        """Open a folder whatever its mode is, once it is known to be neither protected nor elsewhere."""
        handle = os.open(name, os.O_PATH | _FOLDER, dir_fd=parent)
        try:
            at = os.fstat(handle)
            self._allow(at)
            here = Path(f"/proc/self/fd/{handle}")
            if at.st_mode & 0o700 != 0o700:
                here.chmod(0o700)
            return os.open(here, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            os.close(handle)

    def _allow(self, at: os.stat_result) -> None:
        if identity(at) in self._protected:
            raise Refused("a folder in the place to be removed is production's", hint="find out how it came there; until then it stays")
        if at.st_dev != self._device:
            raise Refused("another file system is mounted in the place to be removed", hint="unmount it first")

    def inspect(self, top: int) -> None:
        """Walk all folders with one descriptor, up by `..`; one that may not be entered yet is left to the removal."""
        here = os.dup(top)
        trail = [(identity(os.fstat(here)), _folders(here))]
        try:
            while trail:
                _, waiting = trail[-1]
                if waiting:
                    here, entered = self._down(here, waiting.pop())
                    trail += [(identity(os.fstat(here)), _folders(here))] if entered else []
                else:
                    trail.pop()
                    here = _up(here, trail[-1][0]) if trail else here
        finally:
            os.close(here)

    def _down(self, here: int, name: bytes) -> tuple[int, bool]:
        try:
            below = open_folder(name, here)
        except (PermissionError, FileNotFoundError):
            return here, False
        try:
            self._allow(os.fstat(below))
        except Refused:
            os.close(below)
            raise
        os.close(here)
        return below, True

    def empty(self, top: int, last: str) -> None:
        while folders := self._unlink_files(top, keep=last):
            for name in folders:
                self._raise_content(top, name)
                os.rmdir(name, dir_fd=top)
        with contextlib.suppress(FileNotFoundError):
            self.unlink(top, last)

    def _raise_content(self, top: int, name: bytes) -> None:
        """Unlink the folder's files and move its folders up to the top."""
        folder = self.open(top, name)
        try:
            for inner in self._unlink_files(folder):
                os.close(self.open(folder, inner))  # looked at before it moves: a rename would carry production's along
                os.rename(inner, next(self._names), src_dir_fd=folder, dst_dir_fd=top)
        finally:
            os.close(folder)

    def _unlink_files(self, folder: int, *, keep: str = "") -> list[bytes]:
        """Unlink all that is no folder, but `keep`; gives back the folders' names."""
        with os.scandir(folder) as entries:
            found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in found:
            if not is_folder and name != keep.encode():
                self.unlink(folder, name)
        return [name for name, is_folder in found if is_folder]

    def unlink(self, folder: int, name: str | bytes) -> None:
        """Unlink a file, and count it."""
        size = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        os.unlink(name, dir_fd=folder)
        self.removed.files += 1
        self.removed.size += size


def _up(here: int, expected: Identity) -> int:
    above = open_folder("..", here)
    if identity(os.fstat(above)) == expected:
        os.close(here)
        return above
    os.close(above)
    raise Refused("the place to be removed is being changed", hint="end what works in it, then try again")


def _folders(folder: int) -> list[bytes]:
    with os.scandir(folder) as entries:
        return [os.fsencode(entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
