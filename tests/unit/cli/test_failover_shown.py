"""Whoever looks on at a failover that goes on elsewhere reads each thing once, and is not kept once it is over or nobody has it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from dr.app.background import Begun
from dr.app.failover_begun import Carried, Onlooker
from dr.app.watching import Watched, watched
from dr.cli.failover_shown import look_on, say_begun
from dr.engine.signs import Signs
from dr.model.base import RunId
from dr.model.record import RunState
from dr.policy.duty_standing import Change
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import run_at

pytestmark = pytest.mark.unit


@dataclass
class Process:
    """It lives until it is looked at for the last of its looks."""

    looks: int

    def poll(self) -> int | None:
        self.looks -= 1
        return None if self.looks > 0 else 130


@dataclass
class Looked:
    """`failover_begun.Onlooker`, at looks that are written down: the run's state, whether somebody carries it, and what is new."""

    looks: list[tuple[RunState, bool, tuple[Change, ...]]]
    lives: int = 99
    carried: Carried = field(init=False)

    def __post_init__(self) -> None:
        self.carried = Carried(RunId("office-failover-1"), Begun(Process(self.lives), Path("background.log")))

    def seen(self) -> Watched:
        state, carried, _ = self.looks[0]
        return watched(run_at(kind="failover", run=RunId("office-failover-1"), state=state), None, [], Signs(), NOW, carried=carried)

    def fresh(self) -> Iterator[Change]:
        yield from self.looks.pop(0)[2]


def lines(capsys: pytest.CaptureFixture[str], looked: Looked) -> list[str]:
    look_on(cast("Onlooker", looked), "America/Chicago", pause=lambda: None)
    assert looked.looks == [], "it looked until the end"
    return capsys.readouterr().err.splitlines()


ASKED, NOBODY = Change(kind="asked", words="Help desk: Milwaukee is asked"), Change(kind="nobody", words="Help desk: NOBODY holds it")


def test_each_change_is_said_with_its_hour_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    said = lines(capsys, Looked([("running", True, (ASKED,)), ("running", True, ()), ("done", True, (NOBODY,))]))
    assert said == ["  06:00  Help desk: Milwaukee is asked", "  06:00  Help desk: NOBODY holds it"]


def test_nobody_is_kept_by_what_nobody_carries(capsys: pytest.CaptureFixture[str]) -> None:
    """The process is gone, and the run is not over: whoever looks on must be told, and not wait for ever."""
    assert lines(capsys, Looked([("running", True, ()), ("running", False, ())], lives=2)) == []


def test_a_process_that_has_not_taken_its_run_yet_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, Looked([("running", False, ()), ("running", True, (ASKED,)), ("done", True, ())])) == [
        "  06:00  Help desk: Milwaukee is asked"
    ]


def test_it_is_said_at_once_that_nobody_need_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say_begun(Looked([]).carried, " --exercise")
    said = " ".join(capsys.readouterr().err.split())
    assert "You need not stay: Ctrl-C, or closing this terminal, ends nothing." in said
    assert "look again: dr duties --exercise" in said and "dr runs cancel office-failover-1" in said
