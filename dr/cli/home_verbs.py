"""`dr home list|restore|relocate`."""

from pathlib import Path

import click

from dr.cli.show import json_option, marked, print_json, print_table, say
from dr.errors import ConfigError
from dr.units import show_size


@click.group()
def home() -> None:
    """The home itself, stored beside the backups: bring it back on a bare machine."""


def places(pairs: tuple[str, ...]) -> dict[str, Path]:
    """`NAME=PATH` pairs. Raises ConfigError."""
    found = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise ConfigError(f"'{pair}' is not NAME=PATH", hint="for example fileserver=/mnt/fileserver")
        found[name] = Path(path).expanduser().resolve()
    return found


@home.command("list")
@click.option("--from", "source", required=True, metavar="PATH|NAME", help="A repository's folder, or its name in this home's inventory.")
@json_option
@click.pass_obj
def list_homes(at_home: str | None, source: str, as_json: bool) -> None:
    """The homes that a repository holds, newest first: which are whole, and which key signed them. Needs no private key.

    \b
    Examples:
      dr home list --from bank-vault
      dr home list --from /mnt/bank-vault --json
    """
    from dr.app.homes import place_of
    from dr.app.stored_homes import grouped, listed

    found = listed(place_of(source, at_home))
    if as_json:
        return print_json([one.to_facts() for one in found])
    rows = [
        [one.name, marked("red" if one.problem else "green", one.problem or "whole"), show_size(one.stored), grouped(one.key or "")]
        for one in found
    ]
    print_table(["home", "state", "stored", "signed by"], rows, empty=f"{source} holds no home; a nightly with a save-home step stores one")
    return None


@home.command()
@click.option("--from", "source", required=True, metavar="PATH|NAME", help="A repository's folder, or its name in this home's inventory.")
@click.option("--to", required=True, type=click.Path(path_type=Path), help="A new or empty folder: the home to be.")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The file of the escrow key (or of the drill key).")
@click.option("--trust", metavar="FILE|FINGERPRINT", help="The public key whose signature is believed; its fingerprint is on your paper.")
@click.option("--at", metavar="STAMP", help="A certain home, as `dr home list` names it, instead of the newest whole one.")
@click.option("--repository", "moved", multiple=True, metavar="NAME=PATH", help="Where a repository is on this machine; may be repeated.")
@click.pass_obj
def restore(at_home: str | None, source: str, to: Path, key: Path, trust: str | None, at: str | None, moved: tuple[str, ...]) -> None:
    """Bring the home back into an empty folder: inventory, runbooks, keys, catalog, evidence. Safe to run again after it was interrupted.

    \b
    Example:
      dr home restore --from /mnt/vault --to /srv/dr --key /media/stick/escrow.agekey --repository bank-vault=/mnt/vault
    """
    from dr.app.failpoints import of_verb
    from dr.app.home_restore import Wish, restore_home
    from dr.app.homes import place_of

    wish = Wish(to=to.expanduser().resolve(), key=key, trust=trust, at=at, repositories=places(moved))
    say(f"reading {source}")
    for line in restore_home(place_of(source, at_home), wish, failpoint=of_verb("home-restore")):
        click.echo(line)


@home.command()
@click.argument("moved", nargs=-1, required=True, metavar="NAME=PATH...")
@click.pass_obj
def relocate(at_home: str | None, moved: tuple[str, ...]) -> None:
    """Write down where repositories are on this machine: rewrites their paths in the inventory, and nothing else.

    \b
    Example:
      dr home relocate fileserver=/mnt/fileserver
    """
    from dr.app.homes import relocate_in

    for line in relocate_in(at_home, places(moved)):
        click.echo(line)
