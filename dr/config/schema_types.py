"""A type of the models as a JSON Schema (draft 2020-12): what may be written where a value of it is read from YAML.

Never narrower than the loader: what it takes, the schema takes. Wider only where JSON Schema has no words (a circle of steps, two periods
that must agree).
"""

import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dr.config.docs import field_docs, model_doc
from dr.config.shape import arms, fields, quantity
from dr.model.base import JsonObject, JsonValue

_REFERENCE = r"\$\{(?:parameters\.[A-Za-z0-9_-]+|steps\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|inventory(?:\.[A-Za-z0-9_-]+)+)\}"
_PIECE = rf"(?:\$\$|{_REFERENCE}|\$(?![$\{{])|[^$])"
TEXT = {"pattern": rf"^{_PIECE}*$", "patternErrorMessage": "${parameters.NAME}, ${steps.ID.FACT} or ${inventory.PATH}; a dollar is $$"}
"""Text in which every `${` begins a reference."""
REFERRING: JsonObject = {"$ref": "#/$defs/reference"}
REFERENCE: JsonObject = {
    "type": "string",
    "pattern": rf"^{_PIECE}*{_REFERENCE}{_PIECE}*$",
    "description": "A reference: ${parameters.NAME}, ${steps.ID.FACT} or ${inventory.PATH}.",
}
"""Text with at least one reference: it may stand where another type is wanted."""
DURATION: JsonObject = {
    "type": "string",
    "pattern": r"^\s*(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w)\s*)+$",
    "patternErrorMessage": "A duration with its unit: 30s, 15m, 4h, 30d or '1d 12h'.",
    "examples": ["30s", "15m", "4h", "30d"],
}
SIZE: JsonObject = {
    "type": "string",
    "pattern": r"^\s*\d+(?:\.\d+)?\s*(?:B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)\s*$",
    "patternErrorMessage": "A size with its unit: 512KiB, 10GiB or 500MB.",
    "examples": ["512KiB", "10GiB", "500MB"],
}
_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "pattern": "pattern"}
_LENGTHS = {"array": ("minItems", "maxItems"), "object": ("minProperties", "maxProperties"), "string": ("minLength", "maxLength")}
_UNITS = ((604800, "w"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))

Special = Mapping[type[BaseModel], Callable[[], JsonObject]]


