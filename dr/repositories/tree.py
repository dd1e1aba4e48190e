"""File operations below one folder that never leave it: every step down is opened without following a symbolic link.

Paths are `/`-separated and relative. Files are made 0600 and folders 0700, whatever the umask. Raises OSError as the system does, and
Refused for a path that could lead out.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dr.errors import Refused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY = ".new-"
"""How the name of a file begins that is being written and will be renamed."""


class NotPlainFile(OSError):
    """What lies there is a folder, a link or a device."""


def components(path: str) -> list[str]:
    """Raises Refused for a path that could lead out of the folder it is relative to."""
    parts = path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise Refused(f"'{path!r}' is not a path inside a repository")
    return parts


class Tree:
    """The files below `root`, which is not opened before the first operation."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def folder(self, path: str, *, make: bool = False) -> Iterator[int]:
        """A file descriptor of the folder at `path` (empty: the root itself); `make` makes what is missing on the way."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in components(path) if path else ():
                if make:
                    _make(fd, part)
                below = os.open(part, _FOLDER, dir_fd=fd)
                os.close(fd)
                fd = below
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        *above, name = components(path)
        with self.folder("/".join(above), make=make) as fd:
            yield fd, name

    def open(self, path: str) -> IO[bytes]:
        """Unbuffered, for reading. Raises NotPlainFile for anything but a regular file."""
        with self._parent(path) as (parent, name):
            try:
                fd = os.open(name, _READ, dir_fd=parent)
            except OSError as problem:
                if _exists(parent, name) and not _is_regular(parent, name):
                    raise NotPlainFile(path) from problem
                raise
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise NotPlainFile(path)
        return os.fdopen(fd, "rb", buffering=0)

    def read(self, path: str) -> bytes:
        with self.open(path) as file:
            return b"".join(iter(lambda: file.read(2**20), b""))

    def is_file(self, path: str) -> bool:
        """Whether a regular file lies there, reached without a link."""
        try:
            with self._parent(path) as (parent, name):
                return _is_regular(parent, name)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def write(self, path: str, data: bytes) -> None:
        """A new, durable file; one that is there is unlinked first, never written into (it may share its bytes with other sets)."""
        with self._parent(path, make=True) as (parent, name):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
            _write(parent, name, data)

    def publish(self, path: str, data: bytes) -> None:
        """Write durably under a temporary name, then take the place atomically."""
        with self._parent(path, make=True) as (parent, name):
            temporary = TEMPORARY + name
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            _write(parent, temporary, data)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def publish_new(self, path: str, data: bytes) -> bool:
        """Durable and whole under a name that nobody has taken; False, and nothing changed, if it is taken."""
        with self._parent(path, make=True) as (parent, name):
            temporary = f"{TEMPORARY}{name}-{secrets.token_hex(8)}"  # two who publish at once write two files aside
            try:
                _write(parent, temporary, data)
                os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            except FileExistsError:
                return False
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=parent)
                os.fsync(parent)
        return True

    def link(self, origin: str, path: str) -> None:
        """A second name for a regular file's bytes; one that is there is replaced."""
        with self._parent(origin) as (there, old), self._parent(path, make=True) as (parent, name):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
            os.link(old, name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)

    def replace_by_link(self, origin: str, path: str) -> bool:
        """Give `path` the bytes of `origin`, atomically; False where that cannot be done: the same place, a system without links."""
        temporary = "/".join([*components(path)[:-1], TEMPORARY + components(path)[-1]])
        if origin == path:
            return False
        try:
            self.link(origin, temporary)
        except OSError:
            return False
        self.rename(temporary, path)
        return True

    def rename(self, old: str, new: str) -> None:
        """Durably, within one folder or between two."""
        with self._parent(old) as (there, before), self._parent(new) as (parent, after):
            os.rename(before, after, src_dir_fd=there, dst_dir_fd=parent)
            os.fsync(parent)
            os.fsync(there)

    def unlink(self, path: str) -> bool:
        """Durably; False if nothing was there."""
        try:
            with self._parent(path) as (parent, name):
                os.unlink(name, dir_fd=parent)
                os.fsync(parent)
        except FileNotFoundError:
            return False
        return True

    def names(self, path: str) -> list[str]:
        """What lies directly in a folder, sorted; nothing if it is not there."""
        try:
            with self.folder(path) as fd:
                return sorted(_names(fd))
        except FileNotFoundError:
            return []

    def files(self, path: str) -> list[str]:
        """Everything below a folder that is not a folder, links and devices too, relative to it, sorted."""
        with self.folder(path) as fd:
            return sorted(_walk(fd, ""))

    def sync(self, path: str) -> None:
        """fsync a folder and every folder below it."""
        with self.folder(path) as fd:
            _sync(fd)

    def remove(self, path: str) -> bool:
        """A folder with all that is in it, links unfollowed; False if nothing was there."""
        try:
            with self._parent(path) as (parent, name):
                _remove(parent, name)
                os.fsync(parent)
        except FileNotFoundError:
            return False
        return True


def _names(fd: int) -> list[str]:
    with os.scandir(fd) as entries:
        return [entry.name for entry in entries]


def _make(parent: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        os.chmod(name, 0o700, dir_fd=parent)  # a strict umask can make a folder that its own owner cannot open
        os.fsync(parent)


def _write(parent: int, name: str, data: bytes) -> None:
    fd = os.open(name, _NEW, 0o600, dir_fd=parent)
    try:
        os.fchmod(fd, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _exists(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_regular(parent: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _walk(fd: int, above: str) -> Iterator[str]:
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            yield above + name
            continue
        below = os.open(name, _FOLDER, dir_fd=fd)
        try:
            yield from _walk(below, f"{above}{name}/")
        finally:
            os.close(below)


def _sync(fd: int) -> None:
    with os.scandir(fd) as entries:
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for name in folders:
        below = os.open(name, _FOLDER, dir_fd=fd)
        try:
            _sync(below)
        finally:
            os.close(below)
    os.fsync(fd)


def _remove(parent: int, name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    fd = os.open(name, _FOLDER, dir_fd=parent)
    try:
        for entry in _names(fd):
            _remove(fd, entry)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=parent)
