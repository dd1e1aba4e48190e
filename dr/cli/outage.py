"""`dr outage`: say that something is out, how it goes, who has it in hand, and that it is over; see what happened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.enduring import opened
from dr.cli.outage_acts import ask, close, end, facts
from dr.cli.outage_shown import listed, shown
from dr.cli.show import json_option, print_drawn, print_json, say, screen
from dr.errors import ConfigError

if TYPE_CHECKING:
    from dr.app import App
    from dr.model.outage import Outage, OutageSeverity

_severity = click.option("--severity", type=click.Choice(["minor", "major"]), help="major: executive management is told at once.")
_named = click.argument("outage", required=False)


@click.group()
def outage() -> None:
    """Declare an outage, keep people told of it, end it, and see what happened.

    What is declared stands on record first; then everybody whom it concerns is told, by each of their channels, until it is over. OUTAGE
    may be left out where there is only one real one. A wrong line in the inventory stops none of it: it goes by what was right last, and
    says so.

    \b
    Examples:
      dr outage declare --system hmis --severity major --what "the database server burnt"
      dr outage update "the standby is loading; half of it is there"
      dr outage resolve --text "users work on the standby"
    """


@outage.command()
@click.option("--system", metavar="SYSTEM", help="The system that is out.", shell_complete=known("systems"))
@click.option("--office", metavar="OFFICE", help="Or the office that is out.")
@_severity
@click.option("--what", metavar="TEXT", help="What happened, in a few words; it goes to people, so no client's data.")
@click.option(
    "--began", metavar="TIME", help="When it was recognised, as 14:05 or 2026-11-01T14:05 (default: now). The clock starts there."
)
@click.option("--exercise", is_flag=True, help="A rehearsal: every message says so.")
@click.option("--proposed", metavar="OUTAGE", help="Declare what dr's own watch proposed.")
@click.option("--yes", is_flag=True, help="Do not ask before people are told.")
@json_option
@click.pass_obj
def declare(
    home: str | None,
    system: str | None,
    office: str | None,
    severity: "OutageSeverity | None",
    what: str | None,
    began: str | None,
    exercise: bool,
    proposed: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Say that a system or an office is out: the recovery clock starts, and everybody who must know is told at once.

    Then it says who was reached and who was not, and what to type next. People are kept told in the background until it is resolved.

    \b
    Examples:
      dr outage declare --system hmis --severity major --what "the database server burnt" --began 14:05
      dr outage declare --office madison --severity major --what "no power in the building"
      dr outage declare --system hmis --severity minor --what "a rehearsal" --exercise --yes
      dr outage declare --proposed out-20261123T140500Z-7f3a
    Exit codes: 0 declared and somebody was reached, 2 what was written is wrong, 3 it is declared already, 5 declared, but nobody was
    reached.
    """
    from dr.app.outages import Asked, desk, pick, prepare
    from dr.app.recover import recognised_at

    app = opened(home, "outage declare")
    if proposed is not None:
        if system or office or exercise:
            raise click.UsageError("--proposed names all of it: without --system, --office and --exercise.")
        known_one = pick(app, proposed, "proposed")
        at = recognised_at("--began", began, app.clock.now(), app.inventory.organisation.zone) if began else None
        ask(app, severity or known_one.severity, known_one.about, yes=yes, exercise=known_one.exercise)
        return end(app, desk(app, "declare").confirm(known_one.id, severity, what or "", at), as_json)
    if severity is None:
        raise ConfigError("how grave is it?", hint="--severity major (executive management is told at once), or --severity minor")
    wanted = prepare(app, Asked(system, office, severity, what or "", began, exercise))
    ask(app, severity, wanted.about, yes=yes, exercise=exercise)
    return end(app, desk(app, "declare").declare(wanted), as_json)


@outage.command()
@click.argument("words", nargs=-1, required=True, metavar="[OUTAGE] TEXT")
@_severity
@json_option
@click.pass_obj
def update(home: str | None, words: tuple[str, ...], severity: "OutageSeverity | None", as_json: bool) -> None:
    """Say how it goes: all who were told that it began are told.

    With --severity major, a minor outage becomes a major one, and executive management hears of it.

    \b
    Examples:
      dr outage update "the standby is loading; half of it is there"
      dr outage update out-20261123T140500Z-7f3a "the vendor is on site" --severity major
    """
    from dr.app.outages import desk, pick
    from dr.app.outages import words as said

    app = opened(home, "outage update")
    named, text = _split(words)
    one = pick(app, named, "declared", newest=True)
    end(app, desk(app, "update").update(one.id, said("an update", text), severity), as_json)


