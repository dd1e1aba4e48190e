"""What a home's files said when all of them were right, kept for whoever must reach people while a line of them is wrong.

It is sealed with the home's own key: what was changed by hand, was cut short, or was written by another release or another home is not
believed. It holds no secret, only where each is kept.
"""

import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dr.clock import iso
from dr.config.keys import digest_key
from dr.config.known import digests, read_all
from dr.config.load import Loaded
from dr.disk import replace_file
from dr.errors import Refused
from dr.model.base import JsonObject, Sha256, canonical, sha256
from dr.model.inventory import Inventory
from dr.model.runbook import Runbook

KEPT = Path("state", "inventory.whole")
_WRITTEN = 1
_PURPOSE = b"dr files as they last were whole\0"
"""The key makes other digests too: none of those may pass for a seal."""


@dataclass(frozen=True)
class Whole:
    """What the files said; `since`: when they were first read as they were then."""

    loaded: Loaded
    since: datetime


def stamp(home: Path) -> Sha256 | None:
    """By which the files are known again; None where one of them cannot be read."""
    data = read_all(home)
    return sha256(canonical(digests(data))) if data is not None else None


def keep(home: Path, loaded: Loaded, files: Sha256, release: str, now: datetime) -> None:
    """Write down what the files of this stamp say, if that is not what is kept.

    A home without its key keeps nothing. A disk that takes nothing keeps what it has, which says how old it is.
    """
    head: JsonObject = {"written": _WRITTEN, "release": release, "files": files}
    with suppress(OSError, Refused, ValueError):
        lines = _opened(home)
        if lines is not None and {**json.loads(lines[0]), **head} == json.loads(lines[0]):
            return
    runbooks = {name: one.to_facts() for name, one in loaded.runbooks.items()}
    written = [
        json.dumps(part).encode() for part in ({**head, "since": iso(now.replace(microsecond=0))}, loaded.inventory.to_facts(), runbooks)
    ]
    with suppress(OSError, Refused):
        replace_file(home / KEPT, b"\n".join([_seal(home, written), *written]))


def whole(home: Path, release: str) -> Whole | None:
    """What is kept; None where nothing is, or it cannot be believed."""
    with suppress(OSError, Refused, ValueError, KeyError, TypeError):
        lines = _opened(home)
        if lines is None:
            return None
        head, inventory, runbooks = (json.loads(line) for line in lines)
        if (head["written"], head["release"]) == (_WRITTEN, release):
            known = {name: Runbook.from_facts(one) for name, one in runbooks.items()}
            return Whole(Loaded(Inventory.from_facts(inventory), known), datetime.fromisoformat(head["since"]))
    return None


def _opened(home: Path) -> list[bytes] | None:
    """The lines under the seal; None where they are not what was sealed here."""
    seal, *lines = (home / KEPT).read_bytes().split(b"\n")
    return lines if len(lines) == 3 and hmac.compare_digest(seal, _seal(home, lines)) else None


def _seal(home: Path, lines: list[bytes]) -> bytes:
    return hmac.new(digest_key(home), _PURPOSE + b"\n".join(lines), hashlib.sha256).hexdigest().encode()
