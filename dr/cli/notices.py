"""`dr notices [retry]`."""

import sys

import click

from dr.cli.show import json_option, marked, print_json, print_table
from dr.clock import local
from dr.errors import EXIT_FAILED


@click.group(invoke_without_command=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_context
def notices(context: click.Context, limit: int, as_json: bool) -> None:
    """Who was owed a message, whether it reached them, and if not, why."""
    if context.invoked_subcommand is not None:
        return
    from dr.app import App
    from dr.app.retry_notices import why

    app = App.open(context.obj)
    found = app.records.notices(limit)
    if as_json:
        print_json([n.to_facts() for n in found])
        return
    zone = app.inventory.organisation.zone
    rows = [
        [
            n.id,
            n.to,
            n.state,
            local(n.created, zone),
            ", ".join(dict.fromkeys(d.contact for d in n.deliveries if d.state == "delivered")) or "-",
            str(max((d.attempt for d in n.deliveries), default=0)),
            why(n) or "-",
            n.subject,
        ]
        for n in found
    ]
    print_table(["notice", "to", "state", "owed since", "reached", "attempts", "why not", "subject"], rows, empty="no notice was ever owed")


@notices.command()
@click.argument("notice_id", metavar="[NOTICE]", required=False)
@click.pass_obj
def retry(home: str | None, notice_id: str | None) -> None:
    """Send again what did not reach everybody (all of it without a name). Who was reached is not told again; who may have been
    begun with gets it marked "(repeat)". Exit code 1 if one still did not reach everybody."""
    from dr.app import App
    from dr.app.retry_notices import retry as send_again
    from dr.app.retry_notices import what_became

    sent = send_again(App.open(home), notice_id)
    for notice in sent:
        click.echo(f"{marked('green' if notice.state == 'delivered' else 'red')} {notice.id} to {notice.to} {what_became(notice)}")
    if not sent:
        click.echo("every notice was delivered")
    if any(notice.state != "delivered" for notice in sent):
        sys.exit(EXIT_FAILED)
