"""`dr runs list|show|resume|cancel`."""

import click

from dr.cli.run import follow, tell
from dr.cli.show import coloured, json_option, print_json, print_table, say
from dr.clock import local
from dr.units import show_duration


@click.group()
def runs() -> None:
    """Runs: what was done, what is going on, what was interrupted."""


@runs.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_obj
def list_runs(home: str | None, limit: int, as_json: bool) -> None:
    """The newest runs first."""
    from dr.app import App

    app = App.open(home)
    records = app.records.runs(limit=limit)
    if as_json:
        return print_json([r.to_facts() for r in records])
    zone = app.inventory.organisation.zone
    rows = [
        [
            r.run,
            r.state if r.state != "running" or r.run not in app.interrupted() else "interrupted",
            r.verdict or "-",
            local(r.started, zone),
            show_duration((r.ended - r.started).total_seconds()) if r.ended else "-",
        ]
        for r in records
    ]
    print_table(["run", "state", "verdict", "started", "took"], rows, empty="nothing was ever run here; begin with: dr run nightly")
    return None


@runs.command()
@click.argument("run_id", metavar="RUN")
@json_option
@click.pass_obj
def show(home: str | None, run_id: str, as_json: bool) -> None:
    """One run with its steps: when, how long, what came of it."""
    from dr.app import App

    app = App.open(home)
    record = app.run_record(run_id)
    if as_json:
        return print_json(app.run_facts(record.run))
    tell(app, record)
    rows = [
        [
            s.step,
            s.state,
            str(s.attempt),
            show_duration((s.ended - s.started).total_seconds()) if s.started and s.ended else "-",
            show_duration(s.budget) if s.budget else "-",
            s.failure.message if s.failure else "",
        ]
        for s in app.records.steps(record.run)
    ]
    print_table(["step", "state", "attempt", "took", "budget", "why"], rows, empty="no step has begun")
    for step in app.records.steps(record.run):
        if step.failure and step.failure.hint:
            click.echo(f"   HINT ({step.step}): {step.failure.hint}")
    return None


@runs.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@json_option
@click.pass_obj
def resume(home: str | None, run_id: str | None, as_json: bool) -> None:
    """Go on with an interrupted run (all of them without a name), from the step at which it was cut off."""
    from dr.app import App

    if run_id is None and not App.open(home).interrupted():
        say("no run is interrupted")
        return
    follow(home, as_json, lambda app: app.resume(run_id))


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--hard", is_flag=True, help="Skip the `always` steps too: a standby may be left unscrubbed.")
@click.pass_obj
def cancel(home: str | None, run_id: str, hard: bool) -> None:
    """Ask a run to end: what it is doing is ended, its `always` steps still run. Works from any terminal."""
    from dr.app import App

    app = App.open(home)
    record = app.run_record(run_id)
    if record.state != "running":
        say(f"{record.run} has ended already: {record.state}")
        return
    heeded = app.control(record.run, "cancel-hard" if hard else "cancel")
    where = "it ends within seconds" if heeded else "nobody carries it now: `dr runs resume` lets it end"
    say(f"{coloured('asked', 'amber')} {record.run} to end; {where}")