@outage.command()
@_named
@click.option("--to", "contact", metavar="CONTACT", required=True, help="Who has it in hand from now on.")
@click.option("--text", default="", metavar="TEXT", help="What they should know.")
@json_option
@click.pass_obj
def assign(home: str | None, outage: str | None, contact: str, text: str, as_json: bool) -> None:
    """Give it into somebody's hands: they are told, and must say that they saw it; everybody else hears who has it.

    \b
    Example:
      dr outage assign --to system-administrator
    """
    from dr.app.outages import desk, pick

    app = opened(home, "outage assign")
    one = pick(app, outage, "declared", newest=True)
    end(app, desk(app, "assign").assign(one.id, contact, " ".join(text.split())), as_json)


@outage.command()
@_named
@click.option("--text", metavar="TEXT", required=True, help="How it was mended; it goes to people.")
@json_option
@click.pass_obj
def resolve(home: str | None, outage: str | None, text: str, as_json: bool) -> None:
    """Say that it is over: everybody who was told that it began is told, and how long it lasted is set beside the objective.

    Typed again in the same words, it says who resolved it and when, and tells nobody twice; in other words it is refused.

    \b
    Examples:
      dr outage resolve --text "users work on the standby since 16:40"
      dr outage resolve out-20261123T140500Z-7f3a --text "the power is back"
    Exit codes: 0 resolved, now or before, 3 it was resolved before, in other words, 5 resolved, but nobody was reached.
    """
    close(home, "resolve", outage, "declared", text, as_json)


@outage.command()
@_named
@click.option("--text", metavar="TEXT", required=True, help="The cause, what went well, what went badly, what is changed.")
@json_option
@click.pass_obj
def review(home: str | None, outage: str | None, text: str, as_json: bool) -> None:
    """Afterwards: what caused it, what went well, what went badly. It stays on record with the outage; nobody is told.

    \b
    Example:
      dr outage review --text "a breaker; the call tree took 9 minutes; the standby had no UPS, ordered"
    """
    close(home, "review", outage, "resolved", text, as_json)


@outage.command()
@_named
@click.option("--text", metavar="TEXT", required=True, help="Why it is none.")
@json_option
@click.pass_obj
def dismiss(home: str | None, outage: str | None, text: str, as_json: bool) -> None:
    """What dr's own watch proposed is no outage: say why, and those who were asked are told.

    \b
    Example:
      dr outage dismiss --text "the probe's own network was down"
    """
    close(home, "dismiss", outage, "proposed", text, as_json)


@outage.command()
@_named
@json_option
@click.pass_obj
def show(home: str | None, outage: str | None, as_json: bool) -> None:
    """All of it: what was said and done, who was told and who saw it, the runs that belong to it. Without OUTAGE the newest.

    \b
    Example:
      dr outage show
    """
    from dr.app.outage_seen import seen

    app = opened(home, looking=True)
    one = _newest(app, outage)
    found = seen(app, one)
    if as_json:
        return print_json(facts(app, one))
    return print_drawn(shown(found, app.inventory.organisation.zone, app.clock.now(), screen()))


@outage.command("list")
@click.option("--all", "every", is_flag=True, help="Those that are over, too.")
@json_option
@click.pass_obj
def list_(home: str | None, every: bool, as_json: bool) -> None:
    """The outages that are open, or all there ever were.

    \b
    Example:
      dr outage list --all
    """
    app = opened(home, looking=True)
    found = app.records.outages(open_only=not every)
    if as_json:
        return print_json([one.to_facts() for one in found])
    return listed(app, found, every)


@outage.command()
@_named
@json_option
@click.pass_obj
def keep(home: str | None, outage: str | None, as_json: bool) -> None:
    """Keep people told until it is over, here: what `dr outage declare` begins in the background. Ctrl-C leaves it resumable.

    Afterwards whoever was not reached is tried again: by the timer (`dr schedule install`), or, where none comes by, here, for an hour
    at most.

    \b
    Example:
      dr outage keep
    """
    from dr.app.keeping import keep as keep_told
    from dr.app.outages import pick
    from dr.cli.run import follow

    follow(home, as_json, lambda app: keep_told(app, pick(app, outage, "declared"), say), enduring="outage keep")


# ---------------------------------------------------------------- inside


def _split(words: Sequence[str]) -> tuple[str | None, str]:
    """`[OUTAGE] TEXT`: an outage's id goes first, where it is given at all."""
    if len(words) > 1 and words[0].startswith(("out-", "outage-")):
        return words[0], " ".join(words[1:])
    return None, " ".join(words)


def _newest(app: "App", named: str | None) -> "Outage":
    from dr.app.outages import pick

    if named:
        return pick(app, named)
    known = app.records.outages(open_only=True)
    found = [one for one in known if not one.exercise] or known or app.records.outages()
    if not found:
        raise ConfigError("there never was an outage", hint="dr outage declare --help")
    return found[0]
