"""A value against its model, with every error turned into a Problem at its place in the text, in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dr.config.nodes import Node, Scalar, Table, at, plain
from dr.config.problems import Problem, closest
from dr.config.shape import at_path, fields, model_arm, places, quantity
from dr.model.base import JsonValue, StrictModel
from dr.model.inventory import SecretRef

Model = TypeVar("Model", bound=StrictModel)
SECRET_HINT = "write !secret {file: keys/NAME}, !secret {env: NAME} or !secret {credential: NAME}"  # noqa: S105 - how to write one
_SLUG = r"^[a-z][a-z0-9-]{0,39}$"
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping (name: value)",
    "model_type": "a mapping (name: value)",
    "model_attributes_type": "a mapping (name: value)",
}
Ignore = Callable[[tuple[str | int, ...], str], bool]
"""Whether an error of a kind at a place is to be passed over (something there is not known yet)."""


def never(_where: tuple[str | int, ...], _kind: str) -> bool:
    return False


def validate(
    model: type[Model],
    node: Node,
    problems: list[Problem],
    *,
    value: JsonValue = None,
    prefix: str = "",
    takes: str = "",
    ignore: Ignore = never,
) -> Model | None:
    """The model, or None with `problems` told at their places in `node`.

    `value`: what to validate, if it is no longer just what is written. `takes`: who does not take an unknown key, for the message.
    """
    value = plain(node) if value is None else value
    before = len(problems)
    problems += [problem for problem in _unwritable(model, node, value, prefix, takes) if problem]
    try:
        made = model.from_facts(value)
    except ValidationError as error:
        problems += _from_pydantic(model, node, error, prefix, takes, ignore)
        return None
    except ValueError:  # json: a number or a text that JSON cannot hold
        problems.append(node.problem(f"{prefix}this cannot be read"))
        return None
    return made if len(problems) == before else None


def _unwritable(model: type[StrictModel], node: Node, value: JsonValue, prefix: str, takes: str) -> list[Problem]:
    """What the models would take but a person should not write: a bare number of seconds, an alias's inner name, a secret in clear."""
    found = []
    for where, annotation, here in places(model, value):
        place = at(node, where)
        if place.bad:
            continue
        unit = quantity(annotation)
        written = isinstance(place, Scalar) and "${" not in place.text  # what the inventory gives is in seconds or bytes already
        if unit and written and isinstance(here, int | float) and not isinstance(here, bool):
            example = "30s, 15m or 4h" if unit == "duration" else "512KiB or 10GiB"
            found.append(place.problem(f"{prefix}{here} has no unit", f"write a {unit} such as {example}"))
        inner = model_arm(annotation)
        if inner and isinstance(here, dict):
            hidden = [name for name, field in inner.model_fields.items() if field.alias not in (None, name) and name in here]
            found += [_unknown(node, (*where, name), inner, prefix, takes) for name in hidden]
        if inner is SecretRef and isinstance(here, dict) and isinstance(place, Table) and not place.secret:
            found.append(place.problem(f"{prefix}a secret's place is marked with !secret", SECRET_HINT, secret=True))
    return found


def _from_pydantic(model: type[StrictModel], node: Node, error: ValidationError, prefix: str, takes: str, ignore: Ignore) -> list[Problem]:
    found: dict[tuple[int, int, str], Problem] = {}
    for detail in error.errors(include_url=False):
        where = detail["loc"]
        place = at(node, where)
        if ignore(where, detail["type"]):
            continue
        if detail["type"] == "extra_forbidden":
            problem = _unknown(node, where, _model_at(model, where[:-1]), prefix, takes)
        elif place.bad or _only_spoilt(detail):
            continue
        else:
            problem = _problem(model, node, place, detail, prefix)
        # A union gives an error for each of its types at one place: the first says enough.
        key = (problem.line, problem.col, str(where[-1]) if detail["type"] == "missing" else "")
        found.setdefault(key, problem)
    return list(found.values())


