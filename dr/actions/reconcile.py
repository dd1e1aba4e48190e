"""What the catalog says there is, against what the repositories hold: done before anything is decided by it, and every night.

A run that died, a person with `rm`, a disk put back from an image: each leaves the two apart. A copy that is not there protects nothing;
a set that nobody knows of would outlive every limit. `dr.policy.chain` says which of these it is; here it becomes a fact of record.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from dr.actions.part_memory import remember_parts
from dr.actions.source_review import review
from dr.clock import iso
from dr.errors import Damaged, DrError, Stopped
from dr.model.backup import Copy, Manifest, Tombstone
from dr.model.base import RepositoryName, SetId, SystemName, TierName, canonical, sha256
from dr.model.chain import ChainVerdict, Holdings, Known
from dr.model.ports import Repository, StepContext
from dr.policy.chain import judge
from dr.stream.chain import holdings
from dr.stream.layout import read_signature

EXPIRY = "expiry"
"""The setting by which a person turns expiry off (and on again, after a catalog rebuild)."""
Looked = tuple[list[ChainVerdict], dict[RepositoryName, Holdings]]


def reconcile(system: SystemName, repositories: Sequence[Repository], ctx: StepContext, *, readmit: bool = False) -> list[ChainVerdict]:
    """Record the sets that are not known, and what became of the copies that are gone; gives back what is wrong, one for each thing.

    One that is away is passed over: nothing is known of it. `readmit`: what was removed and is there again is recorded as a copy, so that
    it is decided about like any other.
    """
    verdicts, held = _look(system, repositories, ctx)
    if any(verdict.bad for verdict in verdicts):  # another run may have been at work between two looks: what stays wrong is wrong
        again, held = _look(system, repositories, ctx)
        wrong = {(v.kind, v.repository, v.set) for v in verdicts}
        verdicts = [v for v in again if not v.bad or (v.kind, v.repository, v.set) in wrong]
    for repository in repositories:
        if repository.name in held:
            own = [verdict for verdict in verdicts if verdict.repository == repository.name]
            _settle(system, repository, own, held[repository.name], ctx, readmit=readmit)
    return [verdict for verdict in verdicts if verdict.bad]


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


# ---------------------------------------------------------------- looking


def _look(system: SystemName, repositories: Sequence[Repository], ctx: StepContext) -> Looked:
    """The catalog is read first: what is committed or removed meanwhile by another run is then taken for what it is."""
    copies = tuple(ctx.records.known_copies(system))
    held: dict[RepositoryName, Holdings] = {}
    for repository in repositories:
        ctx.check_stop()
        try:
            held[repository.name] = holdings(system, repository, ctx.keys)
        except Stopped:
            raise
        except DrError:  # it is away, or not ours: whoever needs it says so
            continue
    sets = [one for place in held.values() for one in place.sets]
    own = tuple({one.set for one in sets if one.run is not None and ctx.records.run(one.run) is not None})
    known = Known(
        organisation=ctx.inventory.organisation.name,
        system=system,
        copies=copies,
        own=own,
        heads=ctx.records.audit_hashes([one.head.seq for one in sets if one.head is not None]),
        seen={RepositoryName(name): datetime.fromisoformat(at) for name, at in _seen(system, ctx).items()},
    )
    return judge(list(held.values()), known, whole=len(held) == len(repositories)), held


def _seen(system: SystemName, ctx: StepContext) -> dict[str, str]:
    return dict(json.loads(ctx.records.setting(f"chain-seen:{system}") or "{}"))


# ---------------------------------------------------------------- recording


def _settle(
    system: SystemName, repository: Repository, verdicts: Sequence[ChainVerdict], held: Holdings, ctx: StepContext, *, readmit: bool
) -> None:
    there = {one.set for one in held.sets}
    known = {copy.set: copy for copy in ctx.records.copies(system) if copy.repository == repository.name}
    traces = {stone.set: stone for stone in held.tombstones}
    keep = []
    for verdict in verdicts:
        copy = known.get(verdict.set) if verdict.set else None
        if verdict.kind == "pruned" and copy is not None:
            _pruned(copy, traces[copy.set], repository, ctx)
        elif verdict.kind == "unknown" and verdict.set is not None:
            _found(system, verdict.set, repository, ctx)
        elif verdict.bad:
            keep.append(_wrong(system, verdict, copy, ctx, gone=verdict.set not in there))
            if readmit and verdict.set in there and copy is None and verdict.kind == "rolled-back":
                _found(system, verdict.set, repository, ctx)
    ctx.records.close_findings(f"chain:{system}:{repository.name}:", keep, ctx.clock.now(), ctx.run)
    if not keep:
        seen = {**_seen(system, ctx), repository.name: iso(ctx.clock.now())}
        ctx.records.set_setting(f"chain-seen:{system}", canonical(seen).decode())


def _wrong(system: SystemName, verdict: ChainVerdict, copy: Copy | None, ctx: StepContext, *, gone: bool) -> str:
    """A finding, and no proof of that copy counts any more. A copy that is gone stays damaged until it is read back or made again."""
    if verdict.kind == "rolled-back" and (gone or copy is not None):
        _put_back(system, verdict, ctx)
    what = "damaged" if gone and copy is not None else "chain"
    key = f"{what}:{system}:{verdict.repository}:{verdict.set or verdict.kind}"
    ctx.finding(key, "critical", f"{verdict.kind}: {verdict.message}", system=system, hint=verdict.hint)
    if copy is not None:
        ctx.records.mark_damaged(copy.set, copy.repository, ["manifest.json"], ctx.clock.now(), ctx.run)
        if not copy.damaged:
            event = "copy.lost" if gone else "copy.damaged"
            ctx.audit(event, f"{copy.repository}/{copy.set}", {"manifest": copy.manifest, "chain": verdict.kind})
    return key


def _put_back(system: SystemName, verdict: ChainVerdict, ctx: StepContext) -> None:
    """What was put back to an earlier state lost proofs, holds or sets: nothing more may go until a person has looked, once for each.

    A pruned set that is back again, with nothing else amiss, is no reason: its limit holds. Done before the finding is recorded, so that
    a step that dies in between does it again.
    """
    found = f":{system}:{verdict.repository}:{verdict.set or verdict.kind}"
    if any(one.key.endswith(found) and one.message.startswith(verdict.kind) for one in ctx.records.open_findings(system)):
        return  # a person may have turned expiry on since
    where = f"{verdict.repository}/{verdict.set}" if verdict.set else str(verdict.repository)
    message = f"{verdict.repository} or the catalog was put back to an earlier state ({where}), so nothing expires"
    if ctx.records.setting(EXPIRY) != "off":
        freeze(where, ctx)
    hint = "mend what is wrong, `dr verify`, then let retention delete again: dr retention --turn-on"
    ctx.finding(f"rolled-back:{system}", "warning", message, system=system, hint=hint)


def freeze(because: str, ctx: StepContext) -> None:
    """Turn expiry off until a person turns it on."""
    ctx.records.set_setting(EXPIRY, "off")
    ctx.audit("expiry.turned", "off", {"because": because})


def _pruned(copy: Copy, trace: Tombstone, repository: Repository, ctx: StepContext) -> None:
    """A prune that died before it could record what it did."""
    ctx.audit("copy.removed", f"{repository.name}/{copy.set}", {"rule": trace.rule, "manifest": copy.manifest})
    ctx.records.record_removed(copy.set, repository.name, ctx.clock.now(), trace.run, trace.rule)
    ctx.records.close_finding(f"damaged:{copy.system}:{repository.name}:{copy.set}", ctx.clock.now(), ctx.run)


def _found(system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext) -> None:
    """Recorded as a copy of which nothing is proven yet."""
    manifest, stored, _ = ctx.sets.read_manifest(system, set_id, repository)
    copy = _copy(manifest, stored, repository, ctx)
    remember_parts(copy, manifest, ctx.records)
    ctx.records.record_copy(copy, manifest, manifest.run)
    review(system, set_id, ctx)  # the run that made it may have died before it could
    ctx.audit("copy.found", f"{repository.name}/{set_id}", {"manifest": copy.manifest})
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
    """No run of ours died here: the catalog is newer than the repository, or another home writes there. Nothing is decided by it then."""
    freeze(f"{repository.name}/{manifest.set}", ctx)
    ctx.finding(
        f"rebuilt:{manifest.system}",
        "warning",
        f"{repository.name} holds sets of runs that the catalog does not know: was the catalog lost, or does another home (a copy of this "
        "one) write there? Their proofs are unknown",
        system=manifest.system,
        hint="nothing expires until `dr retention --turn-on`; verify and drill first, so that proofs exist again",
    )
