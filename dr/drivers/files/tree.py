"""A tree of files in facts: walked without following a link, contents and attributes as keyed digests."""

import contextlib
import errno
import hmac
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_from_bytes, unquote_to_bytes

from dr.errors import Failed, Stopped
from dr.model.base import JsonObject

Walked = dict[bytes, os.stat_result]
"""Relative path (`.` is the root itself) to what lstat said."""
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_BLOCK = 1 << 20
_ZEROS = bytes(_BLOCK)
_TICK = 0.02
"""Seconds; two changes within a tick of the kernel's clock can bear the same times."""
_HOST_OWN = {b"security.selinux", b"security.ima", b"security.evm"}
"""Attributes that each host sets by its own rules; never compared."""


def name_of(path: bytes) -> str:
    return quote_from_bytes(path)


def path_of(name: str) -> bytes:
    return unquote_to_bytes(name)


@contextlib.contextmanager
def opened(root: str) -> Iterator[int]:
    """A descriptor of the root. Raises OSError."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def excluding(patterns: Sequence[str]) -> Callable[[bytes], bool]:
    """Whether a relative path is left out: `*` stands for anything (`/` too), `?` for one byte, matched against the whole path."""
    parts = [b"".join({b"*": b".*", b"?": b"."}.get(c, re.escape(c)) for c in _bytes_of(pattern)) for pattern in patterns]
    if not parts:
        return lambda _: False
    wanted = re.compile(b"|".join(b"(?:%s)" % part for part in parts), re.DOTALL)
    return lambda path: wanted.fullmatch(path) is not None


def _bytes_of(text: str) -> list[bytes]:
    return [bytes([code]) for code in os.fsencode(text)]


def walk(root: int, left_out: Callable[[bytes], bool] = lambda _: False) -> Walked:
    """Everything below an open root. What vanishes meanwhile is not listed. Raises Failed for a folder that may not be read."""
    found: Walked = {b".": os.fstat(root)}
    waiting = [b"."]
    while waiting:
        folder = waiting.pop()
        for name in _names(root, folder):
            path = name if folder == b"." else folder + b"/" + name
            if left_out(path):
                continue
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found[path] = at = os.stat(path, dir_fd=root, follow_symlinks=False)
                if stat.S_ISDIR(at.st_mode):
                    waiting.append(path)
    return found


def _names(root: int, folder: bytes) -> list[bytes]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(error) from None
    try:
        return [os.fsencode(name) for name in os.listdir(descriptor)]  # noqa: PTH208 - a descriptor, not a path
    finally:
        os.close(descriptor)


def _unreadable(error: OSError) -> Failed:
    return Failed(
        f"a file or folder of the file set cannot be read ({os.strerror(error.errno or 0)})", hint="run dr as a user who may read all of it"
    )


def kind_of(at: os.stat_result) -> str:
    return _KINDS[stat.S_IFMT(at.st_mode)]


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing changed between two looks: any write, rename, link or change of attributes moves the change time."""
    return _marks(one) == _marks(other)


def _marks(at: os.stat_result) -> tuple[int, ...]:
    return at.st_dev, at.st_ino, at.st_mode, at.st_uid, at.st_gid, at.st_size, at.st_mtime_ns, at.st_ctime_ns


