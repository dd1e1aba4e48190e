"""What type a place in a value has, read from the models: for checking names, units and references before anything runs."""

import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from dr.model.base import Duration, JsonValue, Size, StrictModel

_LISTS = (tuple, list, set, frozenset, Sequence)
_MARKS = {Duration.__metadata__[0]: "duration", Size.__metadata__[0]: "size"}  # type: ignore[attr-defined]


@cache
def fields(model: type[BaseModel]) -> dict[str, Any]:
    """The model's keys as they are written (aliases), with their whole annotations."""
    hints = get_type_hints(model, include_extras=True)
    return {field.alias or name: hints[name] for name, field in model.model_fields.items()}


def arms(annotation: Any) -> list[Any]:
    """The types that a value may have: unions taken apart, `Annotated` taken off; None itself is left out."""
    if get_origin(annotation) is Annotated:
        return arms(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for arm in get_args(annotation) for inner in arms(arm)]
    return [] if annotation in (None, type(None)) else [annotation]


def model_arm(annotation: Any) -> type[StrictModel] | None:
    """The model that a place holds, if it holds one."""
    return next((arm for arm in arms(annotation) if isinstance(arm, type) and issubclass(arm, StrictModel)), None)


def newtypes(annotation: Any) -> list[str]:
    """The names of the NewTypes that a value may have: `HostName`, ..."""
    return [arm.__name__ for arm in arms(annotation) if isinstance(arm, NewType)]


def literals(annotation: Any) -> list[JsonValue]:
    """The words that a place may hold as they are."""
    return [value for arm in arms(annotation) if get_origin(arm) is Literal for value in get_args(arm)]


def quantity(annotation: Any) -> str:
    """`duration` or `size` where a number needs its unit in a file, else nothing."""
    if get_origin(annotation) is Annotated:
        return next((_MARKS[mark] for mark in annotation.__metadata__ if mark in _MARKS), "")
    if get_origin(annotation) in (Union, types.UnionType):
        return next(filter(None, map(quantity, get_args(annotation))), "")
    return ""


def inside(annotation: Any, key: str | int) -> Any:
    """The type one step further in; None where there is no such place."""
    for arm in arms(annotation):
        if isinstance(arm, type) and issubclass(arm, BaseModel) and key in fields(arm):
            return fields(arm)[str(key)]
        origin, args = get_origin(arm), get_args(arm)
        if isinstance(key, str) and origin in (dict, Mapping):
            return args[1]
        if isinstance(key, int) and origin in _LISTS:
            return args[0] if len(args) == 1 or args[-1] is Ellipsis else args[min(key, len(args) - 1)]
        if arm is Any:
            return Any
    return None


def at_path(annotation: Any, path: Sequence[str | int]) -> Any:
    """The type at a path; None where there is no such place."""
    for key in path:
        annotation = inside(annotation, key)
        if annotation is None:
            return None
    return annotation


Place = tuple[str | int, ...]


def places(annotation: Any, value: JsonValue, where: Place = ()) -> Iterator[tuple[Place, Any, JsonValue]]:
    """Every place of a value that the models know, outer ones first: the way to it, its type and what is there. A dict's key: `[key]`."""
    yield where, annotation, value
    pairs: Iterator[tuple[str | int, JsonValue]]
    if isinstance(value, dict):
        pairs = iter(value.items())
        yield from _keys(annotation, value, where)
    elif isinstance(value, list):
        pairs = iter(enumerate(value))
    else:
        return
    for key, item in pairs:
        inner = inside(annotation, key)
        if inner is not None and inner is not Any:
            yield from places(inner, item, (*where, key))


def _keys(annotation: Any, value: dict[str, JsonValue], where: Place) -> Iterator[tuple[Place, Any, JsonValue]]:
    for arm in arms(annotation):
        if get_origin(arm) in (dict, Mapping):
            for key in value:
                yield (*where, key, "[key]"), get_args(arm)[0], key


def fits(given: Any, wanted: Any) -> bool:
    """Whether a fact of type `given` can fill a parameter of type `wanted`: true if any of the one's types fits any of the other's."""
    if given is Any or wanted is Any:
        return True
    return any(_fits(one, other) for one in arms(given) for other in arms(wanted))


def _fits(given: Any, wanted: Any) -> bool:
    if Any in (given, wanted) or given is wanted:
        return True
    if isinstance(given, NewType) and isinstance(wanted, NewType):
        return given.__name__ == wanted.__name__
    if isinstance(given, NewType):
        return _fits(given.__supertype__, wanted)
    if isinstance(wanted, NewType):
        if given is datetime:
            return False
        return _fits(given, wanted.__supertype__)
    return _plain_fits(given, wanted)


def _plain_fits(given: Any, wanted: Any) -> bool:
    if get_origin(given) is Literal or get_origin(wanted) is Literal:
        return _literal_fits(given, wanted)
    of, to = get_origin(given) or given, get_origin(wanted) or wanted
    if of in _LISTS and to in _LISTS:
        return all(fits(one, other) for one, other in zip(get_args(given)[:1], get_args(wanted)[:1], strict=False))
    if _is_table(of) and _is_table(to):
        return of is to or dict in (of, to) or Mapping in (of, to)
    if of is datetime:  # an instant is text once it is a fact
        of = str
    return of is to or (of is int and to is float) or (of is str and to is datetime)


def _literal_fits(given: Any, wanted: Any) -> bool:
    of, to = (get_args(side) if get_origin(side) is Literal else None for side in (given, wanted))
    if of is not None and to is not None:
        return bool(set(of) & set(to))
    return any(type(word) is wanted for word in of) if of is not None else any(type(word) is given for word in to or ())


def _is_table(kind: Any) -> bool:
    return kind in (dict, Mapping) or (isinstance(kind, type) and issubclass(kind, BaseModel))


def say(annotation: Any) -> str:
    """The type in words, for a message: `SetId`, `text`, `a whole number`."""
    return " or ".join(dict.fromkeys(_say(arm) for arm in arms(annotation))) or "nothing"


def _say(arm: Any) -> str:
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", datetime: "an instant"}
    if isinstance(arm, NewType):
        return str(arm.__name__)
    if get_origin(arm) is Literal:
        return " or ".join(f"'{word}'" for word in get_args(arm))
    origin = get_origin(arm) or arm
    if origin in _LISTS:
        return f"a list of {say(get_args(arm)[0])}" if get_args(arm) else "a list"
    return "a mapping" if _is_table(origin) else words.get(origin, "a value")
