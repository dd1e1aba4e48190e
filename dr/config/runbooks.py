"""Runbooks: `runbooks/*.yaml`, each checked against its model, the actions' own parameters, the inventory, and itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dr.config.inventory import yaml_files
from dr.config.inventory_rules import target_problems
from dr.config.kinds import Kinds
from dr.config.loader import read_file
from dr.config.names import Names, names_of
from dr.config.nodes import Scalar, Table, at, plain, plain_table
from dr.config.parameters import with_problems
from dr.config.problems import ConfigProblems, Problem, offer
from dr.config.recovery import recovery_problems, replay_problems
from dr.config.references import Scope, fill, reference_problems, settle
from dr.config.steps import StepView, ancestors, graph_problems, read_steps
from dr.config.validate import validate
from dr.model.base import JsonValue
from dr.model.inventory import Inventory
from dr.model.references import BadReference
from dr.model.runbook import Runbook
from dr.units import parse_duration, show_duration

FOLDER = "runbooks"


@dataclass
class Around:
    """What a runbook is checked against. `inventory` is None where it could not be read; then only what needs no inventory is."""

    kinds: Kinds
    names: Names | None = None
    inventory: Inventory | None = None


@dataclass
class CheckedRunbooks:
    runbooks: dict[str, Runbook] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    roots: dict[str, Table] = field(default_factory=dict)


def load_runbooks(home: Path, inventory: Inventory, kinds: Kinds) -> dict[str, Runbook]:
    """Name to runbook. Raises ConfigProblems with every problem of every file of `runbooks/`."""
    checked = check_runbooks(home, Around(kinds, names_of(inventory), inventory))
    if checked.problems:
        raise ConfigProblems(checked.problems)
    return checked.runbooks


def check_runbooks(home: Path, around: Around) -> CheckedRunbooks:
    """Read and check them all; raises nothing."""
    files, problems = yaml_files(home, FOLDER)
    checked = CheckedRunbooks(problems=problems)
    for path in files:
        root, wrong = read_file(path, f"{FOLDER}/{path.name}")
        problems += wrong
        if root is not None:
            checked.roots[path.stem] = root
            runbook = _check(root, path.stem, around, problems)
            if runbook is not None and not wrong:
                checked.runbooks[path.stem] = runbook
    return checked


def _check(root: Table, stem: str, around: Around, problems: list[Problem]) -> Runbook | None:
    before = len(problems)
    runbook = validate(Runbook, root, problems)
    views = read_steps(root)
    problems += _head(root, stem)
    problems += graph_problems(views)
    problems += _steps(root, views, around)
    problems += _drill(root, views)
    problems += recovery_problems(root, views)
    problems += replay_problems(views, _suppressing(root, stem, views, around.inventory))
    problems += objective_problems(root, views, around.inventory)
    return runbook if len(problems) == before else None


def _head(root: Table, stem: str) -> Iterator[Problem]:
    name, schedule = root.get("runbook"), root.get("schedule")
    if isinstance(name, Scalar) and isinstance(name.value, str) and name.value != stem:
        yield name.problem(f"the file is called {stem}.yaml, and the runbook '{name.value}'", "give both one name")
    if isinstance(schedule, Scalar) and isinstance(schedule.value, str) and not is_cron(schedule.value):
        hint = "minute hour day month weekday, such as '0 3 * * SUN': Sundays at 03:00 in the organisation's zone"
        yield schedule.problem(f"'{schedule.value}' is not a schedule of five cron fields", hint)
    objective = root.get("objective")
    if isinstance(objective, Table):
        yield from target_problems(objective)


def is_cron(text: str) -> bool:
    """Whether it is five cron fields that can come true."""
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        return len(text.split()) == 5 and bool(next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))))
    except (CronSimError, StopIteration):
        return False


def defaults(root: Table) -> dict[str, JsonValue]:
    """Parameter to its default, None where it has none."""
    declared = plain_table(root.get("parameters"))
    return {name: value.get("default") if isinstance(value, dict) else None for name, value in declared.items()}


def _steps(root: Table, views: list[StepView], around: Around) -> Iterator[Problem]:
    facts = around.inventory.to_facts() if around.inventory else None
    scope = Scope({view.id: view for view in views}, ancestors(views), around.kinds, defaults(root), facts)
    for view in views:
        yield from reference_problems(view, scope)
        action = around.kinds.actions.get(view.action or "")
        if action is None:
            if view.action is not None:
                hint = offer("this dr", view.action, sorted(around.kinds.actions))
                yield at(view.node, ["action"]).problem(f"{view.prefix}'{view.action}' is not an action", hint)
            continue
        given = view.node.get("with")
        if given is not None and not isinstance(given, Table):
            continue
        try:
            value = settle(fill(view.with_, scope.parameters, facts))
        except BadReference:
            continue
        place = given if given is not None else at(view.node, ["action"])
        yield from with_problems(action, value, place, around.kinds, around.names, view.prefix)


def _suppressing(root: Table, stem: str, views: list[StepView], inventory: Inventory | None) -> list[str]:
    """The systems that this runbook is for and that declare how requests are replayed: those that name it, and the one of its defaults."""
    values = defaults(root)
    own = [values.get("system"), tier_of(views, values, "system")]  # a list, since what is written there may be one
    systems = inventory.systems.items() if inventory else ()
    return [name for name, entry in systems if entry.suppression is not None and (name in own or entry.runbooks.recover == stem)]


def _drill(root: Table, views: list[StepView]) -> Iterator[Problem]:
    kind = root.get("kind")
    if plain(kind) != "drill" or kind is None:
        return
    steps = [view for view in views if view.only in (None, "drill")]
    if not any(view.action == "check" and view.section == "steps" for view in steps):
        yield kind.problem("a drill without a check proves nothing", "add a step with `action: check` under `steps`")
    if not any(view.action == "scrub" and view.section == "always" for view in steps):
        yield kind.problem("a drill must not leave client data on the standby", "add `- {action: scrub, with: {host: ...}}` under `always`")


def tier_of(views: list[StepView], parameters: dict[str, JsonValue], key: str) -> str | None:
    """What the select-backup step names under `key`, parameters filled in."""
    for view in views:
        if view.section == "steps" and view.action == "select-backup":
            try:
                found = fill(view.with_.get(key), parameters, None)
            except BadReference:
                return None
            return found if isinstance(found, str) and "${" not in found else None
    return None


def objective_problems(root: Table, views: list[StepView], inventory: Inventory | None) -> Iterator[Problem]:
    """A runbook may promise more than the inventory, never less."""
    objective, values = root.get("objective"), defaults(root)
    system, tier = tier_of(views, values, "system"), tier_of(views, values, "tier")
    entry = inventory.systems.get(system or "") if inventory else None
    promised = entry.objectives.tiers.get(tier or "") if entry else None
    if not isinstance(objective, Table) or promised is None:
        return
    for name, limit in (("rto", promised.rto), ("target", promised.target)):
        mine = _seconds(objective, name)
        if limit is not None and mine is not None and mine > limit:
            hint = f"systems.{system}.objectives.tiers.{tier} says {show_duration(limit)}; a runbook may only tighten it"
            yield at(objective, [name]).problem(f"the runbook's {name} is looser than the inventory's", hint)


def _seconds(table: Table, name: str) -> float | None:
    value = plain(table.get(name))
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return None
