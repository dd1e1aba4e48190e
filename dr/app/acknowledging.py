"""A code is brought back by whoever read the message; the others who had it are told at once that somebody has it."""

from dr.app.home import App
from dr.notify.acknowledge import Desk, Seen


def acknowledge(app: App, code: str, comment: str, outage: str | None) -> Seen:
    """Raises Refused for a code that acknowledges nothing (any more)."""
    services = app.services
    seen = Desk(app.inventory, app.records, app.clock, services.codes, services.post).acknowledge(code, comment, outage)
    services.carrier.carry(seen.owed)
    return seen
