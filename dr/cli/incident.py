"""`dr incident`: what may have come into strangers' hands, who accessed it and when, and what is owed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dr.cli.incident_shown import listed, opened, reported
from dr.cli.show import json_option, print_drawn, print_json, screen

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.incidents import Asked, Done

_named = click.argument("incident", required=False)
_UNREACHED, _BROKEN = 5, 4
"""Exit codes: nobody at all could be told; the audit trail cannot be believed."""


def _exposed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which it is said what was exposed."""
    options = (
        click.option("--copy", "copies", multiple=True, metavar="SET[@REPOSITORY]", help="One copy; without @, wherever the set lies."),
        click.option(
            "--repository", "repositories", multiple=True, metavar="REPOSITORY", help="A medium or server: every copy that lay there."
        ),
        click.option("--key", "keys", multiple=True, metavar="KEY", help="drill, escrow, signing, or an age public key."),
        click.option("--host", "hosts", multiple=True, metavar="STANDBY", help="A standby: every set that was restored there."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def incident() -> None:
    """The privacy side: a copy, a key, a medium or a standby may have been in strangers' hands.

    Say what, and `dr` says what of it can be read and who accessed it. INCIDENT may be left out where there is only one.

    \b
    Examples:
      dr incident open --what "a bag with a disk was stolen" --repository bank-vault --since 2026-11-20T17:00
      dr incident report
    """


@incident.command("open")
@click.option("--what", metavar="TEXT", help="What happened, in a few words; it goes to people, so no client's data.")
@_exposed
@click.option("--since", metavar="TIME", help="From when on it may have been exposed (default: when it was noticed).")
@click.option("--noticed", metavar="TIME", help="When somebody noticed, as 14:05 or 2026-11-01T14:05 (default: now).")
@json_option
@click.pass_obj
def open_(home: str | None, /, what: str | None, since: str | None, noticed: str | None, as_json: bool, **asked: tuple[str, ...]) -> None:
    """Put it on record, and tell the administrators and who owes the report (`incidents` in the inventory).

    \b
    Examples:
      dr incident open --what "a bag with a disk was stolen" --repository bank-vault --since 2026-11-20T17:00
      dr incident open --what "the laptop with the drill key is gone" --key drill --copy 20261122T070000Z-7f3a9c@online-disk
      dr incident open --what "somebody was logged in on the standby" --host standby --noticed 14:05
    Exit codes: 0 on record and somebody was reached, 2 what was written is wrong, 5 on record, but nobody was reached.
    """
    from dr.app import App
    from dr.app.incidents import open_one

    app = App.open(home)
    _end(app, open_one(app, what, _asked(asked), since, noticed), as_json)


@incident.command()
@click.argument("words", nargs=-1, required=True, metavar="[INCIDENT] TEXT")
@_exposed
@json_option
@click.pass_obj
def note(home: str | None, /, words: tuple[str, ...], as_json: bool, **asked: tuple[str, ...]) -> None:
    """Write down what was found or decided; with what else was exposed, people are told again.

    \b
    Examples:
      dr incident note "the disk was found, its seal unbroken"
      dr incident note inc-20261123T140500Z-7f3a "the key was in the same bag" --key drill
    """
    from dr.app import App
    from dr.app.incidents import note as write

    app = App.open(home)
    named = words[0] if len(words) > 1 and words[0].startswith("inc-") else None
    _end(app, write(app, named, " ".join(words[1:] if named else words), _asked(asked)), as_json)


@incident.command()
@_named
@click.option("--text", metavar="TEXT", required=True, help="How it ended: who was told, what was changed.")
@json_option
@click.pass_obj
def close(home: str | None, incident: str | None, text: str, as_json: bool) -> None:
    """It is over, and how. What was written stays.

    \b
    Example:
      dr incident close --text "reported on 3 December; the drill key is a new one"
    """
    from dr.app import App
    from dr.app.incidents import close as end

    app = App.open(home)
    _end(app, end(app, incident, text), as_json)


@incident.command("list")
@click.option("--all", "every", is_flag=True, help="Those that are closed, too.")
@json_option
@click.pass_obj
def list_(home: str | None, every: bool, as_json: bool) -> None:
    """The incidents that are open, or all there ever were.

    \b
    Example:
      dr incident list --all
    """
    from dr.app import App

    app = App.open(home, looking=True)
    found = app.records.incidents(open_only=not every)
    if as_json:
        return print_json([one.to_facts() for one in found])
    return listed(found, app.inventory.organisation.zone, every)


@incident.command()
@_named
@click.option("--html", "page", metavar="FILE", help="Write it as one self-contained page, too.")
@json_option
@click.pass_obj
def report(home: str | None, incident: str | None, page: str | None, as_json: bool) -> None:
    """What is concerned, whether it can be read and why, who accessed it and when, what to do next; for who owes the report.

    The audit trail is verified first: where it cannot be believed, that is said at the top.

    \b
    Examples:
      dr incident report
      dr incident report inc-20261123T140500Z-7f3a --html incident.html
    Exit codes: 0 it is shown, 2 there is no such incident, 4 shown, but the audit trail is not whole.
    """
    from dr.app import App
    from dr.app.incident_report import report as make
    from dr.app.incident_report import write_page
    from dr.app.incidents import pick

    app = App.open(home, looking=True)
    made = make(app, pick(app, incident, closed=True))
    if as_json:
        print_json(made.to_facts())
    else:
        print_drawn(reported(made, app.inventory.organisation.zone, screen()))
    if page is not None:
        place = write_page(app, made, Path(page))
        click.echo(f"written: {place}", err=as_json)
    if made.broken:
        raise SystemExit(_BROKEN)


# ---------------------------------------------------------------- inside


def _asked(given: dict[str, tuple[str, ...]]) -> "Asked":
    from dr.app.incidents import Asked

    return Asked(**given)


def _end(app: "App", done: "Done", as_json: bool) -> None:
    from dr.app.carrying import timer_carries
    from dr.app.outage_seen import reached

    if as_json:
        print_json(
            {
                "incident": done.incident.to_facts(),
                "readable": done.found.readable,
                "concerned": len(done.found.reach),
                "again": done.again,
                "notices": [notice.model_copy(update={"body": ""}).to_facts() for notice in done.notices],
            }
        )
    else:
        found, zone = reached(app, done.notices), app.inventory.organisation.zone
        print_drawn(opened(done, found, zone, app.clock.now(), screen(), timer=timer_carries(app)))
    if done.notices and not any(each.state == "delivered" for notice in done.notices for each in notice.deliveries):
        raise SystemExit(_UNREACHED)
