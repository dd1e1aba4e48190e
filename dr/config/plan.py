"""A runbook and its parameters into a plan: everything filled in that is known before the run, frozen."""

from collections.abc import Mapping, Sequence
from typing import cast

from dr.config.kinds import Kinds
from dr.config.names import Names, names_of
from dr.config.nodes import Document, Table
from dr.config.parameters import with_problems
from dr.config.problems import offer
from dr.config.references import fill, settle
from dr.config.steps import SECTIONS, default_id, default_needs
from dr.errors import ConfigError
from dr.model.base import JsonObject, JsonValue, Seconds, canonical, sha256
from dr.model.forecast import Unmeasured
from dr.model.inventory import Inventory, Objective
from dr.model.runbook import Declaration, LeftOut, Plan, PlannedStep, Retry, Runbook, RunKind, Section, Step, When
from dr.model.written import rests_on

_RETRY = {"open": Retry(attempts=60, wait=Seconds(5.0), most=Seconds(60.0))}
"""Of steps that say nothing of it: once its host is production, nothing but the run itself can open it."""


def compile_plan(
    runbook: Runbook,
    inventory: Inventory,
    parameters: Mapping[str, str],
    kinds: Kinds | None = None,
    kind: RunKind | None = None,
    declaration: Declaration | None = None,
) -> Plan:
    """Fill in parameters and inventory, ids, needs, objective, system and tier; leave `${steps...}` for when they are known.

    With `kinds`, what is filled in is checked against the actions' parameters and the inventory's names. `kind`: as what it is carried out,
    where that is not the runbook's own (the runbook of a recovery as a drill). Raises ConfigError.
    """
    values = parameter_values(runbook, parameters)
    facts = inventory.to_facts()
    run_kind = kind or runbook.kind
    omitted = {section: _left_out(runbook, section, run_kind, declaration) for section in SECTIONS}
    sections = {section: _section(runbook, section, values, facts, omitted[section]) for section in SECTIONS}
    if kinds is not None:
        _recheck([step for steps in sections.values() for step in steps], kinds, names_of(inventory), runbook.runbook)
    system, tier = _about(sections["steps"], "system"), _about(sections["steps"], "tier")
    if system is None and isinstance(values.get("system"), str):
        system = values["system"]
    return Plan(
        runbook=runbook.runbook,
        title=runbook.title,
        kind=run_kind,
        system=system,
        tier=tier,
        parameters=values,
        objective=_objective(runbook, inventory, system, tier),
        unmeasured=_unmeasured(inventory, system, tier) if run_kind == "drill" else None,
        steps=sections["steps"],
        on_failure=sections["on_failure"],
        always=sections["always"],
        left_out=tuple(one for section in SECTIONS for one in omitted[section]),
        declaration=declaration,
        inventory=sha256(canonical(facts)),
        rests_on=rests_on({runbook.runbook: runbook.to_facts()}, facts["hosts"], _hosts(sections)),
    )


def _hosts(sections: Mapping[Section, Sequence[PlannedStep]]) -> list[str]:
    """Every host that a step names, as far as that is known before it starts."""
    named = [step.with_.get(key) for steps in sections.values() for step in steps for key in ("onto", "host")]
    return sorted({name for name in named if isinstance(name, str)})


def parameter_values(runbook: Runbook, given: Mapping[str, str]) -> dict[str, JsonValue]:
    """Defaults, and what was given, in the default's own type. Raises ConfigError for an unknown, missing or unreadable one."""
    for name in given:
        if name not in runbook.parameters:
            raise ConfigError(f"runbook '{runbook.runbook}' has no parameter '{name}'", hint=offer("it", name, runbook.parameters))
    values: dict[str, JsonValue] = {}
    for name, parameter in runbook.parameters.items():
        value = _read(name, given[name], parameter.default) if name in given else parameter.default
        if value is None:
            raise ConfigError(
                f"runbook '{runbook.runbook}' needs the parameter '{name}'", hint=f"add -p {name}=...  {parameter.help}".strip()
            )
        values[name] = value
    return values


def _read(name: str, text: str, default: JsonValue) -> JsonValue:
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[text]
        if isinstance(default, int):
            return int(text)
        return float(text) if isinstance(default, float) else text
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) else "a whole number" if isinstance(default, int) else "a number"
        raise ConfigError(f"parameter '{name}': '{text}' is not {kind}", hint=f"its default is {str(default).lower()}") from None


