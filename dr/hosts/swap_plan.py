"""May a restored file set take that place, and what is the next thing to do there? Facts first (`look`), then decided without effects.

The place is the one thing outside of its root that `dr` ever changes on a standby, and only once that is production.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dr.hosts.guard import overlap
from dr.hosts.problem import Problem
from dr.hosts.production import Protected
from dr.hosts.removal import Identity, identity

Due = Literal["bring", "swap", "keep", "done", "lost"]
_MAIN = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Whereabouts:
    """What stands where, by device and inode; None: nothing."""

    ours: Identity | None = None
    """The restored tree, as it was noted before it moved."""
    place: Identity | None = None
    beside: Identity | None = None
    """At the name beside the place to which it is brought first."""
    restored: Identity | None = None
    """Where it was restored."""


def due(now: Whereabouts) -> Due:
    """The next thing to do, whatever was done before a crash. `bring` it beside the place, `swap`, `keep` what stood there by its name.

    `lost`: it is in none of the three places.
    """
    if now.ours is not None and now.place == now.ours:
        return "done" if now.beside is None else "keep"
    if now.ours is not None and now.beside == now.ours:
        return "swap"
    return "bring" if now.restored is not None else "lost"


@dataclass(frozen=True)
class Looked:
    """What the decision is made from."""

    place: str
    root: str
    """The standby's, resolved."""
    real: str
    """The place, resolved."""
    kind: Literal["nothing", "folder", "other"]
    parent: Literal["folder", "nothing", "shut"]
    """`shut`: it may not be changed by whoever asks."""
    above: tuple[Identity, ...] = ()
    """The place and the folders above it, as far as they are there."""
    mounts: tuple[str, ...] = ()
    """What is mounted on it or in it."""
    kept: bool = False
    """Whether the name that what stands there would be kept by is taken."""


def look(place: str, root: str, kept: str = "") -> Looked:
    """Look at the place; changes nothing. `kept`: the name that what stands there would be kept by."""
    real = os.path.realpath(place)
    folders = [Path(real), *Path(real).parents]
    return Looked(
        place=place,
        root=os.path.realpath(root),
        real=real,
        kind=_kind(place),
        parent=_parent(Path(place).parent),
        above=tuple(found for found in map(identity_of, map(str, folders)) if found is not None),
        mounts=_mounts(real),
        kept=bool(kept) and os.path.lexists(kept),
    )


def identity_of(path: str) -> Identity | None:
    """Of the thing itself, never of what a link leads to."""
    try:
        return identity(os.lstat(path))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            return None
        raise


def _kind(place: str) -> Literal["nothing", "folder", "other"]:
    try:
        at = Path(place).lstat()
    except OSError:
        return "nothing"
    return "folder" if stat.S_ISDIR(at.st_mode) else "other"


def _parent(parent: Path) -> Literal["folder", "nothing", "shut"]:
    if not parent.is_dir():
        return "nothing"
    return "folder" if os.access(parent, os.W_OK | os.X_OK, effective_ids=True) else "shut"


def _mounts(real: str) -> tuple[str, ...]:
    lines = _MAIN.read_bytes().splitlines()
    points = [os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1")) for line in lines]
    return tuple(point for point in points if point == real or point.startswith(f"{real}/"))


def judge(seen: Looked, allowed: Sequence[str], off_limits: Protected) -> list[Problem]:
    """Every reason why nothing may be put there; empty: it may. `allowed`: the places that the inventory names for the host."""
    return [*_named(seen, allowed), *_itself(seen), *_others(seen, off_limits)]


def _named(seen: Looked, allowed: Sequence[str]) -> list[Problem]:
    if seen.place in allowed:
        return []
    known = ", ".join(allowed) or "none"
    hint = f"write it under the host's `with` in inventory/hosts.yaml: places: [{seen.place}]"
    return [Problem(f"it is none of the host's `places` ({known})", hint)]


def _itself(seen: Looked) -> list[Problem]:
    parent, who = str(Path(seen.place).parent), _who()
    if seen.real != seen.place:
        return [Problem(f"it leads through a symbolic link, to {seen.real}", "name the folder itself")]
    found = []
    if seen.kind == "other":
        found.append(Problem("what stands there is no folder", "move it away"))
    if seen.parent == "nothing":
        found.append(Problem(f"the folder {parent} is not there", f"make it: mkdir -p {parent}"))
    if seen.parent == "shut":
        found.append(Problem(f"{who} may not change the folder {parent}", f"let {who} write there, or move it there by hand"))
    if seen.mounts:
        found.append(Problem(f"something is mounted on {seen.mounts[0]}", "name a folder below it that is not mounted itself"))
    if seen.kept:
        found.append(Problem("the name that what stands there would be kept by is taken", "move that away"))
    return found


def _who() -> str:
    return f"user {os.geteuid()}" if os.geteuid() else "root"


def _others(seen: Looked, off_limits: Protected) -> list[Problem]:
    found = []
    if overlap(seen.real, seen.root):
        found.append(Problem(f"it meets the standby's own folder {seen.root}", "name the folder where the application looks"))
    hosts = {off_limits.folders[one] for one in seen.above if one in off_limits.folders}
    hosts |= {host for path, host in off_limits.paths.items() if overlap(path, seen.real)}
    hint = "what is recorded as production's is never touched: name another place"
    return found + [Problem(f"it meets a protected folder of production host '{host}'", hint) for host in sorted(hosts)]
