"""`dr backups list|show|accept|verify|hold|release`."""

import sys
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.show import json_option, marked, print_json, print_table
from dr.cli.verify import verify
from dr.clock import local
from dr.errors import EXIT_INCOMPLETE
from dr.units import show_duration, show_size

if TYPE_CHECKING:
    from dr.app.holds import HoldOutcome


@click.group()
def backups() -> None:
    """Backup sets and their copies."""


backups.add_command(verify)


@backups.command("list")
@click.argument("system", required=False, shell_complete=known("systems"))
@json_option
@click.pass_obj
def list_copies(home: str | None, system: str | None, as_json: bool) -> None:
    """Every copy there is: where, how old, how well proven.

    \b
    Examples:
      dr backups list
      dr backups list hmis --json
    """
    from dr.app import App
    from dr.app.unrecorded import lost_catalog

    app = App.open(home, looking=True)
    copies = app.copies(system)
    if as_json:
        return print_json([c.to_facts() for c in copies])
    zone, now = app.inventory.organisation.zone, app.clock.now()
    rows = [
        [
            c.set,
            c.system,
            f"{c.tier} ({c.repository})",
            local(c.instant, zone),
            show_duration((now - c.instant).total_seconds()),
            show_size(c.stored),
            "DAMAGED" if c.damaged else c.level,
            ", ".join(w for w, on in (("held", c.held), ("in use", c.pinned_by is not None), ("shrunken", c.shrunken)) if on),
        ]
        for c in copies
    ]
    headings = ["set", "system", "tier", "data as of", "age", "stored", "proof", ""]
    lost = [finding.message for finding in lost_catalog(app.records, app.repositories(), now)]
    print_table(headings, rows, empty=lost[0] if lost else "there is no backup at all; make one with: dr run nightly")
    return None


@backups.command()
@click.argument("set_id", metavar="SET", shell_complete=known("sets"))
@json_option
@click.pass_obj
def show(home: str | None, set_id: str, as_json: bool) -> None:
    """One set: what it holds, where its copies are, and what each has been proven to be.

    \b
    Example:
      dr backups show 20261122T070000Z-7f3a9c
    """
    from dr.app import App

    app = App.open(home)
    manifest, copies = app.backup(set_id)
    if as_json:
        return print_json({"manifest": manifest.to_facts(), "copies": [c.to_facts() for c in copies]})
    zone = app.inventory.organisation.zone
    click.echo(f"{manifest.set}  {manifest.system}, data as of {local(manifest.instant, zone)}")
    click.echo(
        f"made by {manifest.run}; {show_size(manifest.plain)} plain, {show_size(manifest.stored)} stored; {_witness(manifest.witnessed)}"
    )
    rows = [[a.name, a.kind, local(a.instant, zone), str(len(a.parts)), show_size(a.plain)] for a in manifest.artifacts]
    print_table(["artifact", "kind", "data as of", "parts", "plain"], rows, empty="")
    rows = [
        [c.repository, c.tier, "DAMAGED" if c.damaged else c.level, local(c.proven_at or c.intact_at or c.committed, zone)] for c in copies
    ]
    print_table(["copy in", "tier", "proof", "since"], rows, empty="no copy of it exists any more")
    return None


def _witness(witnessed: bool) -> str:
    return "witnessed by a needle" if witnessed else "not witnessed: no needle was planted"


@backups.command()
@click.argument("set_id", metavar="SET", shell_complete=known("sets"))
@click.option("--reason", required=True, help="Why the source is as it should be; kept on record.")
@click.pass_obj
def accept(home: str | None, set_id: str, reason: str) -> None:
    """Let a set pass that is marked as shrunken: what it holds is normal from now on.

    \b
    Example:
      dr backups accept 20261122T070000Z-7f3a9c --reason "the 2019 records were archived, ticket 4711"
    """
    from dr.app import App
    from dr.app.accept import accept as let_pass

    for line in let_pass(App.open(home), set_id, reason):
        click.echo(line)


@backups.command()
@click.argument("set_id", metavar="SET", shell_complete=known("sets"))
@click.option("--reason", required=True, help="Why it must stay; kept beside the set and on record. Name no client in it.")
@click.option("--until", metavar="DATE", help="The last day of the hold, as 2027-03-31 (default: until it is released).")
@click.pass_obj
def hold(home: str | None, set_id: str, reason: str, until: str | None) -> None:
    """Keep every copy of a set, whatever retention says, until it is released. Exit code 7 where a copy could not be held yet.

    \b
    Example:
      dr backups hold 20261122T070000Z-7f3a9c --reason "records request 12/2026" --until 2027-03-31
    """
    from dr.app import App, holds

    _tell_hold(holds.hold(App.open(home), set_id, reason, until), "held")


@backups.command()
@click.argument("set_id", metavar="SET", shell_complete=known("sets"))
@click.pass_obj
def release(home: str | None, set_id: str) -> None:
    """Let retention decide about a set again. Exit code 7 where a copy could not be reached yet: it stays held.

    \b
    Example:
      dr backups release 20261122T070000Z-7f3a9c
    """
    from dr.app import App, holds

    _tell_hold(holds.release(App.open(home), set_id), "released")


def _tell_hold(outcome: "HoldOutcome", word: str) -> None:
    if outcome.repositories:
        click.echo(f"{outcome.set} is {word} in {', '.join(outcome.repositories)}")
    for line in outcome.undone:
        click.echo(f"not {word}: {line}", err=True)
    if outcome.undone:
        click.echo(f"{marked('INCOMPLETE')}: the next nightly's prune tries again, or type the command again", err=True)
        sys.exit(EXIT_INCOMPLETE)
