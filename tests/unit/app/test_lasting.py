"""`dr runs resume` without a name forgets no run: what waits for people goes on in the background, the rest here."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from dr.app.background import Begun
from dr.app.home import App
from dr.app.lasting import TakenUp, take_up

pytestmark = pytest.mark.unit


@dataclass
class House:
    """What of `App` is reached."""

    home: Path
    state: Path


@dataclass
class Process:
    """It carries the runs in this folder to their end, or ends without."""

    folder: Path
    works: bool

    def poll(self) -> int | None:
        if self.works:
            with closing(sqlite3.connect(self.folder / "engine.db")) as engine, engine:
                engine.execute("UPDATE workflow_status SET status = 'SUCCESS'")
            return None
        return 5


def left(folder: Path, *runs: str) -> None:
    """Runs of an engine that died."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "engine.db")) as engine, engine:
        engine.execute("CREATE TABLE workflow_status (workflow_uuid, status, executor_id, application_version)")
        engine.executemany("INSERT INTO workflow_status VALUES (?, 'PENDING', 'slot-1', NULL)", [(run,) for run in runs])


def taken_up(state: Path, *, works: bool = True) -> tuple[TakenUp, list[tuple[str, ...]]]:
    typed: list[tuple[str, ...]] = []

    def begin(_home: Path, kind: str, words: Sequence[str]) -> Begun:
        typed.append((kind, *words))
        log = state / "background.log"
        log.write_text("error: no room\n")
        return Begun(Process(state / f"{kind}s", works), log)

    return take_up(cast("App", House(state.parent, state)), begin), typed


def test_each_kind_that_lasts_has_one_process_and_none_of_its_runs_is_forgotten(tmp_path: Path) -> None:
    state = tmp_path / "state"
    left(state, "nightly-1")
    left(state / "failovers", "office-failover-1", "office-failover-2")
    left(state / "outages", "outage-1")
    found, typed = taken_up(state)
    assert typed == [("outage", "runs", "resume", "outage-1"), ("failover", "runs", "resume", "office-failover-1")]
    assert found == TakenUp(("outage-1", "office-failover-1", "office-failover-2"), {}, others=True)  # type: ignore[arg-type]


def test_where_nothing_lasts_no_process_is_begun(tmp_path: Path) -> None:
    left(tmp_path / "state", "nightly-1")
    assert taken_up(tmp_path / "state") == (TakenUp((), {}, others=True), [])


def test_a_run_that_the_process_did_not_take_is_said_with_its_words(tmp_path: Path) -> None:
    left(tmp_path / "state" / "failovers", "office-failover-1")
    found, _ = taken_up(tmp_path / "state", works=False)
    assert found == TakenUp((), {"office-failover-1": "error: no room"}, others=False)  # type: ignore[dict-item]
