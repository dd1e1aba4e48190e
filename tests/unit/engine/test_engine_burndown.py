"""A drill says that it will be too late before it is: once, on record, and until the next drill of the tier begins."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.engine.burndown import Burndown, forget_earlier
from dr.model.base import RunId
from dr.model.runbook import Plan
from tests.support.catalog_copies import HMIS, NOW
from tests.support.catalog_runs import plan_of, run_at

pytestmark = pytest.mark.unit
RUN, NEXT = RunId("drill-online-1"), RunId("drill-online-2")
STEPS = [
    {"id": "restore", "section": "steps", "action": "restore", "phase": "restore"},
    {"id": "prove", "section": "steps", "action": "check"},
]


def drill(rto: float = 14_400.0) -> Plan:
    facts = plan_of("drill-online", "drill").to_facts()
    return Plan.from_facts({**facts, "steps": STEPS, "system": "hmis", "tier": "online", "objective": {"rto": rto}})


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        for number, run in enumerate((RUN, NEXT)):
            catalog.begin_run(
                run_at(NOW + timedelta(hours=12 * number), run=run, runbook="drill-online", kind="drill", tier="online"), drill()
            )
        yield catalog


def burndown(records: Catalog, plan: Plan, step: int = 0) -> Burndown:
    return Burndown(RUN, plan, plan.steps[step], records, "America/Chicago")


def test_the_warning_is_said_once_and_is_on_record_before_the_objective_is_missed(records: Catalog) -> None:
    """A quarter of the restore after 80 minutes of four hours."""
    watched = burndown(records, drill())
    began = NOW + timedelta(minutes=1)
    early, said = watched.see(began, began + timedelta(minutes=10), 100, 1000)
    assert (early is not None and early.late is None, said) == (True, "")
    seen, said = watched.see(began, began + timedelta(minutes=80), 250, 1000)
    assert seen is not None
    assert seen.deadline == NOW + timedelta(hours=4), "from recognition, not from the step's beginning"
    assert said == (
        "the objective of 4 h, which ends Sun 22 Nov 2026, 10:00 CST, will be missed by about 1 h 21 min at this rate (in 'restore')"
    )
    assert watched.see(began, began + timedelta(minutes=81), 251, 1000)[1] == "", "once"
    (found,) = records.open_findings(HMIS)
    assert (found.key, found.severity, found.message) == (f"late:hmis:online:{RUN}", "warning", f"{RUN}: {said}")


@pytest.mark.positive_control
def test_with_a_longer_objective_or_after_the_first_check_nothing_is_said(records: Catalog) -> None:
    """The twin: the same progress, with time enough, or when the clock has stopped."""
    late = NOW + timedelta(minutes=80)
    assert burndown(records, drill(rto=40_000.0)).see(NOW, late, 250, 1000)[1] == ""
    assert burndown(records, drill(), step=1).see(NOW, late, 250, 1000) == (None, "")
    assert records.open_findings(HMIS) == []


def test_a_step_that_ended_in_time_after_all_warns_no_more_and_keeps_what_was_said(records: Catalog) -> None:
    """The rate rose: the evidence still has it, the status is not amber for it. One that ended late stays a warning."""
    plan = drill()
    watched = burndown(records, plan)
    _, said = watched.see(NOW, NOW + timedelta(minutes=80), 250, 1000)
    watched.over(NOW + timedelta(hours=5))
    assert [f.severity for f in records.open_findings(HMIS)] == ["warning"]
    burndown(records, plan).over(NOW + timedelta(hours=3))
    (found,) = records.open_findings(HMIS)
    assert (found.severity, found.message) == ("info", f"{RUN}: 'restore' ended in time after all; while it ran it was said: {said}")


def test_the_next_drill_of_the_tier_begins_without_it_and_a_resumed_one_keeps_it(records: Catalog) -> None:
    plan = drill()
    burndown(records, plan).see(NOW, NOW + timedelta(minutes=80), 250, 1000)
    forget_earlier(RUN, plan, records, NOW + timedelta(minutes=90))
    assert len(records.open_findings(HMIS)) == 1
    forget_earlier(NEXT, plan.model_copy(update={"tier": "vault"}), records, NOW + timedelta(hours=12))
    assert len(records.open_findings(HMIS)) == 1, "another tier's drill knows nothing of it"
    forget_earlier(NEXT, plan, records, NOW + timedelta(hours=12))
    assert records.open_findings(HMIS) == []
