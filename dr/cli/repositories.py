"""`dr repositories init|check`."""

import click

from dr.cli.completion import known
from dr.cli.show import json_option, marked, print_json
from dr.errors import DrError
from dr.units import show_size


@click.group()
def repositories() -> None:
    """Where backup sets live."""


@repositories.command()
@click.argument("name", shell_complete=known("repositories"))
@click.pass_obj
def init(home: str | None, name: str) -> None:
    """Make an empty place a repository. Only ever by this command: an unmounted file server must not become an empty repository.

    \b
    Example:
      dr repositories init fileserver
    """
    from dr.app import App
    from dr.app.repositories import initialise

    identity = initialise(App.open(home), name)
    click.echo(f"{marked('green', name)}  repository {identity.id} of {identity.organisation}, tier {identity.tier}")


@repositories.command()
@click.argument("name", required=False, shell_complete=known("repositories"))
@json_option
@click.pass_obj
def check(home: str | None, name: str | None, as_json: bool) -> None:
    """Can each repository (or the one named NAME) be reached, is it ours, what does it hold, how much is free?

    Exit code 1 if one cannot be used.

    \b
    Examples:
      dr repositories check
      dr repositories check bank-vault --json
    """
    from dr.app import App
    from dr.model.base import RepositoryName

    app = App.open(home)
    found = []
    for repository in [app.services.repository(RepositoryName(name))] if name else app.repositories():
        try:
            identity = repository.identity()
            free = repository.free()
            words = f"{len(repository.sets())} set(s), {show_size(free) + ' free' if free is not None else 'free space unknown'}"
            found.append((repository.name, True, f"{words}; {identity.id}"))
        except DrError as error:
            found.append((repository.name, False, str(error)))
    if as_json:
        print_json([{"repository": one, "ok": ok, "what": what} for one, ok, what in found])
    else:
        for one, ok, what in found:
            click.echo(f"{marked('green' if ok else 'red', one)}  {what}")
    if not found or not all(ok for _, ok, _ in found):
        raise SystemExit(1)
