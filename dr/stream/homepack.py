"""What of a home is stored, as a tar stream, and how it is laid out again: plain files and folders below one empty place, nothing else."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from dr.errors import Damaged, Refused

CATALOG = "state/catalog.db"
FOLDERS = ("inventory", "runbooks", "keys")
EVIDENCE = "evidence"
EVIDENCE_BYTES = 64 * 2**20
"""Of evidence: all of it while it is less than this, else that of the newest EVIDENCE_RUNS."""
EVIDENCE_RUNS = 200
_PRIVATE = b"AGE-SECRET-KEY-"
_DEEPEST = 8
_LARGEST = 64 * 2**20
"""Bytes of one file of the inventory, the runbooks or the keys at most."""


@dataclass
class Packed:
    """What went in, and what was left out on purpose or because it cannot be stored: paths below the home."""

    files: int = 0
    left_out: list[str] = field(default_factory=list)


def pack(home: Path, catalog: Path, secrets: Sequence[str], into: IO[bytes], *, private: bytes = _PRIVATE) -> Packed:
    """Write the home as a tar stream. `catalog`: a snapshot of it. `secrets`: files that the inventory names, relative to the home.

    An age private key is never in it: in keys/ it is left out; elsewhere it is Refused, for it has no business there.
    `private`: what such a key begins with.
    """
    packed = Packed()
    with tarfile.open(fileobj=into, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in _wanted(home, secrets):
            data = _content(home / path, path)
            if data is None:
                packed.left_out.append(path)
            elif private and private in data.upper():
                _require_key_folder(path, secrets)
                packed.left_out.append(path)
            else:
                _add(tar, path, data)
                packed.files += 1
        with catalog.open("rb") as file:
            tar.addfile(_member(CATALOG, catalog.stat().st_size), file)
            packed.files += 1
    return packed


def _wanted(home: Path, secrets: Sequence[str]) -> list[str]:
    own = [path for folder in FOLDERS for path in _below(home, folder)]
    return sorted({*own, *_evidence(home), *(path for path in secrets if (home / path).exists())})


def _below(home: Path, folder: str, depth: int = 0) -> Iterator[str]:
    """Files, those behind links too (an inventory may be a link to a checkout); hidden ones are nobody's settings."""
    place = home / folder
    for entry in sorted(place.iterdir()) if place.is_dir() and depth < _DEEPEST else ():
        if not entry.name.startswith("."):
            path = f"{folder}/{entry.name}"
            if entry.is_dir():
                yield from _below(home, path, depth + 1)
            else:
                yield path


def _evidence(home: Path) -> list[str]:
    found = {path: (home / path).stat() for path in _below(home, EVIDENCE) if (home / path).is_file()}
    if sum(at.st_size for at in found.values()) <= EVIDENCE_BYTES:
        return list(found)
    newest = sorted({path.rpartition(".")[0]: at.st_mtime for path, at in found.items()}.items(), key=lambda one: one[1], reverse=True)
    kept = {run for run, _ in newest[:EVIDENCE_RUNS]}
    return [path for path in found if path.rpartition(".")[0] in kept]


def _content(path: Path, name: str) -> bytes | None:
    """None for what is no regular file, or is gone. Raises Refused for one that is far too large."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hang the night
    except OSError as error:
        if path.is_symlink() or not path.exists():
            return None
        raise Refused(f"{name} of the home cannot be read: {(error.strerror or 'no reason given').lower()}") from None
    with os.fdopen(handle, "rb") as file:
        if not path.is_file():
            return None
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Refused(f"{name} of the home is larger than 64 MiB", hint="it is no setting and no key: move it out of there")
    return data


def _require_key_folder(path: str, secrets: Sequence[str]) -> None:
    if not path.startswith("keys/") and path not in secrets:
        raise Refused(f"{path} holds an age private key", hint="keys belong into keys/, where they are left out of what is stored")


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    tar.addfile(_member(path, len(data)), io.BytesIO(data))


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o600
    return member


def unpack(parts: Iterable[bytes], into: Path, *, careful: bool = True) -> list[str]:
    """Lay a tar stream out below `into`, an empty private folder; gives back the files' paths.

    Raises Damaged for a path that leads out, a link, a device, a name that comes twice, or bytes that are no tar stream.
    `careful=False` believes the stream: for the test that shows what the care is for.
    """
    stream = cast("IO[bytes]", io.BufferedReader(_Stream(iter(parts)), buffer_size=2**20))
    made: list[str] = []
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if not careful:
                    tar.extract(member, into, filter="fully_trusted")
                elif not member.isdir():
                    made.append(_lay_out(tar, member, into))
        while stream.read(2**20):  # to the end, so that every part was checked
            pass
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise Damaged(f"the stored home is no tar stream: {type(error).__name__}") from None
    return made


def _lay_out(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> str:
    path = _safe(member)
    place = into / path
    data = tar.extractfile(member)
    assert data is not None
    try:
        _folders(path, into)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Damaged(f"the stored home holds {path!r} twice") from None
    with os.fdopen(handle, "wb") as file:
        while chunk := data.read(2**20):
            file.write(chunk)
        file.flush()
        os.fsync(handle)
    return path


def _folders(path: str, into: Path) -> None:
    """Those above a path; fsynced when the whole is published."""
    for part in path.split("/")[:-1]:
        into /= part
        into.mkdir(mode=0o700, exist_ok=True)


def _safe(member: tarfile.TarInfo) -> str:
    """The member's path. Nothing but folders and files is ever made below the place, so no step of it can be a link."""
    if not member.isreg() or member.issparse():
        raise Damaged(f"the stored home holds {member.name!r}, which is no plain file", hint="nothing was laid out; take an older home")
    if member.name.startswith("/") or any(part in {"", ".", ".."} or "\0" in part for part in member.name.split("/")):
        raise Damaged(f"the stored home holds {member.name!r}, which leads out of it", hint="nothing was laid out; take an older home")
    return member.name


class _Stream(io.RawIOBase):
    """Parts as one file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            plain = next(self._parts, None)
            if plain is None:
                return 0
            self._rest = memoryview(plain)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
