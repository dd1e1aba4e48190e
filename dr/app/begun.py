"""When a run was begun. A recovery's own clock starts at its recognition, which is declared and may lie hours before."""

from collections.abc import Collection
from datetime import datetime

from dr.catalog.catalog import Catalog
from dr.model.ports import Records
from dr.model.record import RunRecord

BEGUN = "run-started"
"""On record when a run is put into the catalog."""


def newest(records: Catalog, limit: int, but: Collection[str] = ()) -> list[tuple[RunRecord, datetime]]:
    """The runs that were begun last, newest first, each with when it was begun. `but`: runbooks whose runs are left out."""
    latest = {one.run: one for one in (*records.runs(limit=limit, but=but), *records.runs(kind="recovery", limit=limit))}
    found = [(one, begun(records, one)) for one in latest.values()]
    return sorted(found, key=lambda pair: (pair[1], pair[0].run), reverse=True)[:limit]


def begun(records: Records, record: RunRecord) -> datetime:
    """As the audit trail has it; where that does not tell (of another home, say), when its clock started."""
    if record.kind != "recovery":
        return record.started
    return next((entry.at for entry in records.audit_of(record.run) if entry.event == BEGUN), record.started)
