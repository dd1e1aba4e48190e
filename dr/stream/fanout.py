"""One set, written to several repositories at once: each is a lane; a lane that fails drops out and takes no other with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dr.errors import DrError, Failed, Refused, Stopped
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Repository, SetUpload


@dataclass(frozen=True)
class Lane:
    repository: Repository
    upload: SetUpload


class Fanout:
    """The uploads of one set. Usable from several threads at once."""

    def __init__(self, system: SystemName, set_id: SetId, repositories: Sequence[Repository], organisation: str) -> None:
        self._lock = threading.Lock()
        self._lanes: list[Lane] = []
        self.failed: dict[RepositoryName, str] = {}
        self._dropped: list[Lane] = []
        for repository in repositories:
            try:
                require_organisation(repository, organisation)
                self._lanes.append(Lane(repository, repository.begin(system, set_id)))
            except (DrError, OSError) as problem:
                self.failed[repository.name] = why(problem)
        self.require_one()

    def lanes(self) -> list[Lane]:
        """Those that have not failed."""
        with self._lock:
            return list(self._lanes)

    def attempt(self, lane: Lane, act: Callable[[], bool]) -> bool:
        """Do it; False, and the lane is out, if its repository fails."""
        try:
            return act()
        except Stopped:
            raise
        except (DrError, OSError) as problem:
            self._drop(lane, why(problem))
            return False

    def put(self, path: str, data: bytes) -> None:
        """To every lane. Raises Failed when none is left."""
        for lane in self.lanes():
            self.put_one(lane, path, data)
        self.require_one()

    def put_one(self, lane: Lane, path: str, data: bytes) -> bool:
        def act() -> bool:
            lane.upload.put(path, data)
            return True

        return self.attempt(lane, act)

    def require_one(self) -> None:
        with self._lock:
            if not self._lanes:
                causes = "; ".join(self.failed.values())
                raise Failed(f"no repository takes the set: {causes}", hint="`dr check` and `dr status` show what is wrong with each")

    def release(self, lane: Lane) -> None:
        """It is committed: nothing of it is to be removed any more."""
        with self._lock:
            self._lanes.remove(lane)

    def abandon(self, *, everything: bool = False) -> None:
        """Remove the partials of the lanes that failed, or of all; one that cannot be reached is swept later."""
        with self._lock:
            gone, self._dropped = self._dropped, []
            if everything:
                gone, self._lanes = gone + self._lanes, []
        for lane in gone:
            try:
                lane.upload.abandon()
            except (DrError, OSError):
                continue

    def _drop(self, lane: Lane, why: str) -> None:
        with self._lock:
            if lane in self._lanes:
                self._lanes.remove(lane)
                self._dropped.append(lane)
                self.failed[lane.repository.name] = why


def require_organisation(repository: Repository, organisation: str) -> None:
    """Raises Refused for another organisation's repository, Unreachable if it is not there."""
    found = repository.identity().organisation
    if found != organisation:
        raise Refused(f"repository '{repository.name}' belongs to '{found}', not to '{organisation}'")


def why(problem: DrError | OSError) -> str:
    """A repository's failure in one line."""
    return problem.message if isinstance(problem, DrError) else f"{type(problem).__name__}"
