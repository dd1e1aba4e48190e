"""What the catalog says there is, against what the repositories hold: done before anything is decided by it.

A run that died, a person with `rm`, a disk put back from an image: each leaves the two apart. A copy that is not there protects nothing;
a set that nobody knows of would outlive every limit.
"""

from collections.abc import Mapping, Sequence

from dr.actions.source_review import review
from dr.errors import Damaged, DrError
from dr.model.backup import Copy, Manifest, Tombstone
from dr.model.base import SetId, SystemName, TierName, sha256
from dr.model.ports import Repository, StepContext
from dr.stream.layout import read_signature

EXPIRY = "expiry"
"""The setting by which a person turns expiry off (and on again, after a catalog rebuild)."""


def reconcile(system: SystemName, repositories: Sequence[Repository], ctx: StepContext) -> None:
    """Record the sets that are not known, and what became of the copies that are gone. The repositories must be there.

    The catalog is read first: what is committed or removed meanwhile by another run is then taken for what it is.
    """
    known = ctx.records.copies(system)
    for repository in repositories:
        ours = {copy.set: copy for copy in known if copy.repository == repository.name}
        there = {set_id for _, set_id in repository.sets(system)}
        traces = tombstones(system, repository, ctx) if there ^ set(ours) else {}
        for set_id in sorted(set(ours) - there):
            _gone(ours[set_id], traces.get(set_id), repository, ctx)
        for set_id in sorted(there - set(ours)):
            _found(system, set_id, repository, ctx)


def tombstones(system: SystemName, repository: Repository, ctx: StepContext) -> Mapping[SetId, Tombstone]:
    """The traces of pruned sets that one of our keys signed; others say nothing."""
    found: dict[SetId, Tombstone] = {}
    for stored, signature in repository.tombstones(system):
        try:
            ctx.keys.verify(stored, read_signature(signature))
            trace = Tombstone.from_json(stored)
        except (Damaged, ValueError):
            continue
        if trace.system == system:
            found[trace.set] = trace
    return found


def _gone(copy: Copy, trace: Tombstone | None, repository: Repository, ctx: StepContext) -> None:
    now, where = ctx.clock.now(), f"{repository.name}/{copy.set}"
    if trace is not None and trace.manifest == copy.manifest:  # a prune that died before it could record what it did
        ctx.audit("copy.removed", where, {"rule": trace.rule, "manifest": copy.manifest})
        ctx.records.record_removed(copy.set, repository.name, now, trace.run, trace.rule)
        return
    ctx.records.mark_damaged(copy.set, repository.name, ["manifest.json"], now, ctx.run)
    ctx.finding(
        f"damaged:{copy.system}:{repository.name}:{copy.set}",
        "critical",
        f"the copy of {copy.set} in {repository.name} is gone, and no prune removed it",
        system=copy.system,
        hint="find out who removed it; the `copy` action makes it again from another tier that still holds it",
    )
    if not copy.damaged:
        ctx.audit("copy.lost", where, {"manifest": copy.manifest})


def _found(system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext) -> None:
    where = f"{repository.name}/{set_id}"
    try:
        manifest, stored, _ = ctx.sets.read_manifest(system, set_id, repository)
    except DrError as error:
        ctx.finding(
            f"unknown-set:{system}:{where}",
            "critical",
            f"{where} is no set of ours that can be read: {error.message}",
            system=system,
            hint="nobody restores from it and nothing removes it: look at that folder by hand",
        )
        return
    copy = _copy(manifest, stored, repository, ctx)
    ctx.records.record_copy(copy, manifest, manifest.run)
    review(system, set_id, ctx)  # the run that made it may have died before it could
    ctx.audit("copy.found", where, {"manifest": copy.manifest})
    if ctx.records.run(manifest.run) is None:
        _unknown_run(manifest, repository, ctx)


def _copy(manifest: Manifest, stored: bytes, repository: Repository, ctx: StepContext) -> Copy:
    return Copy(
        set=manifest.set,
        system=manifest.system,
        repository=repository.name,
        tier=TierName(repository.tier),
        instant=manifest.instant,
        committed=ctx.clock.now(),
        manifest=sha256(stored),
        stored=manifest.stored,
        level="stored",
    )


def _unknown_run(manifest: Manifest, repository: Repository, ctx: StepContext) -> None:
    """No run of ours died here: the catalog is newer than the repository, so its proofs and holds are not to be decided by."""
    ctx.records.set_setting(EXPIRY, "off")
    ctx.audit("expiry.turned", "off", {"because": f"{repository.name}/{manifest.set}"})
    ctx.finding(
        f"rebuilt:{manifest.system}",
        "warning",
        f"{repository.name} holds sets of runs that the catalog does not know: was the catalog lost? Their proofs are unknown",
        system=manifest.system,
        hint="nothing expires until `dr retention --turn-on`; verify and drill first, so that proofs exist again",
    )
