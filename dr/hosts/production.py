"""What of production must never be written to, from the recorded facts: they suffice, production need not answer."""

import contextlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.hosts.removal import Identity, identity
from dr.model.record import ProductionFacts


@dataclass(frozen=True)
class Protected:
    """Folders by device and inode and by resolved path, ports of this machine, system identifiers; each with the host it is of."""

    folders: dict[Identity, str]
    paths: dict[str, str]
    ports: dict[int, str]
    identifiers: dict[str, str]


def identifies(facts: ProductionFacts) -> bool:
    """Whether there is anything in the record by which production could be recognised."""
    known = (facts.data_directory, facts.inode, facts.port, facts.system_identifier)
    return bool(facts.paths) or any(value is not None for value in known)


def protected(production: Sequence[ProductionFacts]) -> Protected:
    """Gather the records. A recorded path is looked up anew as well: its device number may be another since the last start."""
    folders: dict[Identity, str] = {}
    paths: dict[str, str] = {}
    for facts in production:
        for path, device, inode in _places(facts):
            if device is not None and inode is not None:
                folders[device, inode] = facts.host
            if path:
                paths[os.path.realpath(path)] = facts.host
                with contextlib.suppress(OSError):
                    folders[identity(Path(path).stat())] = facts.host
    ports: dict[int, str] = {facts.port: facts.host for facts in production if facts.port is not None and here(facts.address)}
    identifiers: dict[str, str] = {facts.system_identifier: facts.host for facts in production if facts.system_identifier}
    return Protected(folders, paths, ports, identifiers)


def _places(facts: ProductionFacts) -> list[tuple[str | None, int | None, int | None]]:
    others = [(str(place["path"]), int(place["device"]), int(place["inode"])) for place in facts.paths]
    return [(facts.data_directory, facts.device, facts.inode), *others]


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


def _bindable(family: int, where: tuple[object, ...]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((where[0], 0, *where[2:]))
    except OSError:
        return False
    return True
