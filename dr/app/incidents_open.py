"""The incidents that are open, in a line each, for the top of whatever shows how things stand. Needs the catalog alone."""

from datetime import datetime

from dr.clock import clock
from dr.model.ports import IncidentLedger


def open_incidents(records: IncidentLedger, zone: str, now: datetime) -> list[str]:
    """The oldest first."""
    found = reversed(records.incidents(open_only=True))
    return [f"INCIDENT open, noticed {clock(one.noticed, now, zone)}: {one.what}. dr incident report {one.id}" for one in found]
