"""Sets that are gone from a repository without a prune are made there again from a twin, where retention would keep them there today.

What a prune removed has a signed tombstone and stays away; what retention would only delete again stays away too, and its loss stays told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dr.actions.mending import holders
from dr.actions.reconcile import tombstones
from dr.errors import DrError, Stopped
from dr.model.backup import Copy, at_least
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Repository, StepContext
from dr.policy.retention import decide

_NO_REASON = ("frozen", "dated-ahead")
"""Rules that keep what is there, but are no reason to bring anything back."""


@dataclass(frozen=True)
class Lost:
    """A copy on record that is not there, and the repositories that hold the set undamaged."""

    copy: Copy
    twins: tuple[Repository, ...]


def lost(system: SystemName, repositories: Sequence[Repository], only: SetId | None, ctx: StepContext) -> list[Lost]:
    """What should be brought back into these repositories. The catalog is read before the repositories: what is removed meanwhile by
    another run has its tombstone then."""
    copies = ctx.records.copies(system)
    found = []
    for repository in repositories:
        mine = [c for c in copies if c.repository == repository.name and only in (None, c.set)]
        there = {set_id for _, set_id in repository.sets(system)}
        gone = [c for c in mine if c.set not in there]
        pruned = tombstones(system, repository, ctx) if gone else {}
        found += [Lost(c, _twins(c, copies, ctx)) for c in gone if c.set not in pruned and would_be_kept(c, copies, ctx)]
    return [one for one in found if one.twins]


def would_be_kept(copy: Copy, copies: Sequence[Copy], ctx: StepContext) -> bool:
    """Whether retention would keep this copy if it were there and intact."""
    whole = copy.model_copy(update={"damaged": False, "level": copy.level if at_least(copy.level, "intact") else "intact"})
    policies = ctx.inventory.systems[copy.system].retention
    as_if = [whole if (c.set, c.repository) == (copy.set, copy.repository) else c for c in copies]
    outcome = decide(as_if, policies, ctx.clock.now(), ctx.inventory.organisation.zone)
    [own] = [d for d in outcome.decisions if (d.set, d.repository) == (copy.set, copy.repository)]
    return own.keep and own.rule not in _NO_REASON


def _twins(copy: Copy, copies: Sequence[Copy], ctx: StepContext) -> tuple[Repository, ...]:
    others = [c for c in copies if c.set == copy.set and c.repository != copy.repository and not c.damaged]
    return tuple(holders(others, ctx))


def bring_back(one: Lost, to: Repository, make: Callable[[Repository], None], ctx: StepContext) -> RepositoryName | None:
    """Make the copy again from the first twin that can, and say so; None if none could: its loss stays told, and no good night fails.

    Said before it is made, too: a run that is killed once the copy is there finds it there, and would not know that it had been lost.
    """
    copy = one.copy
    for twin in one.twins:
        _say_brought_back(one, f"it is made again from {twin.name}", ctx)
        try:
            make(twin)
        except Stopped:
            raise
        except DrError as problem:
            ctx.finding(
                f"damaged:{copy.system}:{to.name}:{copy.set}",
                "critical",
                f"the copy of {copy.set} in {to.name} is gone, and could not be made again from {twin.name}: {problem.message}",
                system=copy.system,
                hint="the next nightly tries again; `dr backups list` shows which copies are still good",
            )
            continue
        _say_brought_back(one, f"it was made again from {twin.name}", ctx)
        return twin.name
    ctx.records.close_finding(brought_back(one), ctx.clock.now(), ctx.run)
    return None


def brought_back(one: Lost) -> str:
    """The key of the finding that says so."""
    return f"brought-back:{one.copy.system}:{one.copy.repository}:{one.copy.set}"


def _say_brought_back(one: Lost, how: str, ctx: StepContext) -> None:
    ctx.finding(
        brought_back(one),
        "warning",
        f"the copy of {one.copy.set} in {one.copy.repository} was gone without a prune; {how}",
        system=one.copy.system,
        hint="find out who removed it; `dr audit list` shows when it was last there",
    )
