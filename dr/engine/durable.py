"""The one durable workflow, and everything else that touches DBOS. Importing this costs most of a second: import it when a run is due.

Every operation of the workflow comes in an order that depends only on the plan and on recorded results (`order.Course`), so that a run
that was killed replays to where it was. Change an operation or its place and `version.ENGINE_VERSION` must change.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, StepOptions, WorkflowSerializationFormat

from dr.clock import iso
from dr.engine.order import Ask, Await, Course, Pause, Skip
from dr.engine.order import Task as Due
from dr.engine.store import open_store
from dr.engine.version import ENGINE_VERSION
from dr.engine.work import Run, Works
from dr.model.base import JsonObject, RunId
from dr.model.runbook import Plan

NAME = "dr-engine"
CONTROL = "control"
_MONTH = 30 * 86400.0
_LONG_ENOUGH = 5.0
_works: Works | None = None


@DBOS.workflow(name="run_runbook", serialization_type=WorkflowSerializationFormat.PORTABLE, max_recovery_attempts=1000)
async def run_runbook(plan: JsonObject, start: JsonObject) -> JsonObject:
    """Run one plan to its end. `start`: `{started, requested_by}`."""
    works = _current_works()
    run = Run(RunId(str(DBOS.workflow_id)), Plan.from_facts(plan), start)
    await asyncio.to_thread(works.carry, run)
    await DBOS.run_step_async(StepOptions(name="begin"), works.begin, run)
    course = Course(run.plan)
    await _Board(works, run, course).walk()
    return await DBOS.run_step_async(StepOptions(name="end"), works.end, run, course)


class _Board:
    """The tasks of one run that are under way, beside the one that waits for control messages."""

    def __init__(self, works: Works, run: Run, course: Course) -> None:
        self._works = works
        self._run = run
        self._course = course
        self._tasks: dict[str, asyncio.Future[Any]] = {}

    async def walk(self) -> None:
        control = self._listen()
        try:
            await self._walk(control)
        finally:  # also when a record could not be written: nothing of the run goes on without it
            for task in self._tasks.values():
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks.values())

    async def _walk(self, control: "asyncio.Future[Any]") -> None:
        while True:
            for due in self._course.due():
                self._tasks[due.key] = asyncio.ensure_future(self._begin(due))
            if self._course.over:
                control.cancel()
                return
            names = list(self._tasks)
            done, _ = await DBOS.asyncio_wait([control, *(self._tasks[name] for name in names)], return_when=asyncio.FIRST_COMPLETED)
            for name in names:
                if self._tasks[name] in done:
                    self._course.took(name, self._tasks.pop(name).result())
                    self._works.failpoints.fire("engine.after-step")
            if control in done:
                await self._heed(control.result())
                control = self._listen()

    def _listen(self) -> "asyncio.Future[Any]":
        return asyncio.ensure_future(DBOS.recv_async(CONTROL, timeout_seconds=_MONTH))

    async def _begin(self, due: Due) -> JsonObject | None:
        if isinstance(due, Pause):
            self._works.say_pause(self._run, due.step, due.seconds)
            await DBOS.sleep_async(due.seconds)
            return None
        if isinstance(due, Skip):
            return await DBOS.run_step_async(StepOptions(name=f"skip {due.step.id}"), self._works.skip, self._run, due.step, due.why)
        if isinstance(due, Ask):
            return await DBOS.run_step_async(
                StepOptions(name=f"ask {due.step.id}"), self._works.ask, self._run, due.step, due.attempt, due.facts
            )
        if isinstance(due, Await):
            self._works.say_waiting(self._run, due.step, due.asked)
            answer: JsonObject | None = await DBOS.recv_async(answers_to(due.step.id), timeout_seconds=due.asked["seconds"])
            return answer
        options = StepOptions(name=f"{due.step.id} {due.attempt}", preemptible=True)
        return await DBOS.run_step_async(options, self._works.attempt, self._run, due.step, due.attempt, due.facts, due.answer)

    async def _heed(self, message: JsonObject | None) -> None:
        if not message:
            return
        await DBOS.run_step_async(StepOptions(name="control"), self._works.note_control, self._run, message)
        for wait in self._course.heed(message):
            self._tasks.pop(wait).cancel()
        await asyncio.to_thread(self._works.stop, self._run.id, self._course.stops())


def answers_to(step: str) -> str:
    """The topic on which the question of a step is answered."""
    return f"approve:{step}"


def _current_works() -> Works:
    if _works is None:
        raise RuntimeError("the engine was not launched")
    return _works


# ---------------------------------------------------------------- the process


def launch(works: Works, state: Path, slot: str) -> None:
    """Start DBOS in this process, as that slot. It takes its own slot's runs up again, listens to no shared queue, fires no schedule."""
    global _works  # noqa: PLW0603 DBOS calls the workflow by name: there is one engine a process
    _works = works
    config = DBOSConfig(
        name=NAME,
        system_database_engine=open_store(state),
        executor_id=slot,
        application_version=ENGINE_VERSION,
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        notification_listener_polling_interval_sec=0.2,
    )
    DBOS(config=config)
    _quieten()
    DBOS.listen_queues([])
    DBOS.launch()


