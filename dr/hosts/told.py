"""What another machine says of itself, before any of it is written down: it may be somebody else's by now.

What is recorded of production keeps a standby from being written to, for good, so a machine must not be able to name what it likes: a
folder that is everybody's, an address that is not its own, a time that nothing newer ever replaces.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from pydantic import ValidationError

from dr.errors import Refused
from dr.hosts.postgres import HostPostgres
from dr.model.base import HostName, JsonObject
from dr.model.record import ProductionFacts

_MACHINE = re.compile(r"[0-9a-f]{32}")
_IDENTIFIER = re.compile(r"[0-9]{1,20}")


def believed(
    told: JsonObject, host: HostName, host_keys: Sequence[str], now: datetime, postgres: HostPostgres | None, folders: Collection[str]
) -> ProductionFacts:
    """The facts, under the name, host keys, address and time that are ours to say.

    `folders`: those of the inventory that may be named; one that is not absolute is below a folder of that machine's. Raises Refused.
    """
    try:
        facts = ProductionFacts.from_facts(told)
    except (ValidationError, ValueError):
        raise _strange(host, "are none that dr writes") from None
    if any(pattern.fullmatch(said) is None for said, pattern in _said(facts)):
        raise _strange(host, "are none that dr writes")
    if facts.data_directory is not None and not _is_place(facts.data_directory):
        raise _strange(host, "name a data directory that is none")
    if not all(_is_own(place, folders) for place in facts.paths):
        raise _strange(host, "name a folder that is not its source's")
    asked = postgres if facts.port is not None else None
    ours = {"address": asked.host if asked else None, "port": asked.port if asked else None, "recorded": now}
    return facts.model_copy(update={**ours, "host": host, "host_keys": tuple(host_keys)})


def _strange(host: HostName, what: str) -> Refused:
    return Refused(
        f"host '{host}': the facts by which it is to be recognised {what}, so nothing of it is recorded",
        hint="is dr there the same version as here, and is the machine still yours?",
    )


def _said(facts: ProductionFacts) -> list[tuple[str, re.Pattern[str]]]:
    both = ((facts.machine, _MACHINE), (facts.system_identifier, _IDENTIFIER))
    return [(said, pattern) for said, pattern in both if said is not None]


def _is_place(path: str) -> bool:
    """An absolute path of more than one name, with nothing to be resolved in it."""
    plain = PurePosixPath(path)
    return "\0" not in path and str(plain) == path and len(plain.parts) > 2 and path[0] == "/" != path[1] and ".." not in plain.parts


def _is_own(place: JsonObject, folders: Collection[str]) -> bool:
    path = place.get("path")
    if set(place) != {"path", "device", "inode"} or not isinstance(path, str) or path == "/" or not path.startswith("/"):
        return False
    if any(type(place[name]) is not int for name in ("device", "inode")):
        return False
    return any(_same(path, PurePosixPath(folder)) for folder in folders)


def _same(path: str, own: PurePosixPath) -> bool:
    if own.is_absolute():
        return PurePosixPath(path) == own
    below = [part for part in own.parts if part not in ("~", ".")]
    return ".." not in below and bool(below) and list(PurePosixPath(path).parts[-len(below) :]) == below
