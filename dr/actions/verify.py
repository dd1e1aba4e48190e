"""`verify`: read every stored byte of a set back and compare it with the signed manifest. Needs no private key.

Safe to repeat: it only reads, and records a proof that is renewed by a second reading. It fails if there was nothing to read.
"""

from collections.abc import Sequence

from pydantic import Field

from dr.actions.reconcile import reconcile
from dr.errors import Damaged, DrError, Failed, Refused, Stopped
from dr.model.base import ByteCount, JsonObject, RepositoryName, SetId, StrictModel, SystemName, TierName
from dr.model.ports import Action, Effect, Outcome, Repository, StepContext, Verified


class Params(StrictModel):
    system: SystemName
    tiers: tuple[TierName, ...] = Field(min_length=1)
    set: SetId | None = None
    """None: the newest set of each repository."""


class One(StrictModel):
    set: SetId
    repository: RepositoryName
    parts: int
    bytes: ByteCount


class Facts(StrictModel):
    verified: tuple[One, ...]
    bytes: ByteCount


def run(params: Params, ctx: StepContext) -> Outcome:
    repositories = ctx.repositories(params.tiers)
    _require_every_tier(params.tiers, repositories)
    done: list[One] = []
    damage: list[str] = []
    unseen: list[DrError] = []
    for repository in repositories:
        try:
            _look(params, repository, done, damage, ctx)
        except Stopped:
            raise
        except DrError as error:  # one that is away does not keep the others from being read
            unseen.append(error)
    if damage:
        raise Damaged(f"{len(damage)} problem(s): {'; '.join(damage[:5])}", hint="`dr backups list` shows which copies are still good")
    if unseen:
        raise unseen[0]
    if not done:
        raise Failed("nothing was verified", hint=f"is there a repository of tier {', '.join(params.tiers)}?")
    return Outcome(changed=False, facts=Facts(verified=tuple(done), bytes=ByteCount(sum(o.bytes for o in done))).to_facts())


def _require_every_tier(tiers: Sequence[str], repositories: Sequence[Repository]) -> None:
    missing = set(tiers) - {r.tier for r in repositories}
    if missing:
        raise Refused(
            f"no repository is of tier {', '.join(sorted(missing))}", hint="inventory/repositories.yaml says which tier each is of"
        )


def _look(params: Params, repository: Repository, done: list[One], damage: list[str], ctx: StepContext) -> None:
    repository.identity()
    set_id = params.set or _newest(params.system, repository)
    if set_id is None:
        damage.append(f"{repository.name} holds no set of {params.system}")
        return
    known = any((c.set, c.repository) == (set_id, repository.name) for c in ctx.records.copies(params.system))
    if not known and (params.system, set_id) not in repository.sets(params.system):
        raise Failed(f"{repository.name} holds no copy of {set_id}", hint="`dr backups list` shows which copies there are")
    if not known:
        reconcile(params.system, [repository], ctx)
    _verify(params.system, set_id, repository, done, damage, ctx)


def _newest(system: SystemName, repository: Repository) -> SetId | None:
    held = repository.sets(system)
    return held[-1][1] if held else None


def _verify(system: SystemName, set_id: SetId, repository: Repository, done: list[One], damage: list[str], ctx: StepContext) -> None:
    where = f"{repository.name}/{set_id}"
    ctx.progress(f"reading {where} back")
    try:
        result = ctx.sets.verify_stored(system, set_id, repository, ctx)
    except Damaged as error:  # the manifest itself
        _spoiled(system, set_id, repository, [error.message], ctx)
        damage.append(f"{where}: {error.message}")
        return
    if result.damaged:
        _spoiled(system, set_id, repository, result.damaged, ctx)
        damage.extend(f"{where}: {path}" for path in result.damaged)
        return
    _proven_intact(system, set_id, repository, result, ctx)
    done.append(One(set=set_id, repository=repository.name, parts=result.parts, bytes=ByteCount(result.bytes)))


def _proven_intact(system: SystemName, set_id: SetId, repository: Repository, result: Verified, ctx: StepContext) -> None:
    now = ctx.clock.now()
    detail: JsonObject = {"parts": result.parts, "bytes": result.bytes}
    ctx.records.raise_proof(set_id, repository.name, "intact", now, ctx.run, detail)
    parts = [(artifact.name, part.number) for artifact in result.manifest.artifacts for part in artifact.parts]
    ctx.records.record_read_back(repository.name, set_id, parts, now)
    ctx.records.close_findings(f"damaged:{system}:{repository.name}:{set_id}", [], now, ctx.run)


def _spoiled(system: SystemName, set_id: SetId, repository: Repository, names: Sequence[str], ctx: StepContext) -> None:
    marked = ctx.records.mark_damaged(set_id, repository.name, [n.partition(": ")[0] for n in names], ctx.clock.now(), ctx.run)
    for other in {set_id, *marked}:
        ctx.finding(
            f"damaged:{system}:{repository.name}:{other}",
            "critical",
            f"the copy of {other} in {repository.name} is damaged: {'; '.join(names[:3])}" + (" ..." if len(names) > 3 else ""),
            system=system,
            hint="it counts as no proof any more; another copy is used, and the next nightly writes the damaged parts afresh",
        )
    ctx.audit("copy.damaged", f"{repository.name}/{set_id}", {"objects": names[:20]})


ACTION = Action(kind="verify", params=Params, facts=Facts, effect=Effect.READS, run=run)
