"""`dr agent`."""

from typing import Literal

import click


@click.command()
@click.option(
    "--only",
    type=click.Choice(["capture", "repository", "watch"]),
    help="Answer only what a production host, a file server or a lookout is asked.",
)
@click.option(
    "--root",
    "roots",
    metavar="FOLDER",
    multiple=True,
    help="Answer only for the standby, or the repository, in this folder; with --only capture, read file sets below it only (repeatable).",
)
@click.option(
    "--place",
    "places",
    metavar="PATH",
    multiple=True,
    help="Beside --root: a recovery may put a restored file set at this very place (repeatable). What stands there is kept.",
)
@click.option("--commands", is_flag=True, help="Run programs too: `command` and `service` steps on that host need it.")
def agent(only: Literal["capture", "repository", "watch"] | None, roots: tuple[str, ...], places: tuple[str, ...], commands: bool) -> None:
    """Work for a dr on another machine: what it starts here over SSH. Not for people: it speaks dr's own language on its streams.

    As the forced command of the controller's key in authorized_keys, it is all that the key can do:
    command="/opt/dr/bin/dr agent --root /srv/dr-standby",restrict ssh-ed25519 AAAA...

    \b
    --root FOLDER        is that one standby (or repository): enrols, restores, proves,
                         opens and scrubs there; reads no production, runs no program
                         that is asked for. What a restored dump runs, that user runs.
    --only capture       reads file sets and databases, and plants needles, which must
                         look like ours; with --root FOLDER, file sets in there only.
    --only repository    stores, reads and removes sets; give --root with it.
    --only watch         says how disks, supplies and links stand there, and asks from
                         there whether a system answers; --only capture says the former.
    --place PATH         beside --root: in a recovery, what the runbook's `swap-in` may
                         put a restored file set at; nothing else outside of the root.
    --commands           beside one of these: any program, as that user. Drills and
                         nightlies do without; a standby that is to be recovered onto
                         needs it where the runbook has `command` or `service` steps.

    With none of them nothing is forbidden. With any, PostgreSQL's programs are
    those of /usr/lib/postgresql or beside dr, whatever `binaries` says.

    \b
    Examples:
      dr agent --root /srv/dr-standby
      dr agent --root /srv/dr-standby --commands
      dr agent --root /srv/dr-standby --place /srv/hmis/site
      dr agent --only capture --root /srv/site
      dr agent --only repository --root /srv/dr
      dr agent --only watch
    """
    from dr.app.agent.allowed import Allowed
    from dr.app.agent.serve import serve

    serve(Allowed(only, roots, commands, places))
