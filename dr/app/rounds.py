"""Rounds: runs that only look whether something is lost, many a day. A list of runs has one line for all of them, and the others below."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from dr.app.home import App
from dr.model.record import RunRecord
from dr.model.runbook import Runbook

_LOOKS = frozenset({"watch-redundancy", "detect-outages"})
_TELLS = frozenset({"notify", "report"})
_DAY = timedelta(hours=24)
_MOST = 1000


@dataclass(frozen=True)
class Rounds:
    """Of one runbook: those of the last 24 hours, and the last of all, whenever that was."""

    runbook: str
    count: int
    last: RunRecord
    failed: tuple[RunRecord, ...]
    """Of those of the last 24 hours, newest first."""


def looking(runbooks: Mapping[str, Runbook]) -> tuple[str, ...]:
    """The runbooks that look, tell, and do nothing else."""
    return tuple(name for name, one in runbooks.items() if _only_looks(one))


def _only_looks(runbook: Runbook) -> bool:
    does = {step.action for step in (*runbook.steps, *runbook.on_failure, *runbook.always)}
    return bool(does & _LOOKS) and does <= _LOOKS | _TELLS


def rounds(app: App) -> Iterator[Rounds]:
    """Of each such runbook that ever ran."""
    since = app.clock.now() - _DAY
    for name in looking(app.runbooks):
        known = app.records.runs(runbook=name, limit=_MOST)
        day = [one for one in known if one.started >= since]
        failed = tuple(one for one in day if one.ended is not None and one.verdict != "PASS")
        yield from (Rounds(name, len(day), last, failed) for last in known[:1])
