"""JSON Schemas (draft 2020-12) of the files that people write, from the models and the kinds there are: an editor completes and checks.

`inventory` is the schema of one file in `inventory/`, which may hold a part; `runbook` of one file in `runbooks/`. What needs more than one
place to be judged (names that exist, circles, two periods) is `dr check`'s to say.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel

from dr.config.cron_pattern import CRON
from dr.config.docs import kind_doc
from dr.config.kinds import Kinds
from dr.config.schema_types import REFERENCE, REFERRING, TEXT, Types
from dr.config.shape import fields, literals
from dr.config.validate import SECRET_HINT
from dr.disk import make_folder, replace_file
from dr.model.base import JsonObject
from dr.model.inventory import HostEntry, Inventory, RepositoryEntry, SecretRef, SourceEntry
from dr.model.redundancy import DetectionProbe, RedundancyEntry
from dr.model.runbook import CheckRef, Parameter, Runbook, Step, When

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = ".schema"
"""Where a home keeps them."""
MODELINE = "# yaml-language-server: $schema=../.schema/{name}.json   (an editor completes and checks by it; `dr schema` renews it)\n"
"""The first line of a file in `inventory/` or `runbooks/`."""


def schemas(kinds: Kinds) -> dict[str, JsonObject]:
    """Both, by name: `inventory`, `runbook`."""
    return {"inventory": inventory_schema(kinds), "runbook": runbook_schema(kinds)}


def write_schemas(folder: Path, kinds: Kinds, names: tuple[str, ...] = ("inventory", "runbook")) -> list[Path]:
    """Write `<folder>/<name>.json`, in place of what was there."""
    make_folder(folder, 0o755)
    made = schemas(kinds)
    for name in names:
        replace_file(folder / f"{name}.json", as_text(made[name]).encode(), 0o644)
    return [folder / f"{name}.json" for name in names]


def as_text(schema: JsonObject) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=True) + "\n"


def inventory_schema(kinds: Kinds) -> JsonObject:
    """Of one file of `inventory/`: any of the sections, since the files are read as one."""
    entries: Mapping[type[BaseModel], Mapping[str, type[BaseModel]]] = {
        HostEntry: kinds.hosts,
        RepositoryEntry: kinds.repositories,
        SourceEntry: kinds.sources,
        RedundancyEntry: kinds.redundancy,
        DetectionProbe: {name: kinds.checks[name] for name in literals(fields(DetectionProbe)["check"]) if name in kinds.checks},
    }
    made = {model: _entry_maker(model, known, "check" if model is DetectionProbe else "kind") for model, known in entries.items()}
    types = Types(special={SecretRef: lambda: {"$ref": "#/$defs/secret"}, **made})
    whole = types.model(Inventory)
    del whole["required"]
    return _document("inventory", whole, {"secret": _secret()})


def _entry_maker(model: type[BaseModel], known: Mapping[str, type[BaseModel]], key: str) -> Callable[[], JsonObject]:
    def make() -> JsonObject:
        types = Types(special={SecretRef: lambda: {"$ref": "#/$defs/secret"}})
        return _by_kind(types.model(model), key, known, types)

    return make


def _secret() -> JsonObject:
    one = {"type": "string", "minLength": 1}
    places = {
        "file": "A file below the home (or anywhere, if absolute) that only its owner can read.",
        "env": "An environment variable.",
        "credential": "A credential of the systemd unit.",
    }
    return {
        "title": "secret",
        "type": "object",
        "description": f"Where a secret is kept, never the secret: {SECRET_HINT}.",
        "properties": {name: {**one, "description": words} for name, words in places.items()},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _by_kind(entry: JsonObject, key: str, known: Mapping[str, type[BaseModel]], types: Types) -> JsonObject:
    """An entry whose `with` depends on its kind."""
    properties = dict(entry["properties"])
    properties[key] = {
        "type": "string",
        **({"enum": sorted(known), "enumDescriptions": [kind_doc(known[name]) for name in sorted(known)]} if known else {}),
        "description": properties[key].get("description", f"One of {', '.join(sorted(known))}."),
    }
    properties["with"] = {"type": "object", "description": "The parameters of its kind."}
    if not known:
        return {**entry, "properties": properties}
    return {**entry, "properties": properties, "allOf": [_if_kind(key, name, types.model(known[name])) for name in sorted(known)]}


def _if_kind(key: str, name: str, parameters: JsonObject) -> JsonObject:
    then: JsonObject = {"properties": {"with": {**parameters, "title": f"parameters of {name}"}}}
    if parameters.get("required"):
        then["required"] = ["with"]
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}


def runbook_schema(kinds: Kinds) -> JsonObject:
    """Of one file of `runbooks/`."""
    step: JsonObject = {"$ref": "#/$defs/step"}
    outer = Types(special={Step: lambda: step, Parameter: _parameter, When: lambda: {"$ref": "#/$defs/when"}})
    whole = outer.model(Runbook)
    named: JsonObject = {"allOf": [step, {"required": ["id"]}]}
    whole["properties"]["steps"] = {
        **whole["properties"]["steps"],
        "items": named,
        "description": "Done in order, unless `needs` says otherwise.",
    }
    schedule = {"type": "string", "pattern": CRON, "patternErrorMessage": "Five cron fields: minute hour day month weekday."}
    whole["properties"]["schedule"] = {**whole["properties"]["schedule"], "anyOf": [schedule, {"type": "null"}]}
    whole["allOf"] = [_drill()]
    within = Types(references=True, special={CheckRef: lambda: {"$ref": "#/$defs/check"}})
    one_step = _by_kind(Types(special={When: lambda: {"$ref": "#/$defs/when"}}).model(Step), "action", _params(kinds), within)
    definitions = {"step": one_step, "check": _check(kinds, within), "when": _when(), "any": _anything(), "reference": REFERENCE}
    return _document("runbook", whole, definitions)


def _params(kinds: Kinds) -> dict[str, type[BaseModel]]:
    return {name: action.params for name, action in kinds.actions.items()}


def _parameter() -> JsonObject:
    words = "`default`: what it is unless `-p NAME=VALUE` gives it; without one it must be given."
    return {**Types().model(Parameter), "description": words}


def _when() -> JsonObject:
    return {
        "title": "when",
        "type": "object",
        "description": "The step runs only if `value` (often a reference) equals `equals`.",
        "properties": {"value": {"$ref": "#/$defs/any"}, "equals": {"$ref": "#/$defs/any"}},
        "required": ["value", "equals"],
        "additionalProperties": False,
    }


def _anything() -> JsonObject:
    """Any value, in whose texts every `${` begins a reference."""
    deeper = {"$ref": "#/$defs/any"}
    return {"anyOf": [{"type": "string", **TEXT}, {"type": ["number", "boolean", "null"]}, {"type": "array", "items": deeper},
                      {"type": "object", "additionalProperties": deeper}]}  # fmt: skip


def _check(kinds: Kinds, types: Types) -> JsonObject:
    """A check by its name alone, or with parameters."""
    names: JsonObject = {
        "type": "string",
        "enum": sorted(kinds.checks),
        "enumDescriptions": [kind_doc(kinds.checks[name]) for name in sorted(kinds.checks)],
        "description": "A check by its name.",
    }
    free = REFERRING
    entry = Types().model(CheckRef)
    full = _by_kind(entry, "check", kinds.checks, types)
    full["properties"]["check"] = {"anyOf": [full["properties"]["check"], free]}
    bare = [name for name in sorted(kinds.checks) if not types.model(kinds.checks[name]).get("required")]
    return {"anyOf": [{**names, "enum": bare, "enumDescriptions": [kind_doc(kinds.checks[name]) for name in bare]}, free, full]}


def _drill() -> JsonObject:
    """A drill checks what it restored, and leaves nothing on the standby."""
    return {
        "if": {"properties": {"kind": {"const": "drill"}}, "required": ["kind"]},
        "then": {"properties": {"steps": _holds("check"), "always": _holds("scrub")}, "required": ["always"]},
    }


def _holds(action: str) -> JsonObject:
    fits = {"action": {"const": action}, "only": {"enum": ["drill", None]}}
    return {"contains": {"type": "object", "properties": fits, "required": ["action"]}}


def _document(name: str, whole: JsonObject, definitions: JsonObject) -> JsonObject:
    title = f"dr: a file of {'inventory/' if name == 'inventory' else 'runbooks/'}"
    return {"$schema": DIALECT, **whole, "title": title, "$defs": definitions}
