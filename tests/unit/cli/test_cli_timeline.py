"""A run's timeline in a terminal: bars lie where their time was, fit the screen, and say without colour what colour says."""

import re

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.cli.timeline import draw
from dr.model.base import Seconds, StepId
from dr.model.record import RtoMeasured, StepRecord
from dr.report.timeline import timeline
from tests.support.report_evidence import after, drill_run, step, steps

pytestmark = pytest.mark.unit
RTO = RtoMeasured(seconds=Seconds(42 * 60), objective=None, target=None, within=None)


def drawn(*records: StepRecord, columns: int = 60, encoding: str = "utf-8", rto: RtoMeasured | None = None) -> list[str]:
    found = timeline(drill_run(), records, rto, now=after(60))
    assert found
    return [click.unstyle(line) for line in draw(found, columns, encoding)]


def test_a_drill_is_drawn_whole() -> None:
    """Bars, budgets cut off at the edge, the scale, and where the recovery clock stopped."""
    assert drawn(*steps(), columns=72, rto=RTO) == [
        "select          █                                       1 min",
        "restore         █████████████████████████████········›  40 min of 2 h",
        "prove                                        ████████›  10 min of 30 min",
        "always-1-scrub                                      ██  2 min",
        "                0                               53 min",
        "                    usable again after 42 min ▲",
    ]


def test_a_retry_a_failure_and_an_excess_are_said_in_words_and_shapes() -> None:
    """Nobody needs to see the colour."""
    again = step("copy", "copy", 0, 10, state="failed").model_copy(update={"attempt": 3})
    over = step("load", "restore", 10, 20, budget=600.0)
    lines = drawn(again, over)
    assert lines[0].startswith("copy ×3  █") and lines[0].endswith("10 min failed")
    assert re.search(r"█+▓+  20 min of 10 min, over$", lines[1])
    assert lines[1].count("█") == pytest.approx(lines[1].count("▓"), abs=1)


def test_a_phase_is_named_where_it_is_not_the_steps_own_name() -> None:
    named = step("load", "restore", 0, 5).model_copy(update={"phase": "restore"})
    assert drawn(named)[0].endswith("5 min (restore)")


def test_what_is_under_way_is_drawn_as_far_as_it_has_come() -> None:
    running = StepRecord(
        run=drill_run().run, step=StepId("restore"), section="steps", action="restore", state="running", attempt=1, started=after(30)
    )
    assert "30 min running" in drawn(step("select", "x", 0, 30), running)[1]


@pytest.mark.parametrize("columns", [20, 34])
def test_a_narrow_terminal_gets_the_words_alone(columns: int) -> None:
    lines = drawn(*steps(), columns=columns)
    assert not any("█" in line for line in lines) and all(len(line) <= columns for line in lines)
    assert lines[0].startswith("select: 1 min")


def test_an_old_terminal_gets_letters_that_it_has() -> None:
    """No character that its encoding lacks: a listing must not end in an error."""
    lines = drawn(*steps(), encoding="ascii", rto=RTO)
    assert all(line.isascii() for line in lines) and "#" in lines[0]


TIMES = st.tuples(st.floats(0, 300), st.floats(0, 300), st.one_of(st.none(), st.floats(1, 1e6)))


@settings(max_examples=80, deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=8), st.integers(16, 100), st.floats(0, 40000))
def test_no_line_is_wider_than_the_screen(times: list[tuple[float, float, float | None]], columns: int, usable: float) -> None:
    """Whatever a run did: it fits, and every step has its line."""
    records = [step(f"step-{'long-' * n}{n}", "x", begins, takes, budget=budget) for n, (begins, takes, budget) in enumerate(times)]
    lines = drawn(*records, columns=columns, rto=RTO.model_copy(update={"seconds": Seconds(usable)}))
    assert all(len(line) <= columns for line in lines)
    assert len(lines) >= len(records)


def test_a_bar_lies_where_its_time_was() -> None:
    """A quarter of the run is a quarter of the line."""
    line = drawn(step("a", "x", 0, 10), step("b", "x", 10, 30), columns=60)[1]
    bars = line[3:].split("  30 min")[0]
    assert len(bars) - len(bars.lstrip()) == pytest.approx(len(bars) / 4, abs=1)
