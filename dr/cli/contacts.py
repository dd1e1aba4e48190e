"""`dr contacts list|check`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dr.cli.asking import require_yes
from dr.cli.completion import known
from dr.cli.show import json_option, marked, print_json, print_table
from dr.clock import local
from dr.errors import EXIT_FAILED

if TYPE_CHECKING:
    from dr.app.contacts import Channel


@click.group()
def contacts() -> None:
    """The people of inventory/contacts.yaml: whether an alarm would reach them."""


@contacts.command("list")
@json_option
@click.pass_obj
def list_contacts(home: str | None, as_json: bool) -> None:
    """Everybody's channels, and when each was last proven: somebody acknowledged what came by it. Sends nothing.

    \b
    Examples:
      dr contacts list
      dr contacts list --json
    """
    from dr.app import App
    from dr.app.contacts import channels

    app = App.open(home)
    found = channels(app)
    if as_json:
        print_json([channel.to_facts() for channel in found])
        return
    _table(found, app.inventory.organisation.zone)


@contacts.command()
@click.argument("name", required=False, shell_complete=known("contacts"))
@click.option("--yes", is_flag=True, help="Do not ask before it sends.")
@json_option
@click.pass_obj
def check(home: str | None, name: str | None, yes: bool, as_json: bool) -> None:
    """Send each channel (of one contact, or of everybody) a test that asks for an answer. `dr ack CODE` with its code proves the channel.

    Who is not proven for longer than `notices: {contact_valid: 90d}` is a finding, seen in `dr status`. Exit code 1 if a channel refused
    it.

    \b
    Examples:
      dr contacts check
      dr contacts check executive-director --yes
    """
    from dr.app import App
    from dr.app.contacts import ask, channels

    app = App.open(home)
    before = channels(app, name)
    if not before:
        click.echo("there is nobody to test: write contacts into inventory/contacts.yaml")
        sys.exit(EXIT_FAILED)
    if not yes:
        people = len({channel.contact for channel in before})
        require_yes(f"Send {len(before)} test messages to {people} people now?", "nothing was sent")
    sent = ask(app, name)
    after = channels(app, name)
    if as_json:
        print_json([channel.to_facts() for channel in after])
    else:
        _table(after, app.inventory.organisation.zone)
        click.echo("next: whoever gets a test acknowledges it, or reads its code to you: dr ack CODE; then dr contacts list")
    if any(notice.state != "delivered" for notice in sent):
        sys.exit(EXIT_FAILED)


def _table(found: Sequence["Channel"], zone: str) -> None:
    rows = [
        [
            channel.contact,
            f"{channel.number} ({channel.kind})",
            marked("green" if channel.valid else "amber", local(channel.proven, zone) if channel.proven else "never"),
            _test(channel, zone),
        ]
        for channel in found
    ]
    print_table(["contact", "channel", "proven", "last test"], rows, empty="there are no contacts: write them into inventory/contacts.yaml")


def _test(channel: "Channel", zone: str) -> str:
    if channel.test is None:
        return "-"
    at = local(channel.test.created, zone)
    if channel.test.answered:
        return f"{at}: acknowledged"
    last = channel.test.deliveries[-1] if channel.test.deliveries else None
    if last is None:
        return f"{at}: not sent yet"
    return f"{at}: not acknowledged" if last.state == "delivered" else f"{at}: {last.detail}"
