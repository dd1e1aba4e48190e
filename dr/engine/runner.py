"""The engine as `app` and `cli` see it: open it, start a run or take up what was left, wait, close."""

import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from dr.clock import iso
from dr.engine import room, signs
from dr.engine.control import SLOTS_FOLDER, pending, refuse_other_versions
from dr.engine.failpoints import Failpoints
from dr.engine.services import Services
from dr.engine.slots import Slot, held_if_dead, take_slot
from dr.engine.staging import sweep
from dr.engine.store import under_way
from dr.engine.work import PATIENCE, Works
from dr.errors import EXIT_INTERRUPTED, ConfigError, Failed
from dr.model.base import RunId, SystemName
from dr.model.record import Finding, RunRecord
from dr.model.runbook import Plan
from dr.policy.approval import untold

_REAP_EVERY = 1.0
_LOOK_EVERY = 0.1
_KEEP_ROWS = timedelta(days=30)
_LATEST = 200


def new_run_id(runbook: str, now: datetime) -> RunId:
    """`<runbook>-<UTC yyyymmddThhmmssZ>-<4 hex>`."""
    return RunId(f"{runbook}-{now.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(2)}")


def say_resumable(runs: Sequence[RunId]) -> None:
    """The last words of an interrupted process."""
    for run in runs:
        sys.stderr.write(f"interrupted; nothing is lost: `dr runs resume {run}` goes on where it was\n")


