"""`dr runs list`: what was done, with one line for all the rounds of a day."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from dr.cli.show import MARKS, Drawn, json_option, print_drawn, print_json, print_table, screen, wrapped
from dr.clock import iso, local
from dr.units import show_duration

if TYPE_CHECKING:
    from datetime import datetime

    from dr.app import App
    from dr.app.rounds import Rounds
    from dr.model.record import RunRecord


@click.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--all", "every", is_flag=True, help="Rounds too, a line each: runs that only look whether something is lost.")
@json_option
@click.pass_obj
def list_runs(home: str | None, limit: int, every: bool, as_json: bool) -> None:
    """The newest runs first, by when they were begun: a recovery's clock may have started long before.

    Rounds, which only look whether something is lost (`runbooks/watch.yaml`, many a day), have one line for all; --json lists them all.

    \b
    Examples:
      dr runs list
      dr runs list --all --limit 100
      dr runs list --limit 5 --json
    """
    from dr.app import App
    from dr.app.begun import newest
    from dr.app.rounds import looking, rounds
    from dr.app.unrecorded import lost_catalog

    app = App.open(home, looking=True)
    found = newest(app.records, limit, () if every or as_json else looking(app.runbooks))
    if as_json:
        return print_json([{**r.to_facts(), "begun": iso(begun)} for r, begun in found])
    folded = [] if every else [line for one in rounds(app) for line in round_lines(one, app.inventory.organisation.zone, screen())]
    lost = [finding.message for finding in lost_catalog(app.records, app.repositories(), app.clock.now())]
    for line in lost if found else ():
        click.echo(line)
    if found or not folded:
        empty = lost[0] if lost else "nothing was ever run here; begin with: dr run nightly"
        print_table(["run", "kind", "state", "verdict", "begun", "took"], [_row(app, *one) for one in found], empty=empty)
    print_drawn(folded)
    return None


def _row(app: "App", run: "RunRecord", begun: "datetime") -> list[str]:
    state = "interrupted" if run.state == "running" and run.run in app.interrupted() else run.state
    took = show_duration((run.ended - begun).total_seconds()) if run.ended else "-"
    return [run.run, run.kind, state, run.verdict or "-", local(begun, app.inventory.organisation.zone), took]


def round_lines(found: "Rounds", zone: str, width: int) -> Iterator[Drawn]:
    """How many, how many failed, the last; none for a day is something to look at too."""
    last = f"the last {local(found.last.started, zone)}, {found.last.verdict or 'under way'}"
    head, count, word = f"{found.runbook}: {found.count} rounds in the last 24 h", len(found.failed), ""
    if not found.count:
        said, word = f"{found.runbook}: no round in the last 24 h, {last}: dr schedule list", "amber"
    elif count:
        said, word = f"{head}, {count} failed, {last}: dr runs show {found.failed[0].run}", "red"
    else:
        said = f"{head}, none failed, {last}; each of them: dr runs list --all"
    for line in wrapped(said, width, first=f"{MARKS[word]} " if word else "  ", rest="    "):
        yield line, word
