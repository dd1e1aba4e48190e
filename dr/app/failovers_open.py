"""Failovers that are not over, as whoever looks at the duties must know of them: one that waits for a second person moves nothing yet."""

from collections.abc import Iterator

from dr.app.approvals import waiting
from dr.app.engines import FAILOVER
from dr.app.home import App


def open_failovers(app: App, *, exercise: bool) -> Iterator[str]:
    """What each of them waits for that only a person can do."""
    for record in app.records.runs(kind=FAILOVER):
        if record.state != "running" or bool(record.parameters.get("exercise")) != exercise:
            continue
        office = app.inventory.offices.get(str(record.parameters.get("office")))
        what = f"the loss of {office.title}" if office else record.run
        if record.run in app.interrupted():
            yield f"{what} was interrupted, and nobody carries it on: dr runs resume {record.run}"
        for one in waiting(app, record):
            who = f"somebody other than {one.not_by}" if one.not_by else "anybody"
            yield f"{what} waits until {who} has confirmed it, and moves nothing before: {one.typed}"
