"""The list of runs goes by when each was begun: what was typed last is on top, whatever a recovery declares of its clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dr.app.begun import BEGUN, newest
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.base import RunId
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import plan_of, run_at

pytestmark = pytest.mark.unit


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        yield catalog


def begin(records: Catalog, run: str, kind: str, clock: float, begun: float, *, told: bool = True) -> None:
    """`clock`: the minute at which its clock started; `begun`: the one at which somebody typed it."""
    records.begin_run(run_at(after(clock), run=RunId(run), runbook=run, kind=kind), plan_of(run, kind))
    if told:
        records.audit(BEGUN, run, {}, actor="ann", at=after(begun))


def listed(records: Catalog, limit: int = 20) -> list[tuple[str, float]]:
    return [(one.run, (at - NOW).total_seconds() / 60) for one, at in newest(records, limit)]


def test_a_recovery_is_listed_by_when_it_was_begun(records: Catalog) -> None:
    """Declared to have begun before the last nights, and typed after them: it is the newest, however few are wanted."""
    for night in (10, 20, 30):
        begin(records, f"nightly-{night}", "backup", night, night)
    begin(records, "recover-1", "recovery", 5, 40)
    assert listed(records) == [("recover-1", 40), ("nightly-30", 30), ("nightly-20", 20), ("nightly-10", 10)]
    assert listed(records, 2) == [("recover-1", 40), ("nightly-30", 30)]


@pytest.mark.positive_control
def test_where_nothing_tells_when_it_was_begun_its_clock_does(records: Catalog) -> None:
    """The twin: without that entry of the trail it stands where its clock puts it."""
    begin(records, "nightly-10", "backup", 10, 10)
    begin(records, "recover-1", "recovery", 5, 40, told=False)
    assert listed(records) == [("nightly-10", 10), ("recover-1", 5)]
