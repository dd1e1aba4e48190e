"""`copy`: give a tier the sets it lacks, from a copy in another tier, checking every byte on the way and once more as it is stored.

Damaged copies in either tier are mended from another copy, whichever way that lies; copies that are gone from either tier without a prune
are made again from a twin, where retention would still keep them there.
Safe to repeat: a set that is there, on record and read back is left alone.
"""

from datetime import datetime

from pydantic import Field

from dr.actions import mending, regaining
from dr.actions.reconcile import tombstones
from dr.errors import Damaged, Refused
from dr.model.backup import SET_ID, Copy, at_least
from dr.model.base import RepositoryName, SetId, StrictModel, SystemName, TierName, sha256
from dr.model.ports import Action, Effect, Outcome, Repository, StepContext


class Params(StrictModel):
    system: SystemName
    set: str = "missing"
    """`missing`, or one set's id."""
    from_: TierName = Field(alias="from")
    to: TierName


class BroughtBack(StrictModel):
    """One copy that was gone without a prune and was made again."""

    set: SetId
    repository: RepositoryName
    from_: RepositoryName = Field(alias="from")


class Facts(StrictModel):
    copied: tuple[SetId, ...]
    already: int
    """Sets that needed no copy."""
    mended: tuple[mending.Mend, ...] = ()
    """Damaged copies, in either tier, whose damaged objects were written afresh from another copy."""
    brought_back: tuple[BroughtBack, ...] = ()
    """Copies, in either tier, that were lost and that retention would keep."""


def run(params: Params, ctx: StepContext) -> Outcome:
    sources, targets = ctx.repositories([params.from_]), ctx.repositories([params.to])
    if not sources or not targets:
        raise Refused(f"tier '{params.from_}' or '{params.to}' has no repository", hint="inventory/repositories.yaml names the tiers")
    if params.set != "missing" and not SET_ID.match(params.set):
        raise Refused(f"'{params.set}' is no set's id", hint="write 'missing', or an id as `dr backups list` shows it")
    only = None if params.set == "missing" else SetId(params.set)
    back = _bring_back(params.system, [*sources, *targets], only, ctx)  # first: a loss that is made good is still told as one
    copied: list[SetId] = []
    already = 0
    for target in targets:
        target.identity()
        present = {set_id for _, set_id in target.sets(params.system)}
        settled = _settled(params.system, target, ctx)
        copied += _copied_before(params.system, target, ctx)
        for source, set_id in _wanted(params, sources, target, ctx):
            if set_id in present and set_id in settled:
                already += 1
                continue
            if set_id not in present:  # a copy on record that is not there: this is a new one
                ctx.records.record_removed(set_id, target.name, ctx.clock.now(), ctx.run, "lost")
            _copy(params.system, set_id, source, target, ctx)
            present.add(set_id)
            copied += [set_id] if set_id not in copied else []
        keep = [f"missing-copy:{params.system}:{target.name}:{s}" for _, s in _wanted(params, sources, target, ctx) if s not in present]
        ctx.records.close_findings(f"missing-copy:{params.system}:{target.name}:", keep, ctx.clock.now(), ctx.run)
    mended = mending.mend_damaged(params.system, [*sources, *targets], only, ctx)
    facts = Facts(copied=tuple(copied), already=already, mended=tuple(mended), brought_back=tuple(back))
    return Outcome(changed=bool(copied or mended or back), facts=facts.to_facts())


def _bring_back(system: SystemName, repositories: list[Repository], only: SetId | None, ctx: StepContext) -> list[BroughtBack]:
    """What is gone from these repositories and should be there."""
    back = []
    for one in regaining.lost(system, repositories, only, ctx):
        ctx.check_stop()
        to = ctx.repository(one.copy.repository)

        def make(twin: Repository, one: regaining.Lost = one, to: Repository = to) -> None:
            _copy(system, one.copy.set, twin, to, ctx, was_lost=True)

        twin = regaining.bring_back(one, to, make, ctx)
        if twin is not None:
            back.append(BroughtBack.from_facts({"set": one.copy.set, "repository": to.name, "from": twin}))
    told = [f.key for f in ctx.records.open_findings(system) if f.run == ctx.run]  # also what an attempt of it that was killed had said
    ctx.records.close_findings(f"brought-back:{system}:", told, ctx.clock.now(), ctx.run)
    return back


