"""What a past drill says about how long things take: its recovery time, cut into phases without a gap, and what it brought back.

The clock is the evidence's: from recognition (the run's start) to the first check that succeeded as a user would. A phase reaches from
the end of the one before it to its own end, so retries and crashes are inside it, as they would be on the day. Only the wait for a
standby that another run had is in no phase: it grows with nothing, and says nothing of how long a recovery takes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from dr.model.backup import Manifest
from dr.model.base import JsonObject, Seconds
from dr.model.forecast import DrillSample, GrowsWith, PhaseTime, Tonight
from dr.model.record import AuditEntry, CheckResult, RunRecord, StepRecord
from dr.model.runbook import Plan
from dr.model.summary import SetSummary
from dr.policy.still import lay, stills

BEFORE, USABLE, PROOF = "before", "usable", "proof"
"""The phases that no runbook names: until the first one begins, from the last restore to the first user, and what the proof took beyond."""
_GROWS: dict[str, GrowsWith] = {"restore": "bytes", "check": "rows"}


def sample_of(
    run: RunRecord,
    steps: Sequence[StepRecord],
    manifest: Manifest | None,
    summary: SetSummary | None,
    trail: Sequence[AuditEntry] = (),
    plan: Plan | None = None,
) -> DrillSample | None:
    """None where it measured no recovery time, or where the set that it restored is not known any more.

    `trail`: what is on record about the run, oldest first.
    """
    restores = [s for s in steps if s.action == "restore" and s.state == "done" and s.facts.get("set")]
    usable = first_use(steps)
    if not restores or usable is None or run.tier is None or manifest is None:
        return None
    facts = restores[-1].facts
    return DrillSample(
        run=run.run,
        tier=run.tier,
        at=run.started,
        standby=facts["onto"],
        host=plan.rests_on.get(f"host {facts['onto']}") if plan else None,
        source=majors_of(manifest),
        server=_server(facts.get("places", {})),
        bytes=manifest.plain,
        rows=rows_of(summary) or _compared(steps),
        phases=_phases(run.started, steps, usable),
        still=lay(stills(trail, steps, run.started, usable)),
        waited=Seconds(sum(_queued(s) for s in steps if s.started and s.started < usable)),
    )


def _queued(step: StepRecord) -> float:
    """Seconds that a restore waited for its turn on the standby."""
    return float(step.facts.get("waited", 0.0)) if step.action == "restore" else 0.0


def _compared(steps: Sequence[StepRecord]) -> int | None:
    """Rows, as the proof counted them: where the set's own summary is gone."""
    return max((int(s.facts.get("rows", 0)) for s in steps if s.action == "check"), default=0) or None


def tonight_of(manifest: Manifest, summary: SetSummary | None) -> Tonight:
    """A set as something that would have to be brought back."""
    return Tonight(set=manifest.set, bytes=manifest.plain, rows=rows_of(summary), source=majors_of(manifest))


def first_use(steps: Sequence[StepRecord]) -> datetime | None:
    """When the first check succeeded as a user would; one that looked at nothing did not."""
    results = [CheckResult.from_facts(r) for s in steps if s.action == "check" for r in s.facts.get("results", ())]
    return min((r.ended for r in results if r.user_level and r.passed and r.examined > 0), default=None)


def rows_of(summary: SetSummary | None) -> int | None:
    """Rows of all its databases; None where nothing was counted."""
    if summary is None:
        return None
    return sum(sum(a.content.counts.values()) for a in summary.artifacts if a.content.kind == "database") or None


def majors_of(manifest: Manifest) -> str:
    """The major versions of the servers that it was read from: `16`, `15, 16`."""
    return _majors(a.identity["server_version"] for a in manifest.artifacts if "server_version" in a.identity)


def _server(places: JsonObject) -> str:
    return _majors(str(place["server_version"]) for place in places.values() if isinstance(place, dict) and "server_version" in place)


def _majors(versions: Iterable[str]) -> str:
    return ", ".join(sorted({version.split(".")[0] for version in versions}, key=lambda major: (len(major), major)))


def _phases(started: datetime, steps: Sequence[StepRecord], usable: datetime) -> tuple[PhaseTime, ...]:
    """Cut at the end of every phased step; the one in which the first user could work is cut there."""
    timed = sorted(
        ((s, s.started, s.ended) for s in steps if (s.phase or s.action in _GROWS) and s.started and s.ended), key=lambda s: s[2]
    )
    found: list[PhaseTime] = []
    at = started
    if timed and timed[0][1] > started:
        found.append(_phase(BEFORE, at, timed[0][1], "nothing"))
        at = timed[0][1]
    for step, _, ended in timed:
        at = min(at + timedelta(seconds=_queued(step)), ended)
        grows = _GROWS.get(step.action, "nothing")
        if at < usable <= ended:
            found.append(_phase(USABLE, at, usable, grows))
            at = usable
        if ended > at:
            inside = ended <= usable
            found.append(_phase(step.phase or str(step.step) if inside else PROOF, at, ended, grows, inside=inside))
            at = ended
    return tuple(found)


def _phase(name: str, began: datetime, ended: datetime, grows: GrowsWith, *, inside: bool = True) -> PhaseTime:
    return PhaseTime(name=name, seconds=Seconds((ended - began).total_seconds()), grows_with=grows, inside=inside)
