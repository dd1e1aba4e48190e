"""`dr notices [list|show|retry|carry]`."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from dr.cli.enduring import admit, opened
from dr.cli.show import MARKS, aligned, coloured, json_option, marked, print_drawn, print_json, print_table, screen, wrapped
from dr.clock import local
from dr.errors import EXIT_FAILED
from dr.units import visible

if TYPE_CHECKING:
    from dr.app.retry_notices import Waiting
    from dr.model.notice_record import Notice

limit_option = click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))


@click.group(invoke_without_command=True)
@limit_option
@json_option
@click.pass_context
def notices(context: click.Context, limit: int, as_json: bool) -> None:
    """Who was owed a message, whether it reached them, and if not, why."""
    if context.invoked_subcommand is None:
        _list(context.obj, limit, as_json)


@notices.command("list")
@limit_option
@json_option
@click.pass_obj
def list_notices(home: str | None, limit: int, as_json: bool) -> None:
    """The newest notices; `dr notices` alone does the same. In a pipe one line each with all columns, uncut.

    \b
    Examples:
      dr notices list
      dr notices list --limit 5
    """
    _list(home, limit, as_json)


def _list(home: str | None, limit: int, as_json: bool) -> None:
    from dr.app.retry_notices import why
    from dr.cli.notices_listed import listed, state_of

    app = opened(home)
    found = app.records.notices(limit)
    if as_json:
        return print_json([n.to_facts() for n in found])
    zone = app.inventory.organisation.zone
    if found and sys.stdout.isatty():
        return print_drawn(listed(found, zone, screen()))
    rows = [
        [
            n.id,
            n.to,
            state_of(n),
            local(n.created, zone),
            ", ".join(dict.fromkeys(d.contact for d in n.deliveries if d.state == "delivered")) or "-",
            str(max((d.attempt for d in n.deliveries), default=0)),
            why(n) or "-",
            local(n.due, zone) if n.due else "-",
            n.subject,
        ]
        for n in found
    ]
    return print_table(
        ["notice", "to", "state", "owed since", "reached", "attempts", "why not", "next look", "subject"],
        rows,
        empty="no notice was ever owed",
    )


@notices.command()
@click.argument("notice_id", metavar="NOTICE")
@json_option
@click.pass_obj
def show(home: str | None, notice_id: str, as_json: bool) -> None:
    """One notice: to whom it was owed, by which channel each was tried, when, with what outcome, and what it said.

    A channel is its place in the contact's list and its kind; its address is a secret, and is never shown.

    \b
    Example:
      dr notices show nightly-20261122T070000Z-1a2b:always-1-notify:nightly-recovered:administrators
    """
    from dr.app.retry_notices import meant, named, waiting

    app = opened(home)
    notice = named(app, notice_id)
    if as_json:
        print_json(notice.to_facts())
        return
    for line in _about(notice, meant(app, notice), waiting(app, notice), app.inventory.organisation.zone):
        click.echo(line)


def _about(notice: "Notice", people: dict[str, str], waiting: Sequence["Waiting"], zone: str) -> Iterator[str]:
    from dr.app.retry_notices import what_became

    waits = notice.acknowledge and not notice.answered
    shade = {"delivered": "amber" if waits else "green", "owed": "amber", "partial": "amber"}.get(notice.state, "red")
    said = wrapped(f"{MARKS[shade]} {notice.subject}: it {what_became(notice)}", screen(), first="", rest="  ")
    yield from (coloured(line, shade, bold=True) for line in said)
    yield ""
    names = ", ".join(f"{name} ({full})" for name, full in people.items())
    facts = {
        "notice": notice.id,
        "to": f"{notice.to}: {names}" if names and notice.to not in people else names or f"{notice.to}: nobody has that name",
        "owed since": local(notice.created, zone),
        "template": f"{notice.template}, {notice.severity}",
        "sent again": f"{notice.repeated} times" if notice.repeated != 1 else "once",
    }
    for head, text in facts.items():
        yield f"  {head:<12}{text}"
    yield ""
    yield from _attempts(notice, zone)
    for name in people:
        if name not in notice.begun and not notice.digest:
            yield f"  {name}: nothing was sent yet"
    for one in notice.acknowledgements:
        yield f"  {one.contact} acknowledged it {local(one.at, zone)}{': ' + visible(one.comment) if one.comment else ''}"
    yield from (f"  {one.contact} {one.what}, {local(one.until, zone)}" for one in waiting)
    yield ""
    yield from (f"  | {visible(line)}".rstrip() for line in notice.body.splitlines())
    if notice.due is not None:
        yield ""
        yield f"it goes on by itself {local(notice.due, zone)}, where a timer carries it (dr schedule install); now: dr notices carry"
    if notice.state != "delivered" and not notice.digest and not notice.answered:
        yield ""
        yield f"next: mend the cause, then: dr notices retry {notice.id}"


def _attempts(notice: "Notice", zone: str) -> Iterator[str]:
    from dr.app.retry_notices import cause

    if not notice.deliveries:
        yield "  no channel was tried yet"
        return
    rows = [
        ["  " + d.contact, f"{d.channel + 1} ({d.scheme})", str(d.attempt), local(d.at, zone), d.state, cause(d) or d.why]
        for d in notice.deliveries
    ]
    yield from aligned(["  who", "channel", "attempt", "when", "outcome", "why"], rows)


@notices.command()
@click.argument("notice_id", metavar="[NOTICE]", required=False)
@click.pass_obj
def retry(home: str | None, notice_id: str | None) -> None:
    """Send again what did not reach everybody (all of it without a name). Who was reached is not told again; who may have been
    begun with gets it marked "(repeat)". Exit code 1 if one still did not reach everybody.

    \b
    Example:
      dr notices retry
    """
    from dr.app.retry_notices import put_off, what_became
    from dr.app.retry_notices import retry as send_again

    app = opened(home, "notices retry")
    sent = send_again(app, notice_id)
    for notice in sent:
        click.echo(f"{marked('green' if notice.state == 'delivered' else 'red', '')} {notice.id} to {notice.to} {what_became(notice)}")
    if not sent:
        waiting = put_off(app)
        click.echo(f"nothing failed; {waiting} of them wait, to be told later" if waiting else "every notice was delivered")
    if any(notice.state != "delivered" for notice in sent):
        sys.exit(EXIT_FAILED)


@notices.command()
@click.option("--quiet", is_flag=True, help="Say nothing where nothing was due: as the timer runs it.")
@json_option
@click.pass_obj
def carry(home: str | None, quiet: bool, as_json: bool) -> None:
    """One round: send what is due, try again what failed, go on to the next channel or person where nobody acknowledged in time.

    A timer runs it each minute (`dr schedule install`). Two at once tell nobody twice. Exit code 1 if nobody acknowledged something that
    everybody was told.

    \b
    Example:
      dr notices carry
    """
    from dr.app.opening import own_up
    from dr.app.retry_notices import carry as round_
    from dr.app.retry_notices import what_became

    app = opened(home, hushed=True)
    carried = round_(app, by_timer=quiet)
    if carried.notices or not quiet:  # a timer comes by each minute, and cron mails what it says
        admit(app)
    if carried.notices:
        own_up(app, "notices carry")
    if as_json:
        print_json({"notices": [n.to_facts() for n in carried.notices], "next": carried.next.isoformat() if carried.next else None})
    elif carried.notices or not quiet:
        for notice in carried.notices:
            shade = "red" if notice.state in ("unanswered", "failed", "nobody") else "green" if notice.state == "delivered" else "amber"
            click.echo(f"{marked(shade, '')} {notice.id} to {notice.to} {what_became(notice)}")
        zone = app.inventory.organisation.zone
        click.echo(f"next: {local(carried.next, zone)}" if carried.next else "nothing is due")
    if any(notice.state in ("unanswered", "nobody") for notice in carried.notices):
        sys.exit(EXIT_FAILED)
