"""Progress: one line an event in a pipe; on a terminal, lines that move in their place and never wrap."""

import io
import os
import re
from collections.abc import Callable

import pytest

from dr.app.asked import summary
from dr.cli.progress import Watcher
from dr.model.base import RunId, StepId
from dr.model.record import Failure, Progress, StepRecord
from tests.support.catalog_runs import run_at
from tests.support.report_evidence import BEGAN, DRILL

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    """A small screen: understands what the watcher writes, and refuses what would wrap."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines: list[str] = []
        for piece in re.split(r"(\033\[\d+A\r\033\[J)", self.getvalue()):
            if up := re.match(r"\033\[(\d+)A", piece):
                del lines[len(lines) - int(up[1]) :]
            else:
                lines += re.sub(r"\033\[[\d;]*m", "", piece).split("\n")[:-1]
        assert all(len(line) < self.columns for line in lines), "a line wraps"
        return lines


class Ticking:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def told(watcher: Watcher) -> Callable[..., None]:
    def tell(step: str, event: str, **more: object) -> None:
        watcher(Progress.from_facts({"run": RunId(DRILL), "step": StepId(step), "at": BEGAN.isoformat(), "event": event, **more}))

    return tell


def terminal(columns: int = 80) -> tuple[Terminal, Ticking, Callable[..., None]]:
    out, now = Terminal(columns), Ticking()
    return out, now, told(Watcher(out, live=True, columns=lambda: columns, now=now))


def test_in_a_pipe_every_event_is_one_line() -> None:
    """Also a message of several lines, and one that tries to move the cursor."""
    out, now = io.StringIO(), Ticking()
    tell = told(Watcher(out, now=now))
    tell("", "run-started", what="Drill")
    tell("restore", "started")
    for _ in range(20):
        now.at += 1
        tell("restore", "working", what="loading\x1b[2J", done=5, total=10, unit="items")
    tell("restore", "failed", what="it broke\nin two\n  lines")
    tell("", "run-ended", what="FAIL")
    text = out.getvalue()
    assert "\x1b" not in text
    assert text.splitlines()[2] == "  … restore: loading\\u001b[2J  5 of 10"
    assert text.splitlines()[-2:] == ["  ✖ restore  20.0 s  it broke in two lines", "  ✖ FAIL"]
    assert len(text.splitlines()) == 1 + 1 + 4 + 1 + 1, "a sign of life every five seconds"


def test_in_a_pipe_a_step_that_only_waits_says_so_once_and_seldom_again() -> None:
    """Ten minutes of waiting are no two hundred lines in the nightly's mail; what else it says is heard at once."""
    out, now = io.StringIO(), Ticking()
    tell = told(Watcher(out, now=now))
    for _ in range(60):
        tell("restore", "working", what="waiting for run a", elapsed=now.at, budget=9999.0)
        now.at += 10
    tell("restore", "working", what="loading")
    said = [line.partition("  budget")[0] for line in out.getvalue().splitlines()]
    assert said == ["  … restore: waiting for run a"] * 4 + ["  … restore: loading"], "at once, and every three minutes of the ten"


def test_parallel_steps_each_keep_their_line() -> None:
    out, now, tell = terminal()
    for name in ("a", "b"):
        tell(name, "started")
    for done in range(5):
        now.at += 1
        for name in ("a", "b"):
            tell(name, "working", what="copying", done=done * 2**20, total=2**24, unit="bytes")
    assert out.screen() == [
        "  … a: copying  1.0 MiB/s  4.0 MiB of 16.0 MiB  12.0 s left",
        "  … b: copying  1.0 MiB/s  4.0 MiB of 16.0 MiB  12.0 s left",
    ]
    tell("a", "done")
    assert out.screen() == ["  ✔ a  5.0 s", "  … b: copying  1.0 MiB/s  4.0 MiB of 16.0 MiB  12.0 s left"]
    tell("b", "failed", what="the disk is full")
    assert out.screen() == ["  ✔ a  5.0 s", "  ✖ b  5.0 s  the disk is full"]


@pytest.mark.parametrize("columns", [30, 50, 80, 120])
def test_no_line_wraps_on_any_terminal(columns: int) -> None:
    """A line that wrapped would leave its upper half behind when it moves."""
    out, now, tell = terminal(columns)
    tell("restore", "started")
    for done in range(1, 8):
        now.at += 1
        tell("restore", "working", what="loading a database with a name " * 3, done=done, total=100, unit="bytes", elapsed=done, budget=3.0)
        assert len(out.screen()) == 1
    tell("restore", "failed", what="something is wrong with a part of it " * 6)
    assert len(out.screen()) > 1


