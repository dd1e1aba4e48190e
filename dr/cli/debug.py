"""`dr debug failpoints|set`: for whoever mends `dr`."""

import click

from dr.cli.completion import known
from dr.cli.show import print_json


@click.group()
def debug() -> None:
    """Look inside."""


@debug.command()
def failpoints() -> None:
    """Every point at which DR_FAILPOINT=NAME[:N] kills the process.

    \b
    Example:
      dr debug failpoints
    """
    from dr.app import failpoint_names

    for name in failpoint_names():
        click.echo(name)


@debug.command("set")
@click.argument("set_id", metavar="SET", shell_complete=known("sets"))
@click.option("--repository", help="Which copy (default: the first undamaged one).", shell_complete=known("repositories"))
@click.pass_obj
def show_set(home: str | None, set_id: str, repository: str | None) -> None:
    """A set's manifest and its decrypted index. The index names tables and files: it may name a client. The access is audited.

    \b
    Examples:
      dr debug set 20261122T070000Z-7f3a9c
      dr debug set 20261122T070000Z-7f3a9c --repository bank-vault
    """
    from dr.app import App
    from dr.app.repositories import open_set

    print_json(open_set(App.open(home), set_id, repository))
