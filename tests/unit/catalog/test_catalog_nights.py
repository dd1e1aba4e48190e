"""The last night, as it was recorded."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import open_catalog
from dr.catalog.nights import last_night
from dr.clock import FixedClock
from dr.model.base import RunId
from tests.support.catalog_copies import HMIS, NOW
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.unit


def test_the_newest_night_that_is_over_counts(tmp_path: Path) -> None:
    """Not one that goes on, not another runbook's; and it says at which steps it failed."""
    records = open_catalog(tmp_path / "catalog.db", FixedClock(NOW))
    assert last_night(records, HMIS, "nightly") is None
    for name, hours in (("nightly-1", 48), ("nightly-2", 24), ("nightly-3", 0)):
        records.begin_run(run_at(NOW - timedelta(hours=hours), run=RunId(name)), plan_of())
    records.begin_run(run_at(NOW, run=RunId("other-1"), runbook="other"), plan_of("other"))
    records.record_step(step_of("backup", run=RunId("nightly-2"), state="failed"))
    for name, state, verdict in (("nightly-1", "done", "PASS"), ("nightly-2", "failed", "FAIL"), ("other-1", "done", "PASS")):
        records.end_run(RunId(name), state, verdict, NOW)
    found = last_night(records, HMIS, "nightly")
    assert found is not None
    assert (found.run, found.verdict, found.failed, found.began) == ("nightly-2", "FAIL", ("backup",), NOW - timedelta(hours=24))
    assert last_night(records, HMIS, None) is None
