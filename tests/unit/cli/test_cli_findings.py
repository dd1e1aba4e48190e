"""Findings on the one screen: none hides a red one, many do not make it long, and those that only want to be known are not lost."""

from datetime import timedelta

import click
import pytest

from dr.cli.findings import FEW, NEWEST, all_of, beside, without_older
from dr.model.base import SystemName
from dr.model.readiness import Colour, Reason
from dr.model.record import Finding, Severity
from tests.support.report_evidence import BEGAN

pytestmark = pytest.mark.unit


def found(severity: Severity, number: int, message: str = "") -> Finding:
    at = BEGAN + timedelta(minutes=number)
    words = message or f"{severity} {number}"
    return Finding(key=words, severity=severity, system=SystemName("hmis"), message=words, hint=f"mend {number}", at=at)


def reason(finding: Finding) -> Reason:
    colour: Colour = "red" if finding.severity == "critical" else "amber"
    return Reason(colour=colour, text=finding.message)


def test_of_many_warnings_the_newest_are_shown_and_the_rest_is_counted() -> None:
    """Reds and reasons that are no finding are all there, however many warnings are open."""
    warnings = [found("warning", number) for number in range(40)]
    reds = [found("critical", number) for number in range(8)]
    other = Reason(colour="amber", text="never drilled")
    shown, left_out = without_older([*map(reason, reds), other, *map(reason, warnings)], [*warnings, *reds])
    assert [r.text for r in shown] == [*(r.message for r in reds), "never drilled", *(w.message for w in warnings[-NEWEST:])]
    assert left_out == 40 - NEWEST
    assert without_older([other], []) == ([other], 0)


def test_what_only_wants_to_be_known_is_a_line_each_and_says_how_to_see_all() -> None:
    """Count, the newest few, cut to the screen; four lines at most."""
    infos = [found("info", number, f"a new table {number} " + "x" * 200) for number in range(9)]
    lines = list(beside([*infos, found("critical", 1)], 3, 80))
    assert len(lines) == FEW + 1 and max(map(len, lines)) <= 80
    assert lines[0].startswith("  · a new table 8 x") and lines[0].endswith("...")
    assert lines[-1] == "  · 3 older warnings, 7 more to know, all of them: dr status --findings"
    assert list(beside([found("info", 1)], 0, 80))[-1] == "  · all of them: dr status --findings"
    assert list(beside([found("warning", 1)], 0, 80)) == []


def test_all_of_them_are_listed_with_what_to_do_next() -> None:
    """Each with its shape, since when, and its hint; nothing is an answer too."""
    lines = [click.unstyle(line) for line in all_of([found("critical", 0), found("info", 1)], "America/Chicago", 80)]
    assert lines == [
        "✖ critical, since Sun 22 Nov 2026, 03:00 CST: critical 0",
        "  next: mend 0",
        "· info, since Sun 22 Nov 2026, 03:01 CST: info 1",
        "  next: mend 1",
    ]
    assert list(all_of([], "UTC", 80)) == ["no finding is open"]