class _NoTraces(logging.Filter):
    """DBOS logs exceptions with their text, which may hold what no log may: only the class is kept, but for a developer."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and os.environ.get("DR_LOG") != "debug":
            kind = record.exc_info[0]
            record.msg, record.args, record.exc_info = f"{record.getMessage()} {kind.__name__ if kind else ''}", (), None
        return True


def _quieten() -> None:
    log = logging.getLogger("dbos")
    if not any(isinstance(one, _NoTraces) for one in log.filters):
        log.addFilter(_NoTraces())


def shut_down() -> bool:
    """Stop DBOS in this process; False if it would not end in good time, since its own `destroy` can hang."""
    ending = threading.Thread(target=DBOS.destroy, name="engine-shut-down", daemon=True)
    ending.start()
    ending.join(_LONG_ENOUGH)
    return not ending.is_alive()


def start(run: RunId, plan: JsonObject, begun: JsonObject) -> None:
    """Start a run here; the same id again is the same run."""
    with SetWorkflowID(run):
        DBOS.start_workflow(run_runbook, plan, begun)


def take_over(slot: str) -> None:
    """Queue the runs of a dead slot for whoever is free. The slot's lock must be held meanwhile.

    DBOS's own recovery, since it moves a run only if that slot still has it: two that take over at once move it once, and a run that was
    cancelled meanwhile stays so (`resume_workflows` would revive it).
    """
    DBOS._recover_pending_workflows([slot])


def status(run: RunId) -> str | None:
    """DBOS's word for how it stands with a run; None if it knows none of that id."""
    found = DBOS.list_workflows(workflow_ids=[run], load_input=False, load_output=False)
    return str(found[0].status) if found else None


def delete_ended(before: datetime, keep: Sequence[RunId]) -> int:
    """Delete the engine's rows of runs that ended before an instant, but not those of `keep`."""
    over = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
    found = DBOS.list_workflows(status=over, completed_before=iso(before), load_input=False, load_output=False, limit=1000)
    old = [run.workflow_id for run in found if run.workflow_id not in keep]
    if old:
        DBOS.delete_workflows(old)
    return len(old)


# ---------------------------------------------------------------- from another process


def send(state: Path, run: RunId, message: JsonObject, topic: str = CONTROL) -> None:
    """Leave a message; the run heeds it as soon as somebody carries it on."""
    with _Client(state) as client:
        client.send(run, message, topic, serialization_type=WorkflowSerializationFormat.PORTABLE)


def cancel(state: Path, run: RunId) -> None:
    """End a run that nobody carries, as it is: no further step of it will run."""
    with _Client(state) as client:
        client.cancel_workflow(run)


class _Client:
    def __init__(self, state: Path) -> None:
        self._store = open_store(state)

    def __enter__(self) -> DBOSClient:
        self._client = DBOSClient(system_database_engine=self._store, application_name=NAME, serializer=DBOSPortableJSONSerializer())
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.destroy()
        self._store.dispose()
