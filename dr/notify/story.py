"""What a run's story is, for a template: names, counts, times and the failures' own words. Never a value of a client's."""

from collections.abc import Sequence
from datetime import datetime

from dr.clock import local
from dr.errors import Failed
from dr.model.backup import Copy
from dr.model.base import RunId, StrictModel
from dr.model.inventory import Inventory
from dr.model.ports import Records
from dr.model.record import Finding, RunRecord, StepRecord
from dr.policy.occasion import grave, near_misses
from dr.policy.recovery import lost, made_here, taken_after
from dr.units import show_duration

SHOWN = 3
"""Failures told in full: a message must fit a telephone."""
WIDEST = 300


class FailedStep(StrictModel):
    step: str
    action: str
    message: str
    hint: str


class Found(StrictModel):
    """Something grave that the run saw."""

    message: str
    hint: str


class Holding(StrictModel):
    """What one tier still has, in words."""

    tier: str
    words: str


class Story(StrictModel):
    """What every template may use. Times are the organisation's, lengths are in two units at most."""

    organisation: str
    run: str
    runbook: str
    kind: str
    title: str
    system: str
    tier: str
    at: str
    """When it was told."""
    started: str
    failures: tuple[FailedStep, ...]
    more_failures: int
    failing_since: str
    failed_in_a_row: int
    last_success: str
    """Empty if there never was one."""
    holdings: tuple[Holding, ...]
    rto: str
    """With what was declared."""
    beside: tuple[str, ...]
    """What must be said of it: its declared phases, the worst hour of the week, when the run lay still."""
    rpo: str
    lost: str
    """Of a recovery: how long people worked for nothing, from the set to the failure. Empty where nothing is known, or see `lost_since`."""
    lost_since: str
    """In its place, where the set was taken after the failure was recognised: when. Empty where the run itself made it."""
    took: str
    """Of a recovery: from recognition until now."""
    reason: str
    alone: str
    by: str
    opened: bool
    places: tuple[str, ...]
    """Of a recovery: where its file sets stand now."""
    objective: str
    near_misses: tuple[str, ...]
    found: tuple[Found, ...]
    """What is grave and not told by one of the failures."""
    more_found: int
    note: str
    requested_by: str
    """The person, whatever the account."""
    question: str = ""
    """What whoever reads it is asked, in a sentence."""
    until: str = ""
    """Until when an answer to it counts."""


def tell_story(inventory: Inventory, records: Records, run: RunId, now: datetime, zone: str, note: str) -> Story:
    """Gather it from the records. Raises Failed for a run that is not there."""
    record = records.run(run)
    if record is None:
        raise Failed(f"run {run} is not in the catalog, so nothing can be said of it", hint="`dr runs list` shows those that are")
    steps = records.steps(run)
    failures = _failures(steps)
    open_findings = records.open_findings(record.system)
    found = _found(grave(record, open_findings), failures)
    streak = _Streak(record, records.runs(runbook=record.runbook, system=record.system))
    report = next((s.facts for s in steps if s.action == "report" and s.facts), {})
    return Story(
        organisation=inventory.organisation.name,
        run=run,
        runbook=record.runbook,
        kind=record.kind,
        title=record.title,
        system=record.system or "",
        tier=record.tier or "",
        at=local(now, zone),
        started=local(record.started, zone),
        failures=failures[:SHOWN],
        more_failures=max(0, len(failures) - SHOWN),
        failing_since=local(streak.since, zone),
        failed_in_a_row=streak.count,
        last_success=local(streak.last_success, zone) if streak.last_success else "",
        holdings=_holdings(inventory, record, records, now, zone),
        rto=_length(report.get("rto_total") or report.get("rto_seconds")),
        beside=tuple(_line(said) for said in report.get("beside", ())),
        rpo=_length(report.get("rpo_seconds")),
        **_recovery(record, records, run, steps, now, zone),
        opened=any(s.action == "open" and s.state == "done" for s in steps),
        places=tuple(_line(place) for s in steps if s.action == "swap-in" for place in _places(s)),
        objective=_length((record.objective or {}).get("rto")),
        near_misses=near_misses(record, steps, records.copies(record.system), open_findings, now),
        found=found[:SHOWN],
        more_found=max(0, len(found) - SHOWN),
        note=note,
        requested_by=record.requested_by.partition(" as ")[0],
    )


