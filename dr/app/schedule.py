"""What the timers call: look what is due, begin it once, say what was missed. The schedules are the runbooks' own.

What was begun is remembered as claims (a setting of the catalog) and guarded by a lock for each runbook, held while its run is carried:
two timers, a cron line and a person may all look at once.
"""

import fcntl
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dr.app.home import SCHEDULE, App
from dr.app.in_service import suspended
from dr.app.pings import after
from dr.clock import local
from dr.errors import DrError, Refused
from dr.model.base import JsonObject, RunId, SystemName
from dr.model.record import Finding, RunRecord
from dr.model.runbook import Runbook
from dr.policy.calendar import WRONG_CLOCK, Claim, Due, believed, decide
from dr.policy.words import spoken

LATE = 900.0
"""Seconds after which a run that a schedule asked for is late; cron looks every 300."""
_ABOUT = ("schedule-overlap", "schedule-not-begun", "schedule-missed")
"""Findings about a runbook's schedule, `:` and its name behind them."""
_STUCK = "schedule-stuck:"
_KEPT = 5
"""Claims that are remembered of each runbook: enough to have one from before a clock ran ahead."""


@dataclass(frozen=True)
class Look:
    """A schedule as it stands now."""

    runbook: str
    cron: str
    due: Due
    claim: Claim | None
    running: RunId | None
    """A run of it that is not over."""
    broken_off: bool = False
    """Nobody carries that run."""
    suspended: str = ""
    """Why it cannot be begun although it may be due: what it would write to is production since a recovery."""

    def to_facts(self) -> JsonObject:
        claim = self.claim.to_facts() if self.claim else None
        running = {"running": self.running, "broken_off": self.broken_off, "suspended": self.suspended}
        return {"runbook": self.runbook, "schedule": self.cron, "due": self.due.to_facts(), "last": claim, **running}


def scheduled(app: App) -> dict[str, Runbook]:
    """The runbooks that have a schedule."""
    return {name: runbook for name, runbook in app.runbooks.items() if runbook.schedule}


def look(app: App, name: str) -> Look:
    """How a runbook's schedule stands. Reads only. Raises Refused for one that has none."""
    runbook = app.runbooks.get(name)
    if runbook is None or runbook.schedule is None:
        having = ", ".join(scheduled(app)) or "none"
        raise Refused(f"'{name}' is no runbook with a schedule", hint=f"these have one: {having}")
    claims = _claims(app, name)
    due = decide(runbook.schedule, app.inventory.organisation.zone, claims, app.clock.now())
    left = app.interrupted()
    running = [run for run in sorted(app.services.active(), key=lambda run: run in left) if _runbook_of(app, run) == name]
    first = running[0] if running else None
    return Look(name, runbook.schedule, due, believed(claims, app.clock.now()), first, first in left, suspended(app, runbook))


def anchor(app: App, names: Collection[str]) -> None:
    """From now on what comes due is begun, and what was missed is made up; what lies before now counts as done. For a new schedule.

    One that has claims has been looked at: where none is believed this clock may be the wrong one, which anchors nothing.
    """
    for name in names:
        seen = look(app, name)
        if not _claims(app, name) and seen.due.occurrence is not None:
            _claim(app, name, Claim(occurrence=seen.due.occurrence, begun=app.clock.now()))


def broken_off(app: App) -> list[RunId]:
    """Runs that a schedule began and nobody carries any more."""
    records = ((run, app.records.run(run)) for run in app.interrupted())
    return [run for run, record in records if record is not None and record.requested_by == SCHEDULE]


def take_up(app: App) -> Iterator[RunRecord | DrError]:
    """Go on with what a schedule began and nobody carries: each run that ended, or why it could not go on (a finding too)."""
    stuck = []
    for run in broken_off(app):
        try:
            if run in app.interrupted():  # else it was taken up together with one before it
                app.resume(run)
        except DrError as error:
            if run in app.interrupted():  # else somebody else was quicker
                stuck.append(f"{_STUCK}{run}")
                _find(app, stuck[-1], "critical", f"{run} was broken off and cannot go on: {error.message}", error.hint, None)
                yield error
            continue
        record = app.run_record(run)
        if record.state != "running":
            yield record
    now = app.clock.now()
    app.records.close_findings(_STUCK, stuck, now, RunId(""))
    for one in app.records.open_findings():
        kind, _, runbook = one.key.partition(":")
        if kind in _ABOUT and runbook not in scheduled(app):
            app.records.close_finding(one.key, now, RunId(""))  # its schedule is gone, or it is called otherwise: it will never be settled


def begin_due(app: App, name: str) -> RunRecord | None:
    """Begin a runbook if an occurrence of its schedule waits to be begun, and carry its run to its end. None: nothing is due.

    A run of it that was broken off, whoever began it, is ended first: it must not stand in the way of every night to come.
    Raises Refused where its last run still goes on (a finding too, since nobody may be watching).
    """
    with _only_one(app.state, name) as alone:
        seen = look(app, name)
        if seen.due.state == "unknown":
            anchor(app, [name])
        if seen.due.state != "due" or seen.due.occurrence is None:
            return None
        if not alone and seen.running is None:
            return None  # somebody else is about to begin it
        if seen.running and not (alone and seen.broken_off):
            _overlap(app, seen)
        begun: list[RunId] = []
        try:
            if seen.running:
                after(app, app.resume(seen.running))
                seen = look(app, name)
            return app.run_scheduled(name, lambda run: _begun(app, seen, run, begun))
        except DrError as error:
            if not begun:  # nobody watches a timer: it must be seen in `dr status`
                message = f"{name} could not begin: {error.message}"
                _find(app, f"schedule-not-begun:{name}", "critical", message, error.hint, None)
            raise


