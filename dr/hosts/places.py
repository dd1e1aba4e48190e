"""What lies in a standby's root: the places that runs claimed, and whatever else there is. Reads only."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from dr.errors import Damaged
from dr.hosts import marker
from dr.hosts.marker import Adopted, Claim
from dr.hosts.removal import Identity, identity, opened
from dr.model.base import HostName, RunId
from dr.model.places import NEEDLE
from dr.model.ports import Keyring

DRILLS = "drills"
FRESH = ".claim-"
"""How a place is called until its claim is written."""
KEPT = "parts"
"""Encrypted parts that a standby keeps from one restore to the next."""
_ROOT = {marker.STANDBY, f"{marker.STANDBY}.partial", marker.IN_SERVICE, f"{marker.IN_SERVICE}.partial", DRILLS}
_PRODUCTIONS = "the needle of a protected file set: this is production's"
_PARTS = ("pgdata", "site", "staging", "log", "secret")


@dataclass(frozen=True)
class Place:
    """A run's place, claimed under a trusted signature."""

    path: str
    claim: Claim
    adopted: Adopted | None

    @property
    def run(self) -> RunId:
        return self.claim.run


@dataclass(frozen=True)
class Content:
    """What a root holds."""

    places: tuple[Place, ...] = ()
    leftovers: tuple[str, ...] = ()
    """Names below `drills` that a crash left, with nothing in them but a claim."""
    foreign: tuple[str, ...] = ()
    """What we did not put there, relative to the root, each with the reason."""
    folders: frozenset[Identity] = frozenset()
    """Folders of the upper levels, by device and inode."""
    astray: tuple[str, ...] = ()
    """Symbolic links where a folder belongs."""
    identifiers: tuple[str, ...] = ()
    """System identifiers of clusters that no claim covers."""


def look(root: str, organisation: str, host: HostName, keys: Keyring) -> Content:
    """List the root's upper levels and check every claim. Raises OSError if the root cannot be read."""
    with opened(root) as top:
        return _Look(root, organisation, host, keys).all(top)


class _Look:
    def __init__(self, root: str, organisation: str, host: HostName, keys: Keyring) -> None:
        self._root, self._organisation, self._host, self._keys = root, organisation, host, keys
        self._places: list[Place] = []
        self._leftovers: list[str] = []
        self._foreign: list[str] = []
        self._folders: set[Identity] = set()
        self._astray: list[str] = []
        self._identifiers: list[str] = []

    def all(self, top: int) -> Content:
        self._folders.add(identity(os.fstat(top)))
        for name, at in _entries(top):
            if name == DRILLS and stat.S_ISDIR(at.st_mode):
                self._drills(top)
            elif name in (DRILLS, KEPT) and stat.S_ISLNK(at.st_mode):
                self._astray.append(name)
            elif name == KEPT and stat.S_ISDIR(at.st_mode):
                self._folders.add(identity(at))
            elif name not in _ROOT and not (name == "lost+found" and stat.S_ISDIR(at.st_mode)):
                self._strange(top, name, at, name, _PRODUCTIONS if name == NEEDLE else "dr did not put it there")
        return Content(
            tuple(self._places),
            tuple(self._leftovers),
            tuple(self._foreign),
            frozenset(self._folders),
            tuple(self._astray),
            tuple(self._identifiers),
        )

    def _strange(self, folder: int, name: str, at: os.stat_result, shown: str, why: str) -> None:
        self._foreign.append(f"{shown} ({why})")
        self._folders.add(identity(at))
        found = system_identifier(folder, name) if stat.S_ISDIR(at.st_mode) else None
        if found:
            self._identifiers.append(found)

    def _drills(self, top: int) -> None:
        with opened(DRILLS, top) as drills:
            self._folders.add(identity(os.fstat(drills)))
            for name, at in _entries(drills):
                if stat.S_ISDIR(at.st_mode):
                    self._place(drills, name, at)
                else:
                    self._strange(drills, name, at, f"{DRILLS}/{name}", "not a run's place")

    def _place(self, drills: int, name: str, at: os.stat_result) -> None:
        try:
            with opened(name, drills) as folder:
                inside = {inner for inner, _ in _entries(folder)}
                if not inside or (name.startswith(FRESH) and inside <= {marker.CLAIM, f"{marker.CLAIM}.partial"}):
                    self._leftovers.append(name)
                else:
                    self._claimed(drills, folder, name, at)
        except OSError:
            self._strange(drills, name, at, f"{DRILLS}/{name}", "it cannot be read")

    def _claimed(self, drills: int, folder: int, name: str, at: os.stat_result) -> None:
        shown = f"{DRILLS}/{name}"
        try:
            claim = marker.read(folder, marker.CLAIM, Claim, self._keys)
        except Damaged as error:
            return self._strange(drills, name, at, shown, error.message)
        if claim is None:
            return self._strange(drills, name, at, shown, "it bears no claim of dr")
        if not self._covers(claim, name, at):
            return self._strange(drills, name, at, shown, "its claim is of another host, run or folder")
        adopted = None
        with contextlib.suppress(Damaged):  # not adopted, then; the claim still says that it is ours to remove
            adopted = marker.read(folder, marker.ADOPTED, Adopted, self._keys)
        whole = adopted is not None and self._covers(adopted, name, at) and adopted.set == claim.set
        self._places.append(Place(f"{self._root}/{shown}", claim, adopted if whole else None))
        self._parts(folder, shown)
        return None

    def _covers(self, said: Claim | Adopted, name: str, at: os.stat_result) -> bool:
        owner = (said.organisation, said.host, said.run)
        return owner == (self._organisation, self._host, name) and (said.device, said.inode) == identity(at)

    def _parts(self, folder: int, shown: str) -> None:
        for name in _PARTS:
            with contextlib.suppress(FileNotFoundError):
                at = os.stat(name, dir_fd=folder, follow_symlinks=False)
                self._folders.add(identity(at))
                if stat.S_ISLNK(at.st_mode):
                    self._astray.append(f"{shown}/{name}")


def _entries(folder: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            yield name, os.stat(name, dir_fd=folder, follow_symlinks=False)


def system_identifier(folder: int | None, name: str) -> str | None:
    """Of the cluster in a data directory, from its control file; None if it is none, or may not be read."""
    try:
        descriptor = os.open(f"{name}/global/pg_control", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        head = file.read(8)  # the first field, a 64-bit number in the machine's own order
    return str(int.from_bytes(head, sys.byteorder)) if len(head) == 8 else None
