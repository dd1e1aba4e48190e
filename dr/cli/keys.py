"""`dr keys check|rotate`."""

from typing import TYPE_CHECKING

import click

from dr.cli.show import json_option, marked, print_json

if TYPE_CHECKING:
    from dr.app.rotate import What


@click.group()
def keys() -> None:
    """The keys of this home: whether all is well with them, and new ones."""


@keys.command()
@json_option
@click.pass_obj
def check(home: str | None, as_json: bool) -> None:
    """Look at every key: who can read it, whether it opens the newest backups, when the escrow key was last tried. Changes nothing.

    Exit code 1 if something is wrong (red); amber wants a person, and is no error.

    \b
    Examples:
      dr keys check
      dr keys check --json
    """
    from dr.app import App
    from dr.app.keys import check as look

    lines = look(App.open(home))
    if as_json:
        print_json([line.to_facts() for line in lines])
    else:
        for line in lines:
            click.echo(marked(line.colour, line.text))
            if line.hint and line.colour != "green":
                click.echo(f"    HINT: {line.hint}")
    if any(line.colour == "red" for line in lines):
        raise SystemExit(1)


@keys.command()
@click.argument("what", type=click.Choice(["drill", "escrow", "signing"]))
@click.pass_obj
def rotate(home: str | None, what: "What") -> None:
    """Make a new key for what comes; what there is stays readable and believed. Run it again if it was interrupted.

    \b
    drill     the key that drills read backups with; the one before it is kept as keys/drill-DATE.agekey
    escrow    the key in the safe; keep the old one there too, as long as there are sets of its time
    signing   the key that signs backups and evidence; its fingerprint goes onto the paper in the safe
    The inventory is edited in place, the file before it is kept beside it.

    \b
    Example:
      dr keys rotate drill
    """
    from dr.app import App
    from dr.app.rotate import rotate as make_new

    for line in make_new(App.open(home), what):
        click.echo(line)
