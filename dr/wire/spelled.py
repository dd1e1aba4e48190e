"""How what is said over a link is spelled: values as JSON, errors by name, message and hint."""

import json

from dr import errors
from dr.errors import DrError, Failed, place_of
from dr.model.base import JsonObject
from dr.units import visible

_LONGEST = 4000
"""Characters of an error that are believed."""


def as_json(value: JsonObject) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def spelled(error: BaseException) -> JsonObject:
    """An error as it crosses. Of a stranger's exception only its name and place: its text may hold a row."""
    if isinstance(error, DrError):
        return {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    return {"error": "Failed", "message": f"dr broke there: {type(error).__name__} at {place_of(error)}", "hint": ""}


def understood(told: JsonObject) -> DrError:
    """The error that the other side spelled, to be raised."""
    kind = getattr(errors, str(told.get("error")), None)
    known = kind if isinstance(kind, type) and issubclass(kind, DrError) else Failed
    return known(_said(told.get("message")), hint=_said(told.get("hint") or ""))


def _said(text: object) -> str:
    return visible(str(text)[:_LONGEST])
