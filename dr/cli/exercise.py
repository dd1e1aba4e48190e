"""`dr exercise`: a disaster that is made up, rehearsed with people, and scored."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.asking import require_yes
from dr.cli.completion import known
from dr.cli.show import coloured, json_option, marked, print_json, say, screen, wrapped
from dr.errors import EXIT_INTERRUPTED, ConfigError, Stopped
from dr.units import parse_duration, show_duration

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.exercise import Played, Prepared
    from dr.model.exercise import ExerciseKind

_seed = click.option("--seed", type=int, metavar="N", help="The same number makes the same disaster (default: another one each day).")
_office = click.option(
    "--office", default="", metavar="OFFICE", help="The lost one (default: the seed's).", shell_complete=known("offices")
)
_wait = click.option("--wait", default="15m", show_default=True, metavar="TIME", help="How long people have to answer.")
_html = click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="The page there, not in evidence/.")
_yes = click.option("--yes", is_flag=True, help="Do not ask before people are told.")


@click.group()
def exercise() -> None:
    """A disaster that is made up from a seed: which office, at what hour, who is away, which channel is down. People are really told, each
    message marked EXERCISE; nothing real moves. How it went is a scorecard: on the screen, as a page, and as a signed file.

    \b
    Examples:
      dr exercise office-failover
      dr exercise call-tree --seed 7
    """


@exercise.command("office-failover")
@_seed
@_office
@_wait
@_html
@_yes
@json_option
@click.pass_obj
def office_failover(home: str | None, seed: int | None, office: str, wait: str, html: Path | None, yes: bool, as_json: bool) -> None:
    """An office is lost: its duties are offered to others, who answer for them as they would (dr office accept), and say that they saw the
    messages (dr ack). It ends when every duty is held and everybody asked has answered, or the time is over.

    \b
    Examples:
      dr exercise office-failover
      dr exercise office-failover --seed 7 --office madison --wait 30m
      dr exercise office-failover --yes --html /srv/www/exercise.html
    Exit codes: 0 every duty was taken and somebody said that they saw it, 1 a gap of weight: see the card, 2 what was typed is wrong,
    3 something is out for real, or an exercise is under way, 130 you broke it off: everybody was told that it is over.
    """
    _exercise(home, "office-failover", (seed, office, wait, html, yes, as_json))


@exercise.command("call-tree")
@_seed
@_office
@_wait
@_html
@_yes
@json_option
@click.pass_obj
def call_tree(home: str | None, seed: int | None, office: str, wait: str, html: Path | None, yes: bool, as_json: bool) -> None:
    """Everybody is told that an office is out, and is to say that they saw it (dr ack). No duty moves.

    \b
    Examples:
      dr exercise call-tree
      dr exercise call-tree --seed 7 --wait 5m --yes
    Exit codes: as `dr exercise office-failover`.
    """
    _exercise(home, "call-tree", (seed, office, wait, html, yes, as_json))


def _exercise(home: str | None, kind: "ExerciseKind", typed: tuple[int | None, str, str, Path | None, bool, bool]) -> None:
    from dr.app import App, leave
    from dr.app.exercise import Wish, default_seed, play, prepare
    from dr.cli.progress import Watcher

    seed, office, wait, html, yes, as_json = typed
    watcher = Watcher()
    app = App.open(home, watch=watcher)
    watcher.live_in(app.inventory.organisation.zone)
    prepared = prepare(app, Wish(kind, seed if seed is not None else default_seed(app), office, _seconds(wait)))
    show_scenario(app, prepared)
    if not yes:
        require_yes("Begin the exercise, and tell people?", "nothing was begun")
    try:
        played = play(app, prepared, lambda words: say(f"   {words}"), html)
    except Stopped as error:
        say(error.message)
        leave(EXIT_INTERRUPTED)
    if as_json:
        print_json(played.evidence.to_facts())
    else:
        show_card(played)
    leave(played.exit_code)


def _seconds(wait: str) -> float:
    try:
        return parse_duration(wait)
    except ValueError:
        raise ConfigError(f"--wait {wait} is no length of time", hint="write 15m, or 90s") from None


def show_scenario(app: "App", prepared: "Prepared") -> None:
    """What is played, before anybody is told."""
    from dr.cli.duty_shown import show_loss

    say(coloured(f"EXERCISE, seed {prepared.scenario.seed}: nothing of it is real", "amber", bold=True))
    for line in prepared.words:
        _wrapped(line, "  ", err=True)
    say()
    if prepared.failover is not None:
        found = replace(prepared.failover, hints=())  # how to say more exactly what failed: the scenario has said it
        show_loss(found, app.inventory.organisation.zone, prepared.scenario.at, exercise=True)
    else:
        _wrapped(f"Everybody is told: {prepared.people}.", "  ", err=True)
    _wrapped(
        f"Each message is marked EXERCISE. People have {show_duration(prepared.wish.wait)} to answer; Ctrl-C breaks it off.", "  ", err=True
    )
    say()


def show_card(played: "Played") -> None:
    """How it went: times, gaps with what to do next, the page."""
    from dr.model.exercise import HEADS

    evidence = played.evidence
    card = evidence.card
    click.echo(f"{marked(evidence.verdict)}  EXERCISE {evidence.scenario.kind}: {HEADS[evidence.verdict].lower()}  ({evidence.exercise})")
    for each in card.measures:
        took = show_duration(each.took) if each.took is not None else "never"
        colour = "green" if each.within else "red" if each.took is None else "amber"
        click.echo(f"   {each.what + ':':<23} {marked(colour, took)}  (meant: within {show_duration(each.expected)})")
    for duty in card.duties:
        after = show_duration(duty.after) if duty.after is not None else ""
        holder = f"{evidence.names.get(duty.office or '', '')} after {after}" if after else coloured("NOBODY", "red", bold=True)
        click.echo(f"   {duty.title}: {holder}")
    if not card.gaps:
        click.echo("   no gap was found")
    for gap in card.gaps:
        _wrapped(f"{'✖' if gap.grave else '▲'} {gap.text}", "   ", colour="red" if gap.grave else "amber")
        _wrapped(f"next: {gap.next}", "      ")
    click.echo(f"   the card: {played.page}")


def _wrapped(text: str, indent: str, *, colour: str = "", err: bool = False) -> None:
    for line in wrapped(text, screen(), first=indent, rest=indent + "  "):
        click.echo(coloured(line, colour) if colour else line, err=err)
