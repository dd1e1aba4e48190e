"""The catalog: every noun's records over one store. Open it with `open_catalog`; a process opens it once and shares it between threads."""

from pathlib import Path
from typing import Self

from dr.catalog.audit import AuditRecords
from dr.catalog.codes import CodeRecords
from dr.catalog.duties import DutyRecords
from dr.catalog.findings import FindingRecords
from dr.catalog.fleet import FleetRecords
from dr.catalog.hosts import HostRecords
from dr.catalog.incidents import IncidentRecords
from dr.catalog.notices import NoticeRecords
from dr.catalog.outages import OutageRecords
from dr.catalog.parts import PartRecords
from dr.catalog.readings import ReadingRecords
from dr.catalog.runs import RunRecords
from dr.catalog.sets import SetRecords
from dr.catalog.settings import SettingRecords
from dr.catalog.standings import StandingRecords
from dr.catalog.store import Store, make_new
from dr.catalog.summaries import SummaryRecords
from dr.clock import Clock
from dr.errors import Unreachable
from dr.model.base import HostPath


class Catalog(
    SetRecords,
    SummaryRecords,
    PartRecords,
    FindingRecords,
    HostRecords,
    RunRecords,
    NoticeRecords,
    CodeRecords,
    AuditRecords,
    SettingRecords,
    FleetRecords,
    StandingRecords,
    OutageRecords,
    IncidentRecords,
    DutyRecords,
    ReadingRecords,
):
    """`dr.model.ports.Records` on a SQLite file. Safe with several threads and processes; every write is idempotent and durable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @property
    def path(self) -> Path:
        return self._store.path

    def snapshot(self, to: HostPath) -> None:
        self._store.snapshot(Path(to))

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_catalog(path: Path, clock: Clock) -> Catalog:
    """Open the file, making or upgrading it first.

    Raises Refused if a newer `dr` wrote it or it is no catalog, Unreachable if it cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            make_new(path)
    except OSError as error:
        raise Unreachable(f"the catalog {path} did not open: {error.strerror}", hint="check the folder and its permissions") from error
    store = Store(path)
    store.upgrade()
    return Catalog(store, clock)
