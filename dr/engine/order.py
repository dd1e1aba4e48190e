"""Which step comes next: a function of the plan and of what was recorded, so that a replay walks the same way. No clock, no I/O.

A step that asks a person (`approve`) is put on record, waited for and judged, each as an operation of its own.

`steps` run as their `needs` allow, in the plan's order; then, if something failed, `on_failure`; then `always`, whatever happened. The
latter two run one after the other, and one that fails does not keep the next from running. If the first failure is one in `always`,
`on_failure` follows it: a failed scrub, or a recovery that took longer than the objective, must not stay silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dr.errors import ConfigError, Damaged, Refused, Unanswered
from dr.model.base import JsonObject
from dr.model.runbook import Plan, PlannedStep, Section
from dr.policy.verdict import Ended, own_verdict


@dataclass(frozen=True)
class Start:
    """Make an attempt at a step. `attempt` counts from 1; `facts`: what the steps before it left."""

    step: PlannedStep
    attempt: int
    facts: dict[str, JsonObject]
    answer: JsonObject | None = None
    """What came of the question that the step had put to a person; None for a step that asks nobody."""

    @property
    def key(self) -> str:
        return self.step.id


@dataclass(frozen=True)
class Ask:
    """Put a question to a person: on record first, then `Await`, then `Start` with the answer."""

    step: PlannedStep
    attempt: int
    facts: dict[str, JsonObject]

    @property
    def key(self) -> str:
        return self.step.id


@dataclass(frozen=True)
class Await:
    """Wait, durably, for a person's answer. `asked`: what came of `Ask`, with `seconds` until it is too late."""

    step: PlannedStep
    asked: JsonObject

    @property
    def key(self) -> str:
        return f"?{self.step.id}"


@dataclass(frozen=True)
class Pause:
    """Wait, durably, before the next attempt."""

    step: PlannedStep
    seconds: float

    @property
    def key(self) -> str:
        return f"~{self.step.id}"


@dataclass(frozen=True)
class Skip:
    """Record that a step does not run, and why."""

    step: PlannedStep
    why: str

    @property
    def key(self) -> str:
        return self.step.id


Task = Start | Ask | Await | Pause | Skip
ASKS = "approve"
"""The action whose steps put a question to a person. Only a silence is followed by the question again, where the step says so (`retry`): a
person's no is no fault that goes away when they are asked once more."""
MENDS = "copy"
"""The action that mends the damage it finds: tried again, it may succeed."""
_NOT_CURED_BY_WAITING = (ConfigError.exit_code, Refused.exit_code)
"""What a person wrote, which stays wrong however often it is tried, and a guard's no, which waiting does not change."""


def wait_before(step: PlannedStep, attempt: int) -> float:
    """Seconds to wait before attempt number `attempt` (2 or more): doubled each time, up to `most`."""
    doubled = step.retry.wait * 2.0 ** min(attempt - 2, 60)
    return float(min(doubled, max(step.retry.most, step.retry.wait)))


