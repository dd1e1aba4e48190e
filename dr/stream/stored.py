"""Reading stored objects back: bounded, whole, and compared with what was signed.

An object that is not what was signed is read once more, at once, before it is called damaged: a cable, a disk or a file server may have
erred on the way (as far as the machine's own cache lets it be asked again). What is wrong twice is wrong; so no step is repeated for it.
"""

from __future__ import annotations

import hashlib
from typing import IO, cast

from dr.errors import Damaged
from dr.model.base import SetId, SystemName
from dr.model.ports import Repository

_CHUNK = 2**20


def read_exactly(file: IO[bytes], size: int) -> bytes:
    """`size` bytes. Raises Damaged if there are fewer or more."""
    chunks: list[bytes] = []
    left = size
    while left:
        chunk = file.read(left)
        if not chunk:
            raise Damaged(f"cut short, {size - left} of {size} bytes")
        chunks.append(chunk)
        left -= len(chunk)
    if file.read(1):
        raise Damaged(f"longer than its {size} bytes")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_signed(repository: Repository, system: SystemName, set_id: SetId, path: str, size: int, sha256: str) -> bytes:
    """A stored object's bytes. Raises Damaged, naming it, unless they are the signed ones, at a second reading at the latest."""
    try:
        return _read_signed(repository, system, set_id, path, size, sha256)
    except Damaged:
        return _read_signed(repository, system, set_id, path, size, sha256)


def _read_signed(repository: Repository, system: SystemName, set_id: SetId, path: str, size: int, sha256: str) -> bytes:
    where = f"repository '{repository.name}': set {set_id}: {path}"
    with repository.open(system, set_id, path) as file:
        try:
            data = read_exactly(file, size)
        except Damaged as problem:
            raise Damaged(f"{where}: {problem.message}") from None
        except OSError:
            raise Damaged(f"{where}: unreadable") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(f"{where}: changed")
    return data


def what_is_wrong(repository: Repository, system: SystemName, set_id: SetId, path: str, size: int, sha256: str) -> str:
    """The cause in a word or two (`missing`, `changed`); empty if the stored bytes are the signed ones, at a second reading at the latest.

    Holds a mebibyte at a time.
    """
    wrong = _what_is_wrong(repository, system, set_id, path, size, sha256)
    return wrong and _what_is_wrong(repository, system, set_id, path, size, sha256)


def _what_is_wrong(repository: Repository, system: SystemName, set_id: SetId, path: str, size: int, sha256: str) -> str:
    try:
        with repository.open(system, set_id, path) as file:
            return _compare(file, size, sha256)
    except Damaged as problem:
        return problem.message.rpartition(": ")[2]
    except OSError:
        return "unreadable"


def _compare(file: IO[bytes], size: int, sha256: str) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    seen = 0
    while got := cast("int", file.readinto(buffer)):  # type: ignore[attr-defined]
        digest.update(buffer[:got])
        seen += got
        if seen > size:
            return f"longer than its {size} bytes"
    if seen < size:
        return f"cut short, {seen} of {size} bytes"
    return "" if digest.hexdigest() == sha256 else "changed"
