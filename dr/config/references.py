"""References in a runbook, checked before anything runs: that what they name exists, is known in time, and fits where it goes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dr.config.kinds import Kinds
from dr.config.nodes import Scalar, scalars
from dr.config.problems import Problem, offer
from dr.config.shape import Place, at_path, fields, fits, say
from dr.config.steps import StepView
from dr.model.base import JsonObject, JsonValue
from dr.model.references import KEEP, BadReference, Found, Reference, locate, resolve, substitute

MISSING: JsonValue = object()


@dataclass(frozen=True)
class Scope:
    """What references may name in one runbook."""

    steps: Mapping[str, StepView]
    before: Mapping[str, frozenset[str]]
    kinds: Kinds
    parameters: Mapping[str, JsonValue]
    """Name to its default; None where it must be given."""
    inventory: JsonObject | None = None
    """None where it could not be read; references to it are then not checked."""
    ordered: Sequence[str] = field(default=())
    """Ids of the section `steps`."""


def reference_problems(view: StepView, scope: Scope) -> Iterator[Problem]:
    """Everything that is wrong with the references of one step, in `with` and in `when`."""
    for section in ("with", "when"):
        for where, node in scalars(view.node.get(section)):
            if not node.bad and isinstance(node.value, str):
                yield from _of_scalar(view, node, where if section == "with" else None, scope)


def _of_scalar(view: StepView, node: Scalar, where: tuple[str | int, ...] | None, scope: Scope) -> Iterator[Problem]:
    try:
        found = locate(node.value)
    except BadReference as error:
        start, length = node.place(error.start, len(error.text))
        yield node.problem(f"{view.prefix}{error}", error.hint, start=start, length=length)
        return
    for one in found:
        wrong = _wrong(view, one, where, scope)
        if wrong:
            start, length = node.place(one.start, one.length)
            yield node.problem(f"{view.prefix}{wrong[0]}", wrong[1], start=start, length=length)


def _wrong(view: StepView, found: Found, where: tuple[str | int, ...] | None, scope: Scope) -> tuple[str, str] | None:
    reference = found.reference
    if reference.root == "parameters":
        name = reference.path[0]
        return None if name in scope.parameters else (f"there is no parameter '{name}'", offer("this runbook", name, scope.parameters))
    if reference.root == "inventory":
        if scope.inventory is None or look_inside(scope.inventory, reference.path) is not MISSING:
            return None
        return _inventory_path(reference, scope.inventory)
    return _wrong_step(view, reference, scope) or _wrong_fact(view, found, where, scope)


def _wrong_step(view: StepView, reference: Reference, scope: Scope) -> tuple[str, str] | None:
    name = reference.path[0]
    other = scope.steps.get(name)
    if other is None:
        return f"there is no step '{name}'", offer("this runbook", name, scope.steps)
    if name == view.id:
        return f"{reference} refers to the step itself", "a step's facts are known once it is done"
    late = name not in scope.before[view.id] and not (view.section != "steps" and other.section == "steps")
    if late:
        return f"step '{name}' is not done before this one begins", f"move it up, or add '{name}' to this step's `needs`"
    if other.only and other.only != view.only:
        return f"step '{name}' is left out unless this is a {other.only}", f"write `only: {other.only}` here too, or take it away there"
    return None


def _wrong_fact(view: StepView, found: Found, where: tuple[str | int, ...] | None, scope: Scope) -> tuple[str, str] | None:
    name, *path = found.reference.path
    action = scope.kinds.actions.get(scope.steps[name].action or "")
    mine = scope.kinds.actions.get(view.action or "")
    if action is None:
        return None
    given = at_path(action.facts, path)
    if given is None:
        hint = offer(f"action '{action.kind}'", path[0], fields(action.facts))
        return f"step '{name}' (action '{action.kind}') leaves no fact '{'.'.join(path)}'", hint
    wanted = at_path(mine.params, where) if mine and where is not None and found.whole else Any
    if wanted is None or fits(given, wanted):
        return None
    return f"{found.reference} is {say(given)}, and '{_dotted(where)}' takes {say(wanted)}", _fitting(action.facts, wanted, name)


def _fitting(facts: Any, wanted: Any, step: str) -> str:
    names = [fact for fact, annotation in fields(facts).items() if fits(annotation, wanted)]
    return f"that fits: {', '.join(f'${{steps.{step}.{fact}}}' for fact in names)}" if names else ""


def _dotted(where: Sequence[str | int] | None) -> str:
    return ".".join(map(str, where or ()))


def _inventory_path(reference: Reference, inventory: JsonObject) -> tuple[str, str]:
    value: JsonValue = inventory
    for depth, name in enumerate(reference.path):
        inner = look_inside(value, (name,))
        if inner is MISSING:
            above = ".".join(reference.path[:depth]) or "the inventory"
            return f"the inventory has no '{'.'.join(reference.path[: depth + 1])}'", offer(
                above, name, value if isinstance(value, dict) else ()
            )
        value = inner
    raise AssertionError("a path that exists is not missing")


def look_inside(value: JsonValue, path: Sequence[str]) -> JsonValue:
    """What stands at a path of names (and numbers of items, from 0); MISSING if nothing does."""
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return MISSING
    return value


def fill(value: JsonValue, parameters: Mapping[str, JsonValue], inventory: JsonObject | None) -> JsonValue:
    """Put in the parameters and inventory values that are known; step references, and what is not known, stay. Raises BadReference."""

    def look_up(reference: Reference) -> JsonValue:
        if reference.root == "parameters":
            given = parameters.get(reference.path[0])
            return KEEP if given is None else given
        if reference.root == "inventory" and inventory is not None:
            found = look_inside(inventory, reference.path)
            return KEEP if found is MISSING else found
        return KEEP

    return substitute(value, look_up)


@dataclass(frozen=True)
class Settled:
    """A filled value as it will be, for validating, and the places in it that only a run can fill."""

    value: JsonValue
    opens: frozenset[Place]

    def is_open(self, where: Place) -> bool:
        """Whether a reference still stands at the place, or it lies below such a one (pydantic names a union's arms there)."""
        return any(where[: len(place)] == place for place in self.opens)

    def holds_open(self, where: Place) -> bool:
        """Whether a reference still stands somewhere in what is at the place."""
        return any(place[: len(where)] == where for place in self.opens)

    def inside(self, where: Place, value: JsonValue) -> "Settled":
        """The same of a part."""
        return Settled(value, frozenset(place[len(where) :] for place in self.opens if place[: len(where)] == where))


def settle(value: JsonValue) -> Settled:
    """`$$` becomes `$`; a reference that is still open stays, and its place is remembered. Raises BadReference.

    What was put in cannot be taken for a reference, because `fill` doubled its dollar signs.
    """
    return Settled(resolve(value, str), frozenset(found.where for found in locate(value)))
