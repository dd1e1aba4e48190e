"""The tar streams of a logical backup: written so that the same file gives the same bytes, read so that nothing lands elsewhere."""

import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from dr.errors import Damaged
from dr.model.base import JsonObject

BLOCK = 512
_CHUNK = 2**20
_HEAD_LIMIT = 64 * 2**20
_FLAT = re.compile(r"^dump/([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})$")
Write = Callable[[bytes | memoryview], None]


class TarWriter:
    """Writes members to `write`: mtime 0, owner 0, mode 0600, whatever the file's own are, so that unchanged files are unchanged bytes."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.written = 0

    def data(self, name: str, data: bytes) -> None:
        self._head(name, len(data))
        self._put(data)
        self._pad(len(data))

    def file(self, name: str, path: Path, watch: Callable[[], None]) -> None:
        """A file that no longer changes. `watch` is called between chunks and may raise."""
        buffer = memoryview(bytearray(_CHUNK))
        with path.open("rb", buffering=0) as source:
            size = os.fstat(source.fileno()).st_size
            self._head(name, size)
            left = size
            while left and (count := source.readinto(buffer[: min(left, _CHUNK)])):
                self._put(buffer[:count])
                left -= count
                watch()
        if left:
            raise Damaged(
                f"a file of the dump lost {left} bytes while it was read", hint="is another program at work in the staging folder?"
            )
        self._pad(size)

    def close(self) -> None:
        self._put(bytes(2 * BLOCK))

    def _head(self, name: str, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime, info.type = size, 0o600, 0, tarfile.REGTYPE
        self._put(info.tobuf(tarfile.GNU_FORMAT))

    def _pad(self, size: int) -> None:
        self._put(bytes(-size % BLOCK))

    def _put(self, data: bytes | memoryview) -> None:
        if data:
            self._write(data)
            self.written += len(data)


def extract_dump(stream: IO[bytes], folder: Path, watch: Callable[[], None]) -> JsonObject:
    """Take a database's tar apart: `database.json` is returned, `dump/<file>` go flat into `folder`, which must be private and empty.

    Reads the stream to its very end, so that every part is checked. Raises Damaged for any other member.
    """
    with _opened(stream) as archive:
        description = _described(archive, "database.json")
        seen: set[str] = set()
        for member in _members(archive):
            flat = _FLAT.match(member.name)
            if not flat or member.name in seen:
                raise Damaged("the artifact holds a member that is no file of a dump", hint=_HINT)
            seen.add(member.name)
            _copy(archive, member, folder / flat[1], watch)
        if "dump/toc.dat" not in seen:
            raise Damaged("the artifact holds no whole dump: its table of contents is missing", hint=_HINT)
    _drain(stream)
    return description


def read_globals(stream: IO[bytes]) -> tuple[JsonObject, bytes]:
    """`cluster.json` and `globals.sql` of a globals artifact. Raises Damaged for any other member."""
    with _opened(stream) as archive:
        description = _described(archive, "cluster.json")
        members = list(_small(archive))
        if [name for name, _ in members] != ["globals.sql"]:
            raise Damaged("the globals artifact holds other members than it should", hint=_HINT)
    _drain(stream)
    return description, members[0][1]


_HINT = "its bytes are as they were signed, so it was written wrong or by another program; restore another set"


def _opened(stream: IO[bytes]) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK)
    except tarfile.TarError:
        raise Damaged("the artifact is not a tar stream", hint=_HINT) from None


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Only regular files, one after the other."""
    while True:
        try:
            member = archive.next()
        except tarfile.TarError:
            raise Damaged("the artifact's tar stream is broken", hint=_HINT) from None
        if member is None:
            return
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise Damaged("the artifact holds a member that is no plain file", hint=_HINT)
        yield member


def _small(archive: tarfile.TarFile) -> list[tuple[str, bytes]]:
    return [(member.name, _bytes(archive, member)) for member in _members(archive)]


def _described(archive: tarfile.TarFile, name: str) -> JsonObject:
    first = next(_members(archive), None)
    if first is None or first.name != name:
        raise Damaged(f"the artifact does not begin with {name}", hint=_HINT)
    try:
        found = json.loads(_bytes(archive, first))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"the artifact's {name} cannot be read", hint=_HINT)
    return found


def _bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _HEAD_LIMIT:
        raise Damaged("a description in the artifact is absurdly long", hint=_HINT)
    source = archive.extractfile(member)
    assert source is not None  # a regular file
    try:
        return source.read()
    except tarfile.TarError:
        raise Damaged("the artifact's tar stream ends too early", hint=_HINT) from None


def _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, to: Path, watch: Callable[[], None]) -> None:
    source = archive.extractfile(member)
    assert source is not None  # a regular file
    written = 0
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        try:
            while block := source.read(_CHUNK):
                written += out.write(block)
                watch()
        except tarfile.TarError:
            raise Damaged("the artifact's tar stream ends too early", hint=_HINT) from None
    if written != member.size:
        raise Damaged("the artifact's tar stream ends too early", hint=_HINT)


def _drain(stream: IO[bytes]) -> None:
    while stream.read(_CHUNK):
        pass
