"""`dr run RUNBOOK --rehearse`: walk a runbook without a hand that can write, and say what it would do and where it would be refused.

The catalog is a throwaway copy, a repository gives out only what reads, no writable host is ever made, nothing is sent. What a step would
leave for the next is foreseen where it can be.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from dr import plugins
from dr.actions.foreseen import FORESEEN
from dr.app import asked
from dr.app.home import App, whoami
from dr.app.in_service import require_fit
from dr.app.services import HomeServices
from dr.catalog.catalog import Catalog
from dr.catalog.throwaway import open_throwaway
from dr.config.key_files import check_keys
from dr.config.load import Loaded
from dr.config.plan import compile_plan
from dr.config.secrets import check_secrets
from dr.errors import ConfigError, DrError, Failed, Refused
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, SystemName
from dr.model.inventory import SecretRef
from dr.model.ports import Action, Records, Rehearsal, Repository, Standing
from dr.model.record import Finding, Severity
from dr.model.references import resolve_steps
from dr.model.runbook import Plan, PlannedStep, When

READING = frozenset({"name", "tier", "identity", "sets", "manifest", "open", "listing", "tombstones", "free", "list_home", "open_home"})
"""What of a repository a rehearsal may use."""
REHEARSAL = RunId("rehearsal")


@dataclass(frozen=True)
class RehearsedStep:
    """One step as it would be carried out; `problems` is why it would not get through."""

    step: str
    section: str
    action: str
    effect: str
    with_: JsonObject
    says: Sequence[str] = ()
    problems: Sequence[str] = ()

    def to_facts(self) -> JsonObject:
        named = ("step", "section", "action", "effect")
        return {**{name: getattr(self, name) for name in named}, "with": self.with_, "says": [*self.says], "problems": [*self.problems]}


@dataclass(frozen=True)
class Rehearsed:
    runbook: str
    title: str
    steps: Sequence[RehearsedStep]
    """None where the run would not even be begun."""
    problems: Sequence[str]
    """Of the runbook as a whole: that it may not be begun, secrets that are not there."""
    left_out: Sequence[str] = ()
    """Steps that such a run does not have."""

    @property
    def refused(self) -> bool:
        return bool(self.problems) or any(step.problems for step in self.steps)


class Reading:
    """A repository without the methods that write."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        if name not in READING:
            raise Refused(f"a rehearsal does not write: '{name}' of repository '{self._repository.name}'")
        return getattr(self._repository, name)


@dataclass
class Context:
    """See `dr.model.ports.RehearseContext`."""

    app: App
    records: Records
    guard: Callable[[Repository], Repository] = field(default=lambda repository: cast("Repository", Reading(repository)))
    """What takes the writing away."""
    run: RunId = REHEARSAL

    def __post_init__(self) -> None:
        loaded = Loaded(self.app.inventory, self.app.runbooks)
        services = HomeServices(self.app.home, loaded, cast("Catalog", self.records), self.app.clock, lambda _: None)
        self.inventory, self.clock, self.keys, self.sets = services.inventory, services.clock, services.keys, services.sets
        self._services = services

    def repository(self, name: RepositoryName) -> Repository:
        return self.guard(self._services.repository(name))

    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]:
        return [self.guard(one) for one in self._services.repositories(tiers)]

    def host_check(self, name: HostName) -> Sequence[tuple[bool, str]]:
        kind, request = self._services.host_request(name, LocalRunner())
        standing: Standing = self._services.standing()
        return kind.check(request, standing)

    def swappable(self, name: HostName, places: Sequence[HostPath]) -> Sequence[tuple[bool, str]]:
        kind, request = self._services.host_request(name, LocalRunner())
        if kind.swappable is None:
            return [(False, f"a host of kind '{kind.kind}' takes no file set")]
        return kind.swappable(request, self._services.standing(), places)

    def secret(self, ref: SecretRef) -> str:
        return self._services.secret(ref)

    # what else of a StepContext a prune reaches before it deletes: all of it goes into the throwaway copy of the catalog

    def check_stop(self) -> None:
        """Nobody stops it: it is short, and Ctrl-C ends it."""

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        at = self.clock.now()
        self.records.finding(Finding(key=key, severity=severity, system=system, message=message, hint=hint, run=self.run, at=at))

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        self.records.audit(event, subject, facts or {}, actor=whoami(), at=self.clock.now())


