"""A set being written into a folder, and what a folder's errors mean."""

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dr.errors import Damaged, Failed, Refused, Unreachable
from dr.model.backup import SET_ID
from dr.model.base import RepositoryName, SetId, SystemName
from dr.repositories.tree import NotPlainFile, Tree
from dr.stream.layout import MANIFEST, SIGNATURE, part_path

PARTIAL = ".partial-"
SLUG = re.compile(r"^[a-z][a-z0-9-]{0,39}$")


def set_folder(system: SystemName, set_id: SetId, prefix: str = "") -> str:
    if not SLUG.match(system) or not SET_ID.match(set_id):
        raise Refused(f"'{system}/{set_id}' is not the name of a set")
    return f"sets/{system}/{prefix}{set_id}"


class Place:
    """A repository's folder, by name, so that an error of the system becomes one of ours."""

    def __init__(self, name: RepositoryName, root: Path) -> None:
        self.name = name
        self.root = root

    @contextmanager
    def reaching(self, what: str) -> Iterator[None]:
        """Raises Failed for a full disk, Damaged for a link where there may be none, Unreachable for everything else."""
        try:
            yield
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self.full("is full") from None
            if problem.errno in (errno.ELOOP, errno.ENOTDIR) or isinstance(problem, NotPlainFile):
                raise Damaged(f"repository '{self.name}': something lies at {self.root} where a folder or a plain file should") from None
            cause = os.strerror(problem.errno or 0)
            raise Unreachable(
                f"repository '{self.name}' at {self.root} cannot {what}: {cause}", hint="is it mounted, and may we?"
            ) from None

    def full(self, state: str) -> Failed:
        return Failed(f"repository '{self.name}' at {self.root} {state}", hint="make room: `dr retention --dry-run` shows what could go")


class DirectoryUpload:
    """See `dr.model.ports.SetUpload`. Holds a shared lock on its folder while it lives, so that a sweep leaves it alone."""

    def __init__(self, place: Place, tree: Tree, system: SystemName, set_id: SetId) -> None:
        self._place = place
        self._tree = tree
        self._system = system
        self._set = set_id
        self._partial = set_folder(system, set_id, PARTIAL)
        self._final = set_folder(system, set_id)
        self._origins: dict[SetId, dict[str, tuple[str, int]]] = {}
        with tree.folder(self._partial, make=True) as fd:
            self._alive: int | None = os.dup(fd)
        with suppress(OSError):  # some file servers cannot lock a folder; the sweep then goes by age alone
            fcntl.flock(self._alive, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def put(self, path: str, data: bytes) -> None:
        with self._place.reaching("be written to"), self._there():
            self._tree.write(f"{self._partial}/{path}", data)

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        there = set_folder(self._system, origin)
        try:
            if self._signed(origin).get(origin_path, ("", 0)) != (sha256, self._size(f"{there}/{origin_path}")):
                return False
            self._tree.link(f"{there}/{origin_path}", f"{self._partial}/{path}")
        except (OSError, ValueError, KeyError, TypeError):
            # gone meanwhile, an unreadable manifest, too many links, a file system without them: it is written instead
            return False
        return True

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        with self._place.reaching("be written to"):
            if self._committed(manifest):
                self.abandon()
                return
            with self._there():
                for path, data in {**beside, MANIFEST: manifest, SIGNATURE: signature}.items():
                    self._tree.write(f"{self._partial}/{path}", data)
                self._tree.sync(self._partial)
                self._tree.remove(self._final)  # what has no manifest and signature is no set: a removal that was interrupted, a loss
                self._tree.rename(self._partial, self._final)
            self._close()

    def abandon(self) -> None:
        self._close()
        with self._place.reaching("be written to"):
            self._tree.remove(self._partial)

    def _committed(self, manifest: bytes) -> bool:
        """Whether this very set is there already. Raises Refused if another one is."""
        if not self._tree.is_file(f"{self._final}/{SIGNATURE}"):
            return False
        try:
            there = self._tree.read(f"{self._final}/{MANIFEST}")
        except FileNotFoundError:
            return False
        if hashlib.sha256(there).digest() != hashlib.sha256(manifest).digest():
            raise Refused(f"repository '{self._place.name}' holds another set {self._set} of '{self._system}' already")
        return True

    @contextmanager
    def _there(self) -> Iterator[None]:
        """The partial must be there still: its place may have been unmounted, and is never made anew half-way."""
        if not self._is_ours():
            raise Unreachable(
                f"repository '{self._place.name}': the partial set {self._set} is gone",
                hint="was the place unmounted, or the partial swept?",
            )
        yield

    def _is_ours(self) -> bool:
        if self._alive is None:
            return False
        with suppress(FileNotFoundError), self._tree.folder(self._partial) as fd:
            return os.path.sameopenfile(fd, self._alive)
        return False

    def _signed(self, origin: SetId) -> dict[str, tuple[str, int]]:
        """What an earlier set's manifest says of its parts: path to digest and size."""
        if origin not in self._origins:
            facts = json.loads(self._tree.read(f"{set_folder(self._system, origin)}/{MANIFEST}"))
            self._origins[origin] = {
                part_path(artifact["name"], part["number"]): (part["sha256"], part["size"])
                for artifact in facts["artifacts"]
                for part in artifact["parts"]
            }
        return self._origins[origin]

    def _size(self, path: str) -> int:
        with self._tree.open(path) as file:
            return os.fstat(file.fileno()).st_size

    def _close(self) -> None:
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None
