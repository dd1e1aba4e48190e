"""What a running step may reach, and how it is told to end."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol, TypeVar, cast

from dr.engine.burndown import Burndown
from dr.engine.failpoints import Failpoints
from dr.engine.services import Services
from dr.engine.staging import staging_folder
from dr.engine.store import under_way
from dr.errors import Failed, Stopped
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, StepId, SystemName
from dr.model.inventory import SecretRef
from dr.model.ports import Action, Check, Host, Post, Redundant, Repository, ServingHost, Source, StepContext, WritableHost
from dr.model.record import Finding, Progress, Severity
from dr.model.runbook import Plan, PlannedStep


class Closable(Protocol):
    """What holds something open."""

    def close(self) -> None: ...


Handle = TypeVar("Handle", bound=Closable)
Event = Literal["started", "working", "done", "failed", "skipped", "retry", "late"]


class Context:
    """`StepContext` for one attempt at a step. `facts`: what the run's earlier steps recorded."""

    def __init__(
        self,
        *,
        run: RunId,
        plan: Plan,
        planned: PlannedStep,
        attempt: int,
        facts: Mapping[str, JsonObject],
        requested_by: str,
        services: Services,
        failpoints: Failpoints,
        action: Action,
        answer: JsonObject | None = None,
        foretold: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`foretold` is told, in words, that the objective will be missed; it must not block."""
        self.run = run
        self.step = StepId(planned.id)
        self.attempt = attempt
        self.plan = plan
        self.requested_by = requested_by
        self.home = HostPath(str(services.state.parent))
        self.answer = answer
        self.stop = threading.Event()
        self.inventory = services.inventory
        self.clock = services.clock
        self.records = services.records
        self.keys = services.keys
        self.sets = services.sets
        self.notifier = services.notifier
        self.reporter = services.reporter
        self.runner = services.runner(self.stop)
        self.began: datetime = services.clock.now()
        self._facts = facts
        self._attempted = self.began
        self._budget = planned.budget
        self._burndown = Burndown(run, plan, planned, services.records, services.inventory.organisation.zone)
        self._services = services
        self._failpoints = failpoints
        self._action = action
        self._hosts: dict[HostName, Host] = {}
        self._open: list[Closable] = []
        self._foretold = foretold
        self._count: tuple[int | None, int | None] = (None, None)

    @property
    def post(self) -> Post:
        return self._services.post

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped(f"step '{self.step}' was told to stop")

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self.tell("working", what, done, total, unit)

    def tell(
        self, event: Event, what: str = "", done: int | None = None, total: int | None = None, unit: str = "", *, hint: str = ""
    ) -> None:
        """A sign of life, with the seconds since the step first began; while a drill's clock runs, with how it stands."""
        now = self.clock.now()
        if event == "working":
            self._count = (done, total)
        seen, warning = self._burndown.see(self._attempted, now, done, total) if event == "working" else (None, "")
        self._services.watch(
            Progress(
                run=self.run,
                step=self.step,
                at=now,
                event=event,
                what=what,
                hint=hint,
                done=done,
                total=total,
                unit=cast('Literal["bytes", "items", ""]', unit),
                elapsed=(now - self.began).total_seconds(),
                budget=self._budget,
                deadline=seen.deadline if seen else None,
                back=seen.back if seen else None,
                late=seen is not None and seen.late is not None,
            )
        )
        self._warn(warning)
        if event == "done":
            self._burndown.over(now)

    def look(self) -> None:
        """At the clock, where no sign of life comes: a step that hangs is late all the same."""
        _, warning = self._burndown.see(self._attempted, self.clock.now(), *self._count)
        self._warn(warning)

    def _warn(self, warning: str) -> None:
        if warning:
            self.tell("late", warning)
            self._foretold(warning)

    def failpoint(self, name: str) -> None:
        if name not in self._action.failpoints:
            raise Failed(f"action '{self._action.kind}' declares no failpoint '{name}'")
        self._failpoints.fire(f"{self._action.kind}.{name}")

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        about = system or (SystemName(self.plan.system) if self.plan.system else None)
        at = self.clock.now()
        self.records.finding(
            Finding(key=key, severity=severity, system=about, message=message, hint=hint, run=self.run, step=self.step, at=at)
        )

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        noted = {"run": self.run, "step": self.step, **(facts or {})}
        self.records.audit(event, subject, noted, actor=self.requested_by, at=self.clock.now())

    def secret(self, ref: SecretRef) -> str:
        return self._services.secret(ref)

    def staging(self, name: str) -> AbstractContextManager[HostPath]:
        return staging_folder(self._services.state, self.run, self.step, name)

    def repository(self, name: RepositoryName) -> Repository:
        return self._services.repository(name)

    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]:
        return self._services.repositories(tiers)

    def source(self, kind: str) -> Source:
        return self._services.source(kind)

    def check(self, kind: str) -> Check:
        return self._services.check(kind)

    def redundant(self, kind: str) -> Redundant:
        return self._services.redundant(kind)

    def host(self, name: HostName) -> Host:
        """One handle a step: across a network each is a connection."""
        if name not in self._hosts:
            self._hosts[name] = self._given(self._services.host(name, self))
        return self._hosts[name]

    def release(self) -> None:
        """The attempt is over: what it held open is closed now, not when somebody collects it: the next step asks for the same hosts."""
        self._hosts.clear()
        while self._open:
            self._open.pop().close()

    def writable_host(self, name: HostName) -> WritableHost:
        return self._given(self._services.writable_host(name, self))

    def serving_host(self, name: HostName) -> ServingHost | None:
        found = self._services.serving_host(name, self)
        return None if found is None else self._given(found)

    def _given(self, handle: Handle) -> Handle:
        self._open.append(handle)
        return handle

    def facts_of(self, step: StepId) -> JsonObject | None:
        return self._facts.get(step)

    def active_runs(self) -> Iterator[RunId]:
        return iter([run.run for run in under_way(self._services.state)])


def _is_a_step_context(context: Context) -> StepContext:
    return context  # the type checker's proof
