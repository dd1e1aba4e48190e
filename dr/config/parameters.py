"""A step's `with` against its action: literals now, references where they stand once something is put in for them."""

from collections.abc import Iterator

from dr.config.kinds import Kinds
from dr.config.names import Names, unknown_names
from dr.config.nodes import Node, at
from dr.config.problems import Problem, offer
from dr.config.references import is_open
from dr.config.shape import model_arm, places
from dr.config.validate import Ignore, validate
from dr.model.base import JsonObject, JsonValue, StrictModel
from dr.model.ports import Action
from dr.model.runbook import CheckRef

_CONTAINER_ERRORS = ("value_error", "assertion_error")
"""Errors of a whole mapping or list, which may be about a value that is still open."""


def with_problems(action: Action, value: JsonObject, node: Node, kinds: Kinds, names: Names | None, prefix: str) -> Iterator[Problem]:
    """What is wrong with parameters whose parameter and inventory references are filled in; steps' references may be left."""
    found: list[Problem] = []
    validate(action.params, node, found, value=value, prefix=prefix, takes=f"action '{action.kind}'", ignore=ignore_open(value))
    yield from found
    if names is not None:
        yield from unknown_names(action.params, value, node, names, prefix)
    yield from _checks(action.params, value, node, kinds, names, prefix)


def ignore_open(value: JsonValue) -> Ignore:
    """Passes over the errors that an open reference causes where it stands."""

    def ignore(where: tuple[str | int, ...], kind: str) -> bool:
        if kind in ("missing", "extra_forbidden"):
            return False
        here = _deepest(value, where)
        return is_open(here) if isinstance(here, str) or kind in _CONTAINER_ERRORS else False

    return ignore


def _deepest(value: JsonValue, where: tuple[str | int, ...]) -> JsonValue:
    for part in where:
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int) and part < len(value)
        value = value[part] if inside else value
    return value


def _checks(params: type[StrictModel], value: JsonObject, node: Node, kinds: Kinds, names: Names | None, prefix: str) -> Iterator[Problem]:
    for where, annotation, here in places(params, value):
        if model_arm(annotation) is not CheckRef or not isinstance(here, str | dict):
            continue
        kind = here if isinstance(here, str) else here.get("check")
        if not isinstance(kind, str) or is_open(kind):
            continue
        place = at(node, where if isinstance(here, str) else (*where, "check"))
        if kind not in kinds.checks:
            yield place.problem(f"{prefix}'{kind}' is not a check", offer("this dr", kind, sorted(kinds.checks)))
            continue
        given = here.get("with", {}) if isinstance(here, dict) else {}
        if isinstance(given, dict):
            inner = at(node, (*where, "with"))
            found: list[Problem] = []
            model = kinds.checks[kind]
            validate(model, inner, found, value=given, prefix=prefix, takes=f"check '{kind}'", ignore=ignore_open(given))
            yield from found
            if names is not None:
                yield from unknown_names(model, given, inner, names, prefix)