def test_a_breach_is_said_before_it_happens() -> None:
    """60 of 100 bytes after 6 s leaves 4 s to go at that rate; the budget has 2 s left."""
    out, now, tell = terminal(120)
    tell("restore", "started")
    tell("restore", "working", what="loading", done=0, total=100, unit="bytes", elapsed=0.0, budget=8.0)
    assert out.screen()[-1].endswith("budget left 8.0 s")
    now.at += 6
    tell("restore", "working", what="loading", done=60, total=100, unit="bytes", elapsed=6.0, budget=8.0)
    assert out.screen()[-1].endswith("budget left 2.0 s  ▲ late by 2.0 s at this rate")
    now.at += 3
    tell("restore", "working", what="loading", done=90, total=100, unit="bytes", elapsed=9.0, budget=8.0)
    assert out.screen()[-1].endswith("OVER BUDGET by 1.0 s")


def test_a_count_that_begins_anew_has_no_negative_rate() -> None:
    out, now, tell = terminal(120)
    tell("restore", "started")
    for done, total in ((90, 100), (100, 100), (5, 50), (10, 50)):
        now.at += 1
        tell("restore", "working", what="x", done=done * 2**20, total=total * 2**20, unit="bytes")
    assert out.screen() == ["  … restore: x  5.0 MiB/s  10.0 MiB of 50.0 MiB  8.0 s left"]


def test_a_step_that_waits_to_be_tried_again_says_for_how_long() -> None:
    """Five minutes of silence look like a hang."""
    out = io.StringIO()
    tell = told(Watcher(out, live=False))
    tell("backup", "failed", what="nothing answers")
    tell("backup", "retry-later", what="5 min")
    tell("backup", "retry", what="backup")
    said = re.sub(r"\033\[[\d;]*m", "", out.getvalue()).splitlines()
    assert said[1:3] == ["  ↻ backup  again in 5 min (Ctrl-C is safe: `dr runs resume` goes on)", "  ↻ backup  again, now"]


def test_a_failure_says_at_once_what_to_do_next() -> None:
    """Whoever watches can mend it before the next attempt; the same hint is not given again for the same step."""
    screen, _, tell = terminal(60)
    for step in ("restore", "restore", "scrub"):
        tell(step, "failed", what="the standby's disk is full", hint="make room in /srv/standby: 12 GiB are wanted there")
    assert screen.screen() == [
        "  ✖ restore  failed  the standby's disk is full",
        "      HINT: make room in /srv/standby: 12 GiB are wanted",
        "            there",
        "  ✖ restore  failed  the standby's disk is full",
        "  ✖ scrub  failed  the standby's disk is full",
        "      HINT: make room in /srv/standby: 12 GiB are wanted",
        "            there",
    ]
    out = io.StringIO()
    told(Watcher(out, live=False))("restore", "failed", what="the disk is full", hint="make room\x1b[2J")
    assert re.sub(r"\033\[[\d;]*m", "", out.getvalue()) == "  ✖ restore  failed  the disk is full  HINT: make room\\u001b[2J\n"


def test_a_run_that_is_taken_up_beside_is_said_and_told_apart() -> None:
    """Two runs have a step `backup`: whoever asked for one must see which of them has failed."""
    out = io.StringIO()
    watcher = Watcher(out, live=False)
    watcher.expect([RunId("nightly-old")])
    tell = told(watcher)
    tell("backup", "failed", run="nightly-old")
    tell("backup", "failed")
    tell("", "run-ended", run="nightly-old", what="FAIL")
    said = re.sub(r"\033\[[\d;]*m", "", out.getvalue()).splitlines()
    assert said[0] == "taking up nightly-old, which was interrupted"
    assert [line.split()[1:] for line in said[1:3]] == [["nightly-old", "backup", "failed"], ["backup", "failed"]]
    assert said[3].strip() == "nightly-old: FAIL"


def test_a_list_of_reasons_is_said_once() -> None:
    """While it runs its head is enough; at the end each reason has a line, and a step that failed for the same names the first."""
    what = "host 'standby' may not be written to, for 2 reasons:\n      - it bears no marker\n      - its port is production's"
    screen, _, tell = terminal()
    tell("restore", "failed", what=what)
    assert "no marker" not in "\n".join(screen.screen())
    assert "may not be written to, for 2 reasons" in "\n".join(screen.screen())
    failure = Failure(error="NotProvablyStandby", message=what, hint="enrol it", exit_code=3)
    steps = [
        StepRecord(run=RunId("drill-1"), step=StepId(name), action=name, section="steps", state="failed", attempt=1, failure=failure)
        for name in ("restore", "scrub")
    ]
    lines = summary(run_at(BEGAN), steps, "UTC")
    assert "\n".join(lines).count("no marker") == 1
    assert lines[:3] == [f"restore: {what}", "   HINT: enrol it", "scrub: as 'restore'"]


