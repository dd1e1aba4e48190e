"""The attempts that run in this process: each in a thread, watched from the event loop, and ended wholly before it counts as ended."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from dr.clock import local
from dr.engine import signs
from dr.engine.burndown import forget_earlier
from dr.engine.failpoints import Failpoints
from dr.engine.herald import Herald
from dr.engine.order import Course
from dr.engine.services import Services
from dr.engine.step import Attempt, Task, planned_record
from dr.errors import DrError
from dr.model.base import JsonObject, RunId, Seconds, StepId, SystemName
from dr.model.record import Failure, Finding, Progress, RunRecord
from dr.model.runbook import Plan, PlannedStep, Section
from dr.policy.approval import untold
from dr.policy.second_person import typed
from dr.policy.still import TAKEN_UP, taken_up
from dr.policy.verdict import Judgement, judge
from dr.program import owner, this_dr
from dr.units import show_duration

_NUDGE = 0.2
"""Seconds between two looks at an attempt that was told to end; each look ends what it may have started meanwhile."""
PATIENCE = (0.2, 1.0, 5.0, 20.0)
"""Seconds between attempts to write a fact of record: a full disk may be emptied, a lock is let go."""
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

    def __init__(
        self,
        services: Services,
        failpoints: Failpoints,
        until_ended: "UntilEnded | None" = None,
        patience: Sequence[float] = PATIENCE,
        admit: Callable[[], None] = lambda: None,
    ) -> None:
        """`until_ended` ends an attempt that must stop and comes back when its thread has; `patience`: as PATIENCE.

        `admit` is asked before each attempt, and does not return where this process may not go on.
        """
        self._admit = admit
        self.services = services
        self.failpoints = failpoints
        self.unrecorded = ""
        """Why a fact of record could not be written, when patience ended; what carries a run then stands still."""
        self._patience = patience
        self._until_ended = until_ended or wait_for_thread
        self._leaving = False
        self._live: dict[tuple[RunId, StepId], Attempt] = {}
        self._carried: set[RunId] = set()
        self._lock = threading.Lock()
        self._herald = Herald(services, failpoints, lambda run: [attempt.context for attempt in self._of(run)])

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

        def write() -> None:
            if self.services.records.run(run.id) is None:
                self._audit("run-started", run.id, {"runbook": plan.runbook, "plan": plan.digest()}, run.requested_by)
                if plan.declaration is not None:
                    self._audit("recovery-declared", run.id, plan.declaration.to_facts(), run.requested_by)
            self.services.records.begin_run(record, plan)
            forget_earlier(run.id, plan, self.services.records, self.services.clock.now())

        self._record(write)
        self._tell(run.id, "run-started", plan.title)
        for left in plan.left_out:
            self._tell(run.id, "skipped", left.why, left.id)
        self.failpoints.fire("engine.after-begin")

    def ask(self, run: Run, step: PlannedStep, number: int, facts: Mapping[str, JsonObject]) -> JsonObject:
        """Put a step's question to a person on record: `{state: waiting, seconds, asked, until, instructions}`, or how the step ended."""
        task = run.task(step, number, facts)
        try:
            attempt = Attempt(task, self.services, self.failpoints)
        except DrError as error:
            return self._unstartable(task, error)
        return attempt.ask()

    def say_waiting(self, run: Run, step: PlannedStep, asked: JsonObject) -> None:
        """Tell whoever watches what is waited for, until when, and what to type: a line each, and the instructions as they are written.

        Not of one that was answered before the run was taken up again.
        """
        if any(one.step == step.id and one.state != "running" for one in self.services.records.steps(run.id)):
            return
        home, by = self.services.state.parent, run.requested_by if asked.get("second") else ""
        until = local(datetime.fromisoformat(asked["until"]), self.services.inventory.organisation.zone)
        how = typed(this_dr(home), run.id, step.id, by=by, owner=owner(home))
        lines = (asked["instructions"], f"Until {until}:", how, "or, to refuse, the same with --deny")
        self._tell(run.id, "waiting", "\n".join(lines), step.id)

    def say_pause(self, run: Run, step: PlannedStep, seconds: float) -> None:
        """Tell whoever watches that a step that failed is tried again, and when."""
        self._tell(run.id, "retry-later", show_duration(seconds), step.id)

    async def attempt(
        self, run: Run, step: PlannedStep, number: int, facts: Mapping[str, JsonObject], answer: JsonObject | None = None
    ) -> JsonObject:
        """Run one attempt to its end; stop it at its time limit or when it is told to. Cancelling this waits for the thread as well."""
        await asyncio.to_thread(self._admit)
        task = replace(run.task(step, number, facts), answer=answer)
        try:
            attempt = Attempt(task, self.services, self.failpoints, partial(self._herald.foretell, run.id))
        except DrError as error:
            return await asyncio.to_thread(self._unstartable, task, error)
        key = (run.id, StepId(step.id))
        with self._lock:
            self._live[key] = attempt
        if self._leaving:
            attempt.halt("leave")
        elif answer is not None and answer["verdict"] == "cancelled":  # the run was cancelled while the question stood
            attempt.halt("cancel")
        try:
            return await self._watch(attempt, _in_thread(attempt), step.timeout)
        finally:
            with self._lock:
                self._live.pop(key, None)

    def skip(self, run: Run, step: PlannedStep, why: str) -> JsonObject:
        """Record that a step does not run."""
        self._record(lambda: self.services.records.record_step(planned_record(run.task(step), "skipped")))
        self._tell(run.id, "skipped", why, step.id)
        return {"state": "skipped", "facts": {}, "failure": None}

    def note_control(self, run: Run, message: JsonObject) -> None:
        """Put on record who told the run what."""
        self._record(lambda: self._audit(f"run-{message.get('command')}", run.id, {}, str(message.get("by", ""))))

    def end(self, run: Run, course: Course) -> JsonObject:
        """Judge the run and write its last fact."""
        judgement = judge(run.plan, course.ended, cancelled=course.cancelled)
        with self._lock:
            self._carried.discard(run.id)
        self._herald.finish(run.id)
        self.failpoints.fire("engine.before-end")
        self._record(lambda: self._write_end(run, judgement))
        self._tell(run.id, "run-ended", judgement.verdict)
        self.failpoints.fire("engine.after-end")
        return {"state": judgement.state, "verdict": judgement.verdict, "reasons": list(judgement.reasons)}

    def _write_end(self, run: Run, judgement: Judgement) -> None:
        record = self.services.records.run(run.id)
        if record is None or record.state == "running":
            self._audit("run-ended", run.id, {"state": judgement.state, "verdict": judgement.verdict}, run.requested_by)
        now = self.services.clock.now()
        self.services.records.unpin(run.id)
        self.services.records.close_findings(untold(run.id), (), now, run.id)
        self.services.records.end_run(run.id, judgement.state, judgement.verdict, now)

    def _record(self, write: Callable[[], object]) -> None:
        """Write facts of record, patiently. An operation that failed would end the run for good, beyond resuming: so when patience ends,
        it stands still here, and the process, which sees `unrecorded`, leaves the run to be resumed."""
        for wait in (*self._patience, None):
            try:
                write()
                return
            except Exception as error:  # noqa: BLE001 whatever the catalog's trouble is, the run must survive it
                self.unrecorded = type(error).__name__ if wait is None else ""
            if wait is not None:
                time.sleep(wait)
        threading.Event().wait()

    def carry(self, run: Run) -> None:
        """This process carries the run from now on: begun here, or taken up."""
        self._record(lambda: self._note_taken_up(run))
        with self._lock:
            self._carried.add(run.id)
        self.beat()
        self._herald.accompany(run.id, run.plan, run.requested_by)
        self.note_changed_inventory(run)

    def beat(self) -> None:
        """Leave a sign of every run that is carried here; called every second, whatever the steps do."""
        with self._lock:
            carried = list(self._carried)
        for run in carried:
            signs.beat(self.services.state, run, self.services.clock.now())

    def _note_taken_up(self, run: Run) -> None:
        """Put on record that the run goes on, and since when nothing of it did: from its last sign of life."""
        records, now = self.services.records, self.services.clock.now()
        record = records.run(run.id)
        if record is None or record.state != "running":
            return
        told = [step_time for step in records.steps(run.id) for step_time in (step.started, step.ended) if step_time]
        beaten = signs.last_beat(self.services.state, run.id)
        last = max([record.started, *told, *([beaten] if beaten else [])])
        self._audit(TAKEN_UP, run.id, taken_up(last, now), run.requested_by)

    def note_changed_inventory(self, run: Run) -> None:
        """A run keeps the plan that it was begun with; that the inventory has changed since is worth knowing."""
        if run.plan.inventory == self.services.inventory_digest:
            return
        self._record(lambda: self.services.records.finding(self._inventory_finding(run)))

    def _inventory_finding(self, run: Run) -> Finding:
        return Finding(
            key=f"inventory-changed:{run.id}",
            severity="warning",
            system=SystemName(run.plan.system) if run.plan.system else None,
            message=f"run {run.id} goes on with the plan it began with, but the inventory has changed since",
            hint="if the change matters to it, cancel the run and start it anew",
            run=run.id,
            at=self.services.clock.now(),
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
        self._record(lambda: self.services.records.record_step(planned_record(task, "failed", started=now, ended=now, failure=failure)))
        self._tell(task.run, "failed", failure.message, task.step.id, failure.hint)
        return {"state": "failed", "facts": {}, "failure": failure.to_facts()}

    def _audit(self, event: str, run: RunId, facts: JsonObject, actor: str) -> None:
        self.services.records.audit(event, run, facts, actor=actor, at=self.services.clock.now())

    def _tell(self, run: RunId, event: str, what: str, step: str = "", hint: str = "") -> None:
        at = self.services.clock.now().isoformat()
        self.services.watch(Progress.from_facts({"run": run, "step": step, "at": at, "event": event, "what": what, "hint": hint}))


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
