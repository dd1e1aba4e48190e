"""After a run that has a ping in the inventory: the URL is told how it ended, so that silence is noticed somewhere else."""

from collections.abc import Iterator, Sequence

from dr.app.home import App
from dr.errors import DrError
from dr.model.base import RunId
from dr.model.record import Finding, RunRecord
from dr.notify.ping import ping


def after(app: App, record: RunRecord) -> str:
    """Tell it, if there is one; what went wrong in words, '' for nothing. A ping that failed is a finding, and fails no run."""
    where = app.inventory.pings.get(record.runbook)
    if where is None:
        return ""
    key, now = f"ping-failed:{record.runbook}", app.clock.now()
    try:
        ping(app.services.secret(where), passed=record.verdict == "PASS", words=f"{record.runbook} {record.verdict} {record.run}")
    except DrError as error:
        app.records.finding(Finding(key=key, severity="warning", message=error.message, hint=error.hint, run=record.run, at=now))
        return error.message
    app.records.close_finding(key, now, RunId(record.run))
    return ""


def after_each(app: App, taken_up: Sequence[RunId], but: RunId) -> Iterator[str]:
    """As `after`, for interrupted runs that were taken up beside `but` and are over now: nobody else tells how they ended."""
    for record in [app.records.run(run) for run in taken_up if run != but]:
        if record is not None and record.ended is not None:
            yield after(app, record)