def on_record(app: App, name: str) -> bool:
    """Whether what keeps a runbook from beginning is to be seen in `dr status`."""
    return any(one.key in (f"schedule-overlap:{name}", f"schedule-not-begun:{name}") for one in app.records.open_findings())


def _begun(app: App, seen: Look, run: RunId, begun: list[RunId]) -> None:
    """Right before the run begins: the occurrence is taken, what was open about the schedule is settled, what was missed is said."""
    now = app.clock.now()
    assert seen.due.occurrence is not None
    _claim(app, seen.runbook, Claim(occurrence=seen.due.occurrence, begun=now, run=run))
    begun.append(run)
    for about in _ABOUT:
        app.records.close_finding(f"{about}:{seen.runbook}", now, run)
    if seen.due.missed or seen.due.late > LATE:
        _say_missed(app, seen, run, now)


def _say_missed(app: App, seen: Look, run: RunId, now: datetime) -> None:
    zone = app.inventory.organisation.zone
    assert seen.due.occurrence is not None
    missed = f"{seen.due.missed} before it never ran" if seen.due.missed else ""
    late = f"it began {spoken(seen.due.late)} late" if seen.due.late > LATE else ""
    gap, breached = _gap(app, seen.runbook, now)
    message = f"{seen.runbook} of {local(seen.due.occurrence, zone)}: {', and '.join(filter(None, (late, missed)))}{gap}"
    hint = "was this machine off, or a run before it too long? `dr schedule list` shows what is due"
    severity = "critical" if breached else "warning" if seen.due.missed or gap else "info"  # a drill that began late was made all the same
    _find(app, f"schedule-missed:{seen.runbook}", severity, message, hint, run)


def _gap(app: App, runbook: str, now: datetime) -> tuple[str, bool]:
    """For a nightly, how old the newest copy had become meanwhile, and whether that broke the objective (RPO)."""
    for name, system in app.inventory.systems.items():
        if system.runbooks.nightly == runbook:
            newest = app.records.newest(SystemName(name))
            age = (now - newest.instant).total_seconds() if newest else None
            if age is None:
                return f"; there was no copy of {name}", True
            over = age > system.objectives.rpo
            than = f", over the objective of {spoken(system.objectives.rpo)}" if over else ""
            return f"; the newest copy of {name} was then {spoken(age)} old{than}", over
    return "", False


def _overlap(app: App, seen: Look) -> None:
    message = f"{seen.runbook} is due and was not begun: {seen.running} still goes on"
    hint = f"`dr runs show {seen.running}` says where it is"
    _find(app, f"schedule-overlap:{seen.runbook}", "warning", message, hint, None)
    raise Refused(message, hint=hint + "; it begins when that has ended")


def _find(app: App, key: str, severity: str, message: str, hint: str, run: RunId | None) -> None:
    system = next((name for name, entry in app.inventory.systems.items() if key.endswith(f":{entry.runbooks.nightly}")), None)
    facts = {"key": key, "severity": severity, "message": message, "hint": hint, "system": system, "run": run}
    app.records.finding(Finding.from_facts({**facts, "at": app.clock.now().isoformat()}))


# ---------------------------------------------------------------- what was begun


def _key(runbook: str) -> str:
    return f"schedule:{runbook}"


def _claims(app: App, runbook: str) -> tuple[Claim, ...]:
    """Those that count: a process that died between its claim and its run's first row has begun nothing."""
    text = app.records.setting(_key(runbook))
    claims = [Claim.from_facts(one) for one in json.loads(text)] if text else []
    return tuple(one for one in claims if not one.run or _is_known(app, RunId(one.run)))


def _is_known(app: App, run: RunId) -> bool:
    return app.records.run(run) is not None or run in app.services.active()


def _keep(app: App, runbook: str, claims: list[Claim]) -> None:
    app.records.set_setting(_key(runbook), json.dumps([one.to_facts() for one in claims[-_KEPT:]]))


def _claim(app: App, runbook: str, claim: Claim) -> None:
    """A clock that ran ahead claimed what is still to come: that is nobody's once a clock that is right claims something.

    Not before: it may be this clock that is wrong, before the network has set it right.
    """
    right = [one for one in _claims(app, runbook) if one.begun <= claim.begun + WRONG_CLOCK]
    _keep(app, runbook, [*right, claim])


def _runbook_of(app: App, run: RunId) -> str | None:
    record = app.records.run(run)
    return record.runbook if record else None


@contextmanager
def _only_one(state: Path, runbook: str) -> Iterator[bool]:
    """Whether no other process has this runbook's schedule in hand; if so it is held meanwhile, also against this process's death."""
    folder = state / "schedules"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / f"{runbook}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
