"""A watched run in words: on a narrow screen too, and in a pipe a line for each change, not for each look."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import click
import pytest

from dr.app.approvals import Waiting
from dr.app.watching import Stage, Watched
from dr.cli.watch import _json_lines, _lines
from dr.cli.watched import draw
from dr.model.base import RunId, StepId
from dr.model.record import Comment
from tests.support.report_evidence import BEGAN, DRILL, after

pytestmark = pytest.mark.unit
ZONE = "America/Chicago"
DONE = Stage("select", "steps", "select-backup", "", "done", 1, 0.3, None)
RESTORING = Stage(
    "restore",
    "steps",
    "restore",
    "restore",
    "running",
    2,
    1800.0,
    7200.0,
    5400.0,
    "loading hmis",
    6 * 2**30,
    10 * 2**30,
    "bytes",
    2.0**20,
    4096.0,
    1.0,
)
TO_COME = Stage("prove", "steps", "check", "", "to come", 0, None, 1800.0, 1800.0)
SCRUB = Stage("always-1-scrub", "always", "scrub", "", "to come", 0, None, None)
SEEN = Watched(
    run=DRILL,
    runbook="drill-online",
    title="Restore the client database",
    kind="drill",
    system="hmis",
    tier="online",
    requested_by="root",
    state="running",
    verdict=None,
    at=after(31),
    started=BEGAN,
    elapsed=1860.0,
    objective=14_400.0,
    deadline=BEGAN + timedelta(hours=4),
    left=12_540.0,
    usable=None,
    back=after(120),
    late=False,
    warning="",
    carried=True,
    paused_by="",
    paused_since=None,
    stages=(DONE, RESTORING, TO_COME, SCRUB),
)


def text(seen: Watched, columns: int = 160) -> str:
    return click.unstyle("\n".join(draw(seen, ZONE, columns)))


def test_phases_bytes_rate_clock_and_the_moment_are_all_there() -> None:
    """The whole of it, as it is shown."""
    assert text(SEEN, 150) == (
        "▶ Restore the client database\n"
        f"  {DRILL}\n"
        "  hmis from online, begun Sun 22 Nov 2026, 03:00 CST, asked for by root\n"
        "\n"
        "  ✔ select          300 ms\n"
        "  … restore         x2  30 min  ███████░░░░░  60 %  6.0 GiB of 10.0 GiB  1.0 MiB/s  1 h 08 min left  "
        "budget left 1 h 30 min  loading hmis\n"
        "  · prove           budget 30 min\n"
        "  in any case, at the end:\n"
        "  · always-1-scrub\n"
        "\n"
        "  elapsed 31 min of 4 h, 3 h 29 min left; back about 05:00; the objective is missed at 07:00"
    )


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_no_line_is_wider_than_the_screen(columns: int) -> None:
    every = replace(SEEN, late=True, warning="x " * 90, carried=False, comments=(Comment(by="ann", at=BEGAN, text="y " * 90),))
    assert [line for line in text(every, columns).splitlines() if len(line) > columns] == []


def test_a_coloured_line_is_no_line_of_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours are put on what is shown, not shown themselves."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = draw(replace(SEEN, late=True, warning="it will be missed"), ZONE, 100)
    assert any("\033[" in line for line in lines)
    assert not any("\\u001b" in line for line in lines)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"back": None}, "when it will be back cannot be said yet"),
        ({"late": True}, "▲ elapsed 31 min of 4 h"),
        ({"left": -60.0, "late": True}, "✖ elapsed 31 min; the objective of 4 h was MISSED at 07:00, 1 min ago"),
        ({"usable": 1200.0, "left": None}, "elapsed 31 min; usable again after 20 min of 4 h: the clock has stopped"),
        ({"objective": None, "deadline": None, "left": None}, "  elapsed 31 min"),
        ({"carried": False}, f"▲ interrupted, nobody carries it now; go on with: dr runs resume {DRILL}"),
        (
            {"paused_by": "ann", "paused_since": BEGAN},
            f"▲ paused by ann since Sun 22 Nov 2026, 03:00 CST; go on with: dr runs unpause {DRILL}",
        ),
        ({"warning": "it will be missed"}, "▲ warned: it will be missed"),
        (
            {"comments": (Comment(by="ann", at=BEGAN, text="the switch\nwas rebooted"),)},
            "» Sun 22 Nov 2026, 03:00 CST, ann: the switch was rebooted",
        ),
        ({"stages": (replace(RESTORING, heard=95.0),)}, "no sign of life for 1 min 35 s"),
        ({"stages": (replace(RESTORING, budget_left=-30.0),)}, "OVER BUDGET by 30.0 s"),
        ({"stages": (replace(RESTORING, later="30 s"),)}, "failed; again in 30 s"),
    ],
)
def test_what_a_person_should_know_is_said(more: dict[str, object], words: str) -> None:
    assert words in text(replace(SEEN, **more))  # type: ignore[arg-type]


def test_a_recovery_that_is_not_open_says_so_and_that_its_clock_runs() -> None:
    """Also whom it waits for: that is all that keeps it from being open."""
    opening = replace(TO_COME, step="open", action="open")
    recovery = replace(SEEN, kind="recovery", back=None, stages=(DONE, opening))
    assert "3 h 29 min left; not open yet; the clock runs; when it will be back cannot be said yet; the objective" in text(recovery)
    asked = Waiting(RunId(DRILL), StepId("approval"), "look", BEGAN, after(60), "root", "")
    assert "not open yet; the clock runs; waits for approval; when it will be back" in text(replace(recovery, waiting=(asked,)))
    opened = replace(recovery, stages=(DONE, replace(opening, state="done")))
    assert "not open yet" not in text(opened) and "open, not looked at as a user would; when" in text(opened)


def test_a_question_is_shown_with_what_to_type() -> None:
    """As it was written, line by line, and nothing of it can move the cursor."""
    asked = Waiting(
        RunId(DRILL),
        StepId("go"),
        "1. look\n2. call\x1b[2J Anna",
        BEGAN,
        after(60),
        "root",
        how := f"sudo /opt/dr/bin/dr --home /srv/dr runs approve {DRILL} go",
    )
    said = text(replace(SEEN, waiting=(asked,)))
    assert (
        "▲ go waits for somebody other than root, until Sun 22 Nov 2026, 04:00 CST:\n      1. look\n      2. call\\u001b[2J Anna\n" in said
    )
    assert f"\n      {how}\n      or, to refuse, the same with --deny" in said


class Ticking:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def looks(now: Ticking) -> Iterator[Watched]:
    """Twenty looks, half a second apart, at a step that counts; then it is done."""
    for number in range(20):
        now.at += 0.5
        yield replace(SEEN, elapsed=number / 2, stages=(DONE, replace(RESTORING, done=number * 2**20), TO_COME))
    yield replace(SEEN, stages=(DONE, replace(RESTORING, state="done"), replace(TO_COME, state="running", took=0.1)))


def test_in_a_pipe_there_is_a_line_for_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """First the whole, every five seconds a sign of life, and each new state at once."""
    now = Ticking()
    show = _lines(ZONE, now)
    for seen in looks(now):
        show(seen)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "▶ Restore the client database"
    assert len([line for line in lines if line.startswith("  … restore")]) == 2
    assert [line.split()[:2] for line in lines[-3:]] == [["✔", "restore"], ["…", "prove"], ["elapsed", "31"]]


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    now = Ticking()
    show = _json_lines(now)
    for seen in looks(now):
        show(seen)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(re.match(r'\{"at": "2026-11-22T', line) for line in lines)


def test_an_instant_of_another_day_bears_its_day() -> None:
    late: datetime = BEGAN + timedelta(hours=30)
    assert "the objective is missed at Mon 09:00" in text(replace(SEEN, deadline=late))
