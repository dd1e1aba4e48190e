"""What a drill's result rests on as it is written: the runbook, and the hosts that it worked on. By digests of what counts in them.

A title, a schedule or a comment changes nothing; a step, a budget, or where the standby is, does: then the last drill showed another way.
"""

from collections.abc import Iterable, Mapping

from dr.model.base import JsonObject, JsonValue, Sha256, canonical, sha256

_COUNTS = ("kind", "parameters", "objective", "steps", "on_failure", "always")


def runbook_digest(runbook: JsonObject) -> Sha256:
    """Of a runbook's facts. The helps of its parameters are words."""
    parameters = {name: one.get("default") for name, one in runbook.get("parameters", {}).items()}
    return sha256(canonical(_said({**{name: runbook.get(name) for name in _COUNTS}, "parameters": parameters})))


def _said(value: JsonValue) -> JsonValue:
    """Without what is left out or says nothing: a newer `dr` that knows one field more finds no file changed."""
    if isinstance(value, dict):
        return {name: said for name, one in value.items() if (said := _said(one)) not in (None, "", False, {}, [])}
    return [_said(one) for one in value] if isinstance(value, list) else value


def rests_on(runbooks: Mapping[str, JsonObject], hosts: Mapping[str, JsonObject], named: Iterable[str] | None = None) -> dict[str, Sha256]:
    """`runbook NAME` and `host NAME` to digests. `named`: of these hosts only."""
    wanted = hosts if named is None else [name for name in named if name in hosts]
    found = {f"runbook {name}": runbook_digest(one) for name, one in runbooks.items()}
    return found | {f"host {name}": sha256(canonical(_said(hosts[name]))) for name in wanted}
