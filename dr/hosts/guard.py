"""The guard: may this host be written to? Facts are collected first (`collect`), then judged without effects (`judge`).

Asked when a writable handle is given out, and again right before every destructive act. No flag overrides it.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dr.errors import Damaged, NotProvablyStandby
from dr.hosts import marker
from dr.hosts.listening import Listener, listeners
from dr.hosts.marker import Standby
from dr.hosts.places import Content, Place, look
from dr.hosts.problem import ANEW, Problem, because
from dr.hosts.production import Protected, identifies, machine, protected
from dr.hosts.removal import Identity, identity, opened
from dr.hosts.sessions import Sessions, sessions, unnamed
from dr.model.base import HostName, RunId
from dr.model.ports import Standing
from dr.model.record import ProductionFacts

RECORD = "record it first, while it is reachable: dr hosts enrol PRODUCTION-HOST"


@dataclass(frozen=True)
class Target:
    """The standby that is asked for: its root, absolute, and where its PostgreSQL is to serve."""

    name: HostName
    role: str
    root: str
    address: str
    port: int | None
    user: str
    home: str = ""
    """The home of whoever asks, absolute."""
    remote: bool = False
    """Whether a controller on another machine asks."""


@dataclass(frozen=True)
class Seen:
    """Everything that the decision is made from."""

    target: Target
    root: Identity | None = None
    machine: str | None = None
    """This machine, where a remote controller asks."""
    unfit: str = ""
    """Why the root is no private folder of ours: absent, a symbolic link, somebody else's."""
    real: str = ""
    """The root, resolved."""
    above: tuple[Identity, ...] = ()
    """The root and the folders above it."""
    marker: Standby | None = None
    forged: str = ""
    """What is wrong with the marker's signature."""
    in_service: bool = False
    content: Content = field(default_factory=Content)
    mounts: tuple[str, ...] = ()
    """What is mounted below the root."""
    listening: tuple[Listener, ...] = ()
    sessions: Sessions = field(default_factory=Sessions)


def collect(target: Target, standing: Standing) -> Seen:
    """Look at the host. Changes nothing."""
    listening = tuple(listeners(target.port)) if target.port is not None else ()
    unfit = _unfit(target.root)
    if unfit:
        real = os.path.realpath(target.root)
        return Seen(target, machine=_machine_of(target), unfit=unfit, listening=listening, real=real, above=_above(target.root))
    said, forged = None, ""
    with opened(target.root) as top:
        try:
            said = marker.read(top, marker.STANDBY, Standby, standing.keys)
        except Damaged as error:
            forged = error.message
        in_service = _exists(top, marker.IN_SERVICE)
        root = identity(os.fstat(top))
    real = os.path.realpath(target.root)
    content = look(real, standing.organisation, target.name, standing.keys)
    return Seen(
        target=target,
        machine=_machine_of(target),
        root=root,
        real=real,
        above=_above(real),
        marker=said,
        forged=forged,
        in_service=in_service,
        content=content,
        mounts=_mounts(real),
        listening=listening,
        sessions=_sessions(target, content.places, listening),
    )


