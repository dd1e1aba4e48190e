"""What a recovery's runbook would leave undone, told while it can still be written into it: an address at which nobody could reach the
database, a file set that no step puts in its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dr import plugins
from dr.config.loader import read_file
from dr.config.nodes import at
from dr.config.plan import compile_plan
from dr.config.runbooks import FOLDER
from dr.config.steps import read_steps
from dr.errors import ConfigError
from dr.model.base import JsonObject, SystemName
from dr.model.runbook import Plan, PlannedStep
from dr.policy.recovery import OPEN, PROBE, before

if TYPE_CHECKING:
    from dr.app.home import App

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FILES = "files"
"""The kind of source that is a file set."""


@dataclass(frozen=True)
class Shut:
    """An `open` that lets nobody in from the network, onto a machine that is reached over it. `probe`: the step that could never pass."""

    step: str
    host: str
    listen: tuple[str, ...]
    place: str
    """File and line."""
    probe: str = ""

    @property
    def what(self) -> str:
        never = f", and step '{self.probe}', which asks it from here, could never pass" if self.probe else ""
        listen = ", ".join(self.listen)
        return f"'{self.step}' would listen on {listen} only: nobody but {self.host} itself could reach the database{never}"

    @property
    def hint(self) -> str:
        return f"set listen and allow in {self.place}"

    @property
    def message(self) -> str:
        return f"{self.what}; {self.hint}"


def shut(app: "App", plan: Plan) -> list[Shut]:
    """Of a plan that opens a machine across the network. One whose address is this machine's own is reached at its loopback."""
    found = []
    for step in plan.steps:
        host = str(step.with_.get("host"))
        listen = tuple(str(one) for one in step.with_.get("listen") or ("127.0.0.1",))
        if step.action == OPEN and _across(app, host) and _LOOPBACK.issuperset(listen):
            found.append(Shut(step.id, host, listen, _written(app, plan.runbook, step.id), _never(plan, step, host)))
    return found


def _across(app: "App", host: str) -> bool:
    entry = app.inventory.hosts.get(host)
    address = entry.with_.get("address") if entry else None
    return address is not None and address not in _LOOPBACK


def _never(plan: Plan, opens: PlannedStep, host: str) -> str:
    """The first step after it that asks that host's own address; an address of the check's own may lead through something else there."""
    for step in plan.steps:
        if (
            step.action == PROBE
            and opens.id in before(plan.steps, step.id)
            and any(_asks(one, host) for one in step.with_.get("checks") or ())
        ):
            return step.id
    return ""


def _asks(check: JsonObject, host: str) -> bool:
    given: JsonObject = check.get("with") or {}
    return check.get("check") == "sql-answers" and given.get("host") == host and given.get("address") is None


def _written(app: "App", runbook: str, step: str) -> str:
    """Where `listen` stands, or where it would."""
    name = f"{FOLDER}/{runbook}.yaml"
    root, _ = read_file(app.home / FOLDER / f"{runbook}.yaml", name)
    view = next((one for one in read_steps(root) if one.id == step), None) if root is not None else None
    return f"{name}:{at(view.node, ['with', 'listen']).line + 1}" if view else name


def require_reachable(app: "App", plan: Plan) -> None:
    """Raises ConfigError where the runbook's own probe could not pass once there is no way back."""
    for one in shut(app, plan):
        if one.probe:
            raise ConfigError(one.what, hint=one.hint)


def of_runbooks(app: "App") -> list[str]:
    """For `dr check`: every recovery of the home as it would be with its defaults."""
    plans = []
    for runbook in app.runbooks.values():
        try:
            plans += [compile_plan(runbook, app.inventory, {}, plugins.kinds(), "recovery")] if runbook.kind == "recovery" else []
        except ConfigError:
            continue  # one of its parameters has no default
    return [one.message for plan in plans for one in shut(app, plan)]


def beside(app: "App", system: SystemName, plan: Plan) -> Iterator[str]:
    """A line for each file set that would stay where it is restored."""
    put = {source for step in plan.steps if step.action == "swap-in" for source in step.with_.get("places") or ()}
    restored = any(step.action == "restore" for step in plan.steps)
    for source, entry in app.inventory.systems[system].sources.items():
        if restored and entry.kind == _FILES and source not in put:
            yield (
                f"file set '{source}' will lie in drills/RUN/site/{source} of the standby: no step puts it in its place "
                f"(a step with `action: swap-in` in {FOLDER}/{plan.runbook}.yaml does)"
            )
