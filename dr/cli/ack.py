"""`dr ack`."""

from typing import TYPE_CHECKING

import click

from dr.cli.enduring import opened, unheard, warn
from dr.cli.show import json_option, marked, print_json
from dr.clock import local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dr.app import App
    from dr.app.acknowledging import Seen


@click.command()
@click.argument("code")
@click.option("--comment", default="", help="What those who wait should know; at most 500 letters.")
@click.option("--outage", help="Only if the code is of this outage's message.")
@json_option
@click.pass_obj
def ack(home: str | None, code: str, comment: str, outage: str | None, as_json: bool) -> None:
    """Say that you saw a message, by the code in it. Nobody else is asked any more; who was told hears that you saw it.

    A code can be used once, and for a time. It says whose it is: nobody need sign in. A wrong line in the inventory does not stop it.

    \b
    Examples:
      dr ack K7QM-2F
      dr ack k7qm2f --comment "I am on my way to the server room"
    """
    from dr.app.acknowledging import acknowledge, take_down
    from dr.app.opening import ConfigProblems

    said = code, comment[:500], outage
    try:
        app = opened(home, "ack")
        seen = acknowledge(app, *said)
    except ConfigProblems as problems:
        app, seen = None, take_down(home, problems, said)
        warn(unheard(problems))
    if as_json:
        print_json({"notice": seen.notice.id, "contact": seen.contact, "outage": seen.notice.outage, "told": list(seen.others)})
    else:
        _show(seen, app)


def _show(seen: "Seen", app: "App | None") -> None:
    people = app.inventory.contacts if app is not None else {}
    names = {name: one.name for name, one in people.items()}
    click.echo(f"{marked('green', '')} acknowledged for {names.get(seen.contact, seen.contact)}: {seen.notice.subject}")
    before = [one for one in seen.notice.acknowledgements if one.contact != seen.contact]
    zone = app.inventory.organisation.zone if app is not None else "UTC"
    for one in before:
        click.echo(f"  {names.get(one.contact, one.contact)} had acknowledged it already, {local(one.at, zone)}")
    if seen.others:
        click.echo(f"  told that you saw it: {', '.join(names.get(one, one) for one in seen.others)}")
    for line in _outage(app, seen, zone) if app is not None else ():
        click.echo(line)


def _outage(app: "App", seen: "Seen", zone: str) -> "Iterator[str]":
    """Whether what the message was about is over, and where to look."""
    from dr.app.acknowledging import about

    one = about(app, seen.notice)
    if one is not None and one.ended is not None:
        yield f"  it is over since {local(one.ended, zone)}: nobody else is told that you saw it"
    if one is not None:
        yield f"  all of it: dr outage show {one.id}"
