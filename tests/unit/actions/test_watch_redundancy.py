"""What a look at redundant things tells: each change once, and not before it came to where people are told."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr.actions import watch_redundancy
from dr.actions.watch_redundancy import KIND, Params
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Stopped
from dr.model.base import HostPath, RunId, StrictModel
from dr.model.ports import Redundant, Runner, StepContext
from dr.model.record import Finding
from dr.model.redundancy import Half, Reading, RedundancyEntry, RedundancyState, judged
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.unit


class Pair:
    """Something that there are two of: its second half is as it is set."""

    kind, params = "pair", StrictModel

    def __init__(self) -> None:
        self.second: RedundancyState = "whole"

    def look(self, *_: object) -> Reading:
        return judged([Half(name="first", state="whole"), Half(name="second", state=self.second)])


class Watch:
    """Runs of the watch on a real catalog, a quarter of an hour apart; one of them looks at `routers`."""

    def __init__(self, catalog: Catalog) -> None:
        self.records, self.clock, self.pair = catalog, FixedClock(NOW), Pair()
        self.stop, self.runner, self.home = threading.Event(), cast("Runner", None), HostPath("/")
        self.inventory = SimpleNamespace(redundancy={"routers": RedundancyEntry(kind="pair")})
        self.run, self.number, self.killed = RunId(""), 0, False

    def look(self, *, ends: bool = True, stopped: bool = False) -> list[str]:
        """What is told; `ends`: whether the run comes to its end, `stopped`: it is stopped after it looked."""
        self.number, self.killed = self.number + 1, stopped
        self.run = RunId(f"watch-{self.number}")
        self.clock.move_to(self.clock.now() + timedelta(minutes=15))
        self.records.begin_run(run_at(self.clock.now(), run=self.run, runbook="watch", kind="maintenance"), plan_of())
        facts = watch_redundancy.run(Params(), cast("StepContext", self)).facts
        self.records.record_step(step_of("look", run=self.run, action=KIND, facts=facts))
        if ends:
            self.records.end_run(self.run, "done", None, self.clock.now())
        return [name for name in ("lost", "regained") if facts[f"any_{name}"]]

    def redundant(self, _kind: str) -> Redundant:
        return cast("Redundant", self.pair)

    def secret(self, _ref: object) -> str:
        raise AssertionError

    def check_stop(self) -> None:
        """Not before the look."""

    def progress(self, _what: str) -> None:
        """Nobody watches."""

    def audit(self, *_: Any) -> None:
        """Nobody reads it."""

    def failpoint(self, _name: str) -> None:
        if self.killed:
            raise Stopped("the step's time is over")

    def finding(self, key: str, severity: Any, message: str, *, hint: str = "") -> None:
        self.records.finding(Finding(key=key, severity=severity, message=message, hint=hint, at=self.clock.now(), run=self.run))


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        yield Watch(catalog)


def test_a_change_is_told_once(watch: Watch) -> None:
    told = [watch.look()]
    watch.pair.second = "lost"
    told += [watch.look(), watch.look()]
    watch.pair.second = "whole"
    told += [watch.look(), watch.look()]
    assert told == [[], ["lost"], [], ["regained"], []]


def test_what_a_run_saw_that_ended_before_it_told_anybody_is_told_by_the_next(watch: Watch) -> None:
    """Stopped amid its look, when the reading was on record already; or killed behind it, and never taken up."""
    watch.look()
    watch.pair.second = "lost"
    with pytest.raises(Stopped):
        watch.look(stopped=True)
    watch.records.end_run(watch.run, "failed", None, watch.clock.now())
    assert watch.look(ends=False) == ["lost"]
    assert watch.look() == ["lost"]
    assert watch.look() == []