class Course:
    """The way through one plan. Ask `due()` for what to begin, tell `took()` and `heed()` what came of it, until `over`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ended: dict[str, Ended] = {}
        self.paused = False
        self.cancelled = False
        self._hard = False
        self._steps = {step.id: step for step in (*plan.steps, *plan.on_failure, *plan.always)}
        self._attempts: dict[str, int] = {}
        self._under_way: dict[str, Task] = {}
        self._withheld: set[str] = set()
        self._again: list[Pause | Await | Start | PlannedStep] = []
        self._section: Section | None = "steps"
        self._visited: list[Section] = ["steps"]
        self._todo: list[PlannedStep] = list(plan.steps)

    @property
    def over(self) -> bool:
        return self._section is None

    @property
    def failed(self) -> bool:
        """Whether a step failed so far, a check did not pass, or the evidence says that the run did not."""
        return any(not _good(self._steps[name], ended) for name, ended in self.ended.items() if ended.state != "skipped")

    def due(self) -> list[Task]:
        """What may begin now, in the plan's order. Moves on to the next section when one is finished."""
        tasks = list(self._next_tasks())
        while not (tasks or self._under_way or self._again or self.paused or self._section is None):
            tasks = self._unreachable() if self._todo else self._advance()
        for task in tasks:
            self._under_way[task.key] = task
        return tasks

    def took(self, key: str, result: JsonObject | None) -> None:
        """A task ended. `result`: `{state, facts, failure}` of an attempt or a skip, None of a wait."""
        task = self._under_way.pop(key)
        step = task.step
        if isinstance(task, Ask) and result is not None and result["state"] == "waiting":
            self._again.append(Await(step, result))
        elif isinstance(task, Await):
            self._again.append(self._answered(task, result or {"verdict": "nobody"}))
        elif isinstance(task, Pause) or result is None:
            self._again.append(step)
        elif result["state"] == "failed" and self._may_repeat(step, result):
            self._again.append(step if step.action == ASKS else Pause(step, wait_before(step, self._attempts[step.id] + 1)))
        else:
            self._end(step, Ended(result["state"], result.get("facts") or {}), withheld=isinstance(task, Skip))

    def heed(self, message: JsonObject) -> list[str]:
        """A control message: `pause`, `resume`, `cancel` (soft: `always` still runs), `cancel-hard`.

        Gives back the keys of waits to drop.
        """
        command = message.get("command")
        if command in ("pause", "resume"):
            self.paused = command == "pause"
        if command not in ("cancel", "cancel-hard"):
            return []
        self.cancelled, self.paused = True, False
        self._hard = self._hard or command == "cancel-hard"
        return self._drop_waits()

    def stops(self) -> tuple[Section, ...]:
        """The sections whose running attempts must end now: a soft cancel leaves what tidies up alone."""
        if self._hard:
            return ("steps", "on_failure", "always")
        return ("steps",) if self.cancelled else ()

    def _next_tasks(self) -> Iterator[Task]:
        if self._section is None:
            return
        again, self._again = self._again, []
        for one in again:
            if self.paused and not isinstance(one, Await | Start):  # a question that was put is begun, and is answered
                self._again.append(one)
            else:
                yield self._attempt(one) if isinstance(one, PlannedStep) else one
        if self.paused:
            return
        if self._section == "steps":
            yield from self._unblocked()
        elif self._todo and not self._under_way and not again:
            yield self._begin(self._todo.pop(0))

    def _unblocked(self) -> Iterator[Task]:
        for step in list(self._todo):
            unmet = [name for name in step.needs if not self._met(name)]
            broken = [name for name in unmet if name in self.ended or name not in self._steps]
            if self.cancelled or broken or not unmet:
                self._todo.remove(step)
                yield self._begin(step, f"it needs '{broken[0]}', which is not done" if broken else "")

    def _unreachable(self) -> list[Task]:
        """Steps that wait for one another: a plan that was checked has none, but a run must end."""
        todo, self._todo = self._todo, []
        return [Skip(step, "what it needs can never be done") for step in todo]

    def _begin(self, step: PlannedStep, why: str = "") -> Task:
        if step.section in self.stops():
            return Skip(step, "the run was cancelled")
        return Skip(step, why) if why else self._attempt(step)

    def _attempt(self, step: PlannedStep) -> Start | Ask:
        self._attempts[step.id] = self._attempts.get(step.id, 0) + 1
        return (Ask if step.action == ASKS else Start)(step, self._attempts[step.id], self._facts())

    def _answered(self, task: Await | Start, answer: JsonObject) -> Start:
        asked = task.asked if isinstance(task, Await) else task.answer or {}
        return Start(task.step, self._attempts[task.step.id], self._facts(), {**asked, **answer})

    def _facts(self) -> dict[str, JsonObject]:
        return {name: ended.facts for name, ended in self.ended.items() if ended.state == "done"}

    def _may_repeat(self, step: PlannedStep, result: JsonObject) -> bool:
        failure = result.get("failure") or {}
        code = failure.get("exit_code")
        return (
            (step.action != ASKS or failure.get("error") == Unanswered.__name__)
            and self._attempts[step.id] < step.retry.attempts
            and code not in _NOT_CURED_BY_WAITING
            and (code != Damaged.exit_code or step.action == MENDS)  # what was read twice and is changed stays so (`dr.stream.stored`)
            and step.section not in self.stops()
        )

    def _met(self, name: str) -> bool:
        if name not in self.ended or name in self._withheld:
            return False
        step, ended = self._steps[name], self.ended[name]
        return ended.state == "skipped" or step.on_error == "continue" or _good(step, ended)

    def _end(self, step: PlannedStep, ended: Ended, *, withheld: bool = False) -> None:
        self.ended[step.id] = ended
        if withheld:
            self._withheld.add(step.id)

    def _drop_waits(self) -> list[str]:
        """An attempt that is not made leaves its step failed; a question that is taken back is recorded as such, by its action."""
        waits = [task for task in self._under_way.values() if isinstance(task, Pause | Await) and task.step.section in self.stops()]
        for task in waits:
            del self._under_way[task.key]
        dropped = [*waits, *(one for one in self._again if _step(one).section in self.stops())]
        self._again = [one for one in self._again if _step(one).section not in self.stops()]
        for one in dropped:
            if isinstance(one, Await | Start):
                self._again.append(self._answered(one, {"verdict": "cancelled"}))
            else:
                self._end(_step(one), Ended("failed", {}))
        return [task.key for task in waits]

    def _advance(self) -> list[Task]:
        self._section = self._section_after()
        if self._section is None:
            return []
        self._visited.append(self._section)
        self._todo = list({"steps": self.plan.steps, "on_failure": self.plan.on_failure, "always": self.plan.always}[self._section])
        return list(self._next_tasks())

    def _section_after(self) -> Section | None:
        if self.failed and not self.cancelled and "on_failure" not in self._visited:
            return "on_failure"
        return "always" if "always" not in self._visited else None


def _step(one: Task | PlannedStep) -> PlannedStep:
    return one if isinstance(one, PlannedStep) else one.step


def _good(step: PlannedStep, ended: Ended) -> bool:
    return ended.state == "done" and own_verdict(step, ended.facts) in (None, "PASS")