class Engine:
    """Holds a slot and carries runs until it is closed; also those of processes that died, which it finds every second.

    One at a time in a process. `keep_rows`: for how long the engine's own rows of ended runs are kept (the facts stay in the catalog).
    `admit` refuses a state that this engine must not work on; `if_dead` tells whether a slot is free, and holds it meanwhile.
    `ours`: whether a run of the catalog is this engine's to know of, where another folder has an engine of its own.
    """

    def __init__(
        self,
        services: Services,
        state: Path,
        failpoints: Failpoints,
        *,
        keep_rows: timedelta = _KEEP_ROWS,
        farewell: Callable[[Sequence[RunId]], None] = say_resumable,
        admit: Callable[[Path], None] = refuse_other_versions,
        if_dead: Callable[[Path, str], AbstractContextManager[bool]] = held_if_dead,
        patience: Sequence[float] = PATIENCE,
        ours: Callable[[RunRecord], bool] = lambda _: True,
    ) -> None:
        self._services = services
        self._state = state
        self._failpoints = failpoints
        self._keep_rows = keep_rows
        self._farewell = farewell
        self._admit = admit
        self._if_dead = if_dead
        self._ours = ours
        self._works = Works(services, failpoints, patience=patience, admit=self._require_slot)
        self._slot: Slot | None = None
        self._closing = threading.Event()
        self._reaper = threading.Thread(target=self._reap, name="engine-reaper", daemon=True)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            self.abandon()
        self.close()

    def open(self) -> None:
        """Take a slot and launch. Raises Refused if runs of another engine version are unfinished, or no slot or no disk space is free.

        From here on it carries what its slot's last holder left: Ctrl-C leaves the process as `wait` does.
        """
        self._admit(self._state)
        room.require_to_begin(self._state)
        self._slot = take_slot(self._state / SLOTS_FOLDER)
        try:
            self._launch(self._slot.name)
        except KeyboardInterrupt:
            self.abandon()
            raise

    def _launch(self, slot: str) -> None:
        from dr.engine import durable

        self._failpoints.fire("engine.before-launch")
        durable.launch(self._works, self._state, slot)
        living = pending(self._state)
        sweep(self._state, living)
        signs.sweep(self._state, living)
        self._settle_lost()
        self._forget_old()
        self._reaper.start()

    def start(self, plan: Plan, run_id: RunId | None = None, requested_by: str = "") -> RunId:
        """Begin a run; it is durable when this returns. The same id again is the same run."""
        from dr.engine import durable

        now = self._services.clock.now()
        run = run_id or new_run_id(plan.runbook, now)
        known = self._services.records.run(run)
        if known and known.state != "running":
            return run  # it is over, and the engine's own row of it may be gone
        recognised = plan.declaration.declared if plan.declaration else now  # the clock of a recovery starts there
        durable.start(run, plan.to_facts(), {"started": iso(recognised), "requested_by": requested_by})
        return run

    def wait(self, run_id: RunId) -> RunRecord:
        """Until the run is over, whoever carries it. Ctrl-C leaves the process (exit 130) and the run resumable.

        Raises ConfigError for a run that nobody knows, Failed when facts of record cannot be written (the run can be resumed then).
        """
        try:
            return self._wait(run_id)
        except KeyboardInterrupt:
            self.abandon()
            raise

    def run(self, plan: Plan, run_id: RunId | None = None, requested_by: str = "") -> RunRecord:
        """Start a run, wait for it, and for whatever else this process took up meanwhile."""
        record = self.wait(self.start(plan, run_id, requested_by))
        self.wait_idle()
        return record

    def resume(self, run_id: RunId | None = None) -> list[RunRecord]:
        """Take up what dead processes left (opening does that) and wait for it: one run, or all that are not over."""
        return [self.wait(run) for run in ([run_id] if run_id else pending(self._state))]

    def wait_idle(self) -> None:
        """Until this process carries no run and none is queued."""
        try:
            while self._carried():
                self._require_records()
                self._closing.wait(_LOOK_EVERY)
        except KeyboardInterrupt:
            self.abandon()
            raise

    def close(self) -> bool:
        """Wait for what this process carries, then stop. False if that cannot be: the process must then leave with `leave`."""
        if self._slot is None:
            return True
        from dr.engine import durable

        if self._works.unrecorded:
            return False
        self.wait_idle()
        self._closing.set()
        self._reaper.join()
        ended = durable.shut_down()
        self._slot.release()
        self._slot = None
        return ended

    def leave(self, code: int) -> None:
        """End the process at once with that exit code: what runs stays resumable, what it started is ended first. Does not return."""
        self._works.leave()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # whoever read it may be gone
                stream.flush()
        os._exit(code)

    def abandon(self) -> None:
        """Ctrl-C: end children, say how to go on, leave with 130. `destroy` is not called: it can hang and raises into running steps.

        It leaves, whether or not anybody hears that: the same Ctrl-C ends a `| tee` that read it.
        """
        self._works.leave()
        with contextlib.suppress(Exception):
            self._farewell(self._carried())
        self.leave(EXIT_INTERRUPTED)

    # ------------------------------------------------------------ inside

    def _wait(self, run_id: RunId) -> RunRecord:
        from dr.engine import durable

        while (status := durable.status(run_id)) in ("PENDING", "ENQUEUED", "DELAYED"):
            self._require_records()
            self._closing.wait(_LOOK_EVERY)
        record = self._services.records.run(run_id)
        if record is None and status is None:
            raise ConfigError(f"there is no run '{run_id}'", hint="`dr runs list` shows them")
        if record is None or (status == "ERROR" and record.state == "running"):
            self._settle_lost()
            raise Failed(f"run '{run_id}' broke off in the engine itself", hint="DR_LOG=debug shows where; start it anew")
        if record.state == "running":
            self._settle_lost()
        return self._services.records.run(run_id) or record

    def _require_records(self) -> None:
        room.require_to_go_on(self._state)
        if self._works.unrecorded:
            raise Failed(
                f"the catalog takes no facts of record ({self._works.unrecorded}), so nothing goes on",
                hint="is its disk full, or is it read-only? Then `dr runs resume` goes on where it was",
            )

    def _carried(self) -> list[RunId]:
        me = self._slot.name if self._slot else None
        return [run.run for run in under_way(self._state) if run.waiting or run.executor == me]

    def _reap(self) -> None:
        """Take over what the dead left, for as long as this process lives."""
        while not self._closing.wait(_REAP_EVERY):
            self._require_slot()
            self._works.beat()
            self._take_over(run.executor for run in under_way(self._state) if not run.waiting and run.executor)

    def _require_slot(self) -> None:
        """A process whose slot is gone may not go on: whoever took the slot since carries on what this one began. It leaves at once."""
        if self._slot is not None and not self._slot.held():
            with contextlib.suppress(OSError):
                sys.stderr.write(
                    f"the lock of this process ({self._slot.path}) was removed: others may go on with its runs\n"
                    "   HINT: nobody may remove what lies there while dr works; `dr runs list` shows what runs, `dr runs resume` goes on\n"
                )
            self.leave(EXIT_INTERRUPTED)

    def _take_over(self, executors: Iterable[str]) -> None:
        from dr.engine import durable

        for executor in sorted(set(executors) - {self._slot.name if self._slot else ""}):
            with self._if_dead(self._state / SLOTS_FOLDER, executor) as dead:
                if dead:
                    durable.take_over(executor)

    def _settle_lost(self) -> None:
        """End, in the catalog, what the engine will never take up again: cancelled hard, broken off, or lost with the engine's file."""
        from dr.engine import durable

        records = self._services.records
        for record in filter(self._ours, records.runs(limit=_LATEST)):
            status = durable.status(record.run) if record.state == "running" else "SUCCESS"
            if status in (None, "CANCELLED", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
                self._settle(record, cancelled=status == "CANCELLED")

    def _settle(self, record: RunRecord, *, cancelled: bool) -> None:
        records, now = self._services.records, self._services.clock.now()
        state, verdict = ("cancelled", "INCOMPLETE") if cancelled else ("failed", "FAIL")
        if not cancelled:
            self._report_lost(record)
        records.audit("run-ended", record.run, {"state": state, "verdict": verdict}, actor=record.requested_by, at=now)
        records.unpin(record.run)
        records.close_findings(untold(record.run), (), now, record.run)
        records.end_run(record.run, state, verdict, now)

    def _report_lost(self, record: RunRecord) -> None:
        self._services.records.finding(
            Finding(
                key=f"lost-run:{record.run}",
                severity="critical",
                system=SystemName(record.system) if record.system else None,
                message=f"run {record.run} broke off and cannot be taken up again",
                hint=f"`dr runs show {record.run}` says how far it came; start it anew",
                run=record.run,
                at=self._services.clock.now(),
            )
        )

    def _forget_old(self) -> None:
        from dr.engine import durable

        unsettled = [record.run for record in self._services.records.runs(limit=_LATEST) if record.state == "running"]
        durable.delete_ended(self._services.clock.now() - self._keep_rows, unsettled)