def _wanted(params: Params, sources: list[Repository], target: Repository, ctx: StepContext) -> list[tuple[Repository, SetId]]:
    """What should be copied: undamaged sets only, and none that the target has pruned before, unless a person names it."""
    damaged = {(c.repository, c.set) for c in ctx.records.copies(params.system) if c.damaged}
    found = []
    pruned = tombstones(params.system, target, ctx) if params.set == "missing" else {}
    for source in sources:
        for _, set_id in source.sets(params.system):
            named = params.set in ("missing", set_id)
            if named and set_id not in pruned and (source.name, set_id) not in damaged and not _expired(params, set_id, ctx):
                found.append((source, set_id))
    return found


def _copied_before(system: SystemName, target: Repository, ctx: StepContext) -> list[SetId]:
    """What an attempt of this run that was killed had copied already: the evidence names it too."""
    made = [set_id for set_id, name in ctx.records.committed_by(ctx.run) if name == target.name]
    manifests = [manifest for set_id in made if (manifest := ctx.records.manifest(set_id))]
    return [manifest.set for manifest in manifests if manifest.system == system and manifest.run != ctx.run]


def _settled(system: SystemName, target: Repository, ctx: StepContext) -> set[SetId]:
    """Sets whose copy in the target is on record and was read back, or will be by this run's own verify step, since this run made it."""
    mine = [c for c in ctx.records.copies(system) if c.repository == target.name]
    made_by = {c.set: manifest.run for c in mine if (manifest := ctx.records.manifest(c.set))}
    return {c.set for c in mine if c.damaged or at_least(c.level, "intact") or made_by.get(c.set) == ctx.run}


def _expired(params: Params, set_id: SetId, ctx: StepContext) -> bool:
    """Past the target tier's privacy limit: copying it would only have it deleted again."""
    policy = ctx.inventory.systems[params.system].retention.get(params.to)
    manifest = ctx.records.manifest(set_id)
    if policy is None or policy.expire_after is None or manifest is None:
        return False
    return (ctx.clock.now() - manifest.instant).total_seconds() > policy.expire_after


def _copy(system: SystemName, set_id: SetId, source: Repository, target: Repository, ctx: StepContext, *, was_lost: bool = False) -> None:
    ctx.progress(f"copying {set_id} to {target.name}")
    manifest = ctx.sets.copy(system, set_id, source, target, ctx)
    _, stored, _ = ctx.sets.read_manifest(system, set_id, target)
    entry = Copy(
        set=set_id,
        system=system,
        repository=target.name,
        tier=TierName(target.tier),
        instant=manifest.instant,
        committed=_committed(system, set_id, target, ctx),
        manifest=sha256(stored),
        stored=manifest.stored,
        level="stored",
    )
    ctx.failpoint("after-publish")
    if was_lost:  # what was known of the old copy, its proof and its damage, is not true of this one
        ctx.records.record_removed(set_id, target.name, entry.committed, ctx.run, "lost")
    ctx.records.record_copy(entry, manifest, ctx.run)
    _read_back(system, set_id, target, ctx)
    ctx.records.close_finding(f"damaged:{system}:{target.name}:{set_id}", ctx.clock.now(), ctx.run)
    ctx.audit("copy.committed", f"{target.name}/{set_id}", {"manifest": entry.manifest, "from": source.name})


def _committed(system: SystemName, set_id: SetId, target: Repository, ctx: StepContext) -> datetime:
    """Now; by the record never before the removal of an earlier copy, which a clock ahead may have dated: it would not count."""
    earlier = [c for c in ctx.records.known_copies(system) if (c.set, c.repository) == (set_id, target.name)]
    return max([ctx.clock.now(), *(copy.removed for copy in earlier if copy.removed is not None)])


def _read_back(system: SystemName, set_id: SetId, target: Repository, ctx: StepContext) -> None:
    """No verify step names an older set: without this its copy would never count as intact, and its twin elsewhere never expire."""
    found = ctx.sets.verify_stored(system, set_id, target, ctx)
    now = ctx.clock.now()
    if found.damaged:
        ctx.records.mark_damaged(set_id, target.name, [path.partition(": ")[0] for path in found.damaged], now, ctx.run)
        raise Damaged(f"{target.name}/{set_id}: {'; '.join(found.damaged[:3])}", hint="`dr backups list` shows which copies are still good")
    ctx.records.raise_proof(set_id, target.name, "intact", now, ctx.run, {"parts": found.parts, "bytes": found.bytes})
    parts = [(artifact.name, part.number) for artifact in found.manifest.artifacts for part in artifact.parts]
    ctx.records.record_read_back(target.name, set_id, parts, now)


ACTION = Action(kind="copy", params=Params, facts=Facts, effect=Effect.WRITES, run=run, failpoints=("after-publish",))
