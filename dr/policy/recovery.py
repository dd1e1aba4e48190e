"""A recovery, before and after it is carried out: from which copy, what is lost, and whether a plan may be begun at all. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from dr.clock import local
from dr.model.backup import Copy
from dr.model.base import Seconds
from dr.model.outage import Outage
from dr.model.record import StepRecord
from dr.model.runbook import Plan, PlannedStep
from dr.policy.words import spoken
from dr.units import show_duration

OPEN, SCRUB, APPROVE, CHECK, PROBE = "open", "scrub", "approve", "check", "probe"
_WRITE_TO = {"restore": "onto", "check": "host", "scrub": "host", "open": "host"}
"""The actions that work on a standby, and the parameter that names it."""


def declared_already(outages: Sequence[Outage], system: str) -> datetime | None:
    """When the failure of a system was recognised, as an outage says that is declared of it: its clock runs, whoever forgets to say so
    when the recovery is typed. None where there is none; a rehearsal is none."""
    return min((one.began for one in outages if one.system == system and one.state == "declared" and not one.exercise), default=None)


def lost(declared: datetime, instant: datetime) -> Seconds:
    """For how long work was entered that is not in the set: from its instant to the failure, as it was recognised.

    None of a set that was taken after it, of which nobody knows how long: see `taken_after`.
    """
    return Seconds(max(0.0, (declared - instant).total_seconds()))


def taken_after(declared: datetime, instant: datetime) -> bool:
    """Whether the set may hold the damage; then what was entered since it, until people stopped, is lost, and nobody knows how long."""
    return instant >= declared


def made_here(chosen: str, steps: Sequence[StepRecord]) -> bool:
    """Whether the run itself made the set, as a planned way back does once people have stopped."""
    return any(s.action == "backup" and s.facts.get("set") == chosen for s in steps)


def loss_words(declared: datetime, instant: datetime, zone: str, *, own: bool = False) -> str:
    """What a recovery loses, as a person must hear it. `own`: it is the set that the run itself made."""
    as_of, recognised = local(instant, zone), local(declared, zone)
    if own:
        return f"what was entered since {as_of}, when this run itself made its backup: nothing, where people had stopped before"
    if taken_after(declared, instant):
        return (
            f"everything that was entered since {as_of}, when the set was taken; that was after the failure was recognised "
            f"({recognised}), so it may hold the damage"
        )
    seconds = lost(declared, instant)
    length = f"{spoken(seconds)} ({seconds / 3600:.1f} hours)" if seconds >= 3600 else show_duration(seconds)
    return f"everything that was entered in the {length} before {recognised}"


def best_tier(found: Mapping[str, Copy], rto: Mapping[str, float]) -> str | None:
    """Of the tiers that have a copy of what was asked for: the one whose set is newest, and of those the one that is soonest back."""
    if not found:
        return None
    return max(found, key=lambda tier: (found[tier].age_order, found[tier].set, -rto.get(tier, float("inf")), tier))


def unfit(plan: Plan) -> tuple[str, str] | None:
    """Why a plan may not be begun as it is, and what to do; None: it may."""
    steps = (*plan.steps, *plan.on_failure, *plan.always)
    opens = [s for s in steps if s.action == OPEN]
    if plan.kind != "recovery":
        if opens:
            return f"step '{opens[0].id}' opens a system, which only a recovery does", "mark it `only: recovery`, or use `kind: recovery`"
        if plan.kind == "drill" and not any(s.action == SCRUB for s in plan.always):
            return (
                f"runbook '{plan.runbook}' as a drill would leave client data on the standby",
                "add `- {action: scrub, only: drill, with: {host: ...}}` under `always`",
            )
        return None
    if plan.declaration is None:
        return f"'{plan.runbook}' is a recovery, which replaces production", f"dr recover {plan.system or 'SYSTEM'} --reason TEXT"
    return _unfit_recovery(plan, steps, [s for s in plan.steps if s.action == OPEN])


def _unfit_recovery(plan: Plan, steps: Sequence[PlannedStep], opens: Sequence[PlannedStep]) -> tuple[str, str] | None:
    scrubs = [s for s in steps if s.action == SCRUB]
    if scrubs:
        return f"step '{scrubs[0].id}' would scrub what the recovery brings back", "mark it `only: drill`"
    if not opens:
        return f"runbook '{plan.runbook}' opens nothing, so it recovers nothing", "add a step with `action: open` under `steps`"
    for step in opens:
        if not _asked(plan, step):
            return (
                f"step '{step.id}' would open the system without a second person's word",
                "let it need a step with `action: approve` and `second_person: true`; to act alone, say --alone and the reason",
            )
    return None


def _asked(plan: Plan, step: PlannedStep) -> bool:
    """Whether a second person is asked before that step, or it was declared that nobody is."""
    if plan.declaration is not None and plan.declaration.alone:
        return True
    above = before(plan.steps, step.id)
    return any(s.id in above and s.action == APPROVE and s.with_.get("second_person") is True for s in plan.steps)


def before(steps: Sequence[PlannedStep], name: str) -> set[str]:
    """The steps that are over before that one begins."""
    needs = {s.id: s.needs for s in steps}
    found: set[str] = set()
    waiting = list(needs.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs.get(one, ())
    return found


def targets(plan: Plan) -> list[str]:
    """The hosts that a run of the plan restores onto, looks at or scrubs, in their order."""
    steps = (*plan.steps, *plan.on_failure, *plan.always)
    named = [s.with_.get(_WRITE_TO[s.action]) for s in steps if s.action in _WRITE_TO]
    return list(dict.fromkeys(name for name in named if isinstance(name, str) and "${" not in name))


def in_the_way(plan: Plan, in_service: Collection[str]) -> str | None:
    """The first host that the run would write to although it is production by now."""
    return next((host for host in targets(plan) if host in in_service), None)


def clock_ends_after(plan: Plan) -> str | None:
    """The step in which a recovery's first user can work: the first probe after `open`; None where the plan has none."""
    for step in plan.steps:
        if step.action == PROBE and any(s.action == OPEN and s.id in before(plan.steps, step.id) for s in plan.steps):
            return step.id
    return None
