"""`directory`: a repository in a folder: a disk, a mounted file server.

A set is written into `sets/<system>/.partial-<set-id>/`; commit puts the manifest and its signature into it, makes everything durable and
renames the folder to `sets/<system>/<set-id>/`, so a set appears whole or not at all. Reuse is a hard link.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from dr.errors import Damaged, Refused, Unreachable
from dr.model.backup import SET_ID, RepositoryIdentity, Tombstone
from dr.model.base import ByteCount, HostPath, RepositoryName, SetId, Size, StrictModel, SystemName, canonical
from dr.model.places import Folder
from dr.model.ports import RepositoryKind
from dr.repositories.directory_claims import DirectoryClaims
from dr.repositories.directory_identity import IDENTITY, nothing_here, read_identity
from dr.repositories.directory_lock import Held, locked
from dr.repositories.directory_upload import PARTIAL, SLUG, DirectoryUpload, Place, set_folder
from dr.repositories.tree import TEMPORARY, NotPlainFile, Tree
from dr.stream.layout import MANIFEST, SIGNATURE, is_beside
from dr.units import show_size

LOCK_WAIT = 1800.0
"""Seconds to wait for another process that commits or removes a set here."""


class DirectoryParams(StrictModel):
    """`with:` of a repository of kind `directory`."""

    path: HostPath
    """The folder; relative to the home unless absolute."""
    min_free: Size = ByteCount(2**30)
    """A set is not begun with less free space than this."""


def places(params: DirectoryParams, home: str) -> list[Folder]:
    """Its folder."""
    return [Folder(("path",), str(Path(home) / params.path))]


class DirectoryRepository(DirectoryClaims):
    """See `dr.model.ports.Repository`."""

    def __init__(self, name: RepositoryName, tier: str, root: Path, *, organisation: str, min_free: int = 0) -> None:
        self.name = name
        self.tier = tier
        self._root = root
        self._tree = Tree(root)
        self._place = Place(name, root)
        self._organisation = organisation
        self._min_free = min_free
        self.lock_wait = LOCK_WAIT
        self._held: Held | None = None

    # ---------------------------------------------------------------- what it is

    def identity(self) -> RepositoryIdentity:
        found = read_identity(self._place, self._tree)
        if found is None:
            raise nothing_here(self._place)
        if found.organisation != self._organisation:
            raise Refused(f"repository '{self.name}' at {self._root} belongs to '{found.organisation}', not to '{self._organisation}'")
        if found.tier != self.tier:
            raise Refused(
                f"repository '{self.name}' at {self._root} was made for tier '{found.tier}', the inventory says '{self.tier}'",
                hint="were the paths of two repositories exchanged?",
            )
        return found

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        with self._place.reaching("be made"):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if read_identity(self._place, self._tree) is not None:
                return self.identity()
            strangers = [name for name in self._tree.names("") if name not in {"lost+found", TEMPORARY + IDENTITY}]
            if strangers:
                raise Refused(f"{self._root} is not empty and not a repository", hint="name an empty or a new folder")
            made = RepositoryIdentity(id=identity, organisation=organisation, created=now, tier=self.tier)
            self._tree.publish(IDENTITY, canonical(made.to_facts()) + b"\n")
        return self.identity()

    # ---------------------------------------------------------------- sets

    def begin(self, system: SystemName, set_id: SetId) -> DirectoryUpload:
        self.identity()
        with self._place.reaching("be written to"):
            free = self.free()
            if free is not None and free < self._min_free:
                raise self._place.full(f"has {show_size(free)} free, less than its min_free of {show_size(self._min_free)}")
            for one in self._attempts(system, set_id):
                self._tree.remove(one)
            return DirectoryUpload(self._place, self._tree, system, set_id)

    def _attempts(self, system: SystemName, set_id: SetId) -> list[str]:
        """Partials of crashed attempts at this set: an id ends in the token of its run and step, and begins with its attempt's time."""
        token = set_id.rpartition("-")[2]
        names = [name for name in self._tree.names(f"sets/{system}") if name.startswith(PARTIAL) and name.endswith(f"-{token}")]
        own = f"{PARTIAL}{set_id}"  # of this very step, of which only one attempt lives at a time
        return [f"sets/{system}/{name}" for name in names if name == own or not self._in_use(f"sets/{system}/{name}")]

    def sets(self, system: SystemName | None = None) -> list[tuple[SystemName, SetId]]:
        self.identity()
        with self._place.reaching("be read"):
            systems = [system] if system is not None else [name for name in self._tree.names("sets") if SLUG.match(name)]
            found = [(SetId(name), SystemName(one)) for one in systems for name in self._committed(one)]
        return [(one, set_id) for set_id, one in sorted(found)]

    def _committed(self, system: str) -> Iterator[str]:
        for name in self._tree.names(f"sets/{system}"):
            if SET_ID.match(name) and all(self._tree.is_file(f"sets/{system}/{name}/{file}") for file in (MANIFEST, SIGNATURE)):
                yield name

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        with self.open(system, set_id, MANIFEST) as manifest, self.open(system, set_id, SIGNATURE) as signature:
            return manifest.read(), signature.read()

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        where = f"repository '{self.name}': set {set_id}: {path}"
        try:
            return self._tree.open(f"{set_folder(system, set_id)}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            self.identity()  # an unmounted place is unreachable, not damaged
            raise Damaged(f"{where}: missing") from None
        except NotPlainFile:
            raise Damaged(f"{where}: not a plain file") from None
        except OSError as problem:
            if problem.errno == errno.ELOOP:
                raise Damaged(f"{where}: reached through a link") from None
            raise Unreachable(f"{where}: {os.strerror(problem.errno or 0)}") from None

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        self.identity()
        with self._place.reaching("be read"):
            try:
                return self._tree.files(set_folder(system, set_id))
            except (FileNotFoundError, NotADirectoryError):
                raise Damaged(f"repository '{self.name}': set {set_id}: missing") from None

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        folder = self._beside(system, set_id, path)
        with self._place.reaching("be written to"):
            if not self._tree.is_file(f"{folder}/{MANIFEST}"):
                raise Refused(f"repository '{self.name}' has no set {set_id} of '{system}'")
            self._tree.publish(f"{folder}/{path}", data)

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        self.identity()
        self._still_alone()
        paths = [f"{set_folder(system, set_id)}/{path}" for set_id, path in places]
        with self._place.reaching("be written to"):
            for path in paths:
                if not self._tree.replace_by_link(paths[0], path):
                    self._tree.publish(path, data)

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        with self._place.reaching("be written to"):
            self._tree.unlink(f"{self._beside(system, set_id, path)}/{path}")

    def _beside(self, system: SystemName, set_id: SetId, path: str) -> str:
        self.identity()
        if not is_beside(path):
            raise Refused(f"'{path}' has no place beside a manifest", hint="a hold goes to holds/, the audit head to audit-head.json")
        return set_folder(system, set_id)

    # ---------------------------------------------------------------- removing

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        self.identity()
        folder = set_folder(tombstone.system, tombstone.set)
        trace = f"tombstones/{tombstone.system}/{tombstone.set}"
        self._still_alone()
        with self._place.reaching("be written to"):
            if not (self._tree.is_file(f"{trace}.json") and self._tree.is_file(f"{trace}.sig")):
                self._tree.publish(f"{trace}.sig", signature)
                self._tree.publish(f"{trace}.json", canonical(tombstone.to_facts()))
            failpoint("after-tombstone")
            self._still_alone()  # after this nothing brings the set back
            with suppress(NotADirectoryError):
                self._tree.unlink(f"{folder}/{MANIFEST}")
                self._tree.unlink(f"{folder}/{SIGNATURE}")
            failpoint("after-manifest")
            return self._tree.remove(folder)

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        self.identity()
        folder = f"tombstones/{system}"
        with self._place.reaching("be read"):
            names = [name.removesuffix(".json") for name in self._tree.names(folder) if name.endswith(".json")]
            return [(self._tree.read(f"{folder}/{name}.json"), self._tree.read(f"{folder}/{name}.sig")) for name in names]

    def sweep(self, older_than: datetime) -> list[str]:
        self.identity()
        with self._place.reaching("be written to"):
            found = [
                f"sets/{one}/{name}" for one in self._tree.names("sets") if SLUG.match(one) for name in self._tree.names(f"sets/{one}")
            ]
            return [path for path in found if self._is_waste(path, older_than) and self._tree.remove(path)]

    def _is_waste(self, path: str, older_than: datetime) -> bool:
        """A partial that nobody is writing and that was begun before, or a set whose removal was interrupted after its manifest went."""
        system, name = path.split("/")[1:]
        set_id = name.removeprefix(PARTIAL)
        if not SET_ID.match(set_id):
            return False
        if name.startswith(PARTIAL):
            begun = datetime.strptime(set_id.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return begun < older_than and not self._in_use(path)
        removed = self._tree.is_file(f"tombstones/{system}/{name}.json")
        return removed and not self._tree.is_file(f"{path}/{MANIFEST}")

    def _in_use(self, partial: str) -> bool:
        with suppress(NotADirectoryError, FileNotFoundError), self._tree.folder(partial) as fd:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    # ---------------------------------------------------------------- the place itself

    def put_home(self, name: str, data: bytes) -> None:
        self.identity()
        with self._place.reaching("be written to"):
            self._tree.publish(f"home/{name}", data)

    def list_home(self) -> list[str]:
        self.identity()
        with self._place.reaching("be read"):
            try:
                found = self._tree.files("home")
            except FileNotFoundError:
                return []
        return [path for path in found if not path.rpartition("/")[2].startswith(TEMPORARY)]

    def open_home(self, name: str) -> IO[bytes]:
        where = f"repository '{self.name}': home {name}"
        try:
            return self._tree.open(f"home/{name}")
        except (FileNotFoundError, NotADirectoryError):
            self.identity()
            raise Damaged(f"{where}: missing") from None
        except NotPlainFile:
            raise Damaged(f"{where}: not a plain file") from None
        except OSError as problem:
            if problem.errno == errno.ELOOP:
                raise Damaged(f"{where}: reached through a link") from None
            raise Unreachable(f"{where}: {os.strerror(problem.errno or 0)}") from None

    def remove_home(self, name: str) -> bool:
        self.identity()
        with self._place.reaching("be written to"):
            return self._tree.remove(f"home/{name}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.identity()
        with locked(self._place, self.lock_wait) as held:
            self._held = held
            try:
                yield
            finally:
                self._held = None

    def _still_alone(self) -> None:
        """Raises Unreachable if the lock that this process took was lost meanwhile."""
        if self._held is not None:
            self._held.require()

    def free(self) -> int | None:
        try:
            place = os.statvfs(self._root)
        except OSError:
            return None
        return place.f_bavail * place.f_frsize


def identify(root: Path) -> RepositoryIdentity:
    """Whose repository lies in a folder, asked by somebody who has no inventory. Raises Refused, Unreachable, Damaged."""
    place = Place(RepositoryName(root.name or "/"), root)
    found = read_identity(place, Tree(root))
    if found is None:
        raise nothing_here(place)
    return found


def _open(name: RepositoryName, tier: str, params: DirectoryParams, home: HostPath, organisation: str) -> DirectoryRepository:
    root = Path(home) / params.path
    return DirectoryRepository(name, tier, root, organisation=organisation, min_free=params.min_free)


KIND = RepositoryKind(kind="directory", params=DirectoryParams, open=_open)
