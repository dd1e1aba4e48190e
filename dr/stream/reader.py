"""Reading a set: its signature, its encrypted index, and its artifacts' tar streams, decoded in parallel, nothing out unchecked."""

from __future__ import annotations

import hmac
import io
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from pydantic import ValidationError

from dr.errors import Damaged, DrError, Refused
from dr.model.backup import FORMAT, PART_LIMIT, Artifact, ArtifactIndex, Manifest, Part, SetIndex
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Keyring, Repository
from dr.stream.encode import Decoder, plain_digest
from dr.stream.layout import INDEX, INDEX_LIMIT, MANIFEST, part_path, read_signature
from dr.stream.stored import read_signed

_AHEAD = 3
"""Parts being decoded ahead of the one that is read."""


def read_manifest(
    system: SystemName, set_id: SetId, repository: Repository, *, organisation: str, keys: Keyring
) -> tuple[Manifest, bytes, bytes]:
    """The manifest, its stored bytes and stored signature.

    Raises Damaged unless it was signed by a trusted key for this very place, Refused for a format of a newer `dr`.
    """
    where = f"repository '{repository.name}': set {set_id}: {MANIFEST}"
    stored, signature = repository.manifest(system, set_id)
    try:
        keys.verify(stored, read_signature(signature))
    except Damaged as problem:
        raise Damaged(f"{where}: {problem.message}", hint=problem.hint) from None
    manifest = _parse(stored, where)
    if (manifest.organisation, manifest.system, manifest.set) != (organisation, system, set_id):
        raise Damaged(
            f"{where}: it is that of set {manifest.set} of system '{manifest.system}', '{manifest.organisation}'",
            hint="a set was put in another's place; restore from another copy and find out who did it",
        )
    return manifest, stored, signature


def _parse(stored: bytes, where: str) -> Manifest:
    try:
        number = json.loads(stored)["format"]
        if isinstance(number, int) and number > FORMAT:
            raise Refused(f"{where}: format {number}; this dr knows format {FORMAT}", hint="use a newer dr")
        manifest = Manifest.from_json(stored)
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Damaged(f"{where}: it is signed, but it is not a manifest") from None
    names = [artifact.name for artifact in manifest.artifacts]
    in_order = all([part.number for part in one.parts] == list(range(len(one.parts))) for one in manifest.artifacts)
    if len(set(names)) < len(names) or not in_order:
        raise Damaged(f"{where}: its parts or artifacts are not in order")
    return manifest


def open_set(system: SystemName, set_id: SetId, repository: Repository, *, organisation: str, keys: Keyring) -> StreamedSet:
    """Check the signature and decrypt the index. Raises Damaged or Refused."""
    manifest, _, _ = read_manifest(system, set_id, repository, organisation=organisation, keys=keys)
    decoder = Decoder(keys.identity())
    if decoder.recipients.isdisjoint(manifest.recipients):
        raise Refused(
            f"repository '{repository.name}': set {set_id}: the drill key here is none of the keys that it was encrypted to",
            hint="use the drill key of that time, or the escrow key; the copy is not damaged",
        )
    where = f"repository '{repository.name}': set {set_id}: {INDEX}"
    stored = read_signed(repository, system, set_id, INDEX, manifest.index.size, manifest.index.sha256)
    try:
        decoder, plain = _opened_by(decoder, stored, manifest)
        index = SetIndex.from_json(plain)
    except Damaged as problem:
        raise Damaged(f"{where}: {problem.message}", hint=problem.hint) from None
    except ValidationError:
        raise Damaged(f"{where}: it is not an index") from None
    expected = {one.name: len(one.parts) for one in manifest.artifacts}
    if index.set != set_id or {name: len(one.plain) for name, one in index.artifacts.items()} != expected:
        raise Damaged(f"{where}: it is another set's index")
    return StreamedSet(manifest, index, repository.name, repository.tier, repository, decoder)


