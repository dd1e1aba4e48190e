"""A run's timeline as the evidence page has it, for whoever draws it elsewhere."""

from dr.app.home import App
from dr.model.record import RunRecord
from dr.report.gather import rto_so_far
from dr.report.timeline import NARROWEST, Bar, Timeline, timeline

__all__ = ["NARROWEST", "Bar", "Timeline", "of_run"]


def of_run(app: App, record: RunRecord) -> Timeline | None:
    """What was done so far, and what is under way; None where nothing has begun."""
    steps = app.records.steps(record.run)
    return timeline(record, steps, rto_so_far(record, steps), now=None if record.ended else app.clock.now())
