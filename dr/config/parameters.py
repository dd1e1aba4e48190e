"""A step's `with` against its action: literals now, references where they stand once something is put in for them."""

from collections.abc import Iterator

from dr.config.kinds import Kinds
from dr.config.names import Names, unknown_names
from dr.config.nodes import Node, at
from dr.config.problems import Problem, offer
from dr.config.references import Settled
from dr.config.shape import model_arm, places
from dr.config.validate import Ignore, validate
from dr.model.base import StrictModel
from dr.model.ports import Action
from dr.model.runbook import CheckRef

_ABOUT_ALL = ("value_error", "assertion_error")
"""Errors of a whole mapping or list, which may be about a value in it that is still open."""


def with_problems(action: Action, given: Settled, node: Node, kinds: Kinds, names: Names | None, prefix: str) -> Iterator[Problem]:
    """What is wrong with parameters whose parameter and inventory references are filled in; steps' references may be left."""
    yield from _against(action.params, given, node, names, prefix, f"action '{action.kind}'")
    yield from _checks(action.params, given, node, kinds, names, prefix)


def _against(model: type[StrictModel], given: Settled, node: Node, names: Names | None, prefix: str, takes: str) -> Iterator[Problem]:
    found: list[Problem] = []
    validate(model, node, found, value=given.value, prefix=prefix, takes=takes, ignore=ignore_open(given))
    yield from found
    if names is not None:
        yield from unknown_names(model, given.value, node, names, prefix, given.is_open)


def ignore_open(given: Settled) -> Ignore:
    """Passes over the errors that an open reference causes where it stands."""

    def ignore(where: tuple[str | int, ...], kind: str) -> bool:
        if kind in ("missing", "extra_forbidden"):
            return False
        return given.is_open(where) or (kind in _ABOUT_ALL and given.holds_open(where))

    return ignore


def _checks(params: type[StrictModel], given: Settled, node: Node, kinds: Kinds, names: Names | None, prefix: str) -> Iterator[Problem]:
    for where, annotation, here in places(params, given.value):
        if model_arm(annotation) is not CheckRef or not isinstance(here, str | dict):
            continue
        kind, place = (here, where) if isinstance(here, str) else (here.get("check"), (*where, "check"))
        if not isinstance(kind, str) or given.is_open(place):
            continue
        if kind not in kinds.checks:
            yield at(node, place).problem(f"{prefix}'{kind}' is not a check", offer("this dr", kind, sorted(kinds.checks)))
            continue
        inner = here.get("with", {}) if isinstance(here, dict) else {}
        if isinstance(inner, dict):
            below = (*where, "with")
            yield from _against(kinds.checks[kind], given.inside(below, inner), at(node, below), names, prefix, f"check '{kind}'")
