"""What another machine is told of the work that it is to do: as much of the plan and the inventory as its own sources and checks read.

No contact, no other host's login, no repository, no word of a runbook: the machine may be somebody else's by now.
"""

from pathlib import Path

from dr.errors import Refused
from dr.model.base import HostName, HostPath, JsonObject
from dr.model.inventory import Inventory, SourceEntry, SystemEntry
from dr.model.ports import CaptureRequest, Check, StepContext
from dr.model.runbook import Plan

_NOT_TOLD = "not-told"
_LARGEST = 2**20
"""Bytes of a file that goes along."""


def captured(request: CaptureRequest) -> JsonObject:
    """The source that is read there."""
    entry = request.entry.to_facts()
    return {"system": request.system, "name": request.name, "entry": entry, "needle": request.needle}


def step(ctx: StepContext, host: HostName, system: str | None) -> JsonObject:
    """What the work there may know of the step that it belongs to."""
    return {
        "run": ctx.run,
        "step": ctx.step,
        "attempt": ctx.attempt,
        "requested_by": "",
        "plan": _plan(ctx.plan),
        "inventory": inventory(ctx.inventory, host, system),
    }


def files(check: Check, params: JsonObject, home: HostPath) -> JsonObject:
    """The text of each file of the home that the check's parameters name: the machine that asks has no home. Raises Refused."""
    named = {str(name): params.get(name) for name in getattr(check, "files", ())}
    return {name: _text(Path(home) / value, name) for name, value in named.items() if isinstance(value, str)}


def _text(file: Path, name: str) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        if len(data) <= _LARGEST:
            return data.decode("ascii")
    except (OSError, UnicodeDecodeError):
        pass
    raise Refused(f"the file {file}, which a check names as `{name}`, cannot be sent along", hint="name a PEM file, from the home on")


def _plan(plan: Plan) -> JsonObject:
    told = {"runbook": plan.runbook, "title": plan.runbook, "kind": plan.kind, "system": plan.system, "tier": plan.tier}
    return {**told, "steps": [], "inventory": plan.inventory}


def inventory(known: Inventory, host: HostName, system: str | None) -> JsonObject:
    """The sources that are read on that host; of `system`, which may be restored there, what its other sources are called."""
    systems = {name: _system(name, entry, host, whole=name == system) for name, entry in known.systems.items()}
    keys = {"recipients": [_NOT_TOLD, _NOT_TOLD], "signing": {"file": _NOT_TOLD}, "trusted": [_NOT_TOLD]}
    organisation = {"name": known.organisation.name, "zone": known.organisation.zone, "keys": keys}
    told = {name: one for name, one in systems.items() if one["sources"]}
    return {"organisation": organisation, "systems": told, "hosts": {}, "repositories": {}}


def _system(name: str, entry: SystemEntry, host: HostName, *, whole: bool) -> JsonObject:
    sources = {one: _source(source, host) for one, source in entry.sources.items() if whole or source.host == host}
    return {"title": name, "sources": sources, "objectives": {"rpo": entry.objectives.rpo, "tiers": {}}, "retention": {}}


def _source(source: SourceEntry, host: HostName) -> JsonObject:
    return {**source.to_facts(), **({} if source.host == host else {"host": _NOT_TOLD, "with": {}})}