class Types:
    """Annotations to schemas. `references`: whether `${...}` may be written. `special`: models whose schema is made elsewhere."""

    def __init__(self, *, references: bool = False, special: Special | None = None) -> None:
        self.references = references
        self.special = special or {}

    def of(self, annotation: Any, bounds: JsonObject | None = None) -> JsonObject:
        """The schema of a type, with the bounds of the field that holds it."""
        kinds = [self._arm(arm, annotation, {**own, **(bounds or {})}) for arm, own in _marked(annotation)]
        if self.references and not any(one.get("type") == "string" and one.get("pattern") == TEXT["pattern"] for one in kinds):
            kinds += [REFERRING] if {} not in kinds else []
        if type(None) in _flat(annotation):
            kinds.append({"type": "null"})
        kinds = [one for index, one in enumerate(kinds) if one not in kinds[:index]]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}

    def model(self, model: type[BaseModel]) -> JsonObject:
        """A mapping with exactly the model's keys."""
        if model in self.special:
            return self.special[model]()
        docs, hints = field_docs(model), fields(model)
        made: JsonObject = {
            "title": model.__name__.removesuffix("Entry").removesuffix("Ref").lower(),
            "type": "object",
            "additionalProperties": False,
        }
        if model_doc(model):
            made["description"] = model_doc(model)
        made["properties"] = {
            key: self._field(hints[key], field, docs.get(name, ""))
            for (name, field), key in zip(model.model_fields.items(), hints, strict=True)
        }
        required = [key for key, field in zip(hints, model.model_fields.values(), strict=True) if field.is_required()]
        return {**made, "required": required} if required else made

    def _field(self, annotation: Any, field: FieldInfo, doc: str) -> JsonObject:
        schema = {**self.of(annotation, _bounds(field.metadata))}
        said = " ".join(filter(None, (doc, schema.get("description", "") if "anyOf" not in schema else "")))
        default = None if field.is_required() else written(field.default, quantity(annotation))
        if said:
            schema["description"] = said
        return {**schema, "default": default} if default is not None else schema

    def _arm(self, arm: Any, whole: Any, bounds: JsonObject) -> JsonObject:
        unit = quantity(whole)
        if unit:
            return DURATION if unit == "duration" else SIZE
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            return self.model(arm)
        makers: dict[Any, Callable[[Any, JsonObject], JsonObject]] = {Literal: self._words, tuple: self._list, dict: self._table}
        made = makers.get(get_origin(arm))
        if made:
            return made(arm, bounds)
        return {} if arm is Any else self._plain(arm, whole, bounds)

    def _words(self, arm: Any, _bounds: JsonObject) -> JsonObject:
        return {"enum": list(get_args(arm))}

    def _list(self, arm: Any, bounds: JsonObject) -> JsonObject:
        return self._sized({"type": "array", "items": self.of(get_args(arm)[0])}, bounds)

    def _table(self, arm: Any, bounds: JsonObject) -> JsonObject:
        key, value = get_args(arm)
        inner = self.of(value)
        made: JsonObject = {"type": "object"}
        names = Types().of(key)
        if "pattern" in names:
            made["propertyNames"] = {"pattern": names["pattern"]}
        if inner:
            made["additionalProperties"] = inner
        elif self.references:
            made["additionalProperties"] = {"$ref": "#/$defs/any"}
        return self._sized(made, bounds)

    def _plain(self, arm: Any, whole: Any, bounds: JsonObject) -> JsonObject:
        base = arm.__supertype__ if isinstance(arm, NewType) else arm
        made: JsonObject = {"type": _PLAIN[base]}
        limits = {**_bounds(getattr(whole, "__metadata__", ())), **bounds}
        made |= {_BOUNDS[name]: value for name, value in limits.items() if name in _BOUNDS}
        if base is str and self.references and "pattern" not in made:
            made |= TEXT
        return self._sized(made, limits) if base is str else made

    def _sized(self, made: JsonObject, bounds: JsonObject) -> JsonObject:
        least, most = _LENGTHS[made["type"]]
        named = {"min_length": least, "max_length": most}
        if made["type"] == "string" and self.references:
            del named["max_length"]  # what is written for a reference may be longer than what it stands for
        return made | {key: bounds[name] for name, key in named.items() if name in bounds}


def _marked(annotation: Any) -> list[tuple[Any, JsonObject]]:
    """The types that a value may have, each with the limits that were put on it; None itself is left out."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return [(arm, {**_bounds(marks), **own}) for arm, own in _marked(inner)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for arm in get_args(annotation) for one in _marked(arm)]
    return [(arm, {}) for arm in arms(annotation)]


def _flat(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) or (annotation,)


def _bounds(metadata: Any) -> JsonObject:
    """Whatever of limits the marks of a type or a field bear."""
    names = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
    return {name: getattr(mark, name) for mark in metadata for name in names if getattr(mark, name, None) is not None}


def written(value: JsonValue, unit: str) -> JsonValue:
    """A default as a person would write it; None where there is nothing worth showing."""
    if unit == "duration" and isinstance(value, int | float):
        return next((f"{int(value // size)}{name}" for size, name in _UNITS if value >= size and value % size == 0), f"{value}s")
    if unit == "size" and isinstance(value, int):
        return next(
            (f"{value >> bits}{name}" for bits, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if value % 2**bits == 0), f"{value}B"
        )
    return value if isinstance(value, str | int | float | bool) and value != "" else None
