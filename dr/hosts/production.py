"""What of production must never be written to, from the recorded facts: they suffice, production need not answer."""

import contextlib
import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dr.hosts.removal import Identity, identity
from dr.model.base import JsonObject
from dr.model.record import ProductionFacts


@dataclass(frozen=True)
class Protected:
    """Folders by device and inode and by resolved path, ports of this machine, system identifiers, machines; each with its host."""

    folders: dict[Identity, str]
    paths: dict[str, str]
    ports: dict[int, str]
    identifiers: dict[str, str]
    machines: dict[str, str] = field(default_factory=dict)
    here: frozenset[str] = frozenset()
    """Hosts that have an address of this machine, other than its loopback's."""


def machine() -> str | None:
    """What this machine is known by: a digest of its machine-id(5), which is not told itself; None where it has none."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            found = Path(path).read_text(encoding="ascii", errors="replace").strip()
            if re.fullmatch(r"[0-9a-f]{32}", found) and set(found) != {"0"}:
                return hashlib.sha256(f"dr-machine:{found}".encode()).hexdigest()[:32]
    return None


def identifies(facts: ProductionFacts) -> bool:
    """Whether there is anything in the record by which production could be recognised."""
    known = (facts.data_directory, facts.inode, facts.port, facts.system_identifier, facts.machine)
    return bool(facts.paths or facts.host_keys) or any(value is not None for value in known)


def protected(production: Sequence[ProductionFacts], *, remote: bool = False) -> Protected:
    """Gather the records. A recorded path is looked up anew as well: its device number may be another since the last start.

    `remote`: this machine is asked about by a controller on another one; then what was recorded on other machines by path, device or
    loopback port says nothing here. Where either machine is not known, it counts as said here.
    """
    folders: dict[Identity, str] = {}
    paths: dict[str, str] = {}
    local = [facts for facts in production if not _elsewhere(facts, remote)]
    for facts in local:
        for path, device, inode in _places(facts):
            if device is not None and inode is not None:
                folders[device, inode] = facts.host
            if path:
                paths[os.path.realpath(path)] = facts.host
                with contextlib.suppress(OSError):
                    folders[identity(Path(path).stat())] = facts.host
    own = [facts for facts in production if facts in local or not _loops(facts.address)]
    ports: dict[int, str] = {facts.port: facts.host for facts in own if facts.port is not None and here(facts.address)}
    identifiers: dict[str, str] = {facts.system_identifier: facts.host for facts in production if facts.system_identifier}
    machines: dict[str, str] = {facts.machine: facts.host for facts in production if facts.machine}
    bound = frozenset(facts.host for facts in production if facts.address and _surely_here(facts.address))
    return Protected(folders, paths, ports, identifiers, machines, bound)


def _elsewhere(facts: ProductionFacts, remote: bool) -> bool:
    """Whether it was recorded on another machine: by a host that is reached over SSH, or by the controller that asks from afar."""
    mine = machine()
    return (remote or bool(facts.host_keys)) and None not in (facts.machine, mine) and facts.machine != mine


def _loops(address: str | None) -> bool:
    """Whether an address means whichever machine it is said on."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address or "127.0.0.1").is_loopback
    return address == "localhost"


def _places(facts: ProductionFacts) -> list[tuple[str | None, int | None, int | None]]:
    return [(facts.data_directory, facts.device, facts.inode), *(_recorded(place) for place in facts.paths)]


def _recorded(place: JsonObject) -> tuple[str | None, int | None, int | None]:
    """As far as it is one: a record that an earlier version took as it was told must not break a guard."""
    path, device, inode = place.get("path"), place.get("device"), place.get("inode")
    return path if isinstance(path, str) else None, device if isinstance(device, int) else None, inode if isinstance(inode, int) else None


def here(address: str | None) -> bool:
    """Whether an address is this machine's own; an unknown one, or one that cannot be looked up, counts as such."""
    if address is None:
        return True
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return any(
        ipaddress.ip_address(str(where[0]).partition("%")[0]).is_loopback or _bindable(family, where) for family, _, _, _, where in found
    )


def _surely_here(address: str) -> bool:
    """Whether it is certainly an address of this machine: with the name service dead, as in the outage itself, it is not."""
    if _loops(address):
        return False
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_real(str(where[0])) and _bindable(family, where) for family, _, _, _, where in found)


def _real(address: str) -> bool:
    known = ipaddress.ip_address(address.partition("%")[0])
    return not (known.is_loopback or known.is_unspecified)


def _bindable(family: int, where: tuple[object, ...]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((where[0], 0, *where[2:]))
    except OSError:
        return False
    return True
