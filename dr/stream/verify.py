"""Reading every stored byte of a copy and comparing it with the signed manifest. Needs no private key: this is what `intact` means."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from dr.errors import Damaged
from dr.model.backup import Manifest
from dr.model.base import SetId, SystemName
from dr.model.ports import Keyring, Repository, StepContext, Verified
from dr.stream.layout import AUDIT_HEAD, GUIDE, INDEX, MANIFEST, SIGNATURE, is_beside, part_path, read_audit_head
from dr.stream.reader import read_manifest
from dr.stream.stored import what_is_wrong

_AT_ONCE = 2
_AHEAD = 8

Expected = tuple[str, int, str]
"""Path, stored size, SHA-256."""


def signed_objects(manifest: Manifest) -> list[Expected]:
    """Everything that the manifest binds, parts first, in stream order."""
    found = [(part_path(one.name, part.number), part.size, part.sha256) for one in manifest.artifacts for part in one.parts]
    found.append((INDEX, manifest.index.size, manifest.index.sha256))
    if manifest.guide is not None:
        found.append((GUIDE, manifest.guide.size, manifest.guide.sha256))
    return [(path, int(size), str(digest)) for path, size, digest in found]


def verify_stored(
    system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext, *, organisation: str, keys: Keyring
) -> Verified:
    """What is missing, changed or extra. Raises Damaged if the manifest itself is not to be trusted."""
    manifest, _, _ = read_manifest(system, set_id, repository, organisation=organisation, keys=keys)
    objects = signed_objects(manifest)
    damaged = [f"{path}: {cause}" for path, cause in _compare(system, set_id, repository, objects, ctx) if cause]
    damaged += _beside(system, set_id, repository, keys)
    damaged += _extra(repository.listing(system, set_id), objects)
    parts = sum(len(one.parts) for one in manifest.artifacts)
    return Verified(manifest, parts, sum(size for _, size, _ in objects), tuple(damaged))


def verify_rest(system: SystemName, set_id: SetId, repository: Repository, keys: Keyring, manifest: Manifest) -> list[str]:
    """What is wrong with all but the parts' bytes: index, guide and audit head, and whatever is missing or extra. Cheap."""
    objects = signed_objects(manifest)
    parts = sum(len(one.parts) for one in manifest.artifacts)
    listing = repository.listing(system, set_id)
    missing = {path for path, _, _ in objects} - set(listing)
    damaged = [f"{path}: missing" for path in sorted(missing)]
    for path, size, digest in objects[parts:]:
        cause = "" if path in missing else what_is_wrong(repository, system, set_id, path, size, digest)
        damaged += [f"{path}: {cause}"] if cause else []
    return damaged + _beside(system, set_id, repository, keys) + _extra(listing, objects)


def _compare(
    system: SystemName, set_id: SetId, repository: Repository, objects: list[Expected], ctx: StepContext
) -> Iterator[tuple[str, str]]:
    total = sum(size for _, size, _ in objects)
    done = 0
    waiting: deque[tuple[Expected, Future[str]]] = deque()
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="verify") as pool:
        coming = iter(objects)
        try:
            while True:
                for one in coming:
                    waiting.append((one, pool.submit(what_is_wrong, repository, system, set_id, *one)))
                    if len(waiting) >= _AHEAD:
                        break
                if not waiting:
                    return
                ctx.check_stop()
                (path, size, _), future = waiting.popleft()
                yield path, future.result()
                done += size
                ctx.progress(f"verify {repository.name}", done, total, "bytes")
        finally:
            for _, future in waiting:
                future.cancel()


def _beside(system: SystemName, set_id: SetId, repository: Repository, keys: Keyring) -> list[str]:
    """The audit head is not bound by the manifest, since it may be renewed: it bears its own signature."""
    try:
        with repository.open(system, set_id, AUDIT_HEAD) as file:
            stored = file.read(2**16)
        read_audit_head(stored, system, set_id, keys)
    except Damaged as problem:
        cause = problem.message.rpartition(": ")[2]
        return [f"{AUDIT_HEAD}: {cause if cause in ('missing', 'not a plain file') else 'changed'}"]
    except OSError:
        return [f"{AUDIT_HEAD}: unreadable"]
    return []


def _extra(listing: list[str], objects: list[Expected]) -> list[str]:
    known = {path for path, _, _ in objects} | {MANIFEST, SIGNATURE}
    return [f"{path}: extra" for path in listing if path not in known and not is_beside(path)]
