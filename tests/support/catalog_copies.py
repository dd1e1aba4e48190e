"""Copies, manifests and policies for tests of what is decided and recorded: small, legal, and set apart by what a test names."""

from datetime import UTC, datetime, timedelta

from dr.model.backup import Artifact, Copy, Manifest, Part, PartCopy, Previous, ProofLevel, Sealed, make_set_id
from dr.model.base import ByteCount, Instant, RepositoryName, RunId, SetId, Sha256, SourceName, SystemName, TierName, canonical, sha256

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RUN = RunId("nightly-20261122T070000Z-1a2b")
HMIS = SystemName("hmis")


def ago(*, days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
    return NOW - timedelta(days=days, hours=hours, minutes=minutes)


def set_at(at: datetime) -> SetId:
    return make_set_id(at, sha256(at.isoformat().encode()))


def copy_at(
    at: datetime,
    *,
    level: ProofLevel = "intact",
    tier: str = "online",
    repository: str | None = None,
    system: SystemName = HMIS,
    damaged: bool = False,
    held: bool = False,
    pinned_by: RunId | None = None,
    shrunken: bool = False,
    proven_at: Instant | None = None,
) -> Copy:
    """A copy whose set was taken at `at`; its repository is named after its tier unless it is said."""
    return Copy(
        set=set_at(at),
        system=system,
        repository=RepositoryName(repository or f"{tier}-disk"),
        tier=TierName(tier),
        instant=at,
        committed=at,
        manifest=sha256(f"{system}{at}".encode()),
        stored=ByteCount(1000),
        level=level,
        proven_at=proven_at or (at if level == "proven" else None),
        intact_at=at if level != "stored" else None,
        damaged=damaged,
        held=held,
        pinned_by=pinned_by,
        shrunken=shrunken,
    )


def manifest_at(at: datetime, *, plain: int = 1000, previous: Previous | None = None, system: SystemName = HMIS) -> Manifest:
    part = Part(number=0, size=ByteCount(500), sha256=sha256(b"part"))
    artifact = Artifact(
        name="database-00",
        kind="postgres_logical",
        source=SourceName("database"),
        instant=at,
        plain=ByteCount(plain),
        parts=(part,),
    )
    return Manifest(
        organisation="Example",
        system=system,
        set=set_at(at),
        run=RUN,
        created=at,
        instant=at,
        tools={"dr": "0.1.0"},
        recipients=("age1a", "age1b"),
        compression="zstd:3",
        artifacts=(artifact,),
        index=Sealed(size=ByteCount(100), sha256=sha256(b"index")),
        previous=previous,
        witnessed=False,
    )


def copy_of(manifest: Manifest, *, tier: str = "online", level: ProofLevel = "stored", repository: str | None = None) -> Copy:
    """The copy that `manifest` makes in one repository."""
    return Copy(
        set=manifest.set,
        system=manifest.system,
        repository=RepositoryName(repository or f"{tier}-disk"),
        tier=TierName(tier),
        instant=manifest.instant,
        committed=manifest.created,
        manifest=sha256(canonical(manifest.to_facts())),
        stored=manifest.stored,
        level=level,
        intact_at=manifest.created if level != "stored" else None,
        proven_at=manifest.created if level == "proven" else None,
    )


def part_of(
    copy: Copy,
    number: int = 0,
    *,
    origin: SetId | None = None,
    artifact: str = "database-00",
    content: str = "x",
    read_back: Instant | None = None,
) -> PartCopy:
    """A part of `copy`; with `origin`, one whose bytes were linked from that set's (same `content`)."""
    of = origin or copy.set
    return PartCopy(
        system=copy.system,
        repository=copy.repository,
        set=copy.set,
        artifact=artifact,
        number=number,
        plain="00",
        size=ByteCount(500),
        sha256=Sha256(sha256(f"{of}{artifact}{number}{content}".encode())),
        encoding=sha256(b"encoding"),
        origin=of,
        written=copy.committed,
        read_back=read_back,
    )