TYPED = "sudo -u dr /opt/dr/bin/dr --home /srv/a-long-name-of-a-home/dr runs approve run-1 ask"
"""Longer than a line of the terminal: it is copied, so it is not broken."""


def test_what_a_person_must_do_first_is_shown_line_by_line_on_a_terminal_and_on_one_line_in_a_pipe() -> None:
    """Instructions are read before somebody agrees; in a log an event stays one line. Nothing in them moves the cursor."""
    what = f"Look at the standby:\n  1. sign in\n\nThen agree.\x1b[2J\nUntil noon:\n{TYPED}"
    for live, lines in (
        (
            True,
            [
                "      Look at the standby:",
                "        1. sign in",
                "",
                "      Then agree.\\u001b[2J",
                "      Until noon:",
                f"      {TYPED}",
            ],
        ),
        (False, [f"Look at the standby: 1. sign in Then agree.\\u001b[2J Until noon: {TYPED}"]),
    ):
        out = io.StringIO()
        told(Watcher(out, live=live, columns=lambda: 80))("ask", "waiting", what=what)
        said = re.sub(r"\033\[[\d;]*m", "", out.getvalue())
        assert "\n".join(lines) in said
        assert "\x1b[2J" not in said


def test_a_drill_shows_until_when_it_is_in_time_and_says_once_that_it_will_not_be() -> None:
    """In the organisation's own time, with the day where that is another one; the warning stays when the line has moved on."""
    out, now = Terminal(150), Ticking()
    watcher = Watcher(out, live=True, columns=lambda: 150, now=now)
    watcher.live_in("America/Chicago")
    tell = told(watcher)
    tell("restore", "started")
    tell("restore", "working", what="loading", deadline="2026-11-22T13:25:00Z")
    assert out.screen() == ["  … restore: loading  objective until 07:25"]
    now.at += 1
    tell("restore", "working", what="loading", deadline="2026-11-22T13:25:00Z", back="2026-11-23T07:05:00Z", late=True)
    tell("restore", "late", what="the objective of 4 h will be missed")
    assert out.screen() == [
        "  ▲ restore: the objective of 4 h will be missed",
        "  … restore: loading  ▲ back about Mon 01:05, objective until 07:25",
    ]


def test_the_rest_is_not_foreseen_from_the_first_bytes() -> None:
    """A hundredth done in two seconds does not mean that it takes three hours."""
    out, now, tell = terminal(120)
    tell("restore", "started")
    for done in (0, 1):
        now.at += 2
        tell("restore", "working", what="x", done=done * 2**20, total=100 * 2**20, unit="bytes", elapsed=2.0, budget=60.0)
    assert out.screen() == ["  … restore: x  512.0 KiB/s  1.0 MiB of 100.0 MiB  budget left 58.0 s"]


def pipe() -> tuple[int, Callable[..., None]]:
    """The reading end, and a watcher that writes to the other."""
    reading, writing = os.pipe()
    return reading, told(Watcher(open(writing, "w", encoding="utf-8"), live=False))


def test_a_reader_that_is_gone_breaks_no_step() -> None:
    """`dr recover ... 2>&1 | tee log`, and the tee ended: the step that told how far it was would have failed of it."""
    reading, tell = pipe()
    tell("restore", "started")
    assert os.read(reading, 100) == "  … restore\n".encode()
    os.close(reading)
    tell("restore", "working", what="loading")
    tell("restore", "done")
    tell("", "run-ended", what="PASS")


def test_a_reader_that_takes_nothing_is_not_waited_for_and_hears_it_later() -> None:
    """A terminal that somebody stopped with Ctrl-S would have stopped the recovery."""
    reading, tell = pipe()
    told_of = [f"step-{number}" for number in range(900)]
    for step in told_of:
        tell(step, "failed", what="x" * 200)
    heard = os.read(reading, 1 << 20).decode()
    tell("last", "done")
    heard += os.read(reading, 1 << 20).decode()
    lines = [line.split()[1] for line in heard.splitlines()]
    assert lines[0] == "step-0"
    assert "step-899" not in lines, "the pipe holds less: the control"
    assert lines == [step for step in told_of if step in lines], "in their order, none cut"
    while "last" not in lines:
        tell("more", "retry")
        lines += [line.split()[1] for line in os.read(reading, 1 << 20).decode().splitlines()]
    assert "step-899" in lines
