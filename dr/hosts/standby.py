"""The writable handle of a local standby: claimed places, adoption, scrub. Every destructive act asks the guard again first."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from dr.clock import Clock
from dr.drivers.postgres import cluster
from dr.errors import Failed, NotProvablyStandby, Refused, StandbyInUse
from dr.hosts import marker
from dr.hosts.canaries import certify
from dr.hosts.guard import Seen, Target, collect, judge, recorded, require_standby, serves
from dr.hosts.marker import Adopted, Claim, InService
from dr.hosts.places import DRILLS, FRESH, Place
from dr.hosts.production import protected
from dr.hosts.removal import Removed, identity, opened, remove_tree
from dr.hosts.sessions import Sessions
from dr.hosts.working import end_left_behind, require_unused
from dr.model.base import HostPath, JsonObject, RunId, SetId
from dr.model.ports import Standing
from dr.model.record import ScrubCertificate
from dr.units import show_size

_PATIENCE = 60.0
"""Seconds for which a scrub waits for whoever looks whether it may claim."""


class Drills:
    """The places of a standby, for one run. Made only after the guard agreed; see `dr.model.ports.WritableHost` for the verbs."""

    def __init__(self, target: Target, standing: Standing, run: RunId, clock: Clock) -> None:
        self._target, self._standing, self.run, self._clock = target, standing, run, clock
        self.recheck(tidying=True)  # whatever brings something there asks again, without that

    def recheck(self, *, tidying: bool = False) -> Seen:
        """Raises NotProvablyStandby; StandbyInUse where all that speaks against it is who is connected to what another run restored there.

        `tidying`: only what this run brought there is removed.
        """
        try:
            return require_standby(self._target, self._standing, tidying=self.run if tidying else None)
        except NotProvablyStandby:
            seen = collect(self._target, self._standing)
            if not judge(
                replace(seen, sessions=Sessions()), self._standing, protected(self._standing.production, remote=self._target.remote)
            ):
                self._none_in_use(seen)
            raise

    def require_turn(self) -> None:
        """Raises StandbyInUse if this run has no place here and another that lives has one."""
        seen = self.recheck(tidying=True)
        if self._own(seen) is None:
            self._none_in_use(seen)

    # ------------------------------------------------------------ claim and adopt

    def claim(self, set_id: SetId) -> HostPath:
        self._none_in_use(self.recheck())
        with self._one_at_a_time():
            return self._claim_alone(set_id)

    def _claim_alone(self, set_id: SetId) -> HostPath:
        seen = self.recheck()
        self._none_in_use(seen)
        own = self._own(seen)
        if own is not None and own.adopted is not None:
            raise Refused(
                f"run {self.run} has adopted set {own.adopted.set} on host '{self._target.name}' already", hint="scrub it before another"
            )
        self._remove(seen, tidying=False)
        return self._make(set_id)

    def _make(self, set_id: SetId) -> HostPath:
        fresh = f"{FRESH}{self.run}-{secrets.token_hex(4)}"
        with self._opened_root() as root, _folder(root, DRILLS) as drills:
            with _folder(drills, fresh) as place:
                marker.write(place, marker.CLAIM, self._claim(set_id, place), self._standing.keys)
            os.rename(fresh, self.run, src_dir_fd=drills, dst_dir_fd=drills)  # over an empty folder at most: a full one is an error
            os.fsync(drills)
        return self.place()

    def _claim(self, set_id: SetId, place: int) -> Claim:
        device, inode = identity(os.fstat(place))
        return Claim(
            organisation=self._standing.organisation,
            host=self._target.name,
            run=self.run,
            set=set_id,
            device=device,
            inode=inode,
            claimed=self._clock.now(),
        )

    def place(self) -> HostPath:
        return HostPath(self._required().path)

    def places(self) -> JsonObject:
        own = self._required()
        if own.adopted is None:
            raise Refused(f"run {self.run} has not adopted what it loads on host '{self._target.name}'", hint="the load did not finish")
        return dict(own.adopted.places)

    def holds(self, set_id: SetId) -> bool:
        own = self._own(self.recheck())
        return own is not None and own.adopted is not None and own.adopted.set == set_id

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        own = self._required()
        if own.claim.set != set_id:
            raise Refused(f"run {self.run} claimed {own.path} for set {own.claim.set}, not for {set_id}")
        if own.adopted is not None:
            return
        claim = own.claim.to_facts()
        said = {key: claim[key] for key in ("organisation", "host", "run", "set", "device", "inode")}
        adopted = Adopted.from_facts({**said, "places": places, "adopted": self._clock.now().isoformat()})
        with opened(own.path) as folder:
            marker.write(folder, marker.ADOPTED, adopted, self._standing.keys)

    def enter_service(self, set_id: SetId) -> None:
        """What this run adopted is production from now on: the signed in-service marker, durable, then the standby's marker goes.

        From then on the guard refuses every handle to this place.
        """
        if not self.holds(set_id):
            raise Refused(f"run {self.run} has not adopted set {set_id} on host '{self._target.name}'", hint="restore it first")
        said = InService(
            organisation=self._standing.organisation, host=self._target.name, run=self.run, set=set_id, since=self._clock.now()
        )
        with self._opened_root() as root:
            marker.write(root, marker.IN_SERVICE, said, self._standing.keys)
            os.unlink(marker.STANDBY, dir_fd=root)
            os.fsync(root)

    def _own(self, seen: Seen) -> Place | None:
        return next((place for place in seen.content.places if place.run == self.run), None)

    def _required(self) -> Place:
        own = self._own(self.recheck())
        if own is None:
            raise Refused(f"run {self.run} has claimed nothing on host '{self._target.name}'", hint="a restore claims its place first")
        return own

    def require_space(self, needed: int) -> None:
        at = os.statvfs(self._target.root)
        free = at.f_bavail * at.f_frsize
        if free < needed:
            self._none_in_use(self.recheck())  # whose end makes room
            raise Refused(
                f"host '{self._target.name}' has {show_size(free)} free in {self._target.root}, and {show_size(needed)} are needed",
                hint="make room, or move the standby to a larger disk and enrol it there",
            )

    # ------------------------------------------------------------ scrub

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        self._none_in_use(self.recheck(tidying=True))
        with self._one_at_a_time(_PATIENCE):  # nobody brings anything here until it was looked for
            seen = self.recheck(tidying=True)
            self._none_in_use(seen)
            removed = self._remove(seen, tidying=True)
            return certify(self._target, self._standing, self.run, self._clock.now(), removed, canaries)

    @contextmanager
    def _one_at_a_time(self, patience: float = 0.0) -> Iterator[None]:
        """Whoever claims or scrubs keeps out others who would. Raises StandbyInUse where one still does after `patience` seconds."""
        until = time.monotonic() + patience
        with self._opened_root() as root, _folder(root, DRILLS) as drills:
            while not _lock(drills):
                if time.monotonic() >= until:
                    raise StandbyInUse(f"host '{self._target.name}' is in use by another run", hint="wait for it: dr runs list")
                time.sleep(0.1)
            yield

    def _none_in_use(self, seen: Seen) -> None:
        active = self._standing.active() - {self.run}
        for place in seen.content.places:
            if place.run in active:
                raise StandbyInUse(
                    f"host '{self._target.name}' is in use by run {place.run}",
                    hint=f"wait for it, or cancel it: dr runs cancel {place.run}",
                )

    def _remove(self, seen: Seen, *, tidying: bool) -> dict[str, Removed]:
        """End what runs in the places that were seen and remove them; all of them are ours, and none is in use."""
        for place in seen.content.places:
            self._stop(place, seen)
        names = [*(place.run for place in seen.content.places), *seen.content.leftovers]
        if not names:
            return {}
        still = self.recheck(tidying=tidying)  # right before the first file goes
        if [place.claim for place in still.content.places] != [place.claim for place in seen.content.places]:
            raise Refused(f"what lies on host '{self._target.name}' changed meanwhile", hint="is another dr at work there? try again")
        keep_out = recorded(self._standing.production, remote=self._target.remote)
        with self._opened_root() as root, opened(DRILLS, root) as drills:
            # The adoption first, since what follows is no longer whole; the claim last, so that what a crash leaves is still known as ours.
            gone = {name: remove_tree(drills, name, protected=keep_out, first=marker.ADOPTED, last=marker.CLAIM) for name in names}
        return {f"{self._target.root}/{DRILLS}/{name}": removed for name, removed in gone.items() if removed is not None}

    def _stop(self, place: Place, seen: Seen) -> None:
        """By what listens and works in the place, and by its own record; a stale record may name a stranger's process, so it is checked."""
        data = f"{place.path}/pgdata"
        pid = cluster.postmaster(data)
        if pid is not None and _works_in(pid, data):
            cluster.stop(data)
        elif any(serves(place, one) for one in seen.listening):
            raise Failed(f"a server works in {place.path}, but its postmaster.pid does not say so", hint="end that server by hand")
        end_left_behind(data)
        require_unused(place.path)

    @contextmanager
    def _opened_root(self) -> Iterator[int]:
        """The root that the guard saw: opened anew, and still the enrolled one."""
        with opened(self._target.root) as root:
            said = marker.read(root, marker.STANDBY, marker.Standby, self._standing.keys)
            if said is None or (said.device, said.inode) != identity(os.fstat(root)):
                raise Refused(f"{self._target.root} changed meanwhile", hint="find out who moved it")
            yield root


def _lock(folder: int) -> bool:
    """Whether it is ours now; until it is closed."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _works_in(pid: int, data: str) -> bool:
    try:
        return identity(os.stat(f"/proc/{pid}/cwd")) == identity(os.stat(data, follow_symlinks=False))  # noqa: PTH116
    except OSError:
        return False


@contextmanager
def _folder(parent: int, name: str) -> Iterator[int]:
    """The private folder `name`, opened; made if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)
    with opened(name, parent) as folder:
        yield folder
