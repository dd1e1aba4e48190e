"""One attempt at a step: resolve, validate, act, record. Whatever happens comes out as a small JSON fact, never as an exception."""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from dr.clock import iso
from dr.engine.context import Context
from dr.engine.failpoints import Failpoints
from dr.engine.services import Services
from dr.errors import EXIT_FAILED, ConfigError, DrError, Failed, Refused, StandbyInUse, Stopped, place_of
from dr.model.base import JsonObject, RunId, StepId, StrictModel
from dr.model.ports import Action
from dr.model.record import Failure, StepRecord, StepState
from dr.model.references import resolve_steps
from dr.model.runbook import Plan, PlannedStep, When
from dr.policy.approval import ASKED
from dr.units import show_duration

LARGEST_FACTS = 8 * 2**20
"""Bytes of JSON that a step may leave; the engine's record is no place for data."""
Model = TypeVar("Model", bound=StrictModel)
_log = logging.getLogger("dr.engine")


@dataclass(frozen=True)
class Task:
    """What is to be attempted: everything here comes from the plan and from recorded results."""

    run: RunId
    plan: Plan
    step: PlannedStep
    attempt: int
    facts: Mapping[str, JsonObject]
    requested_by: str
    answer: JsonObject | None = None


class Attempt:
    """Runs in a thread of its own. `halt` ends it from outside; it is over only when `work` has returned."""

    def __init__(self, task: Task, services: Services, failpoints: Failpoints, foretold: Callable[[str], None] = lambda _: None) -> None:
        """`foretold`: as `Context` has it. Raises ConfigError if the plan names an action that this version does not have."""
        self.task = task
        self.parked = threading.Event()
        self._services = services
        self._failpoints = failpoints
        self._action: Action = services.action(task.step.action)
        self._why = ""
        self._leaving = False
        self._resolved: JsonObject = {}
        self.context = Context(
            run=task.run,
            plan=task.plan,
            planned=task.step,
            attempt=task.attempt,
            facts=task.facts,
            requested_by=task.requested_by,
            services=services,
            failpoints=failpoints,
            action=self._action,
            answer=task.answer,
            foretold=foretold,
        )

    def halt(self, why: str) -> None:
        """Tell it to stop, and end every process that it started. `why`: `cancel`, `timeout` or `leave`. May be repeated."""
        self._why = self._why or why
        self._leaving = self._leaving or why == "leave"
        self.context.stop.set()
        self.context.runner.kill_all()

    def work(self) -> JsonObject:
        """`{state, facts, failure}` of the attempt; recorded in the catalog before it is given back."""
        try:
            result = self._act()
        except BaseException as error:  # noqa: BLE001 the step boundary: a failure becomes a fact here
            self._park_if_leaving()
            result = self._lost(error)
        self._park_if_leaving()
        self.context.release()
        return result

    def ask(self) -> JsonObject:
        """Put the question of a step that asks a person on record: `{state: waiting, ...}`, or how the step ended if it cannot be put."""
        try:
            return self._ask()
        except Exception as error:  # noqa: BLE001 as in `work`
            return self._lost(error)

    def _ask(self) -> JsonObject:
        step = self.task.step
        self.context.began = self._first_began()
        if step.when and not self._wanted(step.when):
            return self._skipped()
        params = self._params()
        seconds = min(params.timeout, step.timeout or params.timeout)
        since, until = self._put(seconds)
        self._record("running")
        self._failpoints.fire(f"{step.action}.after-asked")
        if self._action.asked:
            self._action.asked(params, self.context, until)
        put = {"asked": iso(since), "until": iso(until), "instructions": params.instructions, "second": params.second_person}
        return {"state": "waiting", "seconds": seconds, **put}

    def _put(self, seconds: float) -> tuple[datetime, datetime]:
        """When this question was put first, however often the run was resumed since, and until when it stands."""
        about = {"step": self.task.step.id, "attempt": self.task.attempt}
        put = [
            entry
            for entry in self._services.records.audit_of(self.task.run)
            if entry.event == ASKED and about.items() <= entry.facts.items()
        ]
        if put:
            return put[0].at, datetime.fromisoformat(put[0].facts["until"])
        since = self.context.began if self.task.attempt == 1 else self._services.clock.now()
        until = since + timedelta(seconds=seconds)
        self.context.audit(ASKED, self.task.run, {"attempt": self.task.attempt, "until": iso(until)})
        return since, until

    def _params(self) -> Any:
        step = self.task.step
        self._resolved = resolve_steps(step.with_, self.task.facts.get)
        return _validated(self._action.params, self._resolved, f"step '{step.id}': action '{step.action}'", ConfigError)

    def _act(self) -> JsonObject:
        step = self.task.step
        self.context.began = self._first_began()
        if step.when and not self._wanted(step.when):
            return self._skipped()
        params = self._params()
        self._record("running")
        self.context.tell("started" if self.task.attempt == 1 else "retry", step.action)
        self.context.check_stop()
        self._failpoints.fire(f"{step.action}.before-effect")
        outcome = self._action.run(params, self.context)
        self._failpoints.fire(f"{step.action}.after-effect")
        facts = self._checked(outcome.facts)
        self._park_if_leaving()
        self._record("done", facts=facts, changed=outcome.changed)
        self.context.tell("done")
        self._failpoints.fire(f"{step.action}.after-record")
        return {"state": "done", "facts": facts, "failure": None}

    def _first_began(self) -> datetime:
        """When the step first began, however often it was tried or resumed: a phase's clock does not stop for a crash."""
        before = [record.started for record in self._services.records.steps(self.task.run) if record.step == self.task.step.id]
        return next((started for started in before if started), self._services.clock.now())

    def _wanted(self, when: When) -> bool:
        value, equals = (resolve_steps(side, self.task.facts.get) for side in (when.value, when.equals))
        return bool(value == equals)

    def _skipped(self) -> JsonObject:
        self._record("skipped")
        self.context.tell("skipped", "its `when` does not hold")
        return {"state": "skipped", "facts": {}, "failure": None}

    def _checked(self, facts: JsonObject) -> JsonObject:
        about = f"step '{self.task.step.id}': action '{self.task.step.action}' left facts that are not its own"
        whole = _validated(self._action.facts, facts, about, Failed).to_facts()
        if len(json.dumps(whole)) > LARGEST_FACTS:
            raise Failed(f"step '{self.task.step.id}': its facts are larger than {LARGEST_FACTS} bytes")
        return whole

    def _lost(self, error: BaseException) -> JsonObject:
        failure = self._failure(error)
        state: StepState = "cancelled" if self._why == "cancel" else "failed"
        try:
            self._record(state, failure=failure)
            if isinstance(error, Refused) and not isinstance(error, StandbyInUse):  # that one is asked again and again until it is free
                self.context.audit("step.refused", self.task.step.action, {"error": failure.error, "why": failure.message})
        except Exception as unrecorded:  # noqa: BLE001 the run's end finds the catalog out of order too, and fails
            _log.error("the catalog did not take the failure of step %s: %s", self.task.step.id, type(unrecorded).__name__)
        self.context.tell("failed", failure.message, hint=failure.hint)
        return {"state": state, "facts": {}, "failure": failure.to_facts()}

    def _failure(self, error: BaseException) -> Failure:
        step = self.task.step
        if self._why == "timeout":
            limit = show_duration(step.timeout or 0)
            return Failure(error="Stopped", exit_code=Stopped.exit_code, message=f"step '{step.id}' reached its time limit of {limit}")
        if self._why == "cancel":
            return Failure(error="Stopped", exit_code=Stopped.exit_code, message=f"step '{step.id}' was cancelled")
        if isinstance(error, DrError):
            return Failure(error=type(error).__name__, exit_code=error.exit_code, message=error.message, hint=error.hint)
        _log.debug("step %s broke", step.id, exc_info=error)
        # The text of a stranger's exception may hold a row or a password: only its name, the system's word for it and its place are told.
        cause = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
        message = f"step '{step.id}': action '{step.action}' broke: {type(error).__name__}{cause} at {place_of(error)}"
        return Failure(error=type(error).__name__, exit_code=EXIT_FAILED, message=message, hint="DR_LOG=debug shows the whole of it")

    def _record(
        self, state: StepState, *, facts: JsonObject | None = None, changed: bool | None = None, failure: Failure | None = None
    ) -> None:
        ended = None if state == "running" else self._services.clock.now()
        resolved, started = self._resolved, self.context.began
        record = planned_record(
            self.task, state, started=started, ended=ended, resolved=resolved, facts=facts, changed=changed, failure=failure
        )
        self._services.records.record_step(record)

    def _park_if_leaving(self) -> None:
        """The process is about to end and the run to be resumed later: what was broken off must not be recorded as an end."""
        if self._leaving:
            self.parked.set()
            threading.Event().wait()


def planned_record(
    task: Task,
    state: StepState,
    *,
    started: datetime | None = None,
    ended: datetime | None = None,
    resolved: JsonObject | None = None,
    facts: JsonObject | None = None,
    changed: bool | None = None,
    failure: Failure | None = None,
) -> StepRecord:
    """The catalog's record of a step, with what its plan says about it."""
    step = task.step
    return StepRecord(
        run=task.run,
        step=StepId(step.id),
        section=step.section,
        action=step.action,
        state=state,
        attempt=task.attempt,
        started=started,
        ended=ended,
        phase=step.phase,
        budget=step.budget,
        resolved=resolved or {},
        facts=facts or {},
        changed=changed,
        failure=failure,
    )


def _validated(model: type[Model], facts: JsonObject, about: str, error: type[DrError]) -> Model:
    """The model's value. Raises `error`, naming the places that are wrong but never what stands there."""
    try:
        return model.from_facts(facts)
    except ValidationError as wrong:
        found = wrong.errors(include_input=False, include_url=False)
        places = "; ".join(f"{'.'.join(str(part) for part in one['loc']) or 'all of it'}: {one['msg']}" for one in found)
        raise error(f"{about}: {places}") from None
