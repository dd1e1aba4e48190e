"""Writing and reading one set: plain bytes on this side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, Protocol

from dr.model.backup import Artifact, ArtifactIndex, Manifest, SetIndex
from dr.model.base import JsonObject, RepositoryName, SetId, SourceName
from dr.model.summary import ContentSummary


class ArtifactSink(Protocol):
    """Takes one tar stream, cuts and encodes it, and feeds every repository at once. `write` blocks while the parts are full."""

    name: str

    def write(self, data: bytes | memoryview) -> None: ...

    def describe(
        self, *, instant: datetime, identity: Mapping[str, str], content: JsonObject, summary: ContentSummary | None = None
    ) -> None:
        """Once, any time before the end: what it shows, what it was read from, and the proof material for the encrypted index.

        `summary`: its counts, which are kept in clear, so that the next night is compared with them.
        """
        ...


class SetWriter(Protocol):
    """Given to a source's `capture`. `key` is the HMAC key for every digest that goes into the index."""

    set: SetId
    key: bytes

    def artifact(self, name: str, *, kind: str, source: SourceName) -> AbstractContextManager[ArtifactSink]:
        """Open an artifact; it is whole when the block ends, and void if the block raises."""
        ...


class ArtifactReader(Protocol):
    """One artifact of an opened set: every part is checked against the signed manifest before a byte of it comes out."""

    @property
    def artifact(self) -> Artifact: ...
    @property
    def index(self) -> ArtifactIndex: ...

    def stream(self) -> AbstractContextManager[IO[bytes]]:
        """The tar stream. Raises Damaged, naming the part."""
        ...


class OpenSet(Protocol):
    """A set whose signature was checked and whose index was decrypted."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def index(self) -> SetIndex: ...
    @property
    def recipient(self) -> str:
        """The public half of the key that opened it and reads all of it."""
        ...

    @property
    def repository(self) -> RepositoryName: ...
    @property
    def tier(self) -> str: ...

    def artifacts(self) -> Sequence[ArtifactReader]: ...
