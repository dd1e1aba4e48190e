"""Backup sets as a step uses them: `dr.model.ports.Sets` over format 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dr.clock import Clock
from dr.errors import DrError, Failed
from dr.model.backup import Manifest, PartCopy
from dr.model.base import RepositoryName, RunId, SetId, Sha256, SystemName, sha256
from dr.model.ports import Keyring, Mended, Repository, SetWriter, StepContext, Verified, Written
from dr.stream.copying import CopyRequest, copy_set
from dr.stream.fanout import why
from dr.stream.mending import MendRequest, mend_set
from dr.stream.reader import StreamedSet, open_set, read_manifest
from dr.stream.verify import verify_stored
from dr.stream.writer import WriteRequest, write_set


class StreamSets:
    """See `dr.model.ports.Sets`. `tools` are named in every manifest: `dr`, `zstd`, ... and their versions."""

    def __init__(self, organisation: str, keys: Keyring, clock: Clock, tools: Mapping[str, str]) -> None:
        self._organisation = organisation
        self._keys = keys
        self._clock = clock
        self._tools = dict(tools)

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
        holders = [one for one in to if self._holds(one, system, set_id)]
        if holders:
            return self._complete(system, set_id, holders, to, ctx)
        request = WriteRequest(
            system=system,
            set_id=set_id,
            run=run,
            created=created,
            to=to,
            needle=needle,
            organisation=self._organisation,
            tools=self._tools,
            keys=self._keys,
            ctx=ctx,
            now=self._clock.now,
        )
        return write_set(request, fill)

    def open(self, system: SystemName, set_id: SetId, repository: Repository) -> StreamedSet:
        return open_set(system, set_id, repository, organisation=self._organisation, keys=self._keys)

    def read_manifest(self, system: SystemName, set_id: SetId, repository: Repository) -> tuple[Manifest, bytes, bytes]:
        return read_manifest(system, set_id, repository, organisation=self._organisation, keys=self._keys)

    def verify_stored(self, system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext) -> Verified:
        return verify_stored(system, set_id, repository, ctx, organisation=self._organisation, keys=self._keys)

    def copy(self, system: SystemName, set_id: SetId, source: Repository, to: Repository, ctx: StepContext) -> Manifest:
        return copy_set(CopyRequest(system, set_id, source, to, self._organisation, self._keys, ctx, self._clock.now))

    def mend(
        self, system: SystemName, set_id: SetId, to: Repository, twins: Sequence[Repository], manifest: Sha256, ctx: StepContext
    ) -> Mended:
        return mend_set(MendRequest(system, set_id, to, twins, manifest, self._organisation, self._keys, ctx))

    def _holds(self, repository: Repository, system: SystemName, set_id: SetId) -> bool:
        """Whether an earlier attempt committed the set there; a repository that does not answer fails later, as one among several."""
        try:
            return (system, set_id) in repository.sets(system)
        except (DrError, OSError):
            return False

    def _complete(
        self, system: SystemName, set_id: SetId, holders: list[Repository], to: Sequence[Repository], ctx: StepContext
    ) -> Written:
        """An earlier attempt committed the set somewhere: that copy is the set. It is only copied to where it is missing."""
        source = holders[0]
        manifest, stored, _ = self.read_manifest(system, set_id, source)
        committed: dict[RepositoryName, datetime] = {}
        failed: dict[RepositoryName, str] = {}
        parts: list[PartCopy] = []
        for repository in to:
            try:
                self.copy(system, set_id, source, repository, ctx)
            except (DrError, OSError) as problem:
                ctx.check_stop()
                failed[repository.name] = why(problem)
                continue
            committed[repository.name] = self._clock.now()
            parts += ctx.records.parts(system, repository.name, set_id)
        if not committed:
            raise Failed(f"set {set_id} is committed nowhere: {'; '.join(failed.values())}")
        return Written(manifest, sha256(stored), committed, failed, tuple(parts), 0)
