"""Copying a committed set to another repository, as it is stored: no key is needed but the one that signs the audit head."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from dr.errors import DrError
from dr.model.backup import Manifest, PartCopy
from dr.model.base import SetId, Sha256, SystemName
from dr.model.ports import Keyring, Repository, SetUpload, StepContext
from dr.stream.encode import encoding_digest
from dr.stream.fanout import require_organisation
from dr.stream.layout import AUDIT_HEAD, HOLDS, is_part, part_path, write_audit_head
from dr.stream.reader import read_manifest
from dr.stream.reuse import reusable
from dr.stream.stored import read_signed
from dr.stream.verify import signed_objects


@dataclass(frozen=True)
class CopyRequest:
    system: SystemName
    set_id: SetId
    source: Repository
    to: Repository
    organisation: str
    keys: Keyring
    ctx: StepContext
    now: Callable[[], datetime]


def copy_set(request: CopyRequest) -> Manifest:
    """Every byte is compared with the signed manifest before it is written. Nothing happens if the set is there already.

    Raises Damaged, naming the object, if the source's copy is not what was signed; Refused if another set has its place.
    """
    system, set_id, to = request.system, request.set_id, request.to
    manifest, stored, signature = read_manifest(system, set_id, request.source, organisation=request.organisation, keys=request.keys)
    require_organisation(to, request.organisation)
    if (system, set_id) in to.sets(system) and to.manifest(system, set_id) == (stored, signature):
        return manifest
    upload = to.begin(system, set_id)
    try:
        linked = _objects(request, manifest, upload)
        beside = _beside(request)
        request.ctx.check_stop()
        with to.locked():
            upload.commit(stored, signature, beside)
    except BaseException:
        with suppress(DrError):  # one that cannot be reached is swept later; the first problem is the one to tell
            upload.abandon()
        raise
    _record(request, manifest, linked)
    return manifest


def _objects(request: CopyRequest, manifest: Manifest, upload: SetUpload) -> dict[str, PartCopy]:
    """Give every signed object its place in the new copy; those that the target's earlier sets held already."""
    held = _held(request, manifest)
    objects = signed_objects(manifest)
    total, done = sum(size for _, size, _ in objects), 0
    linked: dict[str, PartCopy] = {}
    for path, size, digest in objects:
        request.ctx.check_stop()
        earlier = held.get(Sha256(digest)) if is_part(path) else None
        if earlier is not None and upload.link(path, earlier.set, part_path(earlier.artifact, earlier.number), digest):
            linked[path] = earlier
        else:
            upload.put(path, read_signed(request.source, request.system, request.set_id, path, size, digest))
        done += size
        request.ctx.progress(f"copy to {request.to.name}", done, total, "bytes")
    return linked


def _held(request: CopyRequest, manifest: Manifest) -> dict[Sha256, PartCopy]:
    """Stored parts in the target that may serve again."""
    encoding = encoding_digest(manifest.recipients, manifest.compression)
    now = request.now()
    parts = request.ctx.records.parts(request.system, request.to.name)
    return {part.sha256: part for part in parts if part.set != request.set_id and reusable(part, encoding, now)}


def _beside(request: CopyRequest) -> dict[str, bytes]:
    """A fresh audit head, and the source's holds: a hold is on the set, in every copy."""
    system, set_id = request.system, request.set_id
    head = write_audit_head(request.ctx.records.audit_head(), system, set_id, request.keys)
    beside = {AUDIT_HEAD: head}
    for path in request.source.listing(system, set_id):
        if path.startswith(HOLDS):
            with request.source.open(system, set_id, path) as file:
                beside[path] = file.read()
    return beside


def _record(request: CopyRequest, manifest: Manifest, linked: dict[str, PartCopy]) -> None:
    """Where the new copy's parts lie, for those whose plain digest is known: it cannot be read from the encrypted index."""
    now = request.now()
    records = request.ctx.records
    known = {(one.artifact, one.number): one for one in records.parts(request.system, request.source.name, request.set_id)}
    copies: list[PartCopy] = []
    for artifact in manifest.artifacts:
        for part in artifact.parts:
            twin, earlier = known.get((artifact.name, part.number)), linked.get(part_path(artifact.name, part.number))
            if twin is None or twin.sha256 != part.sha256:
                continue
            origin = (
                {"origin": earlier.origin, "written": earlier.written, "read_back": earlier.read_back}
                if earlier
                else {"origin": request.set_id, "written": now, "read_back": None}
            )
            copies.append(twin.model_copy(update={"repository": request.to.name, **origin}))
    records.record_parts(copies)
