"""A failover is carried where no terminal keeps it, and whoever began it learns its name, or why there is none."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from dr.app.background import Begun
from dr.app.failover_begun import set_going, words
from dr.app.home import App
from dr.app.office_lost import Loss
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from dr.errors import Failed
from dr.model.base import RunId
from dr.model.ports import Records
from dr.model.record import RunRecord
from tests.support.catalog_runs import plan_of
from tests.support.duty_world import NOON

pytestmark = pytest.mark.unit


@dataclass
class House:
    """What of `App` is reached."""

    records: Records


@dataclass
class Process:
    """One that lives until it is looked at `looks` times, and then ended with `code`. What it does, it does at the first look."""

    house: House
    begins: str = ""
    code: int = 3
    looks: int = 3

    def poll(self) -> int | None:
        self.looks -= 1
        if self.begins:
            begin_run(self.house.records, self.begins)
            self.begins = ""
        return None if self.looks > 0 else self.code


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(open_catalog(tmp_path / "catalog.db", FixedClock(NOON)))


def begin_run(records: Records, run: str, exercise: str = "") -> None:
    record = RunRecord(
        run=RunId(run),
        runbook="office-failover",
        title="x",
        kind="failover",
        state="running",
        started=NOON,
        plan=plan_of().digest(),
        parameters={"office": "madison", "exercise": exercise},
    )
    records.begin_run(record, plan_of())


def set_off(house: House, process: Process, log: Path) -> RunId:
    return set_going(cast("App", house), Loss("madison"), lambda _app, _loss: Begun(process, log, 6)).run


def test_its_run_is_the_one_that_was_not_there_before(house: House, tmp_path: Path) -> None:
    begin_run(house.records, "office-failover-old")
    begin_run(house.records, "office-failover-rehearsed", exercise="exercise-1")
    assert set_off(house, Process(house, begins="office-failover-new"), tmp_path) == "office-failover-new"


def test_a_run_that_was_begun_by_a_process_that_is_gone_by_now_is_found(house: House, tmp_path: Path) -> None:
    assert set_off(house, Process(house, begins="office-failover-new", looks=1), tmp_path) == "office-failover-new"


def test_where_none_was_begun_its_own_words_are_shown(house: House, tmp_path: Path) -> None:
    """Those of an earlier one are not."""
    log = tmp_path / "background.log"
    log.write_text("older\nerror: no slot is free\n")
    with pytest.raises(Failed, match="it was not begun; what was to carry it said:\nerror: no slot is free") as said:
        set_off(house, Process(house), log)
    assert "older" not in str(said.value)


@pytest.mark.parametrize(
    ("loss", "typed"),
    [
        (Loss("madison"), ()),
        (Loss("madison", "none", exercise=True), ("--only", "--exercise")),
        (Loss("madison", "badger power", alone="- nobody"), ("--through=badger", "--through=power", "--alone=- nobody")),
    ],
)
def test_it_is_told_what_the_person_typed(loss: Loss, typed: tuple[str, ...]) -> None:
    assert words(loss) == ("office", "lost", "madison", *typed, "--here", "--yes")
