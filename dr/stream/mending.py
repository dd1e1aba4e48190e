"""Mending a damaged copy where it lies: every object that is not the signed one is written afresh from another repository's copy.

Object by object, each compared with the signed manifest before it is written, beside and renamed: a kill at any point leaves every object
either as it was or right. Bytes that several sets share get one fresh file for all of them. Needs no private key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr.errors import Damaged, DrError, Refused, Stopped
from dr.model.backup import Manifest
from dr.model.base import SetId, Sha256, SystemName, sha256
from dr.model.ports import Keyring, Mended, Repository, StepContext
from dr.stream.layout import AUDIT_HEAD, MANIFEST, SIGNATURE, part_path, write_audit_head
from dr.stream.reader import read_manifest
from dr.stream.stored import read_signed, what_is_wrong
from dr.stream.verify import signed_objects, verify_stored


@dataclass(frozen=True)
class MendRequest:
    system: SystemName
    set_id: SetId
    to: Repository
    twins: Sequence[Repository]
    """Other repositories that hold the set, the best first."""
    manifest: Sha256
    """Of the signed manifest that the catalog knows: no other one is put there."""
    organisation: str
    keys: Keyring
    ctx: StepContext


def mend_set(request: MendRequest) -> Mended:
    """What was written afresh, and what no twin could give. Objects that do not belong to the set are left there, and named as left.

    Raises Refused if no twin holds the set that is on record; Stopped.
    """
    manifest, stored, signature = _signed(request)
    mended, left = _manifest(request, stored, signature), []
    system, set_id, to, ctx = request.system, request.set_id, request.to, request.ctx
    found = verify_stored(system, set_id, to, ctx, organisation=request.organisation, keys=request.keys)
    objects = {path: (size, digest) for path, size, digest in signed_objects(manifest)}
    for path in (name.partition(": ")[0] for name in found.damaged):
        ctx.check_stop()
        if path == AUDIT_HEAD:
            to.beside(system, set_id, AUDIT_HEAD, write_audit_head(ctx.records.audit_head(), system, set_id, request.keys))
        elif path not in objects or not _object(request, path, *objects[path]):
            left.append(path)
            continue
        mended.append(path)
    return Mended(tuple(mended), tuple(left))


def _signed(request: MendRequest) -> tuple[Manifest, bytes, bytes]:
    """The manifest on record, from the copy itself or a twin, whichever still has it."""
    for repository in (request.to, *request.twins):
        try:
            found = read_manifest(request.system, request.set_id, repository, organisation=request.organisation, keys=request.keys)
        except Stopped:
            raise
        except DrError:
            continue
        if sha256(found[1]) == request.manifest:
            return found
    raise Refused(f"no copy of {request.set_id} has the manifest that is on record", hint="`dr backups list` shows which copies there are")


def _manifest(request: MendRequest, stored: bytes, signature: bytes) -> list[str]:
    """Without the right manifest nothing else of the set can be judged: it comes first."""
    if request.to.manifest(request.system, request.set_id) == (stored, signature):
        return []
    _put(request, [(request.set_id, SIGNATURE)], signature)
    _put(request, [(request.set_id, MANIFEST)], stored)
    return [MANIFEST]


def _object(request: MendRequest, path: str, size: int, digest: str) -> bool:
    """False if no twin has it as it was signed."""
    for twin in request.twins:
        try:
            data = read_signed(twin, request.system, request.set_id, path, size, digest)
        except Damaged:
            continue
        _put(request, [(request.set_id, path), *_sharing(request, size, digest)], data)
        return True
    return False


def _sharing(request: MendRequest, size: int, digest: str) -> list[tuple[SetId, str]]:
    """Where other sets of the repository have the same bad bytes."""
    system, to = request.system, request.to
    there = {set_id for _, set_id in to.sets(system)}
    same = [one for one in request.ctx.records.part_reads(system, to.name) if one.sha256 == digest and one.set in there]
    places = [(one.set, part_path(one.artifact, one.number)) for one in same if one.set != request.set_id]
    return [(other, name) for other, name in places if what_is_wrong(to, system, other, name, size, digest)]


def _put(request: MendRequest, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
    """Under the lock that a prune removes under, so that no set that has just gone comes back in part."""
    with request.to.locked():
        there = {set_id for _, set_id in request.to.sets(request.system)}
        if request.set_id not in there:
            raise Refused(f"the copy of {request.set_id} in {request.to.name} is gone: removed a moment ago, or lost")
        request.to.mend(request.system, [place for place in places if place[0] in there], data)
