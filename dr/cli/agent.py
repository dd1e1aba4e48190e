"""`dr agent`."""

import click


@click.command()
@click.option(
    "--only", type=click.Choice(["capture", "repository"]), help="Answer only what a production host, or a file server, is asked."
)
@click.option("--root", metavar="FOLDER", help="Answer only for the standby, or the repository, in this folder.")
def agent(only: str | None, root: str | None) -> None:
    """Work for a dr on another machine: what it starts here over SSH. Not for people: it speaks dr's own language on its streams.

    As the forced command of the controller's key in authorized_keys, it is all that the key can do:
    command="/opt/dr/bin/dr agent --root /srv/dr-standby",restrict ssh-ed25519 AAAA...

    \b
    Examples:
      dr agent --only capture
      dr agent --root /srv/dr-standby
      dr agent --only repository --root /srv/dr
    """
    from dr.app.agent.serve import serve

    serve(only=only, root=root)
