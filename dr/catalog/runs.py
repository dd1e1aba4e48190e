"""Runs and their steps: what was done, when, and with which verdict."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import attempts, runs, steps
from dr.errors import Failed
from dr.model.base import RunId, StepId, SystemName, canonical, sha256
from dr.model.record import RunRecord, StepRecord
from dr.model.runbook import Plan


class RunRecords(Noun):
    def begin_run(self, run: RunRecord, plan: Plan) -> None:
        """A run that is there already (it was resumed) stays as it is."""
        with self._store.write() as connection:
            columns = {name: getattr(run, name) for name in ("run", "runbook", "kind", "system", "state", "verdict", "started", "ended")}
            insert_if_absent(connection, runs, {**columns, "record": run.to_facts(), "plan": plan.to_facts()})

    def end_run(self, run: RunId, state: str, verdict: str | None, at: datetime) -> None:
        """The first time that it ended in this way counts. Raises Failed for a run that never began."""
        with self._store.write() as connection:
            known = _run(connection, run)
            if known is None:
                raise Failed(f"run {run} is not in the catalog", hint="`dr runs list` shows those that are")
            if (known.state, known.verdict) == (state, verdict):
                return
            facts = {**known.to_facts(), "state": state, "verdict": verdict}
            ended = RunRecord.from_facts(facts).model_copy(update={"ended": at})
            values = {"state": state, "verdict": verdict, "ended": at, "record": ended.to_facts()}
            connection.execute(update(runs).where(runs.c.run == run).values(**values))

    def run(self, run: RunId) -> RunRecord | None:
        with self._store.read() as connection:
            return _run(connection, run)

    def plan(self, run: RunId) -> Plan | None:
        with self._store.read() as connection:
            facts = connection.execute(select(runs.c.plan).where(runs.c.run == run)).scalar()
        return Plan.from_facts(facts) if facts else None

    def runs(
        self,
        *,
        runbook: str | None = None,
        system: SystemName | None = None,
        kind: str | None = None,
        limit: int = 50,
        but: Collection[str] = (),
    ) -> list[RunRecord]:
        """Newest first. `but`: runbooks whose runs are left out."""
        query = select(runs.c.record).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(limit)
        query = query.where(runs.c.runbook.not_in(but)) if but else query
        for column, wanted in ((runs.c.runbook, runbook), (runs.c.system, system), (runs.c.kind, kind)):
            query = query if wanted is None else query.where(column == wanted)
        with self._store.read() as connection:
            return [RunRecord.from_facts(facts) for facts in connection.execute(query).scalars()]

    def record_step(self, step: StepRecord) -> None:
        """A later attempt replaces an earlier one; every state of every attempt is kept beside. Raises Failed for an unknown run.

        An attempt that ended is not `running` again: that is a repeat after a crash, and its end will be recorded once more.
        """
        with self._store.write() as connection:
            if _run(connection, step.run) is None:
                raise Failed(f"run {step.run} is not in the catalog", hint="a run begins before its steps")
            facts = step.to_facts()
            insert_if_absent(
                connection, attempts, {"run": step.run, "step": step.step, "digest": sha256(canonical(facts)), "record": facts}
            )
            values = {"attempt": step.attempt, "state": step.state, "record": facts}
            if not insert_if_absent(connection, steps, {"run": step.run, "step": step.step, **values}):
                connection.execute(update(steps).where(*_replaceable(step)).values(**values))

    def steps(self, run: RunId) -> list[StepRecord]:
        """In the order in which they were first heard of."""
        with self._store.read() as connection:
            rows = connection.execute(select(steps.c.record).where(steps.c.run == run).order_by(steps.c.seq)).scalars()
            return [StepRecord.from_facts(row) for row in rows]

    def attempts(self, run: RunId, step: StepId | None = None) -> list[StepRecord]:
        """Every state that was ever recorded, oldest first; nothing here is ever replaced."""
        query = select(attempts.c.record).where(attempts.c.run == run).order_by(attempts.c.seq)
        if step is not None:
            query = query.where(attempts.c.step == step)
        with self._store.read() as connection:
            return [StepRecord.from_facts(row) for row in connection.execute(query).scalars()]


def _run(connection: Connection, run: RunId) -> RunRecord | None:
    facts = connection.execute(select(runs.c.record).where(runs.c.run == run)).scalar()
    return RunRecord.from_facts(facts) if facts else None


def _replaceable(step: StepRecord) -> list[ColumnElement[bool]]:
    same = [steps.c.run == step.run, steps.c.step == step.step]
    if step.state == "running":
        return [*same, (steps.c.attempt < step.attempt) | ((steps.c.attempt == step.attempt) & (steps.c.state == "running"))]
    return [*same, steps.c.attempt <= step.attempt]
