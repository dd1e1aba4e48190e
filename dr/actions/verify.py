"""`verify`: the chain of sets, and stored bytes read back and compared with the signed manifest. Needs no private key, but for `decode`.

Safe to repeat: it only reads, and records a proof that is renewed by a second reading. It fails if there was nothing to read. What is
wrong elsewhere in the chain is a finding; it fails the step only if the step was not asked about one set alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from dr.actions import mending
from dr.actions.reconcile import reconcile
from dr.actions.sampling import Place, sample
from dr.errors import Damaged, DrError, Failed, Refused, Stopped
from dr.model.base import ByteCount, Duration, Instant, JsonObject, RepositoryName, SetId, StrictModel, SystemName, TierName
from dr.model.chain import ChainVerdict
from dr.model.ports import Action, Effect, Outcome, Repository, StepContext, Verified
from dr.stream.decode import decode_set


class Params(StrictModel):
    system: SystemName
    tiers: tuple[TierName, ...] = Field(min_length=1)
    set: SetId | None = None
    """Only this one."""
    depth: Literal["newest", "all", "sample"] = "newest"
    """The newest set of each repository, every set, or the parts of all sets that were read longest ago."""
    budget: Duration | None = None
    """For `sample`: how long to read; None: everything once."""
    decode: bool = False
    """Also decrypt and unpack what is verified (of a sample: the newest sets). Needs the drill key."""


class One(StrictModel):
    set: SetId
    repository: RepositoryName
    parts: int
    bytes: ByteCount


class Facts(StrictModel):
    verified: tuple[One, ...]
    bytes: ByteCount
    decoded: tuple[One, ...] = ()
    """Their bytes are plain ones."""
    sampled: int = 0
    """Parts that a sample read."""
    left: int = 0
    """Parts that its budget did not reach."""
    oldest: Instant | None = None
    """When the part that was read longest ago was last read; None if one never was, or without a sample."""
    chain: tuple[str, ...] = ()
    """What is wrong with the chain of sets, each a finding."""


@dataclass
class _Work:
    """One verification under way."""

    params: Params
    ctx: StepContext
    chain: Sequence[ChainVerdict]
    done: list[One] = field(default_factory=list)
    decoded: list[One] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    unseen: list[DrError] = field(default_factory=list)
    sampled: int = 0
    left: int = 0
    oldest: Instant | None = None

    def verdict(self, repository: Repository, set_id: SetId) -> ChainVerdict | None:
        return next((v for v in self.chain if (v.repository, v.set) == (repository.name, set_id)), None)

    def facts(self) -> JsonObject:
        total = ByteCount(sum(one.bytes for one in self.done))
        return Facts(
            verified=tuple(self.done),
            bytes=total,
            decoded=tuple(self.decoded),
            sampled=self.sampled,
            left=self.left,
            oldest=self.oldest,
            chain=tuple(verdict.message for verdict in self.chain),
        ).to_facts()


def run(params: Params, ctx: StepContext) -> Outcome:
    repositories = ctx.repositories(params.tiers)
    _require_every_tier(params.tiers, repositories)
    if params.decode:
        ctx.keys.identity()
    work = _Work(params, ctx, reconcile(params.system, ctx.repositories(), ctx))
    if params.depth == "sample" and params.set is None:
        _sample(repositories, work)
    else:
        _each(repositories, work)
    return _outcome(work)


def _outcome(work: _Work) -> Outcome:
    damage = list(work.damage)
    if work.params.set is None:
        told = "\n".join(damage)
        damage += [f"{v.kind}: {v.message}" for v in work.chain if v.message not in told]
    if damage:
        raise Damaged(f"{len(damage)} problem(s): {'; '.join(damage[:5])}", hint="`dr backups list` shows which copies are still good")
    if work.unseen:
        raise work.unseen[0]
    if not work.done and not work.sampled:
        raise Failed("nothing was verified", hint=f"is there a repository of tier {', '.join(work.params.tiers)}?")
    return Outcome(changed=False, facts=work.facts())


def _require_every_tier(tiers: Sequence[str], repositories: Sequence[Repository]) -> None:
    missing = set(tiers) - {r.tier for r in repositories}
    if missing:
        raise Refused(
            f"no repository is of tier {', '.join(sorted(missing))}", hint="inventory/repositories.yaml says which tier each is of"
        )


# ---------------------------------------------------------------- whole sets


def _each(repositories: Sequence[Repository], work: _Work) -> None:
    for repository in repositories:
        try:
            _look(repository, work)
        except Stopped:
            raise
        except DrError as error:  # one that is away does not keep the others from being read
            work.unseen.append(error)


def _look(repository: Repository, work: _Work) -> None:
    params, ctx = work.params, work.ctx
    repository.identity()
    held = [set_id for _, set_id in repository.sets(params.system)]
    chosen = [params.set] if params.set else held if params.depth == "all" else held[-1:]
    if not chosen:
        work.damage.append(f"{repository.name} holds no set of {params.system}")
    for set_id in chosen:
        known = any((c.set, c.repository) == (set_id, repository.name) for c in ctx.records.copies(params.system))
        if not known and set_id not in held:
            raise Failed(f"{repository.name} holds no copy of {set_id}", hint="`dr backups list` shows which copies there are")
        if _verify(set_id, repository, work) and params.decode:
            _decode(set_id, repository, work)


def _verify(set_id: SetId, repository: Repository, work: _Work) -> bool:
    ctx, where = work.ctx, f"{repository.name}/{set_id}"
    verdict = work.verdict(repository, set_id)
    if verdict is not None:  # bytes that match the wrong manifest prove nothing
        work.damage.append(f"{verdict.kind}: {verdict.message}")
        return False
    ctx.progress(f"reading {where} back")
    try:
        result = ctx.sets.verify_stored(work.params.system, set_id, repository, ctx)
    except Damaged as error:  # the manifest itself
        _spoiled(set_id, repository, [error.message], work)
        return False
    if result.damaged:
        _spoiled(set_id, repository, result.damaged, work)
        return False
    _proven_intact(set_id, repository, result, work)
    work.done.append(One(set=set_id, repository=repository.name, parts=result.parts, bytes=ByteCount(result.bytes)))
    return True


def _proven_intact(set_id: SetId, repository: Repository, result: Verified, work: _Work) -> None:
    ctx, now = work.ctx, work.ctx.clock.now()
    detail: JsonObject = {"parts": result.parts, "bytes": result.bytes}
    ctx.records.raise_proof(set_id, repository.name, "intact", now, ctx.run, detail)
    parts = [(artifact.name, part.number) for artifact in result.manifest.artifacts for part in artifact.parts]
    ctx.records.record_read_back(repository.name, set_id, parts, now)
    ctx.records.close_finding(f"damaged:{work.params.system}:{repository.name}:{set_id}", now, ctx.run)


def _decode(set_id: SetId, repository: Repository, work: _Work) -> None:
    """It is stored as it was signed; if it cannot be read all the same, it was never a backup."""
    ctx = work.ctx
    ctx.progress(f"decoding {repository.name}/{set_id}")
    try:
        opened = ctx.sets.open(work.params.system, set_id, repository)
        size, wrong = decode_set(opened, ctx)
    except Damaged as error:
        _spoiled(set_id, repository, [f"index.zst.age: {error.message}"], work)
        return
    if wrong:
        _spoiled(set_id, repository, wrong, work)
        return
    parts = sum(len(one.parts) for one in opened.manifest.artifacts)
    work.decoded.append(One(set=set_id, repository=repository.name, parts=parts, bytes=ByteCount(size)))
    ctx.audit("copy.decoded", f"{repository.name}/{set_id}", {"parts": parts, "bytes": size})


# ---------------------------------------------------------------- a sample


def _sample(repositories: Sequence[Repository], work: _Work) -> None:
    places = [place for repository in repositories for place in _places(repository, work)]
    done = sample(work.params.system, places, work.params.budget, work.ctx)
    work.sampled, work.left, work.oldest = done.parts, done.left, done.oldest
    by_name = {repository.name: repository for repository in repositories}
    for (name, set_id), wrong in sorted(done.damaged.items()):
        _spoiled(set_id, by_name[name], wrong, work)
    for place, since in done.whole:
        _wholly_read(place, since, work)
    if work.params.decode:
        for repository in repositories:
            own = [place.copy.set for place in places if place.repository is repository]
            if own:
                _decode(max(own), repository, work)


def _places(repository: Repository, work: _Work) -> list[Place]:
    """The sets of one repository that may be read: recorded, and nothing wrong with their place in the chain."""
    params, ctx = work.params, work.ctx
    try:
        held = {set_id for _, set_id in repository.sets(params.system)}
        copies = [c for c in ctx.records.copies(params.system) if c.repository == repository.name and c.set in held]
        good = [c for c in copies if work.verdict(repository, c.set) is None]
        return [Place(repository, c, ctx.sets.read_manifest(params.system, c.set, repository)[0]) for c in good]
    except Stopped:
        raise
    except DrError as error:
        work.unseen.append(error)
        return []


def _wholly_read(place: Place, since: Instant, work: _Work) -> None:
    """Every part was read since the commit, the oldest reading at `since`: so old is the proof."""
    ctx, copy = work.ctx, place.copy
    parts = sum(len(one.parts) for one in place.manifest.artifacts)
    ctx.records.raise_proof(copy.set, copy.repository, "intact", since, ctx.run, {"parts": parts, "bytes": copy.stored})
    work.done.append(One(set=copy.set, repository=copy.repository, parts=parts, bytes=copy.stored))
    still = [c for c in ctx.records.copies(copy.system) if (c.set, c.repository) == (copy.set, copy.repository) and c.damaged]
    if not still:
        ctx.records.close_finding(f"damaged:{copy.system}:{copy.repository}:{copy.set}", ctx.clock.now(), ctx.run)


# ---------------------------------------------------------------- damage


def _spoiled(set_id: SetId, repository: Repository, names: Sequence[str], work: _Work) -> None:
    ctx, system = work.ctx, work.params.system
    work.damage.extend(f"{repository.name}/{set_id}: {name}" for name in names)
    marked = ctx.records.mark_damaged(set_id, repository.name, [n.partition(": ")[0] for n in names], ctx.clock.now(), ctx.run)
    for other in {set_id, *marked}:
        ctx.finding(
            f"damaged:{system}:{repository.name}:{other}",
            "critical",
            f"the copy of {other} in {repository.name} is damaged: {'; '.join(names[:3])}" + (" ..." if len(names) > 3 else ""),
            system=system,
            hint=mending.hint(other, repository.name, system, ctx),
        )
    ctx.audit("copy.damaged", f"{repository.name}/{set_id}", {"objects": list(names[:20])})


ACTION = Action(kind="verify", params=Params, facts=Facts, effect=Effect.READS, run=run)
