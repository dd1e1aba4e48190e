"""One artifact being written: the tar stream goes in, parts are cut, and a few of them at a time are stored by other threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

from dr.errors import Failed
from dr.model.backup import Artifact, ArtifactIndex
from dr.model.base import ByteCount, JsonObject, SourceName
from dr.model.summary import ArtifactSummary, ContentSummary
from dr.stream.cut import TarCutter
from dr.stream.layout import PARTS_LIMIT
from dr.stream.store import PartStore, StoredPart


@dataclass(frozen=True)
class Workers:
    """What the artifacts of one set share: the threads, and how many parts may be in memory."""

    pool: Executor
    room: threading.Semaphore
    check_stop: Callable[[], None]
    after_part: Callable[[str, StoredPart], None]
    """Called in the source's own thread, in stream order."""


@dataclass(frozen=True)
class _Described:
    instant: datetime
    identity: dict[str, str]
    content: JsonObject
    summary: ContentSummary | None


class Sink:
    """See `dr.model.ports.ArtifactSink`. For one thread at a time."""

    def __init__(self, name: str, kind: str, source: SourceName, store: PartStore, workers: Workers) -> None:
        self.name = name
        self._kind = kind
        self._source = source
        self._store = store
        self._workers = workers
        self._cutter = TarCutter()
        self._coming: deque[Future[StoredPart]] = deque()
        self._cut = 0
        self.stored: list[StoredPart] = []
        self._described: _Described | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Blocks while the parts in memory are as many as there may be. Raises Failed if it is no tar stream or nobody takes it."""
        self._workers.check_stop()
        for plain in self._cutter.feed(data):
            self._submit(plain)
        self._collect()

    def describe(
        self, *, instant: datetime, identity: Mapping[str, str], content: JsonObject, summary: ContentSummary | None = None
    ) -> None:
        self._described = _Described(instant, dict(identity), content, summary)

    def finish(self) -> None:
        """The rest of the stream, and wait until all of it is stored."""
        for plain in self._cutter.finish():
            self._submit(plain)
        while self._coming:
            self._workers.check_stop()
            self._take()

    def cancel(self) -> None:
        for future in self._coming:
            future.cancel()

    def artifact(self) -> Artifact:
        """Its signed words, once it is finished. Raises Failed if its source never described it."""
        said = self._says()
        return Artifact(
            name=self.name,
            kind=self._kind,
            source=self._source,
            instant=said.instant,
            identity=said.identity,
            plain=ByteCount(sum(stored.length for stored in self.stored)),
            parts=tuple(stored.part for stored in self.stored),
        )

    def index(self) -> ArtifactIndex:
        return ArtifactIndex(plain=tuple(stored.plain for stored in self.stored), content=self._says().content)

    def summary(self) -> ArtifactSummary | None:
        """Its counts, if its source gave any."""
        said = self._says().summary
        plain = ByteCount(sum(stored.length for stored in self.stored))
        return ArtifactSummary(source=self._source, bytes=plain, content=said) if said else None

    def _says(self) -> _Described:
        if self._described is None:
            raise Failed(f"source '{self._source}' did not describe artifact '{self.name}'")
        return self._described

    def _submit(self, plain: bytearray) -> None:
        if self._cut >= PARTS_LIMIT:
            raise Failed(f"artifact '{self.name}' has more than {PARTS_LIMIT} parts", hint="back it up as several sources")
        room = self._workers.room
        room.acquire()
        future = self._workers.pool.submit(self._store.store, self.name, self._cut, plain)
        future.add_done_callback(lambda _: room.release())
        self._cut += 1
        self._coming.append(future)

    def _collect(self) -> None:
        while self._coming and self._coming[0].done():
            self._take()

    def _take(self) -> None:
        stored = self._coming.popleft().result()
        self.stored.append(stored)
        self._workers.after_part(self.name, stored)
