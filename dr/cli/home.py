"""`dr init` and `dr check`."""

import click

from dr.cli.show import marked, say


@click.command()
@click.argument("path", default=".")
@click.option("--name", default="Our organisation", show_default=True, help="The organisation's name, as it signs its backups.")
@click.option("--zone", default="America/Chicago", show_default=True, help="Its time zone (IANA).")
@click.option("--system", default="hmis", show_default=True, help="What the system that is protected is called.")
def init(path: str, name: str, zone: str, system: str) -> None:
    """Write a commented inventory, runbooks and keys for a new organisation into PATH.

    \b
    Example:
      dr init /srv/dr --name "Wisconsin HMIS Services" --zone America/Chicago
    """
    from dr.app import init_home

    for line in init_home(path, name, zone, system):
        click.echo(line)


@click.command()
@click.pass_obj
def check(home: str | None) -> None:
    """Read every file of the home and print everything that is wrong with it. Runs nothing. Exit code 2 if there is a problem.

    \b
    Example:
      dr --home /srv/dr check
    """
    from dr.app import App, agreements, reach
    from dr.app.apart import require_apart
    from dr.app.contacts import require_allowed
    from dr.app.enrolling import still_to_do

    app = App.open(home)
    app.require_secrets()
    require_apart(app)
    require_allowed(app)
    systems, runbooks = len(app.inventory.systems), len(app.runbooks)
    if not (systems and runbooks):
        say("nothing to check: no system or no runbook")
        raise SystemExit(1)
    counts = f"{systems} system(s), {len(app.inventory.hosts)} hosts, {len(app.inventory.repositories)} repositories, {runbooks} runbooks"
    click.echo(f"{marked('green', 'good')}  {app.home}: {counts}; every reference and secret resolves.")
    for one in agreements.found(app):
        click.echo(f"{marked('red' if one.severity == 'critical' else 'amber', 'agreement')}  {one.message}; {one.hint}")
    for line in reach.of_runbooks(app):
        click.echo(f"{marked('amber', 'a recovery')}  {line}")
    for line in still_to_do(app):
        click.echo(f"{marked('amber', 'still to do')}  {line}")