def _only_spoilt(detail: ErrorDetails) -> bool:
    """A list that is too short only because its items are wrong, which is told already."""
    given = detail["input"]
    return detail["type"] == "too_short" and isinstance(given, list | dict) and len(given) >= detail["ctx"]["min_length"]


def _model_at(model: type[StrictModel], where: Sequence[str | int]) -> type[StrictModel] | None:
    return model_arm(at_path(model, [part for part in where if part != "[key]"]))


def _unknown(node: Node, where: Sequence[str | int], model: type[StrictModel] | None, prefix: str, takes: str) -> Problem:
    name = str(where[-1])
    known = list(fields(model)) if model else []
    near = closest(name, known)
    hint = near[0].lower() + near[1:] if near else (f"known here: {', '.join(known)}" if known else "it takes nothing")
    who = takes if takes and len(where) == 1 else ""
    return at(node, where, key=True).problem(f"{prefix}{who} takes no '{name}'" if who else f"{prefix}'{name}' is not known here", hint)


def _problem(model: type[StrictModel], node: Node, place: Node, detail: ErrorDetails, prefix: str) -> Problem:
    kind, where = detail["type"], detail["loc"]
    if _model_at(model, where) is SecretRef:
        return place.problem(f"{prefix}a secret is not written here, only where it is kept", SECRET_HINT, secret=isinstance(place, Scalar))
    if kind == "missing":
        parent = at(node, where[:-1], key=True) if len(where) > 1 else place
        return parent.problem(f"{prefix}'{where[-1]}' is missing", _missing_hint(model, where))
    message, hint = _words(detail, place)
    return place.problem(f"{prefix}{message}", hint)


def _missing_hint(model: type[StrictModel], where: Sequence[str | int]) -> str:
    annotation = at_path(model, where)
    unit = quantity(annotation)
    if unit:
        return f"add `{where[-1]}: {'4h' if unit == 'duration' else '10GiB'}`, as it should be"
    return f"add `{where[-1]}: !secret {{file: keys/NAME}}`" if model_arm(annotation) is SecretRef else f"add `{where[-1]}: ...`"


def _words(detail: ErrorDetails, place: Node) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    shown = f"'{given}'" if isinstance(given, str) else _say_value(given)
    if isinstance(place, Scalar) and isinstance(given, str) and "${" in place.text and place.text != given:
        shown += f" (from {place.text})"
    if kind in _TYPES:
        return f"{shown} is not {_TYPES[kind]}", _quote_hint(kind, given)
    if kind == "literal_error":
        words = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
        return f"{shown} is not one of {', '.join(words)}", closest(str(given), words)
    if kind == "string_pattern_mismatch":
        if context.get("pattern") == _SLUG:
            return f"{shown} cannot be a name here", "lower-case letters, digits and dashes, beginning with a letter, 40 at most"
        return f"{shown} is not in the form that is wanted here", f"it must match {context.get('pattern')}"
    if kind in ("value_error", "assertion_error"):
        message, _, hint = str(context.get("error", detail["msg"])).partition("; ")
        return message, hint
    return _bounds(kind, shown, context) or f"{shown}: {_lower(detail['msg'])}", ""


def _bounds(kind: str, shown: str, context: Mapping[str, Any]) -> str:
    limits = {"greater_than_equal": ("ge", "less than"), "less_than_equal": ("le", "more than")}
    if kind in limits:
        return f"{shown} is {limits[kind][1]} {context.get(limits[kind][0])}"
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length")
        return "this is empty" if least == 1 else f"at least {least} are needed here"
    return ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _say_value(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return str(given).lower()
    return str(given) if isinstance(given, int | float) else "a list" if isinstance(given, list) else "a mapping"


def _quote_hint(kind: str, given: Any) -> str:
    if kind == "string_type" and isinstance(given, bool | int | float):
        return f'write "{_say_value(given)}" in quotes if it is meant as text'
    return f"write [{given}]" if kind in ("tuple_type", "list_type") and isinstance(given, str) else ""
