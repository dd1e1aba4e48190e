"""The list of runs goes by when each was begun: what was typed last is on top, whatever a recovery declares of its clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.app.begun import BEGUN, newest
from dr.app.home import App
from dr.app.rounds import rounds
from dr.catalog.catalog import Catalog, open_catalog
from dr.cli.runs_listed import round_lines
from dr.clock import FixedClock
from dr.model.base import RunId
from dr.model.runbook import Runbook
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


# ---------------------------------------------------------------- rounds


def look(records: Catalog, minute: float, verdict: str = "PASS") -> None:
    """One round of the watch, which ended at once."""
    run = RunId(f"watch-{minute}")
    records.begin_run(run_at(after(minute), run=run, runbook="watch", kind="maintenance", state="running", verdict=None), plan_of("watch"))
    records.end_run(run, "done" if verdict == "PASS" else "failed", verdict, after(minute))


@dataclass
class House:
    """What of `App` the rounds reach."""

    records: Catalog
    runbooks: dict[str, Runbook]
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))


def runbook(*actions: str) -> Runbook:
    steps = [{"id": f"s{number}", "action": action} for number, action in enumerate(actions)]
    return Runbook.from_facts({"runbook": "watch", "title": "x", "kind": "maintenance", "steps": steps})


def folded(records: Catalog, **runbooks: Runbook) -> list[str]:
    house = cast("App", House(records, runbooks or {"watch": runbook("watch-redundancy", "notify", "detect-outages")}))
    return [text for one in rounds(house) for text, _ in round_lines(one, "America/Chicago", 200)]


def test_what_is_left_out_does_not_count_against_the_limit(records: Catalog) -> None:
    """However many rounds there were since: they hide no nightly."""
    begin(records, "nightly-1", "backup", -60, -60)
    for minute in range(-30, 0):
        look(records, minute)
    assert [one.run for one, _ in newest(records, 2, ("watch",))] == ["nightly-1"]
    assert [one.runbook for one, _ in newest(records, 2)] == ["watch", "watch"]


def test_the_rounds_of_a_day_are_one_line_and_one_that_failed_is_named(records: Catalog) -> None:
    assert folded(records) == []
    look(records, -1500)
    assert folded(records) == ["▲ watch: no round in the last 24 h, the last Sat 21 Nov 2026, 05:00 CST, PASS: dr schedule list"]
    for minute in (-30, -15):
        look(records, minute)
    end = "the last Sun 22 Nov 2026, 05:45 CST, PASS"
    assert folded(records) == [f"  watch: 2 rounds in the last 24 h, none failed, {end}; each of them: dr runs list --all"]
    look(records, -20, "FAIL")
    assert folded(records) == [f"✖ watch: 3 rounds in the last 24 h, 1 failed, {end}: dr runs show watch--20"]


def test_a_runbook_that_does_more_than_look_is_no_round(records: Catalog) -> None:
    look(records, -15)
    assert folded(records, watch=runbook("watch-redundancy", "prune")) == []
    assert folded(records, watch=runbook("notify")) == []
