"""Open findings on the one screen: many warnings and what only wants to be known, compactly; and all of them when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dr.cli.show import coloured, print_json, screen, wrapped
from dr.clock import local
from dr.model.readiness import Reason
from dr.model.record import Finding
from dr.units import visible

if TYPE_CHECKING:
    from dr.app import App

NEWEST = 5
"""Warnings that are shown in full."""
FEW = 2
"""Findings that only want to be known, shown in a line each."""
_SHAPES = {"critical": ("✖", "red"), "warning": ("▲", "amber")}


def without_older(reasons: Sequence[Reason], findings: Sequence[Finding]) -> tuple[list[Reason], int]:
    """The reasons but the older ones of many warnings, and how many those are: one screen stays one screen. Red is never left out."""
    warnings = sorted((f for f in findings if f.severity == "warning"), key=lambda f: (f.at, f.key))
    older = {f.message for f in warnings[:-NEWEST]}
    shown = [r for r in reasons if r.colour == "red" or r.text not in older]
    return shown, len(reasons) - len(shown)


def beside(findings: Sequence[Finding], left_out: int, width: int) -> Iterator[str]:
    """What only wants to be known: the newest few in a line each, how many more there are, and how to see all."""
    infos = sorted((f for f in findings if f.severity == "info"), key=lambda f: (f.at, f.key), reverse=True)
    yield from (_cut(f"  · {visible(finding.message)}", width) for finding in infos[:FEW])
    more = [f"{left_out} older warnings"] if left_out else []
    more += [f"{len(infos) - FEW} more to know"] if len(infos) > FEW else []
    if infos or more:
        yield f"  · {', '.join([*more, 'all of them'])}: dr status --findings"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 4] + " ..."


def show_findings(app: "App", system: str | None, as_json: bool) -> None:
    import click

    from dr.app.agreements import open_findings

    found = open_findings(app, system)
    if as_json:
        return print_json([f.to_facts() for f in found])
    for line in all_of(found, app.inventory.organisation.zone, screen()):
        click.echo(line)
    return None


def all_of(findings: Sequence[Finding], zone: str, width: int) -> Iterator[str]:
    """Every one with what to do next, in the order given."""
    for finding in findings:
        shape, colour = _SHAPES.get(finding.severity, ("·", ""))
        text = f"{shape} {finding.severity}, since {local(finding.at, zone)}: {finding.message}"
        yield from (coloured(line, colour) for line in wrapped(text, width, first="", rest="  "))
        if finding.hint:
            yield from wrapped(f"next: {finding.hint}", width, first="  ", rest="        ")
    if not findings:
        yield "no finding is open"
