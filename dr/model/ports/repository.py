"""Where sets live: stored bytes only, no plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Protocol

from dr.model.backup import RepositoryIdentity, Tombstone
from dr.model.base import HostPath, RepositoryName, SetId, StrictModel, SystemName


class Repository(Protocol):
    """Where sets live. Paths inside a set are `/`-separated and relative: `database-00/000000.zst.age`, `index.zst.age`."""

    name: RepositoryName
    tier: str

    def identity(self) -> RepositoryIdentity:
        """Of `dr-repository.json`. Raises Refused if it is another organisation's or a future format, Unreachable if absent."""
        ...

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        """Make an empty place a repository; an existing one of ours is returned as it is; anything else is Refused."""
        ...

    def begin(self, system: SystemName, set_id: SetId) -> SetUpload:
        """An invisible partial. What an earlier, crashed attempt under the same id left is removed first."""
        ...

    def sets(self, system: SystemName | None = None) -> list[tuple[SystemName, SetId]]:
        """Committed sets (manifest and signature present), oldest first."""
        ...

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        """The bytes of manifest.json and manifest.sig. Raises Damaged if absent."""
        ...

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        """Read one stored object. Raises Damaged (naming it) if it is missing or not a plain file."""
        ...

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        """Every path in the set, so that an extra one is noticed."""
        ...

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        """Publish a small file beside the manifest (a hold, the audit head), atomically."""
        ...

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        """Put these bytes, afresh and atomically, at every one of these places (set and path) of committed sets, which then share them.

        What lay there is replaced, never written into. The caller has compared the bytes with what was signed.
        """
        ...

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        """Remove a small file beside the manifest; absent is fine."""
        ...

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        """Tombstone, then the manifest (the set disappears), then the parts. False if the set was gone already. Idempotent.

        Calls `failpoint("after-tombstone")` and `failpoint("after-manifest")` between.
        """
        ...

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        """Their canonical bytes and signatures."""
        ...

    def sweep(self, older_than: datetime) -> list[str]:
        """Remove partials begun before an instant, and parts of sets whose manifest is gone; says what went."""
        ...

    def put_home(self, name: str, data: bytes) -> None:
        """Publish an encrypted object under `home/`, atomically."""
        ...

    def list_home(self) -> list[str]:
        """Every path below `home/`, sorted; what is being written is not among them."""
        ...

    def open_home(self, name: str) -> IO[bytes]:
        """Read one object below `home/`. Raises Damaged (naming it) if it is missing or not a plain file."""
        ...

    def remove_home(self, name: str) -> bool:
        """Remove an object, or a folder with all that is in it, below `home/`; False if nothing was there."""
        ...

    def claim(self, line: str, place: int, data: bytes) -> bytes:
        """Publish a claim of a duty at this place of its line if neither that place nor a higher one is taken; atomically, for good.

        Gives back what stands highest afterwards: these very bytes if they won (or had won before), else those of who was first.
        `line`: a duty's name, with `.NAME` behind it for a rehearsal's. Raises Unreachable where nothing can be written.
        """
        ...

    def claims(self, line: str) -> list[tuple[int, bytes]]:
        """Every claim of a line with its place, lowest first; nothing if there is none."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Held while a set is committed or removed here; waits."""
        ...

    def free(self) -> int | None:
        """Bytes free, None where it cannot be known."""
        ...


@dataclass(frozen=True)
class RepositoryKind:
    """How a kind of repository is registered. `open` touches nothing: the first operation finds out whether the place is there."""

    kind: str
    params: type[StrictModel]
    open: RepositoryOpener


class RepositoryOpener(Protocol):
    def __call__(self, name: RepositoryName, tier: str, params: Any, home: HostPath, organisation: str) -> Repository:
        """`params`: of the kind's own model; `home`: what relative paths in it are relative to; `organisation`: whose it must be."""
        ...


class SetUpload(Protocol):
    """A set being written to one repository."""

    def put(self, path: str, data: bytes) -> None:
        """Write one object durably (it is fsynced by commit at the latest)."""
        ...

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        """Reuse the stored bytes of an earlier set's object; False if that cannot be done here."""
        ...

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        """Everything else first and durable, `beside` files, then manifest and signature by atomic rename. Idempotent."""
        ...

    def abandon(self) -> None: ...
