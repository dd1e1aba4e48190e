"""`prune`: delete what retention no longer keeps, one copy at a time, each decided again under the repository's lock.

Safe to repeat: tombstone, manifest, parts, record; a half-removed set is invisible and is finished by the next run's sweep.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from dr.actions.holding import held_here, read_back_holds
from dr.actions.reconcile import EXPIRY, reconcile
from dr.errors import Damaged
from dr.model.backup import Copy, Tombstone
from dr.model.base import RepositoryName, SetId, StrictModel, SystemName, canonical
from dr.model.inventory import Inventory, RetentionPolicy
from dr.model.ports import Action, Effect, Outcome, Records, Repository, StepContext
from dr.model.record import Decision, RetentionOutcome
from dr.policy.retention import decide
from dr.stream.layout import write_signature

__all__ = ["ACTION", "EXPIRY", "as_it_is", "carry_out", "decisions"]
PARTIAL_AGE = timedelta(days=1)
"""An invisible partial older than this belongs to nobody: no backup runs that long."""


class Params(StrictModel):
    system: SystemName
    confirmed: bool = False
    """A person has seen the list: the half-of-a-tier and shrunken-policy brakes are released for this run."""


class Removed(StrictModel):
    set: SetId
    repository: RepositoryName
    rule: str


class Facts(StrictModel):
    removed: tuple[Removed, ...]
    decisions: tuple[Decision, ...]
    frozen: str = ""
    needs_person: str = ""


def decisions(system: SystemName, inventory: Inventory, records: Records, now: datetime) -> RetentionOutcome:
    """What retention says of every copy now; the same for a prune and for whoever only looks."""
    policies = inventory.systems[system].retention
    remembered = json.loads(records.setting(f"retention:{system}") or "{}")
    previous = {tier: RetentionPolicy.from_facts(remembered[tier]) for tier in policies if tier in remembered}
    expiry = records.setting(EXPIRY) != "off"
    zone = inventory.organisation.zone
    copies = [copy for copy in records.copies(system) if copy.repository in inventory.repositories]  # none other can stand for them
    return decide(copies, policies, now, zone, expiry=expiry, previous_policies=previous or None)


def _decide(system: SystemName, ctx: StepContext) -> RetentionOutcome:
    return decisions(system, ctx.inventory, ctx.records, ctx.clock.now())


def as_it_is(system: SystemName, repositories: Sequence[Repository], ctx: StepContext) -> RetentionOutcome:
    """Decide once the catalog agrees with the disks: a copy that is gone protects nothing, a hold there counts."""
    reconcile(system, repositories, ctx, readmit=True)
    read_back_holds(system, repositories, records=ctx.records, keys=ctx.keys, now=ctx.clock.now(), run=ctx.run)
    return _decide(system, ctx)


def run(params: Params, ctx: StepContext) -> Outcome:
    repositories = ctx.repositories()
    for repository in repositories:
        repository.identity()
        repository.sweep(ctx.clock.now() - PARTIAL_AGE)
    outcome = as_it_is(params.system, repositories, ctx)
    withheld = bool(outcome.needs_person) and not params.confirmed
    changed = not (withheld or outcome.frozen) and carry_out(params.system, outcome, ctx)
    _say(params.system, outcome, withheld, ctx)
    if not withheld and not outcome.frozen:  # a policy that nothing was decided by is not one that a person has let pass
        _remember_policy(params.system, ctx)
    removed = _removed(params.system, ctx)
    needs_person = outcome.needs_person if withheld else ""
    facts = Facts(removed=removed, decisions=outcome.decisions, frozen=outcome.frozen, needs_person=needs_person)
    return Outcome(changed=changed, facts=facts.to_facts())


def _removed(system: SystemName, ctx: StepContext) -> tuple[Removed, ...]:
    """From the record, not from this attempt: one that was killed had removed some already, and the evidence names them all."""
    made = [(one, ctx.records.manifest(one[0])) for one in ctx.records.removed_by(ctx.run)]
    ours = [one for one, manifest in made if manifest is not None and manifest.system == system]
    return tuple(Removed(set=set_id, repository=name, rule=rule) for set_id, name, rule in ours)


def carry_out(system: SystemName, outcome: RetentionOutcome, ctx: StepContext) -> bool:
    """Remove what was decided to go, each copy only if that is still so under its repository's lock. Whether anything was removed."""
    changed = False
    for decision in outcome.decisions:
        ctx.check_stop()
        changed = (not decision.keep and _remove(system, decision, ctx)) or changed
    return changed


