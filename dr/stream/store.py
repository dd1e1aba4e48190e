"""What happens to one part: found among last night's and linked, or encoded and written; the same stored bytes in every copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256 as hasher

from dr.errors import DrError
from dr.model.backup import Part, PartCopy
from dr.model.base import ByteCount, RepositoryName, SetId, Sha256, SystemName
from dr.stream.encode import Encoder, plain_digest
from dr.stream.fanout import Fanout, Lane
from dr.stream.layout import part_path
from dr.stream.reuse import Choice, Reusable
from dr.stream.stored import read_signed


@dataclass(frozen=True)
class StoredPart:
    part: Part
    plain: str
    """HMAC of its plain bytes."""
    length: int
    """Of its plain bytes."""
    written: datetime
    linked: dict[RepositoryName, PartCopy] = field(default_factory=dict)
    """The repositories that gave an earlier set's bytes a second name, and which."""


@dataclass(frozen=True)
class PartStore:
    """Stores the parts of one set. `store` is called from several threads."""

    system: SystemName
    set_id: SetId
    key: bytes
    encoder: Encoder
    fanout: Fanout
    reusable: Reusable
    now: Callable[[], datetime]

    def store(self, artifact: str, number: int, plain: bytes | bytearray) -> StoredPart:
        """Raises Failed when no repository is left to take it."""
        digest = plain_digest(self.key, plain)
        path = part_path(artifact, number)
        stored = self._reuse(path, number, digest, len(plain)) or self._write(path, number, digest, plain)
        self.fanout.require_one()
        return stored

    def copy(self, artifact: str, stored: StoredPart, repository: RepositoryName) -> PartCopy:
        """What is recorded of it for one repository."""
        linked = stored.linked.get(repository)
        return PartCopy(
            system=self.system,
            repository=repository,
            set=self.set_id,
            artifact=artifact,
            number=stored.part.number,
            plain=stored.plain,
            size=stored.part.size,
            sha256=stored.part.sha256,
            encoding=self.encoder.digest,
            origin=linked.origin if linked else self.set_id,
            written=linked.written if linked else stored.written,
            read_back=linked.read_back if linked else None,
        )

    def _write(self, path: str, number: int, digest: str, plain: bytes | bytearray) -> StoredPart:
        data = self.encoder.encode(plain)
        self.fanout.put(path, data)
        part = Part(number=number, size=ByteCount(len(data)), sha256=Sha256(hasher(data).hexdigest()))
        return StoredPart(part, digest, len(plain), self.now())

    def _reuse(self, path: str, number: int, digest: str, length: int) -> StoredPart | None:
        lanes = self.fanout.lanes()
        choice = self.reusable.choose(digest, [lane.repository.name for lane in lanes])
        if choice is None:
            return None
        linked = {lane.repository.name: choice.held[lane.repository.name] for lane in lanes if self._link(lane, path, choice)}
        missing = [lane for lane in self.fanout.lanes() if lane.repository.name not in linked]
        if missing:
            data = self._fetch(choice, [lane for lane in lanes if lane.repository.name in linked])
            if data is None:
                return None
            for lane in missing:
                self.fanout.put_one(lane, path, data)
        part = Part(number=number, size=ByteCount(choice.size), sha256=choice.sha256)
        return StoredPart(part, digest, length, self.now(), linked)

    def _link(self, lane: Lane, path: str, choice: Choice) -> bool:
        held = choice.held.get(lane.repository.name)
        if held is None:
            return False
        return self.fanout.attempt(lane, lambda: lane.upload.link(path, held.set, part_path(held.artifact, held.number), held.sha256))

    def _fetch(self, choice: Choice, lanes: list[Lane]) -> bytes | None:
        """The stored bytes, from a repository that linked them; None if none gives them back as they were."""
        for lane in lanes:
            held = choice.held[lane.repository.name]
            path = part_path(held.artifact, held.number)
            try:
                return read_signed(lane.repository, self.system, held.set, path, choice.size, choice.sha256)
            except (DrError, OSError):
                continue
        return None