class Describing:
    """Describes walked files in threads, while something else reads them too."""

    def __init__(self, root: int, walked: Walked, key: bytes, *, stop: threading.Event, workers: int = 2) -> None:
        self._root, self._key, self._stop = root, key, stop
        self._quit = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="dr-files")
        self._jobs = {path: self._pool.submit(self._one, path, at) for path, at in walked.items()}

    def __enter__(self) -> "Describing":
        return self

    def __exit__(self, *_: object) -> None:
        self._quit.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def result(self) -> dict[bytes, JsonObject]:
        """Path to facts; what changed or vanished before it could be described is not in it. Raises Failed, Stopped."""
        done = {path: job.result() for path, job in self._jobs.items()}
        return {path: facts for path, facts in done.items() if facts is not None}

    def _one(self, path: bytes, at: os.stat_result) -> JsonObject | None:
        if self._stop.is_set() or self._quit.is_set():
            raise Stopped("stopped while files were read")
        facts = _plain_facts(path, at)
        kind = facts["type"]
        if kind not in ("file", "folder", "link"):
            return facts
        try:
            if kind == "link":
                return facts | {"target": name_of(os.readlink(path, dir_fd=self._root))}
            inside = self._opened(path, at, is_file=kind == "file")
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO):
                return None  # replaced or removed since the walk
            raise _unreadable(error) from None
        return None if inside is None else facts | inside

    def _opened(self, path: bytes, at: os.stat_result, *, is_file: bool) -> JsonObject | None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._root)
        try:
            _settle(at)
            if (at.st_dev, at.st_ino) != (os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino):
                return None
            facts = _attributes(descriptor, self._key)
            return facts | {"size": at.st_size, "digest": self._content(descriptor)} if is_file else facts
        finally:
            os.close(descriptor)

    def _content(self, descriptor: int) -> str:
        """Over the blocks that are not all zero, each with its offset, and the size: the same whatever holes the file has."""
        digest = hmac.new(self._key, digestmod="sha256")
        for offset, block in _blocks(descriptor):
            if self._stop.is_set() or self._quit.is_set():
                raise Stopped("stopped while files were read")
            if block != _ZEROS[: len(block)]:
                digest.update(b"%d:%d:" % (offset, len(block)))
                digest.update(block)
        digest.update(b"%d" % os.fstat(descriptor).st_size)
        return digest.hexdigest()


def _settle(at: os.stat_result) -> None:
    """Wait until a change would show: a file that changed within this very tick could change again under the same times."""
    age = time.time() - at.st_ctime_ns / 1e9
    if 0 <= age < _TICK:
        time.sleep(_TICK - age)


def _plain_facts(path: bytes, at: os.stat_result) -> JsonObject:
    facts: JsonObject = {
        "path": name_of(path),
        "type": kind_of(at),
        "mode": stat.S_IMODE(at.st_mode),
        "uid": at.st_uid,
        "gid": at.st_gid,
        "mtime": at.st_mtime_ns,
    }
    if facts["type"] == "device":
        facts["device"] = [stat.S_IFMT(at.st_mode), os.major(at.st_rdev), os.minor(at.st_rdev)]
    return facts


def _attributes(descriptor: int, key: bytes) -> JsonObject:
    """Keyed digests of the extended attributes: those that any owner can give back, and those that only root can."""
    found = {os.fsencode(name): os.getxattr(descriptor, name) for name in _attribute_names(descriptor)}
    plain = {name: value for name, value in found.items() if name.startswith((b"user.", b"system."))}
    return {
        label: _digest_of(some, key)
        for label, some in (("xattrs", plain), ("privileged", {n: v for n, v in found.items() if n not in plain and n not in _HOST_OWN}))
        if some
    }


def _attribute_names(descriptor: int) -> list[str]:
    try:
        return os.listxattr(descriptor)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise


def _digest_of(attributes: dict[bytes, bytes], key: bytes) -> str:
    listed = b"".join(b"%d:%s%d:%s" % (len(name), name, len(value), value) for name, value in sorted(attributes.items()))
    return hmac.new(key, listed, "sha256").hexdigest()


def _blocks(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """Aligned blocks of the file; those that lie wholly in a hole are not read."""
    offset = 0
    while True:
        try:
            data = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end, or the end
                return
            if error.errno != errno.EINVAL:  # EINVAL: a file system without holes
                raise
            data = offset
        offset = data - data % _BLOCK
        block = _read(descriptor, offset)
        if not block:
            return
        yield offset, block
        offset += _BLOCK


def _read(descriptor: int, offset: int) -> bytes:
    block = os.pread(descriptor, _BLOCK, offset)
    while 0 < len(block) < _BLOCK:
        more = os.pread(descriptor, _BLOCK - len(block), offset + len(block))
        if not more:
            break
        block += more
    return block


def groups(walked: Walked) -> dict[bytes, bytes]:
    """For every file that has another name in the tree: the first of its names, in byte order."""
    names: dict[tuple[int, int], list[bytes]] = {}
    for path, at in walked.items():
        if at.st_nlink > 1 and stat.S_ISREG(at.st_mode):
            names.setdefault((at.st_dev, at.st_ino), []).append(path)
    return {path: min(paths) for paths in names.values() if len(paths) > 1 for path in paths}