def _remove(system: SystemName, decision: Decision, ctx: StepContext) -> bool:
    """Decide again under the lock: a hold, a pin or a loss that came since wins."""
    repository = ctx.repository(decision.repository)
    with repository.locked():
        again = _decide(system, ctx)
        same = [d for d in again.decisions if (d.set, d.repository) == (decision.set, decision.repository)]
        copy = _copy(system, decision, ctx)
        if copy is None or again.frozen or not same or same[0].keep or held_there(copy, repository, ctx):
            return False
        _bury(copy, decision, repository, ctx)
    return True


def held_there(copy: Copy, repository: Repository, ctx: StepContext) -> bool:
    """The repository's own holds count, whatever the catalog knows: it may have been lost, or be another office's."""
    try:
        return held_here(copy, repository, records=ctx.records, keys=ctx.keys, now=ctx.clock.now())
    except Damaged:
        if (copy.system, copy.set) in repository.sets(copy.system):
            raise
        return False  # the copy is gone, and no night may fail at what it let go of: its tombstone says so, and it is lost no more


def _copy(system: SystemName, decision: Decision, ctx: StepContext) -> Copy | None:
    found = [c for c in ctx.records.copies(system) if (c.set, c.repository) == (decision.set, decision.repository)]
    return found[0] if found else None


def _bury(copy: Copy, decision: Decision, repository: Repository, ctx: StepContext) -> None:
    ctx.progress(f"removing {copy.set} from {repository.name}")
    now = ctx.clock.now()
    tombstone = Tombstone(
        system=copy.system, set=copy.set, manifest=copy.manifest, instant=copy.instant, removed=now, run=ctx.run, rule=decision.rule
    )
    repository.remove(tombstone, write_signature(ctx.keys.sign(canonical(tombstone.to_facts()))), failpoint=ctx.failpoint)
    ctx.failpoint("after-parts")
    ctx.audit("copy.removed", f"{repository.name}/{copy.set}", {"rule": decision.rule, "manifest": copy.manifest})
    ctx.records.record_removed(copy.set, repository.name, now, ctx.run, decision.rule)  # last: what is on record is not done again
    ctx.records.close_finding(f"damaged:{copy.system}:{repository.name}:{copy.set}", now, ctx.run)


def _say(system: SystemName, outcome: RetentionOutcome, withheld: bool, ctx: StepContext) -> None:
    keep = []
    for decision in outcome.decisions:
        if decision.loud:
            key = f"retention:{system}:{decision.repository}:{decision.set}"
            keep.append(key)
            ctx.finding(key, "warning", f"{decision.set} in {decision.repository}: {decision.reason}", system=system)
    if outcome.frozen:
        keep.append(f"retention:{system}:frozen")
        ctx.finding(keep[-1], "warning", f"nothing expires: {outcome.frozen}", system=system)
    if withheld:
        keep.append(f"retention:{system}:needs-person")
        hint = f"look at `dr retention {system} --dry-run`, then `dr retention {system} --confirm`"
        ctx.finding(keep[-1], "warning", f"nothing was deleted: {outcome.needs_person}", system=system, hint=hint)
    ctx.records.close_findings(f"retention:{system}:", keep, ctx.clock.now(), ctx.run)


def _remember_policy(system: SystemName, ctx: StepContext) -> None:
    policies = {tier: policy.to_facts() for tier, policy in ctx.inventory.systems[system].retention.items()}
    ctx.records.set_setting(f"retention:{system}", json.dumps(policies, sort_keys=True))


ACTION = Action(
    kind="prune",
    params=Params,
    facts=Facts,
    effect=Effect.DELETES,
    run=run,
    failpoints=("after-tombstone", "after-manifest", "after-parts"),
)
