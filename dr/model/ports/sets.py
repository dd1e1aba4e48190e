"""Sets as a step uses them: written to several repositories, opened, verified, copied, mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dr.model.backup import Manifest, PartCopy
from dr.model.base import RepositoryName, RunId, SetId, Sha256, SystemName

if TYPE_CHECKING:
    from dr.model.ports.bytes import OpenSet, SetWriter
    from dr.model.ports.repository import Repository
    from dr.model.ports.step import StepContext


class Sets(Protocol):
    """Sets as plain bytes: writing to several repositories at once, reading from one, checking stored bytes."""

    def write(
        self,
        *,
        system: SystemName,
        set_id: SetId,
        run: RunId,
        created: datetime,
        to: Sequence[Repository],
        needle: str | None,
        fill: Callable[[SetWriter], None],
        ctx: StepContext,
    ) -> Written:
        """One read of the source feeds all of `to`. Each commits on its own; Failed only if none did."""
        ...

    def open(self, system: SystemName, set_id: SetId, repository: Repository) -> OpenSet:
        """Check the signature and decrypt the index. Raises Damaged or Refused."""
        ...

    def read_manifest(self, system: SystemName, set_id: SetId, repository: Repository) -> tuple[Manifest, bytes, bytes]:
        """Check the signature; needs no private key. The manifest and its stored bytes and signature."""
        ...

    def verify_stored(self, system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext) -> Verified:
        """Read every stored byte and compare with the manifest; missing and extra objects are found. Needs no private key."""
        ...

    def copy(self, system: SystemName, set_id: SetId, source: Repository, to: Repository, ctx: StepContext) -> Manifest:
        """Copy a committed set, checking every byte on the way; the same manifest. Idempotent."""
        ...

    def mend(
        self, system: SystemName, set_id: SetId, to: Repository, twins: Sequence[Repository], manifest: Sha256, ctx: StepContext
    ) -> Mended:
        """Write afresh what is damaged of the copy in `to`, from `twins`, against the signed manifest of that digest. Idempotent."""
        ...


@dataclass(frozen=True)
class Written:
    manifest: Manifest
    manifest_sha256: str
    committed: Mapping[RepositoryName, datetime]
    failed: Mapping[RepositoryName, str]
    parts: Sequence[PartCopy]
    reused: int
    """Stored bytes that were linked, not written."""


@dataclass(frozen=True)
class Mended:
    """What became of a damaged copy: objects written afresh, and those that no other copy has intact (or that do not belong there)."""

    objects: Sequence[str]
    left: Sequence[str]


@dataclass(frozen=True)
class Verified:
    manifest: Manifest
    parts: int
    bytes: int
    damaged: Sequence[str]
    """Paths that are missing, changed or extra, each with its cause: `database-00/000003.zst.age: changed`."""
