"""`dr duties`: who holds what since when, and by which fencing number."""

import click

from dr.cli.enduring import opened
from dr.cli.show import json_option, print_json


@click.command()
@click.option("--exercise", is_flag=True, help="Of the newest rehearsal.")
@json_option
@click.pass_obj
def duties(home: str | None, exercise: bool, as_json: bool) -> None:
    """Who holds each duty, since when, and by which fencing number. Asks the store of claims what other machines moved.

    Number 0 is a duty that is where the inventory has it, and was never moved. Exit code 1 where nobody holds one of them.

    \b
    Examples:
      dr duties
      dr duties --exercise
      dr duties --json
    """
    from dr.app.duties import Offices
    from dr.cli.duty_shown import show_listing

    app = opened(home)
    found = Offices(app, exercise).listing()
    if as_json:
        print_json(found.to_facts())
    else:
        show_listing(found, app.inventory.organisation.zone, app.clock.now())
    if not found.whole:
        raise SystemExit(1)
