"""What a greeting that asks for a unit must look like, before anything is begun or disturbed for it."""

import math
import re
from datetime import datetime

from dr.app.agent.allowed import Allowed, plain
from dr.errors import Refused
from dr.model.base import JsonObject

_TOKEN, _EPOCH = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{32}")


def asked_for(hello: JsonObject, allowed: Allowed) -> str:
    """The unit's name. Raises Refused for a greeting that is none, and for a login that no unit is for."""
    if not _is_greeting(hello):
        raise Refused("it was met with a greeting that is none of dr's", hint="does somebody else ask here?")
    unit = hello["unit"]
    if allowed.only is not None:
        raise Refused(
            "this login works on no standby, so nothing outlives its connection",
            hint="its authorized_keys says what it is for; for a standby it is `--root FOLDER`",
        )
    if allowed.root is not None and unit["root"] != allowed.root:
        raise Refused(f"this login is for the standby in {allowed.root}", hint="its authorized_keys says so")
    return plain(unit["name"])


def _is_greeting(hello: JsonObject) -> bool:
    try:
        unit = hello["unit"]
        datetime.fromisoformat(hello["now"])
        numbers = float(hello["silence"]), float(unit["rejoin"])
        taken = 0 if unit["taken"] is None else unit["taken"]
        texts = [unit[key] for key in ("name", "run", "root", "token", "epoch")]
    except (KeyError, TypeError, ValueError):
        return False
    known = all(isinstance(text, str) for text in texts) and type(taken) is int and taken >= 0 and all(map(math.isfinite, numbers))
    return known and _TOKEN.fullmatch(unit["token"]) is not None and _EPOCH.fullmatch(unit["epoch"]) is not None
