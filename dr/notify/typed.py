"""What a template may be given: named fields of plain kinds, never a dictionary. So nothing reaches a message that nobody named."""

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from dr.model.base import StrictModel

_PLAIN: tuple[object, ...] = (str, int, float, bool, NoneType)


@cache
def require_typed(story: type[StrictModel]) -> None:
    """Raises TypeError for a story with a field that could hold anything."""
    found = untyped(story)
    if found:
        raise TypeError(f"{story.__name__} is no story for a message: {', '.join(found)} may hold anything")


def untyped(story: type[StrictModel], path: str = "") -> list[str]:
    """The fields, those of its parts too, that are not text, a number, yes or no, a choice of these, or a tuple of them."""
    found: list[str] = []
    for name, field in story.model_fields.items():
        found += _untyped(field.annotation, f"{path}{name}")
    return found


def _untyped(kind: Any, path: str) -> list[str]:
    kind = getattr(kind, "__supertype__", kind)
    origin = get_origin(kind)
    if origin is Annotated:
        return _untyped(get_args(kind)[0], path)
    if origin in (Union, UnionType, tuple):
        return [each for part in get_args(kind) if part is not Ellipsis for each in _untyped(part, path)]
    if origin is Literal or kind in _PLAIN:
        return []
    if isinstance(kind, type) and issubclass(kind, StrictModel):
        return untyped(kind, f"{path}.")
    return [path]
