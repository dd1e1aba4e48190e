"""Writing a set: one read of the sources, the same bytes and the same signed manifest in every repository, each committed on its own.

Safe to repeat under the same set id: a copy that an earlier attempt committed stays, and is copied to where it is missing; nothing is
read from the sources again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from dr.errors import Failed
from dr.model.backup import ArtifactIndex, Manifest, PartCopy, Previous, Sealed, SetIndex
from dr.model.base import ByteCount, RepositoryName, RunId, SetId, SourceName, SystemName, canonical, sha256
from dr.model.ports import Keyring, Repository, SetWriter, StepContext, Written
from dr.model.summary import SetSummary
from dr.stream.encode import Encoder
from dr.stream.fanout import Fanout, Lane
from dr.stream.guide import guide
from dr.stream.layout import AUDIT_HEAD, GUIDE, INDEX, INDEX_LIMIT, write_audit_head, write_signature
from dr.stream.reuse import Reusable
from dr.stream.sink import Sink, Workers
from dr.stream.store import PartStore, StoredPart


@dataclass(frozen=True)
class WriteRequest:
    """Everything about the set but its content. `now` tells when something was written or committed."""

    system: SystemName
    set_id: SetId
    run: RunId
    created: datetime
    to: Sequence[Repository]
    needle: str | None
    organisation: str
    tools: Mapping[str, str]
    keys: Keyring
    ctx: StepContext
    now: Callable[[], datetime]


def write_set(request: WriteRequest, fill: Callable[[SetWriter], None]) -> Written:
    """Raises Failed if no repository took it or the content is not whole, and whatever `fill` raises; partials are removed then."""
    encoder = Encoder(request.keys.recipients)
    fanout = Fanout(request.system, request.set_id, request.to, request.organisation)
    try:
        key = request.keys.digest_key()
        store = PartStore(request.system, request.set_id, key, encoder, fanout, _reusable(request, encoder), request.now)
        content = _Content(store, request.ctx)
        with _threads(content):
            fill(content)
            sinks = content.whole()
        fanout.abandon()
        return _Sealing(request, store, sinks).seal()
    finally:
        fanout.abandon(everything=True)


def workers() -> int:
    """Threads that store parts: one more than there are processors, since one of them mostly waits for a disk."""
    return min(4, (os.cpu_count() or 1) + 1)


def _reusable(request: WriteRequest, encoder: Encoder) -> Reusable:
    """The parts of the newest set that each repository holds."""
    newest: dict[RepositoryName, SetId] = {}
    for copy in request.ctx.records.copies(request.system):
        if not copy.damaged and copy.set != request.set_id:
            newest[copy.repository] = max(copy.set, newest.get(copy.repository, copy.set))
    held = [(one.name, newest[one.name]) for one in request.to if one.name in newest]
    parts = [part for name, set_id in held for part in request.ctx.records.parts(request.system, name, set_id)]
    return Reusable(parts, encoder.digest, request.now())


class _Content:
    """See `dr.model.ports.SetWriter`."""

    def __init__(self, store: PartStore, ctx: StepContext) -> None:
        self.set = store.set_id
        self.key = store.key
        self._store = store
        self._ctx = ctx
        self._sinks: dict[str, Sink] = {}
        self._broken: set[str] = set()
        self._lock = threading.Lock()
        self._done = 0
        count = workers()
        self.pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="parts")
        self._workers = Workers(self.pool, threading.Semaphore(count + 1), ctx.check_stop, self._after_part)

    @contextmanager
    def artifact(self, name: str, *, kind: str, source: SourceName) -> Iterator[Sink]:
        sink = Sink(name, kind, source, self._store, self._workers)
        with self._lock:
            if name in self._sinks:
                raise Failed(f"source '{source}' writes a second artifact '{name}'")
            self._sinks[name] = sink
            self._broken.add(name)
        try:
            yield sink
            sink.finish()
            self._broken.discard(name)
        except BaseException:
            sink.cancel()
            raise

    def whole(self) -> list[Sink]:
        """Every artifact. Raises Failed if there is none, or one that did not end well, even if its source kept silent about it."""
        if self._broken or not self._sinks:
            what = f"artifacts that did not end well: {', '.join(sorted(self._broken))}" if self._broken else "no artifact"
            raise Failed(f"set {self.set} has {what}")
        return list(self._sinks.values())

    def _after_part(self, name: str, stored: StoredPart) -> None:
        with self._lock:
            self._done += stored.length
        self._ctx.progress(name, self._done, None, "bytes")
        self._ctx.failpoint("after-part")


@contextmanager
def _threads(content: _Content) -> Iterator[None]:
    """No part is being stored any more when the block has been left, however that was."""
    try:
        yield
    except BaseException:
        content.pool.shutdown(wait=True, cancel_futures=True)
        raise
    content.pool.shutdown(wait=True)


@dataclass
class _Sealing:
    """From stored parts to committed copies: index, guide, manifest, signature, commits."""

    request: WriteRequest
    store: PartStore
    sinks: list[Sink]
    committed: dict[RepositoryName, datetime] = field(default_factory=dict)
    parts: list[PartCopy] = field(default_factory=list)
    reused: int = 0

    def seal(self) -> Written:
        index = self._put(INDEX, self._index())
        bare = self._manifest(index)
        text = guide(bare)
        manifest = bare.model_copy(update={"guide": self._put(GUIDE, text)})
        stored = canonical(manifest.to_facts())
        self._summarise()
        self._commit(stored, write_signature(self.request.keys.sign(stored)))
        failed = dict(self.store.fanout.failed)
        return Written(manifest, sha256(stored), self.committed, failed, tuple(self.parts), self.reused)

    def _put(self, path: str, data: bytes) -> Sealed:
        self.store.fanout.put(path, data)
        return Sealed(size=ByteCount(len(data)), sha256=sha256(data))

    def _index(self) -> bytes:
        artifacts: dict[str, ArtifactIndex] = {sink.name: sink.index() for sink in self.sinks}
        index = SetIndex(set=self.request.set_id, key=self.store.key.hex(), needle=self.request.needle, artifacts=artifacts)
        plain = canonical(index.to_facts())
        if len(plain) > INDEX_LIMIT:
            raise Failed(f"the index of set {self.request.set_id} is larger than {INDEX_LIMIT} bytes", hint="split the system in two")
        return self.store.encoder.encode(plain)

    def _manifest(self, index: Sealed) -> Manifest:
        request = self.request
        artifacts = tuple(sink.artifact() for sink in self.sinks)
        newest = request.ctx.records.newest(request.system)
        previous = Previous(set=newest.set, manifest=newest.manifest) if newest and newest.set != request.set_id else None
        return Manifest(
            organisation=request.organisation,
            system=request.system,
            set=request.set_id,
            run=request.run,
            created=request.created,
            instant=min(artifact.instant for artifact in artifacts),
            tools=dict(request.tools),
            recipients=request.keys.recipients,
            compression=self.store.encoder.compression,
            artifacts=artifacts,
            index=index,
            previous=previous,
            witnessed=request.needle is not None,
        )

    def _summarise(self) -> None:
        """Before the commit: a run that resumes after a crash could not read the counts out of the encrypted index."""
        summaries = tuple(summary for sink in self.sinks if (summary := sink.summary()) is not None)
        if summaries:
            whole = SetSummary(set=self.request.set_id, system=self.request.system, artifacts=summaries)
            self.request.ctx.records.record_summary(whole)

    def _commit(self, manifest: bytes, signature: bytes) -> None:
        request, ctx = self.request, self.request.ctx
        head = write_audit_head(ctx.records.audit_head(), request.system, request.set_id, request.keys)
        ctx.check_stop()
        ctx.failpoint("before-manifest")
        lanes = self.store.fanout.lanes()
        for lane in lanes:

            def commit(lane: Lane = lane) -> bool:
                ctx.records.record_parts(self._parts(lane))  # what shares bytes is known before it exists: nobody could tell later
                with lane.repository.locked():
                    lane.upload.commit(manifest, signature, {AUDIT_HEAD: head})
                return True

            if self.store.fanout.attempt(lane, commit):
                self._committed(lane, last=lane is lanes[-1])
        if not self.committed:
            self.store.fanout.require_one()

    def _parts(self, lane: Lane) -> list[PartCopy]:
        return [self.store.copy(sink.name, stored, lane.repository.name) for sink in self.sinks for stored in sink.stored]

    def _committed(self, lane: Lane, *, last: bool) -> None:
        name = lane.repository.name
        self.store.fanout.release(lane)
        self.committed[name] = self.request.now()
        self.parts += self._parts(lane)
        self.reused += sum(stored.part.size for sink in self.sinks for stored in sink.stored if name in stored.linked)
        if not last:
            self.request.ctx.failpoint("between-commits")