def _machine_of(target: Target) -> str | None:
    return machine() if target.remote else None


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _unfit(root: str) -> str:
    try:
        at = Path(root).lstat()
    except OSError:
        return "is not there, or cannot be looked at"
    if stat.S_ISLNK(at.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(at.st_mode):
        return "is not a folder"
    if at.st_uid != os.geteuid():
        return f"belongs to user {at.st_uid}, not to the one who runs dr ({os.geteuid()})"
    if at.st_mode & 0o022:
        return "can be written to by others"
    return ""


def _above(root: str) -> tuple[Identity, ...]:
    real = Path(os.path.realpath(root))
    return tuple(identity(folder.stat()) for folder in (real, *real.parents) if folder.exists())


def _mounts(root: str) -> tuple[str, ...]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    points = [line.split()[4].decode("unicode_escape").encode("latin-1") for line in lines]
    below = os.fsencode(root) + b"/"
    return tuple(os.fsdecode(point[len(below) :]) for point in points if point.startswith(below))


def _sessions(target: Target, places: Sequence[Place], listening: Sequence[Listener]) -> Sessions:
    if target.port is None:
        return Sessions()
    for place in places:
        if any(serves(place, one) for one in listening):
            found = sessions(place.path, target.address, target.port, [*_users(place), target.user])
            return found or unnamed(target.port)  # that the server is ours is known all the same
    return Sessions()


def _users(place: Place) -> list[str]:
    """The superuser's name, as the restore told it when the place was adopted: the source's bootstrap role."""
    told = place.adopted.places.values() if place.adopted else ()
    return [one["user"] for one in told if isinstance(one, dict) and isinstance(one.get("user"), str)]


def serves(place: Place, listener: Listener) -> bool:
    """Whether the process that listens works in this place."""
    return listener.folder is not None and listener.folder.startswith(f"{place.path}/")


def judge(seen: Seen, standing: Standing, off_limits: Protected, *, tidying: RunId | None = None) -> list[Problem]:
    """Every reason why the host may not be written to; empty: it may.

    `tidying`: a run that only removes what it brought there. A stranger's server on the port keeps it from nothing: client data must not
    lie there for as long as somebody else holds a port.
    """
    return [
        *_record(standing),
        *_role(seen),
        *_agreement(seen, standing, tidying),
        *_machine(seen, off_limits),
        *_marker(seen, standing),
        *_production(seen, off_limits),
        *_foreign(seen),
        *_port(seen, off_limits, tidying),
    ]


def _record(standing: Standing) -> list[Problem]:
    known = {facts.host for facts in standing.production if identifies(facts)}
    if not known:
        return [Problem("nothing is recorded by which production could be recognised", RECORD)]
    missing = [name for name in standing.expected if name not in known]
    return [Problem(f"production host '{name}' was never recorded", RECORD.replace("PRODUCTION-HOST", name)) for name in missing]


def _role(seen: Seen) -> list[Problem]:
    if seen.target.role == "standby":
        return []
    return [Problem(f"its role in the inventory is '{seen.target.role}'", "only a host with role: standby is ever written to")]


def _agreement(seen: Seen, standing: Standing, tidying: RunId | None) -> list[Problem]:
    """Nothing is brought onto somebody else's machine without their word on paper; what lies there may always be removed."""
    why = standing.unagreed.get(seen.target.name, "")
    if not why or _has_place(seen, tidying):
        return []
    return [Problem(why, f"write the one that is in force at third_party.{seen.target.name}.agreement in the inventory")]


def _has_place(seen: Seen, run: RunId | None) -> bool:
    return run is not None and any(place.run == run for place in seen.content.places)


def _machine(seen: Seen, off_limits: Protected) -> list[Problem]:
    """A standby across a network is a machine of its own: neither production's, nor one that cannot be told from it."""
    if not seen.target.remote:
        return []
    if seen.machine is None:
        return [Problem("it has no machine-id by which it could be told from production", "make one there: systemd-machine-id-setup")]
    same = off_limits.machines.get(seen.machine)
    found = [Problem(f"it is the machine of production host '{same}' (the same machine-id)", ANEW)] if same else []
    at = [Problem(f"the address of production host '{host}' is its own", "name the standby's address") for host in sorted(off_limits.here)]
    moved = seen.marker is not None and seen.marker.machine not in (None, seen.machine)
    return found + at + ([Problem("it is not the machine that was enrolled", "find out who moved the folder there")] if moved else [])


def _marker(seen: Seen, standing: Standing) -> list[Problem]:
    where = seen.target.root
    enrol = f"make an empty, private folder and enrol it: dr hosts enrol {seen.target.name}"
    if seen.unfit:
        return [Problem(f"{where} {seen.unfit}", enrol)]
    if seen.in_service:
        return [Problem(f"{where} is in service: it is production now", "a new standby is needed, in another place")]
    wrong = f": {seen.forged}" if seen.forged else _wrong_marker(seen, standing)
    if wrong:
        return [Problem(f"{where}{wrong}", enrol)]
    return [Problem(f"{where}: {link} is a symbolic link", "remove the link") for link in seen.content.astray]


def _wrong_marker(seen: Seen, standing: Standing) -> str:
    said = seen.marker
    if said is None:
        return " bears no standby marker"
    if said.organisation != standing.organisation:
        return " is the standby of another organisation"
    if said.host != seen.target.name:
        return f" is enrolled as host '{said.host}'"
    if (said.device, said.inode) != seen.root:
        return " is not the folder that was enrolled (device or inode differ)"
    return ""


def _production(seen: Seen, off_limits: Protected) -> list[Problem]:
    hint = "give the standby a place that shares nothing with production"
    where = seen.target.root
    hosts = {off_limits.folders[one] for one in (*seen.above, *seen.content.folders) if one in off_limits.folders}
    hosts |= {host for path, host in off_limits.paths.items() if seen.real and overlap(path, seen.real)}
    found = [Problem(f"{where} holds, or lies in, a protected folder of production host '{host}'", hint) for host in sorted(hosts)]
    clusters = [off_limits.identifiers[one] for one in seen.content.identifiers if one in off_limits.identifiers]
    return found + [Problem(f"{where} holds a cluster with the system identifier of production host '{host}'", hint) for host in clusters]


def overlap(one: str, other: str) -> bool:
    """Whether one of two resolved paths is, or lies in, the other."""
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def _foreign(seen: Seen) -> list[Problem]:
    where = seen.target.root
    mounted = [Problem(f"{where}: something is mounted on {point}", "unmount it") for point in seen.mounts]
    foreign = [Problem(f"{where} holds {name}", "find out whose it is and move it away") for name in seen.content.foreign]
    return mounted + foreign


def _port(seen: Seen, off_limits: Protected, tidying: RunId | None) -> list[Problem]:
    port = seen.target.port
    if port is None:
        return []
    if port in off_limits.ports:
        return [Problem(f"port {port} is that of production host '{off_limits.ports[port]}'", "give the standby a port of its own")]
    ours = [one for one in seen.listening if any(serves(place, one) for place in seen.content.places)]
    if len(ours) < len(seen.listening) and not _has_place(seen, tidying):
        return [Problem(f"a server that dr did not start listens on port {port}", "stop it, or give the standby another port")]
    found = seen.sessions
    if found.foreign or found.streaming:
        what = f"{found.foreign} foreign sessions and {found.streaming} WAL senders or receivers are connected on port {port}"
        return [Problem(what, "somebody is using what was restored; end those sessions first")]
    return []


def require_standby(target: Target, standing: Standing, *, tidying: RunId | None = None) -> Seen:
    """Collect and judge. Raises NotProvablyStandby with every reason; gives back what was seen."""
    seen = collect(target, standing)
    problems = judge(seen, standing, protected(standing.production, remote=target.remote), tidying=tidying)
    if problems:
        raise NotProvablyStandby(f"host '{target.name}' may not be written to{because(problems)}", hint=problems[0].hint)
    return seen


def recorded(production: Sequence[ProductionFacts], *, remote: bool = False) -> frozenset[Identity]:
    """Production's folders by device and inode, for whoever removes something."""
    return frozenset(protected(production, remote=remote).folders)
