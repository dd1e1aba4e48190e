"""Holds: a person's word that a set stays, signed, as a small file beside the manifest in every copy (`holds/<name>`).

They lie in the repository so that they outlive the catalog. A file there that cannot be believed counts as a hold too: whoever looks keeps
the set and asks a person.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from dr.errors import Damaged
from dr.model.backup import Hold
from dr.model.base import SetId, SystemName, canonical
from dr.model.ports import Keyring, Repository
from dr.stream.layout import HOLDS

_LIMIT = 2**16


@dataclass(frozen=True)
class Holds:
    """What holds one copy."""

    standing: Sequence[Hold]
    """Those that have not lapsed."""
    lapsed: Sequence[Hold]
    strange: Sequence[str]
    """Paths of files that no trusted key signed for this set."""

    @property
    def any(self) -> bool:
        return bool(self.standing or self.strange)


def hold_path(hold: Hold) -> str:
    return f"{HOLDS}{hold.name}.json"


def write_hold(hold: Hold, keys: Keyring) -> bytes:
    """As it is stored: the signed facts and the signature in one file, so that it is there whole or not at all."""
    facts = hold.to_facts()
    return canonical({"hold": facts, "signature": base64.b64encode(keys.sign(canonical(facts))).decode()}) + b"\n"


def read_hold(stored: bytes, system: SystemName, set_id: SetId, keys: Keyring) -> Hold:
    """Raises Damaged unless it was signed for this set."""
    try:
        envelope = json.loads(stored)
        keys.verify(canonical(envelope["hold"]), base64.b64decode(envelope["signature"], validate=True))
        hold = Hold.from_facts(envelope["hold"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Damaged("it is not a hold") from None
    if (hold.system, hold.set) != (system, set_id):
        raise Damaged("it was signed for another set")
    return hold


def read_holds(system: SystemName, set_id: SetId, repository: Repository, keys: Keyring, now: datetime) -> Holds:
    """The repository's own word on a copy. Raises Damaged if the set is not there, Unreachable if the repository is not."""
    found: list[Hold] = []
    strange: list[str] = []
    for path in repository.listing(system, set_id):
        if not path.startswith(HOLDS):
            continue
        try:
            with repository.open(system, set_id, path) as file:
                found.append(read_hold(file.read(_LIMIT), system, set_id, keys))
        except Damaged:
            strange.append(path)
    return Holds([h for h in found if h.stands(now)], [h for h in found if not h.stands(now)], strange)
