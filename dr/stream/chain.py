"""What a repository holds of a system's chain, read from manifests, signatures, audit heads and tombstones alone: no part is read."""

from __future__ import annotations

from pydantic import ValidationError

from dr.errors import Damaged
from dr.model.backup import Manifest, Tombstone
from dr.model.base import SetId, SystemName, sha256
from dr.model.chain import HeldSet, Holdings
from dr.model.ports import Keyring, Repository
from dr.model.record import AuditHead
from dr.stream.layout import AUDIT_HEAD, read_audit_head, read_signature


def holdings(system: SystemName, repository: Repository, keys: Keyring) -> Holdings:
    """Sets first, tombstones after: what is pruned meanwhile has left its tombstone by then. Raises Unreachable and Refused."""
    sets = [one for _, set_id in repository.sets(system) if (one := _held(system, set_id, repository, keys)) is not None]
    stones = [_tombstone(stored, signature, keys) for stored, signature in repository.tombstones(system)]
    known = tuple(one for one in stones if one is not None)
    return Holdings(repository=repository.name, sets=tuple(sets), tombstones=known, strangers=len(stones) - len(known))


def _held(system: SystemName, set_id: SetId, repository: Repository, keys: Keyring) -> HeldSet | None:
    """None for one that was removed since it was listed."""
    try:
        stored, signature = repository.manifest(system, set_id)
    except Damaged:
        if (system, set_id) not in repository.sets(system):
            return None
        return HeldSet(set=set_id, manifest=sha256(b""), signed=False)
    manifest = _believed(stored, signature, keys)
    if manifest is None:
        return HeldSet(set=set_id, manifest=sha256(stored), signed=False)
    return HeldSet(
        set=set_id,
        manifest=sha256(stored),
        signed=True,
        says=manifest.set,
        system=manifest.system,
        organisation=manifest.organisation,
        run=manifest.run,
        previous=manifest.previous,
        head=_head(system, set_id, repository, keys),
    )


def _believed(stored: bytes, signature: bytes, keys: Keyring) -> Manifest | None:
    try:
        keys.verify(stored, read_signature(signature))
        return Manifest.from_json(stored)
    except (Damaged, ValidationError, ValueError):
        return None


def _head(system: SystemName, set_id: SetId, repository: Repository, keys: Keyring) -> AuditHead | None:
    """None if it is missing or no key of ours signed it: that is found when the set is read back."""
    try:
        with repository.open(system, set_id, AUDIT_HEAD) as file:
            return read_audit_head(file.read(2**16), system, set_id, keys)
    except (Damaged, OSError):
        return None


def _tombstone(stored: bytes, signature: bytes, keys: Keyring) -> Tombstone | None:
    try:
        keys.verify(stored, read_signature(signature))
        return Tombstone.from_json(stored)
    except (Damaged, ValidationError, ValueError):
        return None
