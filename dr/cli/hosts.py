"""`dr hosts list|enrol|check`."""

from typing import Literal

import click

from dr.cli.asking import require_yes
from dr.cli.completion import known
from dr.cli.show import json_option, marked, print_json, print_table, say
from dr.errors import Refused


@click.group()
def hosts() -> None:
    """Hosts: who is production, who is the standby, and how we know."""


@hosts.command("list")
@json_option
@click.pass_obj
def list_hosts(home: str | None, as_json: bool) -> None:
    """Every host, and whether it holds drill data.

    \b
    Example:
      dr hosts list
    """
    from dr.app import App

    app = App.open(home)
    states = {str(s.host): s for s in app.records.hosts()}
    if as_json:
        return print_json(
            {
                n: {"role": h.role, "kind": h.kind, "state": states[n].to_facts() if n in states else None}
                for n, h in app.inventory.hosts.items()
            }
        )
    rows = [[n, h.role, h.kind, states[n].state if n in states else "-"] for n, h in app.inventory.hosts.items()]
    print_table(["host", "role", "kind", "state"], rows, empty="inventory/hosts.yaml names no host")
    return None


@hosts.command()
@click.argument("host", shell_complete=known("hosts"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def enrol(home: str | None, host: str, yes: bool) -> None:
    """Record what identifies a production host, or make a standby provably one: an empty place, none of production's facts.

    \b
    Examples:
      dr hosts enrol production
      dr hosts enrol standby --yes
    """
    from dr.app import App
    from dr.app.enrolling import foreseen, needles, next_steps
    from dr.app.hosts import enrol as record

    app = App.open(home)
    lines = foreseen(app, host)
    for ok, line in lines:
        say(("   " if ok else " ! ") + line)
    if not all(ok for ok, _ in lines):
        raise Refused(f"host '{host}' cannot be enrolled as things are", hint="mend what is marked with ! above")
    for line in needles(app, host):
        say(f"   {line}")
    if not yes:
        require_yes(f"Enrol '{host}' as {app.inventory.hosts[host].role}?", f"'{host}' was not enrolled")
    for line in record(app, host):
        click.echo(line)
    for line in next_steps(app):
        say(f"next: {line}")


@hosts.command()
@click.argument("host", required=False, shell_complete=known("hosts"))
@json_option
@click.pass_obj
def check(home: str | None, host: str | None, as_json: bool) -> None:
    """Look at one host, or all: can it be reached, is it what it says, may it be written to? Exit code 1 if something is wrong; that a
    standby is not enrolled yet is not.

    \b
    Examples:
      dr hosts check
      dr hosts check standby
    """
    from dr.app import App
    from dr.app.agreements import shown
    from dr.app.enrolling import look

    app = App.open(home)
    beside: dict[bool, Literal["green", "red"]] = {True: "green", False: "red"}
    found = {
        name: [*look(app, name), *((beside[ok], what) for ok, what in shown(app, name))]
        for name in ([host] if host else app.inventory.hosts)
    }
    if as_json:
        print_json({n: [{"ok": c != "red", "warning": c == "amber", "what": what} for c, what in lines] for n, lines in found.items()})
    else:
        for name, lines in found.items():
            for colour, what in lines:
                click.echo(f"{marked(colour, name)}  {what}")
    if not found or not all(lines and all(colour != "red" for colour, _ in lines) for lines in found.values()):
        raise SystemExit(1)
