"""`dr notices`."""

import click

from dr.cli.show import json_option, print_json, print_table
from dr.clock import local


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_obj
def notices(home: str | None, limit: int, as_json: bool) -> None:
    """Who was owed a message, and whether it reached them."""
    from dr.app import App

    app = App.open(home)
    found = app.records.notices(limit)
    if as_json:
        return print_json([n.to_facts() for n in found])
    zone = app.inventory.organisation.zone
    rows = [[n.id, n.to, n.state, local(n.created, zone), n.subject] for n in found]
    print_table(["notice", "to", "state", "owed since", "subject"], rows, empty="no notice was ever owed")
    return None