def _recovery(record: RunRecord, records: Records, run: RunId, steps: Sequence[StepRecord], now: datetime, zone: str) -> dict[str, str]:
    plan = records.plan(run)
    said = plan.declaration if plan else None
    if said is None:
        return dict.fromkeys(("lost", "lost_since", "took", "reason", "alone", "by"), "")
    chosen = next((s.facts for s in reversed(steps) if s.action == "select-backup" and s.facts.get("instant")), None)
    instant = datetime.fromisoformat(chosen["instant"]) if chosen else said.declared
    seconds = lost(said.declared, instant)
    since = chosen is not None and taken_after(said.declared, instant) and not made_here(str(chosen.get("set")), steps)
    took = show_duration((now - record.started).total_seconds())
    return {
        "lost": show_duration(seconds) if seconds else "",
        "lost_since": local(instant, zone) if since else "",
        "took": took,
        "reason": _line(said.reason),
        "alone": _line(said.alone),
        "by": said.by,
    }


def _places(step: StepRecord) -> list[str]:
    return [f"{one['source']}: {one['place']} on {step.facts['host']}" for one in step.facts.get("swapped", ())]


def _failures(steps: Sequence[StepRecord]) -> tuple[FailedStep, ...]:
    return tuple(
        FailedStep(step=s.step, action=s.action, message=_line(s.failure.message), hint=_line(s.failure.hint))
        for s in steps
        if s.state == "failed" and s.failure is not None
    )


def _found(findings: Sequence[Finding], failures: Sequence[FailedStep]) -> tuple[Found, ...]:
    told = " ".join(failure.message for failure in failures)
    lines = [(_line(finding.message), _line(finding.hint)) for finding in findings]
    return tuple(Found(message=message, hint=hint) for message, hint in lines if message not in told)


def _line(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= WIDEST else whole[: WIDEST - 3] + "..."


def _length(seconds: object) -> str:
    return show_duration(float(seconds)) if isinstance(seconds, int | float) else ""


class _Streak:
    """How many runs of this runbook failed without a success between them, up to and with this one."""

    def __init__(self, run: RunRecord, newest_first: Sequence[RunRecord]) -> None:
        self.since, self.count = run.started, 1
        self.last_success: datetime | None = None
        for earlier in (r for r in newest_first if r.run != run.run and r.started <= run.started):
            if earlier.state == "done":
                self.last_success = earlier.ended or earlier.started
                return
            if earlier.state == "failed":
                self.since, self.count = earlier.started, self.count + 1


def _holdings(inventory: Inventory, run: RunRecord, records: Records, now: datetime, zone: str) -> tuple[Holding, ...]:
    if run.system is None or run.system not in inventory.systems:
        return ()
    entry, copies = inventory.systems[run.system], records.copies(run.system)
    tiers = sorted({*entry.objectives.tiers, *entry.retention})
    return tuple(Holding(tier=tier, words=_holding([c for c in copies if c.tier == tier], now, zone)) for tier in tiers)


def _holding(newest_first: Sequence[Copy], now: datetime, zone: str) -> str:
    whole = [c for c in newest_first if not c.damaged]
    if not whole:
        return "nothing" if not newest_first else "nothing undamaged"
    proven = next((c for c in whole if c.level == "proven"), None)
    if proven is None:
        return f"no proven copy; newest copy is only {whole[0].level}: {_dated(whole[0], now, zone)}"
    newer = f"; newest copy ({whole[0].level}): {_dated(whole[0], now, zone)}" if whole[0] is not proven else ""
    return f"newest proven copy: {_dated(proven, now, zone)}{newer}"


def _dated(copy: Copy, now: datetime, zone: str) -> str:
    return f"{local(copy.instant, zone)}, {show_duration((now - copy.instant).total_seconds())} old"
