"""References: `${parameters.x}`, `${steps.id.fact}`, `${inventory.a.b}`, and `$$` for a dollar sign. Found and resolved; nothing else.

A value that is wholly one reference takes the referred value with its type; a reference inside other text is written into it as text.
What a reference gives is never searched for references again, so a parameter's text cannot smuggle one in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from dr.errors import Failed
from dr.model.base import JsonObject, JsonValue

Root = Literal["parameters", "steps", "inventory"]
ROOTS: tuple[Root, ...] = ("parameters", "steps", "inventory")
_TOKEN = re.compile(r"\$\$|\$\{([^{}]*)\}|\$\{")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_FORMS = "write ${parameters.NAME}, ${steps.ID.FACT} or ${inventory.PATH}; a dollar sign itself is written $$"


class BadReference(ValueError):
    """Something that begins like a reference and is none. `text` is the piece, `start` its place in its string, `hint` the right form."""

    def __init__(self, text: str, start: int, why: str) -> None:
        super().__init__(f"'{text}' is not a reference: {why}")
        self.text = text
        self.start = start
        self.hint = _FORMS


@dataclass(frozen=True)
class Reference:
    """`${root.path...}`: `parameters` has a path of one name, `steps` an id and a fact (and deeper), `inventory` one name or more."""

    root: Root
    path: tuple[str, ...]

    def __str__(self) -> str:
        return "${" + ".".join((self.root, *self.path)) + "}"


LookUp = Callable[[Reference], JsonValue]
KEEP: JsonValue = object()
"""What a `look_up` of `substitute` gives for a reference that is to stay."""


@dataclass(frozen=True)
class Found:
    """A reference and where it stands: the way to its string (keys and indices), its place there, and whether it is the whole string."""

    reference: Reference
    where: tuple[str | int, ...]
    start: int
    length: int
    whole: bool


def find(value: JsonValue) -> list[Reference]:
    """Every reference in a JSON value, in order of appearance. Raises BadReference."""
    return [found.reference for found in locate(value)]


def locate(value: JsonValue, where: tuple[str | int, ...] = ()) -> list[Found]:
    """Like `find`, with the places. Raises BadReference."""
    if isinstance(value, str):
        return [
            Found(_parse(token), where, token.start(), len(token[0]), token[0] == value)
            for token in _TOKEN.finditer(value)
            if token[0] != "$$"
        ]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in locate(item, (*where, key))]
    if isinstance(value, list | tuple):
        return [found for index, item in enumerate(value) for found in locate(item, (*where, index))]
    return []


def resolve(value: JsonValue, look_up: LookUp) -> JsonValue:
    """The value with every reference replaced and every `$$` made `$`. What `look_up` raises goes through; raises BadReference."""
    return _walk(value, lambda text: _resolve_text(text, look_up))


def substitute(value: JsonValue, look_up: LookUp) -> JsonValue:
    """Replace the references that `look_up` knows; one for which it gives KEEP stays as written, for `resolve` to finish later.

    A dollar sign in what is put in is doubled, so that the later `resolve` gives it back as it was. Raises BadReference.
    """
    return _walk(value, lambda text: _substitute_text(text, look_up))


def resolve_steps(value: JsonValue, facts: Callable[[str], JsonObject | None]) -> JsonValue:
    """Resolve what a plan leaves open: `${steps.id.fact}`, from the facts that each step recorded (None: it did not run).

    Raises Failed if the step left no such fact.
    """
    return resolve(value, lambda reference: _fact(reference, facts))


def escape(value: JsonValue) -> JsonValue:
    """The value as it must be written for `resolve` to give it back unchanged."""
    return _walk(value, lambda text: text.replace("$", "$$"))


def _walk(value: JsonValue, change: Callable[[str], JsonValue]) -> JsonValue:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _walk(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, change) for item in value]
    return value


def _resolve_text(text: str, look_up: LookUp) -> JsonValue:
    whole = _TOKEN.fullmatch(text)
    if whole and text != "$$":
        return look_up(_parse(whole))
    return _TOKEN.sub(lambda token: "$" if token[0] == "$$" else _as_text(look_up(_parse(token))), text)


def _substitute_text(text: str, look_up: LookUp) -> JsonValue:
    whole = _TOKEN.fullmatch(text)
    if whole and text != "$$":
        value = look_up(_parse(whole))
        return text if value is KEEP else escape(value)

    def put(token: re.Match[str]) -> str:
        value = KEEP if token[0] == "$$" else look_up(_parse(token))
        return token[0] if value is KEEP else _as_text(value).replace("$", "$$")

    return _TOKEN.sub(put, text)


def _as_text(value: JsonValue) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _parse(token: re.Match[str]) -> Reference:
    if token[1] is None:
        raise BadReference(token.string[token.start() :][:40], token.start(), "it is not closed")
    root, *path = token[1].split(".")
    if root not in ROOTS:
        raise BadReference(token[0], token.start(), f"it must begin with {', '.join(ROOTS[:-1])} or {ROOTS[-1]}")
    if not path or not all(_WORD.fullmatch(word) for word in path):
        raise BadReference(token[0], token.start(), "names are letters, digits, - and _, joined by dots")
    if (root == "parameters" and len(path) != 1) or (root == "steps" and len(path) < 2):
        raise BadReference(token[0], token.start(), "it names too much" if root == "parameters" else "it names no fact")
    return Reference(cast("Root", root), tuple(path))


def _fact(reference: Reference, facts: Callable[[str], JsonObject | None]) -> JsonValue:
    if reference.root != "steps":
        raise Failed(f"{reference} was left in the plan", hint="this run was compiled by another version of dr; start it anew")
    step, *path = reference.path
    value: JsonValue = facts(step)
    if value is None:
        raise Failed(
            f"{reference}: step '{step}' left no facts", hint="it was skipped or did not finish; give this step the same `when` or `needs`"
        )
    for name in path:
        if not isinstance(value, dict) or name not in value:
            raise Failed(f"{reference}: step '{step}' recorded no '{'.'.join(path)}'")
        value = value[name]
    return value