def rehearse(app: App, runbook: str, parameters: Mapping[str, str]) -> Rehearsed:
    """Raises ConfigError for a runbook or parameter that cannot be; everything else is said, not raised."""
    if runbook not in app.runbooks:
        raise ConfigError(f"there is no runbook '{runbook}'", hint=f"runbooks/ has {', '.join(sorted(app.runbooks)) or 'none'}")
    return rehearse_plan(app, compile_plan(app.runbooks[runbook], app.inventory, parameters, plugins.kinds()))


def rehearse_drill(app: App, system: str, tier: str, select: str | None, other: str | None) -> Rehearsed:
    """As `rehearse`, of what `dr drill` would run."""
    runbook, parameters = asked.drill(app.inventory, app.runbooks, app.system(system), tier, select, other)
    return rehearse_plan(app, compile_plan(runbook, app.inventory, parameters, plugins.kinds(), "drill"))


def rehearse_plan(app: App, plan: Plan) -> Rehearsed:
    """As `rehearse`, of a plan that is compiled."""
    unset = [problem.message for look in (check_secrets, check_keys) for problem in look(app.inventory, app.home)]
    catalog = app.home / "state" / "catalog.db"
    with tempfile.TemporaryDirectory(prefix="dr-rehearsal-") as folder, open_throwaway(catalog, Path(folder), app.clock) as records:
        refused = _may_not_begin(app, plan, records)
        walk = _Walk(Context(app, records))
        steps = [] if refused else [walk.step(step) for step in (*plan.steps, *plan.on_failure, *plan.always)]
    left_out = [f"left out: {one.id} ({one.action}), {one.why}" for one in plan.left_out]
    return Rehearsed(plan.runbook, plan.title, steps, [*refused, *unset], left_out)


def _may_not_begin(app: App, plan: Plan, records: Records) -> list[str]:
    """Why the run itself would be refused, whatever its steps say: asked of the very check that begins it."""
    try:
        require_fit(plan, records, app.inventory)
    except Refused as refused:
        return [_in_a_line(refused)]
    return []


def _in_a_line(error: DrError) -> str:
    return error.message + (f" ({error.hint})" if error.hint else "")


class _Walk:
    """The steps in their order, each with what those before it would leave."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._facts: dict[str, JsonObject] = {}

    def step(self, step: PlannedStep) -> RehearsedStep:
        action = plugins.ACTIONS[step.action]
        try:
            if step.when and not self._wanted(step.when):
                return self._told(step, action, step.with_, Rehearsal(("would be left out: its `when` does not hold",)))
            resolved = cast("JsonObject", resolve_steps(step.with_, self._facts.get))
        except Failed:
            later = Rehearsal(("what it works on is known only when the steps before it have run",))
            return self._told(step, action, step.with_, later)
        found = self._rehearse(action, resolved)
        if found.facts:
            self._facts[step.id] = found.facts
        return self._told(step, action, resolved, found)

    def _wanted(self, when: When) -> bool:
        value, equals = (resolve_steps(side, self._facts.get) for side in (when.value, when.equals))
        return bool(value == equals)

    def _rehearse(self, action: Action, resolved: JsonObject) -> Rehearsal:
        foresee = action.rehearse or FORESEEN.get(action.kind)
        try:
            params = action.params.from_facts(resolved)
            return (
                foresee(params, self._context) if foresee else Rehearsal((f"{action.effect.value}; nothing more can be told beforehand",))
            )
        except ValidationError as wrong:
            places = ", ".join(".".join(map(str, one["loc"])) for one in wrong.errors(include_input=False, include_url=False))
            return Rehearsal((), problems=(f"its parameters are wrong: {places}",))
        except DrError as error:
            return Rehearsal((), problems=(_in_a_line(error),))

    def _told(self, step: PlannedStep, action: Action, with_: JsonObject, found: Rehearsal) -> RehearsedStep:
        return RehearsedStep(step.id, step.section, step.action, action.effect.value, with_, found.says, found.problems)
