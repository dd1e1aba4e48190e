"""A set that is decrypted here: its stored bytes come from the controller's repository, or from what is kept of an earlier restore."""

import io
from collections.abc import Sequence
from typing import IO, Any, cast

from dr.app.agent.caller import Asks
from dr.app.agent.context import AskedKeys
from dr.app.agent.kept import KeptParts
from dr.clock import Clock
from dr.errors import Refused
from dr.model.backup import Manifest
from dr.model.base import JsonObject, RepositoryName, SetId, SystemName
from dr.model.ports import ArtifactReader, Repository
from dr.stream.layout import LONGEST, part_path
from dr.stream.sets import StreamSets


class LentKeys(AskedKeys):
    """The drill key as well, for as long as the restore takes: it is kept in memory only."""

    def identity(self) -> str:
        return str(self._link.call("identity")["identity"])


class HandedRepository:
    """Of `ports.Repository` what reading one set needs."""

    def __init__(self, name: str, tier: str, link: Asks, kept: KeptParts) -> None:
        self.name, self.tier = RepositoryName(name), tier
        self._link, self._kept = link, kept
        self._digests: dict[str, str] = {}

    def manifest(self, _system: SystemName, _set: SetId) -> tuple[bytes, bytes]:
        found = self._link.fetch("manifest", most=LONGEST)
        stored = bytes.fromhex(str(found["manifest"]))
        for artifact in Manifest.from_json(stored).artifacts:
            self._digests |= {part_path(artifact.name, part.number): part.sha256 for part in artifact.parts}
        return stored, bytes.fromhex(str(found["signature"]))

    def open(self, _system: SystemName, _set: SetId, path: str) -> IO[bytes]:
        digest = self._digests.get(path, "")
        data = self._kept.get(digest)
        if data is None:
            data = self._link.download("object", {"path": path}).read()
            self._kept.put(digest, data)
        return io.BytesIO(data)

    def __getattr__(self, name: str) -> Any:
        raise Refused(f"'{name}' of a repository is asked on the controller")


def artifacts_of(told: JsonObject, names: Sequence[str], link: Asks, clock: Clock, kept: KeptParts) -> list[ArtifactReader]:
    """The named artifacts of the set, in that order, each part checked against the signed manifest here. Raises Damaged, Refused."""
    repository = HandedRepository(str(told["repository"]), str(told["tier"]), link, kept)
    sets = StreamSets(str(told["organisation"]), LentKeys(link), clock, {})
    opened = sets.open(SystemName(str(told["system"])), SetId(str(told["set"])), cast("Repository", repository))
    by_name = {reader.artifact.name: reader for reader in opened.artifacts()}
    return [by_name[name] for name in names]
