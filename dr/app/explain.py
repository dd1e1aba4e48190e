"""`dr explain RUNBOOK`: the plan in words and as a picture. References are filled in as far as they are known; nothing is run or asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from dr import plugins
from dr.app.home import App
from dr.config.docs import kind_doc
from dr.config.plan import compile_plan
from dr.errors import ConfigError
from dr.model.base import JsonObject, JsonValue
from dr.model.inventory import Inventory
from dr.model.ports import Effect
from dr.model.runbook import Plan, PlannedStep, Runbook
from dr.report.plan_picture import SECTIONS, as_svg, picture, ranks
from dr.units import show_duration, visible

_EFFECTS = {
    Effect.READS: "changes nothing",
    Effect.WRITES: "writes",
    Effect.DELETES: "deletes",
    Effect.TELLS: "tells people",
}
_FACT = re.compile(r"\$\{steps\.([\w-]+)\.([\w.-]+)\}")


@dataclass(frozen=True)
class ExplainedStep:
    """One step in words. `rank`: steps of one rank may run beside each other."""

    step: str
    section: str
    rank: int
    beside: bool
    action: str
    effect: str
    says: str
    given: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    runbook: str
    title: str
    about: tuple[str, ...]
    steps: tuple[ExplainedStep, ...]
    left_out: tuple[str, ...]
    svg: str

    def to_facts(self) -> JsonObject:
        facts = asdict(self)
        del facts["svg"]
        return facts


def explain(app: App, name: str, given: Mapping[str, str]) -> Explained:
    """Raises ConfigError for an unknown runbook or parameter."""
    if name not in app.runbooks:
        raise ConfigError(f"there is no runbook '{name}'", hint=f"runbooks/ has {', '.join(sorted(app.runbooks)) or 'none'}")
    runbook = app.runbooks[name]
    plan = compile_plan(runbook, app.inventory, given, plugins.kinds())
    steps = [
        _explained(step, rank, len(row) > 1, plan, app.inventory)
        for section in SECTIONS
        for rank, row in enumerate(ranks(getattr(plan, section)))
        for step in row
    ]
    drawn = picture(plan)
    about = (drawn.about, *_about(runbook, plan, app.inventory))
    return Explained(plan.runbook, plan.title, about, tuple(steps), tuple(_left_out(runbook)), as_svg(drawn))


def _about(runbook: Runbook, plan: Plan, inventory: Inventory) -> Sequence[str]:
    lines = []
    if runbook.schedule:
        lines.append(f"Meant for '{runbook.schedule}' (minute hour day month weekday) in {inventory.organisation.zone}.")
    if plan.parameters:
        lines.append(f"Parameters: {', '.join(f'{k}={visible(str(v))}' for k, v in plan.parameters.items())}.")
    budgets = [step.budget for step in plan.steps if step.budget is not None]
    if budgets and plan.objective:
        share = sum(budgets) / plan.objective.rto * 100
        beyond = "" if share <= 100 else ": MORE than there is"
        lines.append(f"Its budgets add up to {show_duration(sum(budgets))}, {share:.0f} % of the objective{beyond}.")
    return lines


def _left_out(runbook: Runbook) -> Sequence[str]:
    return [
        f"{step.id or step.action} ({step.action}): only in a {step.only}"
        for section in SECTIONS
        for step in getattr(runbook, section)
        if step.only not in (None, runbook.kind)
    ]


def _explained(step: PlannedStep, rank: int, beside: bool, plan: Plan, inventory: Inventory) -> ExplainedStep:
    action = plugins.ACTIONS[step.action]
    return ExplainedStep(
        step=step.id,
        section=step.section,
        rank=rank,
        beside=beside,
        action=step.action,
        effect=_EFFECTS[action.effect],
        says=kind_doc(action.params),
        given="; ".join(f"{name}: {_value(value)}" for name, value in step.with_.items()),
        notes=tuple(_notes(step, plan, inventory)),
    )


def _notes(step: PlannedStep, plan: Plan, inventory: Inventory) -> list[str]:
    retry = step.retry
    doubled = f", then doubled, up to {show_duration(retry.most)}" if retry.attempts > 2 and retry.wait < retry.most else ""
    waits = f"tried {retry.attempts} times at most, {show_duration(retry.wait)} before the second{doubled}"
    return [
        *([f"after {', '.join(step.needs)}"] if len(step.needs) > 1 else []),
        *([f"skipped unless {_value(step.when.value)} is {_value(step.when.equals)}"] if step.when else []),
        *([f"phase {step.phase}"] if step.phase and step.phase != step.id else []),
        *([_budget(step.budget, plan)] if step.budget is not None else []),
        *([waits] if retry.attempts > 1 else []),
        *([f"ended after {show_duration(step.timeout)}"] if step.timeout is not None else []),
        *(["if it fails, the rest goes on"] if step.on_error == "continue" else []),
        *_told(step, inventory),
    ]


def _budget(budget: float, plan: Plan) -> str:
    share = f", {budget / plan.objective.rto * 100:.0f} % of the objective" if plan.objective else ""
    return f"budget {show_duration(budget)}{share}"


def _told(step: PlannedStep, inventory: Inventory) -> list[str]:
    """Who hears of it: the people of the group, in the order of the file."""
    to = step.with_.get("to")
    if plugins.ACTIONS[step.action].effect is not Effect.TELLS or not isinstance(to, str):
        return []
    people = [contact.name for name, contact in inventory.contacts.items() if to in (name, *contact.groups)]
    return [f"told: {', '.join(map(visible, people))}"] if people else ["told: nobody, as the inventory is"]


def _value(value: JsonValue) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, dict):
        inner = ", ".join(f"{name} {_value(one)}" for name, one in value.get("with", value).items())
        return f"{value['check']} ({inner})" if "check" in value and inner else str(value.get("check", inner))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return visible(_FACT.sub(lambda found: f"the {found[2]} of '{found[1]}'", str(value)).replace("$$", "$"))