def _opened_by(decoder: Decoder, stored: bytes, manifest: Manifest) -> tuple[Decoder, bytes]:
    """The one identity that opens the index, which then reads all of the set, so that nothing else can have opened it. Raises Damaged."""
    able = [one for one in decoder.each() if not one.recipients.isdisjoint(manifest.recipients)]
    for one in able[:-1]:
        try:
            return one, one.decode(stored, limit=INDEX_LIMIT)
        except Damaged:
            continue
    return able[-1], able[-1].decode(stored, limit=INDEX_LIMIT)


@dataclass(frozen=True)
class StreamedSet:
    """See `dr.model.ports.OpenSet`."""

    manifest: Manifest
    index: SetIndex
    repository: RepositoryName
    tier: str
    stored_in: Repository
    decoder: Decoder

    @property
    def recipient(self) -> str:
        return next(iter(self.decoder.recipients))

    def artifacts(self) -> Sequence[StreamedArtifact]:
        return [StreamedArtifact(artifact, self.index.artifacts[artifact.name], self) for artifact in self.manifest.artifacts]


@dataclass(frozen=True)
class StreamedArtifact:
    """See `dr.model.ports.ArtifactReader`."""

    artifact: Artifact
    index: ArtifactIndex
    of: StreamedSet

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        """The tar stream; a read raises Damaged, naming the part, before any byte of it comes out. Not seekable, no file descriptor."""
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="decode") as pool:
            parts = _InOrder(self, pool)
            try:
                yield cast("IO[bytes]", io.BufferedReader(_PartStream(parts, self), buffer_size=2**20))
            finally:
                parts.close()

    def plain(self, part: Part) -> bytes:
        """One part's plain bytes, checked against the manifest and the index."""
        of, path = self.of, part_path(self.artifact.name, part.number)
        stored = read_signed(of.stored_in, of.manifest.system, of.manifest.set, path, part.size, part.sha256)
        where = f"repository '{of.repository}': set {of.manifest.set}: {path}"
        try:
            plain = of.decoder.decode(stored, limit=PART_LIMIT)
        except Damaged as problem:
            raise Damaged(f"{where}: {problem.message}", hint=problem.hint) from None
        if not hmac.compare_digest(plain_digest(bytes.fromhex(of.index.key), plain), self.index.plain[part.number]):
            raise Damaged(f"{where}: its content is not what the index says")
        return plain


class _InOrder:
    """Decodes a few parts ahead, gives them in order."""

    def __init__(self, of: StreamedArtifact, pool: ThreadPoolExecutor) -> None:
        self._of = of
        self._pool = pool
        self._coming = iter(of.artifact.parts)
        self._ahead: deque[Future[bytes]] = deque()

    def next(self) -> bytes | None:
        for part in self._coming:
            self._ahead.append(self._pool.submit(self._of.plain, part))
            if len(self._ahead) > _AHEAD:
                break
        return self._ahead.popleft().result() if self._ahead else None

    def close(self) -> None:
        for future in self._ahead:
            future.cancel()


class _PartStream(io.RawIOBase):
    """The parts as one file. At its end it has given exactly the artifact's bytes."""

    def __init__(self, parts: _InOrder, of: StreamedArtifact) -> None:
        self._parts = parts
        self._of = of
        self._rest = memoryview(b"")
        self._given = 0
        self._broken: DrError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            plain = self._next()
            if plain is None:
                self._require_whole()
                return 0
            self._rest = memoryview(plain)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._given += taken
        return taken

    def _next(self) -> bytes | None:
        """The next part; once one was damaged, nothing ever comes again."""
        if self._broken is not None:
            raise self._broken
        try:
            return self._parts.next()
        except DrError as problem:
            self._broken = problem
            raise

    def _require_whole(self) -> None:
        if self._given != self._of.artifact.plain:
            raise Damaged(
                f"set {self._of.of.manifest.set}: {self._of.artifact.name}: its parts hold {self._given} bytes, not what was signed"
            )
