"""A run's timeline as the evidence page has it, for whoever draws it elsewhere."""

from dr.app.home import App
from dr.model.record import CheckResult, RunRecord
from dr.report.gather import measure_rto
from dr.report.timeline import NARROWEST, Bar, Timeline, timeline

__all__ = ["NARROWEST", "Bar", "Timeline", "of_run"]


def of_run(app: App, record: RunRecord) -> Timeline | None:
    """What was done so far, and what is under way; None where nothing has begun."""
    steps = app.records.steps(record.run)
    checks = [CheckResult.from_facts(one) for step in steps if step.action == "check" for one in step.facts.get("results", ())]
    return timeline(record, steps, measure_rto(record, checks), now=None if record.ended else app.clock.now())
