"""Claims of duties in a folder: `duties/<line>/<place>.json`, each published once, by whoever is first, and never written again.

Whoever claims writes aside and makes a hard link to the place's own name: the file system gives it to one only, on a file server too.
"""

import errno
import re
from abc import ABC, abstractmethod

from dr.errors import Refused, Unreachable
from dr.model.backup import RepositoryIdentity
from dr.repositories.directory_upload import Place
from dr.repositories.tree import Tree

CLAIMS = "duties"
_LINE = re.compile(r"^[a-z][a-z0-9-]{0,39}(\.[a-z0-9-]{1,40})?$")
_FILE = re.compile(r"^(\d{12})\.json$")
HIGHEST = 10**12 - 1
"""A place has twelve digits, so that names sort as numbers do."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


class DirectoryClaims(ABC):
    """The claims' part of `dr.model.ports.Repository`, of a kind that keeps them in a folder."""

    _place: Place
    _tree: Tree

    @abstractmethod
    def identity(self) -> RepositoryIdentity:
        """Raises where the place is not the repository."""

    def claim(self, line: str, place: int, data: bytes) -> bytes:
        self.identity()
        path = claim_path(line, place)
        with self._place.reaching("be written to"):
            if self._highest(line) <= place:
                self._publish(path, data)
            return self._read(line, self._highest(line))

    def claims(self, line: str) -> list[tuple[int, bytes]]:
        self.identity()
        claim_path(line, 1)
        with self._place.reaching("be read"):
            return [(place, self._read(line, place)) for place in self._numbers(line)]

    def _publish(self, path: str, data: bytes) -> None:
        try:
            self._tree.publish_new(path, data)
        except OSError as problem:
            if problem.errno not in _NO_LINKS:
                raise
            raise Unreachable(
                f"repository '{self._place.name}' at {self._place.root} lets nobody make a hard link, so that no claim can be kept there",
                hint="name another store of claims: `failover: {stores: [...]}` in the inventory",
            ) from None

    def _numbers(self, line: str) -> list[int]:
        return [int(found[1]) for name in self._tree.names(f"{CLAIMS}/{line}") if (found := _FILE.fullmatch(name))]

    def _highest(self, line: str) -> int:
        return max(self._numbers(line), default=0)

    def _read(self, line: str, place: int) -> bytes:
        return self._tree.read(claim_path(line, place))


def claim_path(line: str, place: int) -> str:
    """Raises Refused for what is no name of a claim."""
    if not _LINE.fullmatch(line) or not 1 <= place <= HIGHEST:
        raise Refused(f"'{line}/{place}' is not the name of a claim")
    return f"{CLAIMS}/{line}/{place:012}.json"
