"""`dr recover` and `dr reprotect`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from dr.cli.asking import require_yes
from dr.cli.completion import known
from dr.cli.run import follow, parameters
from dr.cli.show import coloured, json_option, marked, say, screen, titled, wrapped
from dr.errors import ConfigError, Refused
from dr.model.record import RunRecord
from dr.units import visible

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.recover import Asked, Prepared


@click.command()
@click.argument("system", shell_complete=known("systems"))
@click.option("--at", "at", metavar="TIME", help="newest (the default), or a time: the newest backup at or before it.")
@click.option("--set", "set_id", metavar="SET", help="This very backup.")
@click.option("--tier", help="The tier to restore from (default: the one that gives the most back).", shell_complete=known("tiers"))
@click.option("--reason", metavar="TEXT", help="What happened. It goes into the audit trail and the evidence.")
@click.option(
    "--declared",
    metavar="TIME",
    help="When the failure was recognised, as 14:05 or 2026-11-01T14:05 (default: when the outage that is declared of it began, else now).",
)
@click.option("--alone", metavar="TEXT", help="Why nobody else can be asked to approve. It goes into the audit trail and the evidence.")
@click.option("--runbook", metavar="NAME", help="Another runbook than the system's own.", shell_complete=known("runbooks"))
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the runbook; may be given several times.")
@click.option("--rehearse", is_flag=True, help="Begin nothing: say what every step would do, and where it would be refused.")
@click.option("--yes", is_flag=True, help="Do not ask before it begins.")
@json_option
@click.pass_obj
def recover(
    home: str | None,
    system: str,
    at: str | None,
    set_id: str | None,
    tier: str | None,
    reason: str | None,
    declared: str | None,
    alone: str | None,
    runbook: str | None,
    pairs: tuple[str, ...],
    rehearse: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Bring SYSTEM back for real, onto its standby, which is production from then on. The clock runs from recognition and never pauses.

    It says what comes back and what is lost, and asks, before it begins. A second person approves (`dr runs approve RUN`) before the
    system is opened; `--alone` says why nobody else is asked.

    \b
    Examples:
      dr recover hmis --reason "the database server burnt"
      dr recover hmis --at 2026-11-01T12:00 --declared 14:05 --reason "rows were deleted at 13:00"
      dr recover hmis --tier vault --reason "ransomware" --alone "nobody else can be reached"
      dr recover hmis --reason "what would happen?" --rehearse
    Exit codes: 0 PASS, 1 FAIL, 2 what was written is wrong, 3 a guard refused, 7 INCOMPLETE, 130 interrupted and resumable.
    """
    from dr.app.recover import Asked

    if reason is None:
        raise ConfigError("a recovery has a reason", hint='say what happened: --reason "the database server burnt"')
    if at is not None and set_id is not None:
        raise ConfigError("--at and --set exclude one another")
    which = set_id or (at if at in (None, "newest") else f"at {(at or '').removeprefix('at ')}")  # a hint says it as a runbook does
    asked = Asked(system, reason, which, tier, runbook, declared, alone, parameters(pairs))
    if rehearse:
        return _rehearse(home, asked, as_json)
    return follow(home, as_json, lambda app: _recover(app, asked, yes))


def _recover(app: "App", asked: "Asked", yes: bool) -> RunRecord:
    from dr.app.reach import require_reachable
    from dr.app.recover import carry_out, interrupted_recovery, prepare

    left = interrupted_recovery(app, app.system(asked.system))
    if left is not None:
        raise Refused(f"a recovery of {asked.system} was interrupted: {left}", hint=f"go on with it: dr runs resume {left}")
    prepared = prepare(app, asked)
    _show(app, prepared)
    require_reachable(app, prepared.plan)
    if not yes:
        require_yes(f"Recover {asked.system} for real?", "nothing was begun")
    return carry_out(app, prepared)


def _show(app: "App", prepared: "Prepared", head: str = "RECOVERY, for real:") -> None:
    title = app.inventory.systems[str(prepared.plan.system)].title if prepared.plan.system in app.inventory.systems else ""
    say(f"{coloured(head, 'red', bold=True)} {titled(str(prepared.plan.system), title)}")
    wide = max(len(name) for name, _ in prepared.lines)
    for name, text in prepared.lines:
        _say_wrapped(wrapped(text, screen(), first=f"  {name:<{wide}}  ", rest=" " * (wide + 4)), "red" if name == "IS LOST" else "")
    for text in prepared.warnings:
        _say_wrapped(wrapped(f"▲ {text}", screen(), first="  ", rest="    "), "amber")


def _say_wrapped(lines: Iterable[str], colour: str) -> None:
    for line in lines:
        say(coloured(line, colour) if colour else line)


def _rehearse(home: str | None, asked: "Asked", as_json: bool) -> None:
    from dataclasses import replace

    from dr.app import App
    from dr.app.reach import shut
    from dr.app.recover import prepare
    from dr.app.rehearse import rehearse_plan
    from dr.cli.run import show_rehearsed

    app = App.open(home)
    prepared = prepare(app, asked)
    if not as_json:
        _show(app, prepared, "A recovery, rehearsed:")
    found = rehearse_plan(app, prepared.plan)
    show_rehearsed(replace(found, problems=[*found.problems, *(one.message for one in shut(app, prepared.plan) if one.probe)]), as_json)


@click.command()
@click.argument("system", shell_complete=known("systems"))
@click.option("--yes", is_flag=True, help="Do not ask before the files are changed.")
@click.pass_obj
def reprotect(home: str | None, system: str, yes: bool) -> None:
    """After a recovery of SYSTEM: let its nightlies read the new production. Shows what changes in inventory/, asks, and checks it.

    What is left is said, and stays red in `dr status` until it is done: a new standby, enrolled and drilled.

    \b
    Example:
      dr reprotect hmis
    """
    from dr.app import App
    from dr.app.reprotect import prepare, still_to_do, write

    app = App.open(home)
    changes = prepare(app, system)
    for line in changes.diff:
        style = {"+": "green", "-": "red"}.get(line[:1], "") if not line.startswith(("+++", "---")) else ""
        click.echo(coloured(line, style) if style else line)
    if not changes.texts:
        click.echo(f"inventory/ says already that {changes.host} is production: nothing to change")
    elif not yes:
        require_yes("Change the inventory so?", "nothing was changed")
    write(app, changes)
    if changes.texts:
        click.echo(
            f"{marked('green', 'changed')}  {', '.join(changes.texts)}: the nightlies of {system} read host '{changes.host}' from now on"
        )
    for line in still_to_do(App.open(home), system, changes):
        said, _, pasted = line.partition("\n")
        for text in wrapped(said, screen(), first="  ", rest="     "):
            click.echo(text)
        if pasted:
            click.echo(visible(pasted))
