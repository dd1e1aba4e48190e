"""`dr backups list|show|accept|verify`."""

import click

from dr.cli.run import follow
from dr.cli.show import json_option, print_json, print_table
from dr.clock import local
from dr.units import show_duration, show_size


@click.group()
def backups() -> None:
    """Backup sets and their copies."""


@backups.command("list")
@click.argument("system", required=False)
@json_option
@click.pass_obj
def list_copies(home: str | None, system: str | None, as_json: bool) -> None:
    """Every copy there is: where, how old, how well proven."""
    from dr.app import App
    from dr.app.unrecorded import lost_catalog

    app = App.open(home)
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
@click.argument("set_id", metavar="SET")
@json_option
@click.pass_obj
def show(home: str | None, set_id: str, as_json: bool) -> None:
    """One set: what it holds, where its copies are, and what each has been proven to be."""
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
@click.argument("system")
@click.option("--tier", "tiers", multiple=True, help="Only this tier (default: every tier of the system).")
@click.option("--set", "set_id", help="A set's id (default: the newest of each repository).")
@json_option
@click.pass_obj
def verify(home: str | None, system: str, tiers: tuple[str, ...], set_id: str | None, as_json: bool) -> None:
    """Read every stored byte back and compare it with the signed manifest. Needs no private key.

    \b
    Examples:
      dr backups verify hmis
      dr backups verify hmis --tier vault --set 20261122T070000Z-7f3a9c
    """
    follow(home, as_json, lambda app: app.verify(system, tiers, set_id))


@backups.command()
@click.argument("set_id", metavar="SET")
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
