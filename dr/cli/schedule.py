"""`dr schedule list|install|run`."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.show import json_option, marked, print_json, print_table
from dr.clock import local
from dr.errors import EXIT_DONE, ConfigError, DrError
from dr.model.base import RunId

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.schedule import Look
    from dr.app.schedule_install import Installed


@click.group()
def schedule() -> None:
    """Run the runbooks by their schedules, without a daemon: systemd's timers, or cron, start `dr`, which knows what is due.

    \b
    Examples:
      dr schedule install
      dr schedule list
    """


@schedule.command("list")
@json_option
@click.pass_obj
def list_schedules(home: str | None, as_json: bool) -> None:
    """Show every schedule: when it is next due, what it last began, and what waits.

    \b
    Example:
      dr schedule list
    """
    from dr.app import App
    from dr.app.schedule import look, scheduled
    from dr.app.schedule_there import crontab, found, in_crontab, usual

    app = App.open(home)
    looks = [look(app, name) for name in scheduled(app)]
    timers = found(app, usual(app))
    if as_json:
        return print_json({"schedules": [one.to_facts() for one in looks], "timers": [str(path) for path in timers]})
    rows = [[one.runbook, one.cron, _when(app, one.due.next), _last(app, one), _state(one)] for one in looks]
    print_table(["runbook", "schedule", "next", "last begun", "now"], rows, empty="no runbook has a schedule")
    if looks and not timers and not in_crontab(crontab(), app.home):
        click.echo(f"{marked('amber', 'nothing starts them')}  no timer of this home is installed here: dr schedule install")
    return None


def _when(app: "App", at: datetime) -> str:
    return local(at, app.inventory.organisation.zone)


def _last(app: "App", one: "Look") -> str:
    if one.claim is None or not one.claim.run:
        return "nothing yet"
    record = app.records.run(RunId(one.claim.run))
    verdict = (record.verdict or record.state) if record else "?"
    return f"{_when(app, one.claim.occurrence)}: {verdict}"


def _state(one: "Look") -> str:
    if one.running and one.broken_off:
        return f"broken off: {one.running}"
    if one.running:
        return f"running: {one.running}"
    if one.suspended:
        return f"SUSPENDED: {one.suspended}"
    if one.due.state == "due":
        return f"DUE since {round(one.due.late / 60)} min" + (f", {one.due.missed} missed before" if one.due.missed else "")
    return "waits" if one.due.state == "done" else "never looked at"


@schedule.command()
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Write into this folder, not where systemd or cron looks.")
@click.option("--cron", is_flag=True, help="A cron line in place of systemd's timers (the default where systemd does not run).")
@click.option("--systemd", is_flag=True, help="systemd's timers, even where systemd does not run now.")
@click.option("--prefix", default="dr", show_default=True, help="Begins the files' names; a second home on one machine needs another.")
@click.option("--user", help="Who runs it (default: the home's owner; as root only).")
@click.pass_obj
def install(home: str | None, to: Path | None, cron: bool, systemd: bool, prefix: str, user: str | None) -> None:
    """Write the timers for every runbook that has a schedule, and one that looks every hour for what was missed or broken off.

    Doing it again after a schedule changed writes what changed and takes away what is gone.

    \b
    Examples:
      dr schedule install
      dr schedule install --cron
      dr schedule install --systemd --to ./units
    """
    from dr.app import App
    from dr.app.schedule_install import install as write

    if cron and systemd:
        raise ConfigError("--cron and --systemd exclude one another")
    _say(write(App.open(home), prefix, user, to, "cron" if cron else "systemd" if systemd else None))


def _say(done: "Installed") -> None:
    for words, paths in (("written", done.written), ("removed", done.removed), ("unchanged", done.same)):
        for path in paths:
            click.echo(f"{words}: {path}")
    for line in done.to_do:
        click.echo(f"{marked('amber', 'still to do')}  {line}")


@schedule.command()
@click.argument("runbook", required=False)
@click.option("--due", is_flag=True, help="Every runbook that is due, and what a schedule began and nobody carries any more.")
@click.option("--quiet", is_flag=True, help="Say nothing where nothing was due (for cron).")
@click.pass_obj
def run(home: str | None, runbook: str | None, due: bool, quiet: bool) -> None:
    """Begin RUNBOOK if its schedule asks for it now; what the timers call. A second call for the same night begins nothing.

    \b
    Examples:
      dr schedule run nightly
      dr schedule run --due
    Exit codes: as `dr run`; 0 where nothing was due, 3 where its last run still goes on.
    """
    from dr.app import App, leave
    from dr.app.schedule import scheduled
    from dr.cli.progress import Watcher

    if bool(runbook) == due:
        raise ConfigError("name a runbook, or --due", hint="dr schedule run --due")
    app = App.open(home, watch=Watcher())
    codes = _take_up(app, quiet) if due else []
    backups_first = sorted(scheduled(app), key=lambda name: app.runbooks[name].kind != "backup")  # a drill may take hours
    for name in backups_first if runbook is None else [runbook]:
        codes.append(_begin(app, name, quiet, alone=not due))
    leave(next((code for code in codes if code), EXIT_DONE))


def _take_up(app: "App", quiet: bool) -> list[int]:
    """What cannot go on is a finding and keeps nothing else from beginning."""
    from dr.app.schedule import take_up
    from dr.cli.run import end

    codes = []
    for one in take_up(app):
        if not isinstance(one, DrError):
            codes.append(end(app, one))
            continue
        codes.append(one.exit_code)
        if not quiet:
            click.echo(f"error: {one}", err=True)
    return codes


def _begin(app: "App", name: str, quiet: bool, *, alone: bool) -> int:
    """`alone`: the only one that was asked for, so that what keeps it from beginning ends the command."""
    from dr.app.schedule import begin_due, look, on_record
    from dr.cli.run import end

    try:
        record = begin_due(app, name)
    except DrError as error:
        if alone:
            raise
        if not (quiet and on_record(app, name)):  # else every look of cron's would be a mail
            click.echo(f"error: {name}: {error}", err=True)
        return error.exit_code
    if record is not None:
        return end(app, record)
    if not quiet:
        click.echo(f"{name}: not due; next {_when(app, look(app, name).due.next)}")
    sys.stdout.flush()
    return EXIT_DONE
