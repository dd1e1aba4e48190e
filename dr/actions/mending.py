"""Damaged copies are mended from another repository's copy, read back, and only then count again."""

from collections.abc import Sequence

from dr.errors import DrError, Stopped
from dr.model.backup import Copy
from dr.model.base import RepositoryName, SetId, StrictModel, SystemName
from dr.model.ports import Repository, StepContext


class Mend(StrictModel):
    """One copy that was mended."""

    set: SetId
    repository: RepositoryName
    objects: int
    """Written afresh by this step; none if the bytes were right already, having been mended with those of a set that shares them."""


def hint(set_id: SetId, name: RepositoryName, system: SystemName, ctx: StepContext) -> str:
    """What a person may count on, by what the catalog knows of the set's other copies."""
    good = [c.repository for c in ctx.records.copies(system) if c.set == set_id and c.repository != name and not c.damaged]
    if good:
        return f"it counts as no proof any more; the copy in {good[0]} is used, and the next nightly mends this one from it"
    return "it counts as no proof any more, and there is no undamaged copy of this set to mend it from: use another set, and back up anew"


def mend_damaged(system: SystemName, repositories: Sequence[Repository], only: SetId | None, ctx: StepContext) -> list[Mend]:
    """Every damaged copy there (or of one set) that other copies can mend. What cannot be mended stays a finding, which says so."""
    done: list[Mend] = []
    for to in repositories:
        there = {set_id for _, set_id in to.sets(system)}
        damaged = [c for c in ctx.records.copies(system) if c.damaged and c.repository == to.name and c.set in there]
        for copy in damaged:
            if only in (None, copy.set):
                ctx.check_stop()
                done += _mend(copy, to, ctx)
    return done


def _mend(copy: Copy, to: Repository, ctx: StepContext) -> list[Mend]:
    where = f"{to.name}/{copy.set}"
    twins, whole = _twins(copy, ctx)
    if not twins:
        return _left(copy, (), ctx)
    ctx.progress(f"mending {where}")
    try:
        mended = ctx.sets.mend(copy.system, copy.set, to, twins, copy.manifest, ctx)
        if mended.left or not (mended.objects or whole):
            return _left(copy, mended.left, ctx)
        found = ctx.sets.verify_stored(copy.system, copy.set, to, ctx)
    except Stopped:
        raise
    except DrError as problem:  # one that cannot be mended keeps no other from it, and spoils no good night
        return _left(copy, (problem.message,), ctx)
    if found.damaged:
        return _left(copy, found.damaged, ctx)
    now = ctx.clock.now()
    ctx.audit("copy.mended", where, {"objects": list(mended.objects[:20]), "count": len(mended.objects), "from": [t.name for t in twins]})
    ctx.records.raise_proof(copy.set, to.name, "intact", now, ctx.run, {"parts": found.parts, "bytes": found.bytes})
    parts = [(artifact.name, part.number) for artifact in found.manifest.artifacts for part in artifact.parts]
    ctx.records.record_read_back(to.name, copy.set, parts, now)
    ctx.records.close_finding(f"damaged:{copy.system}:{to.name}:{copy.set}", now, ctx.run)
    return [Mend(set=copy.set, repository=to.name, objects=len(mended.objects))]


def _twins(copy: Copy, ctx: StepContext) -> tuple[list[Repository], bool]:
    """The other repositories that hold the set, undamaged ones first (a damaged one may have what this one lacks); whether one is whole."""
    others = [c for c in ctx.records.copies(copy.system) if c.set == copy.set and c.repository != copy.repository]
    return holders(sorted(others, key=lambda c: c.damaged), ctx), any(not c.damaged for c in others)


def holders(copies: Sequence[Copy], ctx: StepContext) -> list[Repository]:
    """The repositories of these copies that answer and still hold them."""
    found = []
    for one in copies:
        try:
            repository = ctx.repository(one.repository)
            if (one.system, one.set) in repository.sets(one.system):
                found.append(repository)
        except Stopped:
            raise
        except DrError:  # away: the next night may find it
            continue
    return found


def _left(copy: Copy, left: Sequence[str], ctx: StepContext) -> list[Mend]:
    """Still damaged, and said so with what that means."""
    what = f": {'; '.join(left[:3])}" if left else ""
    ctx.finding(
        f"damaged:{copy.system}:{copy.repository}:{copy.set}",
        "critical",
        f"the copy of {copy.set} in {copy.repository} is damaged, and no other copy could mend it{what}",
        system=copy.system,
        hint=hint(copy.set, copy.repository, copy.system, ctx),
    )
    return []
