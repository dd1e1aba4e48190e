"""What a home says, without reading it all again: files that were checked before are taken as they were understood then.

Only for who looks (`dr status`) at thousands of systems, whose files take seconds to read. What the disk says beside the files (does one
place lie in another?) is not asked again: whatever runs something reads and checks everything afresh.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dr.disk import replace_file
from dr.model.base import JsonObject, Sha256, canonical, sha256

if TYPE_CHECKING:
    from dr.config.kinds import Kinds
    from dr.config.load import Loaded

WORTH = 64 * 1024
"""Bytes of files: less is read in a moment."""
KEPT = Path("state", "inventory.known")


@dataclass(frozen=True)
class Known:
    """What was understood of the very files that are there: JSON, of which a model can be made where one is wanted."""

    files: Sha256
    """Their digest."""
    inventory: JsonObject
    """All of it but the systems."""
    systems: dict[str, str]
    """By name, each as JSON text: of thousands only a few are looked at."""
    runbooks: JsonObject


def known(home: Path, kept: Path, release: str) -> Known | None:
    """None where this release of dr never understood these files, where they are few, or where nothing that can be read was kept."""
    key = _key(home, release)
    if key is None:
        return None
    with suppress(OSError, ValueError):
        whose, _, written = kept.read_bytes().partition(b"\n")
        if whose.decode() == f"{key} {sha256(written)}":
            inventory, runbooks, *systems = written.decode().splitlines()
            return Known(key, json.loads(inventory), dict(_pair(line) for line in systems), json.loads(runbooks))
    return None


def load_known(home: Path, kinds: "Kinds", kept: Path, release: str) -> "Loaded":
    """As `load`, and raises what it raises. `kept`: a private file for what this release of dr understood of these very bytes."""
    from dr.config.load import load

    if found := known(home, kept, release):
        with suppress(ValueError, KeyError, TypeError):
            return _understood(found)
    before = _key(home, release)
    loaded = load(home, kinds)
    if before is None or _key(home, release) != before:  # edited meanwhile: nobody can tell which of the two was read
        return loaded
    return _kept(loaded, kept, before)


def _key(home: Path, release: str) -> Sha256 | None:
    """None where the files are few, or one of them cannot be read: said better by who reads them one by one."""
    data = read_all(home)
    if data is None or sum(map(len, data.values())) < WORTH:
        return None
    return sha256(canonical({"written": 2, "release": release, "home": str(home), "files": digests(data)}))


def read_all(home: Path) -> dict[str, bytes] | None:
    """The bytes of every file that a home's people write, by its place below the home; None where one cannot be read."""
    files = {path.relative_to(home): path for folder in ("inventory", "runbooks") for path in sorted((home / folder).glob("[!.]*"))}
    try:
        return {str(name): path.read_bytes() for name, path in files.items()}
    except OSError:
        return None


def digests(data: Mapping[str, bytes]) -> dict[str, Sha256]:
    return {name: sha256(text) for name, text in data.items()}


def _pair(line: str) -> tuple[str, str]:
    name, _, text = line.partition(" ")
    return name, text


def _understood(found: Known) -> "Loaded":
    from dr.config.load import Loaded
    from dr.model.inventory import Inventory
    from dr.model.runbook import Runbook

    runbooks = {name: Runbook.from_facts(one) for name, one in found.runbooks.items()}
    systems = {name: json.loads(text) for name, text in found.systems.items()}
    return Loaded(Inventory.from_facts({**found.inventory, "systems": systems}), runbooks, found.files)


def _kept(loaded: "Loaded", kept: Path, key: Sha256) -> "Loaded":
    """A line each: whose it is and its own digest, the inventory, the runbooks, and each system.

    Secrets are not in it, only where they are kept.
    """
    inventory, runbooks = loaded.inventory.to_facts(), {name: one.to_facts() for name, one in loaded.runbooks.items()}
    systems = [f"{name} {json.dumps(entry)}" for name, entry in inventory.pop("systems").items()]
    written = "\n".join((json.dumps(inventory), json.dumps(runbooks), *systems)).encode()
    with suppress(OSError):  # then it is read afresh the next time too
        replace_file(kept, f"{key} {sha256(written)}\n".encode() + written)
    return replace(loaded, files=key)
