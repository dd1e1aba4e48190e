"""`copy`: give a tier the sets it lacks, from a copy in another tier, checking every byte on the way.

Safe to repeat: a set that is there already is left alone.
"""

from pydantic import Field

from dr.errors import Refused
from dr.model.backup import SET_ID, Copy
from dr.model.base import SetId, StrictModel, SystemName, TierName, sha256
from dr.model.ports import Action, Effect, Outcome, Repository, StepContext


class Params(StrictModel):
    system: SystemName
    set: str = "missing"
    """`missing`, or one set's id."""
    from_: TierName = Field(alias="from")
    to: TierName


class Facts(StrictModel):
    copied: tuple[SetId, ...]
    already: int
    """Sets that needed no copy."""


def run(params: Params, ctx: StepContext) -> Outcome:
    sources, targets = ctx.repositories([params.from_]), ctx.repositories([params.to])
    if not sources or not targets:
        raise Refused(f"tier '{params.from_}' or '{params.to}' has no repository", hint="inventory/repositories.yaml names the tiers")
    if params.set != "missing" and not SET_ID.match(params.set):
        raise Refused(f"'{params.set}' is no set's id", hint="write 'missing', or an id as `dr backups list` shows it")
    copied: list[SetId] = []
    already = 0
    for target in targets:
        target.identity()
        present = {set_id for _, set_id in target.sets(params.system)}
        for source, set_id in _wanted(params, sources, ctx):
            if set_id in present:
                already += 1
                continue
            _copy(params.system, set_id, source, target, ctx)
            present.add(set_id)
            copied.append(set_id)
        keep = [f"missing-copy:{params.system}:{target.name}:{s}" for _, s in _wanted(params, sources, ctx) if s not in present]
        ctx.records.close_findings(f"missing-copy:{params.system}:{target.name}:", keep, ctx.clock.now(), ctx.run)
    return Outcome(changed=bool(copied), facts=Facts(copied=tuple(copied), already=already).to_facts())


def _wanted(params: Params, sources: list[Repository], ctx: StepContext) -> list[tuple[Repository, SetId]]:
    """What should be copied: undamaged sets only, and none that the target has pruned before."""
    damaged = {(c.repository, c.set) for c in ctx.records.copies(params.system) if c.damaged}
    found = []
    for source in sources:
        for _, set_id in source.sets(params.system):
            named = params.set in ("missing", set_id)
            if named and (source.name, set_id) not in damaged and not _expired(params, set_id, ctx):
                found.append((source, set_id))
    return found


def _expired(params: Params, set_id: SetId, ctx: StepContext) -> bool:
    """Past the target tier's privacy limit: copying it would only have it deleted again."""
    policy = ctx.inventory.systems[params.system].retention.get(params.to)
    manifest = ctx.records.manifest(set_id)
    if policy is None or policy.expire_after is None or manifest is None:
        return False
    return (ctx.clock.now() - manifest.instant).total_seconds() > policy.expire_after


def _copy(system: SystemName, set_id: SetId, source: Repository, target: Repository, ctx: StepContext) -> None:
    ctx.progress(f"copying {set_id} to {target.name}")
    manifest = ctx.sets.copy(system, set_id, source, target, ctx)
    _, stored, _ = ctx.sets.read_manifest(system, set_id, target)
    entry = Copy(
        set=set_id,
        system=system,
        repository=target.name,
        tier=TierName(target.tier),
        instant=manifest.instant,
        committed=ctx.clock.now(),
        manifest=sha256(stored),
        stored=manifest.stored,
        level="stored",
    )
    ctx.failpoint("after-publish")
    ctx.records.record_copy(entry, manifest, ctx.run)
    ctx.audit("copy.committed", f"{target.name}/{set_id}", {"manifest": entry.manifest, "from": source.name})


ACTION = Action(kind="copy", params=Params, facts=Facts, effect=Effect.WRITES, run=run, failpoints=("after-publish",))