def _left_out(runbook: Runbook, section: Section, kind: str, declaration: Declaration | None) -> list[LeftOut]:
    """The steps of a section that such a run does not have, each with the reason."""
    found = []
    for index, step in enumerate(getattr(runbook, section)):
        why = f"only in a {step.only}" if step.only not in (None, kind) else ""
        if declaration is not None and declaration.alone and step.action == "approve" and step.with_.get("second_person") is True:
            why = "nobody else is asked: the recovery is carried out alone"
        if why:
            name = step.id or default_id(section, index, step.action)
            found.append(LeftOut(id=name, section=section, action=step.action, why=why))
    return found


def _section(
    runbook: Runbook, section: Section, values: Mapping[str, JsonValue], facts: JsonObject, omitted: Sequence[LeftOut]
) -> tuple[PlannedStep, ...]:
    steps: Sequence[Step] = getattr(runbook, section)
    ids = [step.id or default_id(section, index, step.action) for index, step in enumerate(steps)]
    needs = {name: default_needs(step.needs, before) for name, step, before in zip(ids, steps, [None, *ids], strict=False)}
    dropped = {one.id for one in omitted}
    return tuple(
        _planned(step, name, section, _bridge(needs[name], needs, dropped), values, facts)
        for name, step in zip(ids, steps, strict=True)
        if name not in dropped
    )


def _bridge(wanted: Sequence[str], needs: Mapping[str, Sequence[str]], dropped: set[str]) -> tuple[str, ...]:
    """Who needed a step that is left out waits for what that one waited for."""
    found: dict[str, None] = {}
    for name in wanted:
        found |= dict.fromkeys(_bridge(needs[name], needs, dropped) if name in dropped else (name,))
    return tuple(found)


def _planned(
    step: Step, name: str, section: Section, needs: tuple[str, ...], values: Mapping[str, JsonValue], facts: JsonObject
) -> PlannedStep:
    when = step.when and When(value=fill(step.when.value, values, facts), equals=fill(step.when.equals, values, facts))
    retry = step.retry if "retry" in step.model_fields_set else _RETRY.get(step.action, step.retry)
    kept = step.model_dump(include={"timeout", "on_error", "phase", "budget"})
    filled = cast("JsonObject", fill(step.with_, values, facts))
    return PlannedStep(id=name, section=section, action=step.action, with_=filled, needs=needs, when=when, retry=retry, **kept)


def _about(steps: Sequence[PlannedStep], key: str) -> str | None:
    """The system or tier that the plan is about: select-backup's, else (a system) the first that a step names."""
    selects = [step for step in steps if step.action == "select-backup"]
    for step in selects or (steps if key == "system" else []):
        value = step.with_.get(key)
        if isinstance(value, str) and "${" not in value:
            return value
    return None


def _objective(runbook: Runbook, inventory: Inventory, system: str | None, tier: str | None) -> Objective | None:
    """The tightest of the inventory's and the runbook's."""
    entry = inventory.systems.get(system or "")
    given = [entry.objectives.tiers.get(tier or "") if entry else None, runbook.objective]
    found = [objective for objective in given if objective is not None]
    if not found:
        return None
    targets = [objective.target for objective in found if objective.target is not None]
    return Objective(rto=min(objective.rto for objective in found), target=min(targets, default=None))


def _unmeasured(inventory: Inventory, system: str | None, tier: str | None) -> Unmeasured | None:
    """What the inventory declares for the tier. A recovery needs none of it: its clock runs through all of that."""
    entry = inventory.systems.get(system or "")
    objective = entry.objectives.tiers.get(tier or "") if entry else None
    return objective.unmeasured if objective else None


def _recheck(steps: Sequence[PlannedStep], kinds: Kinds, names: Names, runbook: str) -> None:
    nowhere = Table(Document(runbook), 0, 0, 0, 0)
    for step in steps:
        action = kinds.actions.get(step.action)
        if action is None:
            raise ConfigError(
                f"step '{step.id}': '{step.action}' is not an action", hint=offer("this dr", step.action, sorted(kinds.actions))
            )
        for problem in with_problems(action, settle(step.with_), nowhere, kinds, names, f"step '{step.id}': "):
            raise ConfigError(problem.message, hint=problem.hint)
