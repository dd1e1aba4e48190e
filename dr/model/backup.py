"""Backup sets: what a set, an artifact, a part, a copy and a proof are. Format 1's signed words are here; its bytes are in `stream`."""

import re
from datetime import datetime
from typing import Literal

from pydantic import Field

from dr.model.base import (
    ByteCount,
    Instant,
    JsonObject,
    RepositoryName,
    RunId,
    SetId,
    Sha256,
    Slug,
    SourceName,
    StrictModel,
    SystemName,
    TierName,
)

FORMAT = 1
PART_LIMIT = 16 * 2**20
"""Plain bytes in a part at most."""
SET_ID = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{6}$")

ProofLevel = Literal["stored", "intact", "restored", "proven"]
LEVELS: tuple[ProofLevel, ...] = ("stored", "intact", "restored", "proven")
"""Each includes the ones before it."""


def at_least(level: ProofLevel, wanted: ProofLevel) -> bool:
    return LEVELS.index(level) >= LEVELS.index(wanted)


def make_set_id(begun: datetime, token: str) -> SetId:
    """`begun` in UTC to the second, and the first six hex digits of `token` (a hash of run and step, so a repeated step finds its own)."""
    return SetId(f"{begun:%Y%m%dT%H%M%SZ}-{token[:6]}")


class Part(StrictModel):
    number: int = Field(ge=0)
    size: ByteCount
    """Stored bytes."""
    sha256: Sha256
    """Of the stored bytes."""


class Artifact(StrictModel):
    """One tar stream of a set, cut into parts. Says nothing a client could be named by: that is in the index."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")
    kind: str
    """The source's kind, which is what can restore it."""
    source: SourceName
    instant: Instant
    """What state it shows: the snapshot's instant."""
    identity: dict[str, str] = Field(default_factory=dict)
    """What it was read from, in public words: system_identifier, server_version, ..."""
    plain: ByteCount
    """Bytes of the tar stream."""
    parts: tuple[Part, ...]


class Sealed(StrictModel):
    """A single encrypted object beside the parts."""

    size: ByteCount
    sha256: Sha256


class Previous(StrictModel):
    set: SetId
    manifest: Sha256


class Manifest(StrictModel):
    """What a set consists of; signed; written last. The same bytes in every copy."""

    format: Literal[1] = 1
    organisation: str
    system: SystemName
    set: SetId
    run: RunId
    created: Instant
    instant: Instant
    """The earliest of the artifacts': what RPO is counted from."""
    tools: dict[str, str]
    recipients: tuple[str, ...]
    compression: str
    artifacts: tuple[Artifact, ...] = Field(min_length=1)
    index: Sealed
    guide: Sealed | None = None
    """`RESTORE.md` (not encrypted): how to restore the set without `dr`."""
    previous: Previous | None
    """The system's newest committed set when this one was sealed: the chain by which a rollback is noticed."""
    witnessed: bool
    """Whether a needle was planted before the snapshots."""

    @property
    def stored(self) -> ByteCount:
        return ByteCount(self.index.size + sum(p.size for a in self.artifacts for p in a.parts))

    @property
    def plain(self) -> ByteCount:
        return ByteCount(sum(a.plain for a in self.artifacts))


class ArtifactIndex(StrictModel):
    """What may name a client, so it is encrypted like the parts. Paths are percent-encoded bytes (names need not be UTF-8)."""

    plain: tuple[str, ...]
    """Per part: HMAC-SHA-256 of its plain bytes."""
    content: JsonObject = Field(default_factory=dict)
    """The source kind's own proof material: table digests, a file list."""


class SetIndex(StrictModel):
    """Beside the manifest as `index.zst.age`."""

    format: Literal[1] = 1
    set: SetId
    key: str
    """Hex of the HMAC key under which the digests here were made; also in the home, as `keys/digest.key`."""
    needle: str | None = None
    """The signed token that was planted."""
    artifacts: dict[str, ArtifactIndex]


class Copy(StrictModel):
    """One set in one repository, as the catalog knows it: what retention, selection and status decide by."""

    set: SetId
    system: SystemName
    repository: RepositoryName
    tier: TierName
    instant: Instant
    committed: Instant
    manifest: Sha256
    stored: ByteCount
    level: ProofLevel
    proven_at: Instant | None = None
    intact_at: Instant | None = None
    damaged: bool = False
    """Its bytes were found not to be what was signed; no proof counts any more."""
    held: bool = False
    pinned_by: RunId | None = None
    """A run that is using it."""
    shrunken: bool = False
    """Much smaller than the one before: not a good copy, whatever its proof."""
    not_after: Instant | None = None
    """When a set was taken that names this one as its predecessor and yet is dated before it: a clock was wrong in one of the two nights,
    whichever."""

    @property
    def as_of(self) -> datetime:
        """The instant that may be counted on: what was taken before another set is no newer than that, whatever its own date says."""
        return min(self.instant, self.not_after or self.instant)

    @property
    def age_order(self) -> tuple[datetime, bool]:
        """The newest is the greatest; of two of one date the one that came after the other."""
        return (self.as_of, self.not_after is None)


class PartCopy(StrictModel):
    """Where one encoded part physically lies, for reuse and for counting physical copies."""

    system: SystemName
    repository: RepositoryName
    set: SetId
    artifact: str
    number: int
    plain: str
    """HMAC-SHA-256 of the plain bytes."""
    size: ByteCount
    sha256: Sha256
    encoding: Sha256
    """Of format, recipients and compression: a part is reused only under the same."""
    origin: SetId
    """The set it was first written for; parts with one origin and one sha256 share their bytes on disk."""
    written: Instant
    read_back: Instant | None = None
    """When its stored bytes were last read and matched."""


class PartRead(StrictModel):
    """What is remembered of reading one part back: parts with one origin and one sha256 share their bytes on disk."""

    set: SetId
    artifact: str
    number: int
    origin: SetId
    sha256: Sha256
    read_back: Instant | None = None
    damaged: bool = False


class Tombstone(StrictModel):
    """The signed trace of a pruned set, so that a prune is not mistaken for a loss."""

    format: Literal[1] = 1
    system: SystemName
    set: SetId
    manifest: Sha256
    instant: Instant
    removed: Instant
    run: RunId
    rule: str


class Hold(StrictModel):
    """A person's word that a set stays, whatever retention says; signed, beside the manifest in every copy."""

    format: Literal[1] = 1
    system: SystemName
    set: SetId
    name: str = Field(pattern=r"^[0-9A-Za-z-]{1,60}$")
    """Its file's, unique."""
    by: str
    at: Instant
    reason: str
    until: Instant | None = None
    """When it lapses; None: when somebody releases it."""

    def stands(self, now: datetime) -> bool:
        return self.until is None or now < self.until


class RepositoryIdentity(StrictModel):
    """`dr-repository.json`."""

    format: Literal[1] = 1
    id: str
    organisation: str
    created: Instant
    tier: Slug
