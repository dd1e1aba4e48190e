"""The home as it lies in a repository: written part by part to several at once, manifest last; found, checked and read back.

What is in the tar stream is known by `dr.stream.homepack`; the layout is told in `dr.model.home`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from dr.errors import Damaged, DrError, Failed, Refused
from dr.model.backup import FORMAT, PART_LIMIT, SET_ID, Sealed
from dr.model.base import ByteCount, RepositoryName, Sha256, canonical, sha256
from dr.model.home import HomeManifest, HomeSeen
from dr.model.ports import Repository
from dr.stream.encode import Decoder, Encoder
from dr.stream.layout import MANIFEST, SIGNATURE, read_signature, write_signature
from dr.stream.stored import read_exactly

KEPT = 7
"""Homes that a repository keeps."""
_SMALL = 2**20
"""Bytes of a manifest or signature at most."""


def part_name(number: int) -> str:
    return f"{number:06}.zst.age"


@dataclass
class HomeParts:
    """A file to write a tar stream into: it is cut, encoded once, and put into every repository that still takes it."""

    name: str
    encoder: Encoder
    to: Sequence[Repository]
    after_part: Callable[[], None]
    sealed: list[Sealed] = field(default_factory=list)
    plain: int = 0
    failed: dict[RepositoryName, str] = field(default_factory=dict)
    _buffer: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= PART_LIMIT:
            self._put(bytes(self._buffer[:PART_LIMIT]))
            del self._buffer[:PART_LIMIT]
        return len(data)

    def finish(self) -> None:
        if self._buffer or not self.sealed:
            self._put(bytes(self._buffer))
            self._buffer.clear()

    def _put(self, plain: bytes) -> None:
        stored = self.encoder.encode(plain)
        self.each(part_name(len(self.sealed)), stored)
        self.sealed.append(Sealed(size=ByteCount(len(stored)), sha256=sha256(stored)))
        self.plain += len(plain)
        self.after_part()

    def each(self, path: str, data: bytes) -> None:
        """Put one object everywhere. Raises Failed once no repository is left."""
        for repository in self.to:
            if repository.name not in self.failed:
                try:
                    repository.put_home(f"{self.name}/{path}", data)
                except DrError as problem:
                    self.failed[repository.name] = problem.message
        if len(self.failed) == len(self.to):
            raise Failed(f"the home was stored nowhere: {'; '.join(self.failed.values())}")


def seal(parts: HomeParts, manifest: HomeManifest, sign: Callable[[bytes], bytes]) -> None:
    """Publish the manifest, then its signature: with that the home exists."""
    stored = canonical(manifest.to_facts()) + b"\n"
    parts.each(MANIFEST, stored)
    parts.each(SIGNATURE, write_signature(sign(stored)))


def names(repository: Repository) -> list[str]:
    """Of the homes that lie there, whole or not, newest first; what else lies under `home/` is not ours to judge."""
    found = {path.partition("/")[0] for path in repository.list_home() if "/" in path}
    return sorted((name for name in found if SET_ID.match(name)), reverse=True)


def fingerprint(public: str) -> Sha256:
    """SHA-256 of a public key's raw bytes (hex in, hex out): the same as in evidence files."""
    return sha256(bytes.fromhex(public))


def read_manifest(repository: Repository, name: str, organisation: str) -> HomeManifest:
    """A stored home's manifest, its signature checked with the key that it names: whose key that is, the caller must find out.

    Raises Damaged, naming the home, or Refused for a format of a newer `dr`.
    """
    where = f"repository '{repository.name}': home {name}"
    stored, signature = (_read(repository, f"{name}/{file}", where) for file in (MANIFEST, SIGNATURE))
    manifest = _parse(stored, where)
    _verify(manifest.public, stored, read_signature(signature), where)
    if (manifest.organisation, manifest.name) != (organisation, name):
        raise Damaged(f"{where}: it is home {manifest.name} of '{manifest.organisation}'", hint="it was put in another's place")
    return manifest


def _read(repository: Repository, path: str, where: str) -> bytes:
    try:
        with repository.open_home(path) as file:
            data = file.read(_SMALL + 1)
    except OSError:
        raise Damaged(f"{where}: {path.partition('/')[2]} cannot be read") from None
    if len(data) > _SMALL:
        raise Damaged(f"{where}: {path.partition('/')[2]} is too large")
    return data


def _parse(stored: bytes, where: str) -> HomeManifest:
    try:
        number = json.loads(stored)["format"]
        if isinstance(number, int) and number > FORMAT:
            raise Refused(f"{where}: format {number}; this dr knows format {FORMAT}", hint="use a newer dr, or --at an older home")
        return HomeManifest.from_json(stored)
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Damaged(f"{where}: {MANIFEST} cannot be read") from None


def _verify(public: str, data: bytes, signature: bytes, where: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise Damaged(f"{where}: its signature does not fit") from None


def require_whole(repository: Repository, manifest: HomeManifest) -> None:
    """Every part is there and is the signed one; needs no private key. Raises Damaged, naming the part."""
    for number in range(len(manifest.parts)):
        _part(repository, manifest, number)


def plain_parts(repository: Repository, manifest: HomeManifest, decoder: Decoder) -> Iterator[bytes]:
    """The tar stream, part by part, each checked before it is given. Raises Damaged."""
    total = 0
    for number in range(len(manifest.parts)):
        plain = decoder.decode(_part(repository, manifest, number), limit=PART_LIMIT)
        total += len(plain)
        yield plain
    if total != manifest.plain:
        raise Damaged(f"repository '{repository.name}': home {manifest.name}: it holds {total} bytes, not what was signed")


def _part(repository: Repository, manifest: HomeManifest, number: int) -> bytes:
    part, where = manifest.parts[number], f"repository '{repository.name}': home {manifest.name}: {part_name(number)}"
    try:
        with repository.open_home(f"{manifest.name}/{part_name(number)}") as file:
            data = read_exactly(file, part.size)
    except Damaged as problem:
        raise problem if problem.message.startswith("repository") else Damaged(f"{where}: {problem.message}") from None
    except OSError:
        raise Damaged(f"{where}: unreadable") from None
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise Damaged(f"{where}: changed")
    return data


def seen(repository: Repository, name: str, organisation: str) -> HomeSeen:
    """What can be said of a stored home without a private key; never raises for what is wrong with it."""
    manifest: HomeManifest | None = None
    try:
        manifest = read_manifest(repository, name, organisation)
        require_whole(repository, manifest)
        problem = ""
    except (Damaged, Refused) as error:
        problem = error.message
    if manifest is None:
        return HomeSeen(name=name, problem=problem)
    stored = ByteCount(sum(part.size for part in manifest.parts))
    return HomeSeen(name=name, created=manifest.created, stored=stored, key=fingerprint(manifest.public), problem=problem)


def drop(repository: Repository, name: str) -> None:
    """Remove one home, its signature first, so that a half-removed one is none."""
    for path in (f"{name}/{SIGNATURE}", f"{name}/{MANIFEST}", name):
        repository.remove_home(path)


def keep_newest(repository: Repository, ours: str, *, keep: int = KEPT) -> list[str]:
    """Let go of all but the newest `keep`, never of `ours` (a bad clock may have dated others ahead); says which went."""
    spare = [name for name in names(repository) if name != ours][keep - 1 :]
    for name in spare:
        drop(repository, name)
    return spare
