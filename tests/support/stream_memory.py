"""A repository in memory: the same contract as the real kinds, plus a switch to make it fail."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

from dr.errors import Damaged, Refused, Unreachable
from dr.model.backup import SET_ID, RepositoryIdentity, Tombstone
from dr.model.base import RepositoryName, SetId, SystemName, canonical
from dr.repositories.directory_claims import claim_path
from dr.stream.layout import MANIFEST, SIGNATURE, is_beside, part_path

Key = tuple[SystemName, SetId]


class MemoryRepository:
    """`dr.model.ports.Repository`. `fails(what)` is asked before each `put`, `commit`, `begin` and `open` with its name and path."""

    def __init__(self, name: RepositoryName, tier: str, *, organisation: str) -> None:
        self.name = name
        self.tier = tier
        self._organisation = organisation
        self._identity: RepositoryIdentity | None = None
        self.stored: dict[Key, dict[str, bytes]] = {}
        self.partial: dict[Key, dict[str, bytes]] = {}
        self.home: dict[str, bytes] = {}
        self.duties: dict[str, dict[int, bytes]] = {}
        self._traces: dict[Key, tuple[bytes, bytes]] = {}
        self._lock = threading.Lock()
        self.fails: Callable[[str, str], bool] = lambda what, path: False
        self.links = 0

    def trouble(self, what: str, path: str = "") -> None:
        if self.fails(what, path):
            raise Unreachable(f"repository '{self.name}' cannot {what}")

    def identity(self) -> RepositoryIdentity:
        if self._identity is None:
            raise Unreachable(f"repository '{self.name}' does not exist")
        if self._identity.organisation != self._organisation:
            raise Refused(f"repository '{self.name}' belongs to another organisation")
        return self._identity

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        if self._identity is None:
            self._identity = RepositoryIdentity(id=identity, organisation=organisation, created=now, tier=self.tier)
        return self.identity()

    def begin(self, system: SystemName, set_id: SetId) -> "MemoryUpload":
        self.identity()
        self.trouble("begin")
        self.partial[system, set_id] = {}
        return MemoryUpload(self, (system, set_id))

    def sets(self, system: SystemName | None = None) -> list[Key]:
        self.identity()
        whole = [key for key, files in self.stored.items() if MANIFEST in files and SIGNATURE in files]
        return sorted((key for key in whole if system in (None, key[0])), key=lambda key: (key[1], key[0]))

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        return self.open(system, set_id, MANIFEST).read(), self.open(system, set_id, SIGNATURE).read()

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        _require_inside(path)
        self.trouble("open", path)
        files = self.stored.get((system, set_id), {})
        if path not in files:
            raise Damaged(f"repository '{self.name}': set {set_id}: {path}: missing")
        return io.BytesIO(files[path])

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        if (system, set_id) not in self.stored:
            raise Damaged(f"repository '{self.name}': set {set_id}: missing")
        return sorted(self.stored[system, set_id])

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        self._require_beside(path)
        if (system, set_id) not in self.sets(system):
            raise Refused(f"repository '{self.name}' has no set {set_id}")
        self.stored[system, set_id][path] = data

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        for set_id, path in places:
            _require_inside(path)
            self.stored[system, set_id][path] = data

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        self._require_beside(path)
        self.stored.get((system, set_id), {}).pop(path, None)

    def _require_beside(self, path: str) -> None:
        _require_inside(path)
        if not is_beside(path):
            raise Refused(f"'{path}' has no place beside a manifest")

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        key = (tombstone.system, tombstone.set)
        self._traces.setdefault(key, (canonical(tombstone.to_facts()), signature))
        failpoint("after-tombstone")
        for path in (MANIFEST, SIGNATURE):
            self.stored.get(key, {}).pop(path, None)
        failpoint("after-manifest")
        return self.stored.pop(key, None) is not None

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        return [trace for key, trace in sorted(self._traces.items()) if key[0] == system]

    def sweep(self, older_than: datetime) -> list[str]:
        gone = [key for key in self.partial if _begun(key[1]) < older_than]
        for key in gone:
            del self.partial[key]
        wrecks = [key for key, files in self.stored.items() if MANIFEST not in files and key in self._traces]
        for key in wrecks:
            del self.stored[key]
        return [f"{system}/{set_id}" for system, set_id in gone + wrecks]

    def put_home(self, name: str, data: bytes) -> None:
        _require_inside(name)
        self.identity()
        self.trouble("put", name)
        self.home[name] = data

    def list_home(self) -> list[str]:
        self.identity()
        return sorted(self.home)

    def open_home(self, name: str) -> IO[bytes]:
        _require_inside(name)
        if name not in self.home:
            raise Damaged(f"repository '{self.name}': home {name}: missing")
        return io.BytesIO(self.home[name])

    def remove_home(self, name: str) -> bool:
        _require_inside(name)
        gone = [path for path in self.home if path == name or path.startswith(f"{name}/")]
        for path in gone:
            del self.home[path]
        return bool(gone)

    def claim(self, line: str, place: int, data: bytes) -> bytes:
        claim_path(line, place)
        self.identity()
        self.trouble("claim", line)
        with self._lock:
            there = self.duties.setdefault(line, {})
            if max(there, default=0) < place:
                there[place] = data
            return there[max(there)]

    def claims(self, line: str) -> list[tuple[int, bytes]]:
        claim_path(line, 1)
        self.identity()
        self.trouble("claims", line)
        return sorted(self.duties.get(line, {}).items())

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._lock:
            yield

    def free(self) -> int | None:
        return None


class MemoryUpload:
    """`dr.model.ports.SetUpload`."""

    def __init__(self, repository: MemoryRepository, key: Key) -> None:
        self._repository = repository
        self._key = key

    def put(self, path: str, data: bytes) -> None:
        _require_inside(path)
        self._repository.trouble("put", path)
        self._files()[path] = bytes(data)

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        files = self._repository.stored.get((self._key[0], origin), {})
        signed = {
            part_path(one["name"], part["number"]): part["sha256"]
            for one in json.loads(files.get(MANIFEST, b'{"artifacts": []}'))["artifacts"]
            for part in one["parts"]
        }
        if signed.get(origin_path) != sha256 or origin_path not in files:
            return False
        self._files()[path] = files[origin_path]
        self._repository.links += 1
        return True

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        self._repository.trouble("commit")
        there = self._repository.stored.get(self._key, {}).get(MANIFEST)
        if there is not None and hashlib.sha256(there).digest() != hashlib.sha256(manifest).digest():
            raise Refused(f"repository '{self._repository.name}' holds another set {self._key[1]} already")
        files = self._repository.partial.pop(self._key, {})
        if there is None:
            self._repository.stored[self._key] = {**files, **beside, MANIFEST: manifest, SIGNATURE: signature}

    def abandon(self) -> None:
        self._repository.partial.pop(self._key, None)

    def _files(self) -> dict[str, bytes]:
        if self._key not in self._repository.partial:
            raise Unreachable(f"repository '{self._repository.name}': the partial set {self._key[1]} is gone")
        return self._repository.partial[self._key]


def _require_inside(path: str) -> None:
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise Refused(f"'{path!r}' is not a path inside a repository")


def _begun(set_id: SetId) -> datetime:
    assert SET_ID.match(set_id)
    return datetime.strptime(set_id.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
