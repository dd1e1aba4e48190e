"""`dr audit list|verify`."""

import click

from dr.cli.show import json_option, marked, print_json, print_table
from dr.clock import local


@click.group()
def audit() -> None:
    """The audit trail: every access and every effect, in one chain."""


@audit.command("list")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10000))
@json_option
@click.pass_obj
def list_entries(home: str | None, limit: int, as_json: bool) -> None:
    """The newest entries, oldest first.

    \b
    Examples:
      dr audit list
      dr audit list --limit 100 --json
    """
    from dr.app import App

    app = App.open(home)
    entries = app.audit_entries(limit)
    if as_json:
        return print_json([e.to_facts() for e in entries])
    zone = app.inventory.organisation.zone
    rows = [[str(e.seq), local(e.at, zone), e.actor, e.event, e.subject, e.hash[:12]] for e in entries]
    print_table(["no", "when", "who", "what", "about", "hash"], rows, empty="the trail is empty")
    return None


@audit.command()
@click.pass_obj
def verify(home: str | None) -> None:
    """Check that no entry was changed, removed or put in, and that what every set and evidence file was sealed with is there.

    Exit code 4 if not.

    \b
    Example:
      dr audit verify
    """
    from dr.app import App

    found = App.open(home).verify_audit()
    click.echo(f"{marked('green', 'whole')}  {found.entries} entries; head {found.head}")
    click.echo(f"   {found.vouched} copies and evidence files bear witness to it")
    for remark in found.remarks:
        click.echo(marked("amber", remark))
