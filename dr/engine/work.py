"""The attempts that run in this process: each in a thread, watched from the event loop, and ended wholly before it counts as ended."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress

from dr.engine.failpoints import Failpoints
from dr.engine.order import Course
from dr.engine.services import Services
from dr.engine.step import Attempt, Task, planned_record
from dr.errors import DrError
from dr.model.base import JsonObject, RunId, Seconds, StepId
from dr.model.record import Failure, Finding, Progress, RunRecord
from dr.model.runbook import Plan, PlannedStep, Section
from dr.policy.verdict import judge

_NUDGE = 0.2
"""Seconds between two looks at an attempt that was told to end; each look ends what it may have started meanwhile."""
_PARKING = 5.0
"""Seconds that interrupted attempts get to put their things away."""


UntilEnded = Callable[[Attempt, "asyncio.Future[JsonObject]", str], Awaitable[JsonObject]]


class Run:
    """A run that this process carries: its plan, and who asked for it."""

    def __init__(self, run: RunId, plan: Plan, start: JsonObject) -> None:
        self.id = run
        self.plan = plan
        self.start = start

    @property
    def requested_by(self) -> str:
        return str(self.start["requested_by"])

    def task(self, step: PlannedStep, attempt: int = 0, facts: Mapping[str, JsonObject] | None = None) -> Task:
        return Task(self.id, self.plan, step, attempt, facts or {}, self.requested_by)


class Works:
    """What the durable workflow calls for every one of its operations. All of it is safe to repeat."""

    def __init__(self, services: Services, failpoints: Failpoints, until_ended: "UntilEnded | None" = None) -> None:
        """`until_ended` ends an attempt that must stop and comes back when its thread has."""
        self.services = services
        self.failpoints = failpoints
        self._until_ended = until_ended or wait_for_thread
        self._leaving = False
        self._live: dict[tuple[RunId, StepId], Attempt] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------ operations of the workflow

    def begin(self, run: Run) -> None:
        """The run's first fact."""
        plan = run.plan
        record = RunRecord.from_facts(
            {
                "run": run.id,
                "runbook": plan.runbook,
                "title": plan.title,
                "kind": plan.kind,
                "system": plan.system,
                "tier": plan.tier,
                "state": "running",
                "started": run.start["started"],
                "plan": plan.digest(),
                "parameters": plan.parameters,
                "objective": plan.objective.to_facts() if plan.objective else None,
                "requested_by": run.requested_by,
            }
        )
        if self.services.records.run(run.id) is None:
            self._audit("run-started", run.id, {"runbook": plan.runbook, "plan": plan.digest()}, run.requested_by)
        self.services.records.begin_run(record, plan)
        self._tell(run.id, "run-started", plan.title)
        self.failpoints.fire("engine.after-begin")

    async def attempt(self, run: Run, step: PlannedStep, number: int, facts: Mapping[str, JsonObject]) -> JsonObject:
        """Run one attempt to its end; stop it at its time limit or when it is told to. Cancelling this waits for the thread as well."""
        task = run.task(step, number, facts)
        try:
            attempt = Attempt(task, self.services, self.failpoints)
        except DrError as error:
            return self._unstartable(task, error)
        key = (run.id, StepId(step.id))
        with self._lock:
            self._live[key] = attempt
        if self._leaving:
            attempt.halt("leave")
        try:
            return await self._watch(attempt, _in_thread(attempt), step.timeout)
        finally:
            with self._lock:
                self._live.pop(key, None)

    def skip(self, run: Run, step: PlannedStep, why: str) -> JsonObject:
        """Record that a step does not run."""
        self.services.records.record_step(planned_record(run.task(step), "skipped"))
        self._tell(run.id, "skipped", why, step.id)
        return {"state": "skipped", "facts": {}, "failure": None}

    def note_control(self, run: Run, message: JsonObject) -> None:
        """Put on record who told the run what."""
        self._audit(f"run-{message.get('command')}", run.id, {}, str(message.get("by", "")))

    def end(self, run: Run, course: Course) -> JsonObject:
        """Judge the run and write its last fact."""
        judgement = judge(run.plan, course.ended, cancelled=course.cancelled)
        self.failpoints.fire("engine.before-end")
        record = self.services.records.run(run.id)
        if record is None or record.state == "running":
            self._audit("run-ended", run.id, {"state": judgement.state, "verdict": judgement.verdict}, run.requested_by)
        self.services.records.end_run(run.id, judgement.state, judgement.verdict, self.services.clock.now())
        self.services.records.unpin(run.id)
        self._tell(run.id, "run-ended", judgement.verdict)
        self.failpoints.fire("engine.after-end")
        return {"state": judgement.state, "verdict": judgement.verdict, "reasons": list(judgement.reasons)}

    def note_changed_inventory(self, run: Run) -> None:
        """A run keeps the plan that it was begun with; that the inventory has changed since is worth knowing."""
        if run.plan.inventory == self.services.inventory_digest:
            return
        self.services.records.finding(
            Finding.from_facts(
                {
                    "key": f"inventory-changed:{run.id}",
                    "severity": "warning",
                    "system": run.plan.system,
                    "message": f"run {run.id} goes on with the plan it began with, but the inventory has changed since",
                    "hint": "if the change matters to it, cancel the run and start it anew",
                    "run": run.id,
                    "at": self.services.clock.now().isoformat(),
                }
            )
        )

    # ------------------------------------------------------------ from outside

    def stop(self, run: RunId, sections: Collection[Section]) -> None:
        """Tell the run's attempts in those sections to end, because it is cancelled."""
        for attempt in self._of(run):
            if attempt.task.step.section in sections:
                attempt.halt("cancel")

    def leave(self) -> None:
        """The process is about to end: end every child, and let no attempt record what was broken off."""
        self._leaving = True
        attempts = self._of(None)
        for attempt in attempts:
            attempt.halt("leave")
        for attempt in attempts:
            attempt.parked.wait(_PARKING / max(1, len(attempts)))
            attempt.context.runner.kill_all()

    async def _watch(self, attempt: Attempt, future: "Future[JsonObject]", timeout: Seconds | None) -> JsonObject:
        wrapped = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({wrapped}, timeout=timeout)
        except asyncio.CancelledError:
            await self._until_ended(attempt, wrapped, "cancel")
            raise
        return wrapped.result() if done else await self._until_ended(attempt, wrapped, "timeout")

    def _of(self, run: RunId | None) -> list[Attempt]:
        with self._lock:
            return [attempt for (its_run, _), attempt in self._live.items() if run in (None, its_run)]

    def _unstartable(self, task: Task, error: DrError) -> JsonObject:
        failure = Failure(error=type(error).__name__, exit_code=error.exit_code, message=error.message, hint=error.hint)
        now = self.services.clock.now()
        self.services.records.record_step(planned_record(task, "failed", started=now, ended=now, failure=failure))
        self._tell(task.run, "failed", failure.message, task.step.id)
        return {"state": "failed", "facts": {}, "failure": failure.to_facts()}

    def _audit(self, event: str, run: RunId, facts: JsonObject, actor: str) -> None:
        self.services.records.audit(event, run, facts, actor=actor, at=self.services.clock.now())

    def _tell(self, run: RunId, event: str, what: str, step: str = "") -> None:
        at = self.services.clock.now().isoformat()
        self.services.watch(Progress.from_facts({"run": run, "step": step, "at": at, "event": event, "what": what}))


def _in_thread(attempt: Attempt) -> "Future[JsonObject]":
    future: Future[JsonObject] = Future()

    def body() -> None:
        result = attempt.work()
        with suppress(RuntimeError):  # the event loop is gone: the process is ending
            future.set_result(result)

    threading.Thread(target=body, name=f"step-{attempt.task.step.id}", daemon=True).start()
    return future


async def wait_for_thread(attempt: Attempt, wrapped: "asyncio.Future[JsonObject]", why: str) -> JsonObject:
    """No retry may start, and no step may end, while its thread lives, however impatient the caller is."""
    while not wrapped.done():
        await asyncio.to_thread(attempt.halt, why)
        with suppress(asyncio.CancelledError):
            await asyncio.wait({wrapped}, timeout=_NUDGE)
    return wrapped.result()
