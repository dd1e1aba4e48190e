"""`dr office`: an office is lost, its duties go to others, it comes back and is handed them one by one."""

from typing import TYPE_CHECKING

import click

from dr.cli.asking import require_yes
from dr.cli.completion import known
from dr.cli.enduring import opened
from dr.cli.run import follow
from dr.cli.show import coloured, json_option, say, screen, wrapped
from dr.errors import EXIT_INTERRUPTED, ConfigError

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.duties import Offices
    from dr.app.office_lost import Loss, Prepared
    from dr.model.record import RunRecord

_office = click.argument("office", shell_complete=known("offices"))
_duty = click.argument("duty", shell_complete=known("duties"))
_of = click.option("--office", required=True, metavar="OFFICE", help="For which office you answer.", shell_complete=known("offices"))
_alone = click.option("--alone", metavar="TEXT", help="Why nobody else can be asked to agree. It goes into the audit trail.")
_exercise = click.option("--exercise", is_flag=True, help="In the newest rehearsal; nothing real moves.")


@click.group()
def office() -> None:
    """An office is lost: its duties go to others. An office that is asked says yes or no; one that comes back is handed its duties.

    Nobody holds a duty because somebody said so: a yes counts when the shared store has taken its claim, with a number that only rises.

    \b
    Examples:
      dr office lost madison
      dr office accept help-desk --office milwaukee
      dr office back madison
    """


@office.command()
@_office
@click.option("--through", multiple=True, metavar="NAME", help="Of what it depends on, what failed; may be repeated (default: all of it).")
@click.option("--only", is_flag=True, help="The office only: what it depends on works, so that who shares it is not affected.")
@_alone
@click.option("--exercise", is_flag=True, help="A rehearsal: everything is marked so, and nothing real moves.")
@click.option("--yes", is_flag=True, help="Do not ask before it begins.")
@click.option("--here", is_flag=True, help="Carry it in this terminal, not in the background: it is interrupted when this one ends.")
@json_option
@click.pass_obj
def lost(
    home: str | None,
    office: str,
    through: tuple[str, ...],
    only: bool,
    alone: str | None,
    exercise: bool,
    yes: bool,
    here: bool,
    as_json: bool,
) -> None:
    """OFFICE is lost: show who would be asked to take each of its duties, and why; ask; then do it, and wait until somebody holds each.

    It goes on in the background: Ctrl-C, or closing the terminal, leaves it, and ends nothing (`dr duties` looks again). Where the main
    office is silent a second person confirms it (`dr runs approve RUN`); `--alone` says why nobody else is asked.

    \b
    Examples:
      dr office lost madison
      dr office lost madison --only
      dr office lost madison --through provider-badger --alone "nobody else can be reached"
      dr office lost madison --exercise
    Exit codes: 0 every duty is held, 1 nobody took one of them, 2 what was written is wrong, 3 refused, 130 you left it: it goes on (with
    --here: it is interrupted, and resumable).
    """
    from dr.app.office_lost import Loss

    if only and through:
        raise ConfigError("--only and --through exclude one another")
    loss = Loss(office, "none" if only else " ".join(through) or "all", exercise, _said(alone))
    if here:
        follow(home, as_json, lambda app: _lose_here(app, loss, yes), enduring="office lost")
    else:
        _lose(home, loss, yes=yes, as_json=as_json)


def _lose(home: str | None, loss: "Loss", *, yes: bool, as_json: bool) -> None:
    from dr.app import leave
    from dr.app.failover_begun import set_going
    from dr.cli.failover_shown import follow_failover

    app = opened(home, "office lost")
    app.require_secrets(_agreed(app, loss, yes).plan)
    try:
        carried = set_going(app, loss)
    except KeyboardInterrupt:
        say("left; it is just being begun in the background, and goes on. Look: dr runs list")
        leave(EXIT_INTERRUPTED)
    follow_failover(app, carried, exercise=loss.exercise, as_json=as_json)


def _lose_here(app: "App", loss: "Loss", yes: bool) -> "RunRecord":
    from dr.app.office_lost import carry_out

    return carry_out(app, _agreed(app, loss, yes), loss)


def _agreed(app: "App", loss: "Loss", yes: bool) -> "Prepared":
    """What it would do, shown, and a person's yes to it."""
    from dr.app.office_lost import prepare
    from dr.cli.duty_shown import show_loss

    prepared = prepare(app, loss)
    show_loss(prepared, app.inventory.organisation.zone, app.clock.now(), exercise=loss.exercise)
    if not yes:
        question = "Rehearse the loss of {}?" if loss.exercise else "Is the loss of {} real?"
        require_yes(question.format(prepared.title), "nothing was begun")
    return prepared


@office.command()
@_duty
@_of
@click.option("--number", type=int, metavar="N", help="The number by which it was asked (default: the one by which it is asked now).")
@_exercise
@click.pass_obj
def accept(home: str | None, duty: str, office: str, number: int | None, exercise: bool) -> None:
    """Say yes: OFFICE takes DUTY. It holds it once the store of claims has taken its number; a stale number is refused.

    \b
    Examples:
      dr office accept help-desk --office milwaukee
      dr office accept help-desk --office milwaukee --number 3
    Exit codes: 0 it holds the duty, 3 it is not asked, or another was first, 5 the store does not answer: the yes is on record.
    """
    from dr.cli.duty_shown import show_answer

    app, offices = _open(home, "accept", exercise)
    _say_aside(offices, office)
    show_answer(offices.accept(duty, office, number), app.inventory.organisation.zone, app.clock.now(), _flag(exercise))


@office.command()
@_duty
@_of
@click.option("--because", required=True, metavar="TEXT", help="Why; who is asked next reads it.")
@_exercise
@click.pass_obj
def refuse(home: str | None, duty: str, office: str, because: str, exercise: bool) -> None:
    """Say no: OFFICE cannot take DUTY, or cannot hold it any longer. The next one is asked at once.

    \b
    Example:
      dr office refuse help-desk --office milwaukee --because "three of us are ill"
    """
    from dr.cli.duty_shown import show_answer

    app, offices = _open(home, "refuse", exercise)
    _say_aside(offices, office)
    show_answer(offices.refuse(duty, office, because), app.inventory.organisation.zone, app.clock.now(), _flag(exercise))


@office.command()
@_office
@_exercise
@click.pass_obj
def works(home: str | None, office: str, exercise: bool) -> None:
    """OFFICE is not lost, though it shares what failed with one that is: from now on it can be asked.

    \b
    Example:
      dr office works eau-claire
    """
    app, offices = _open(home, "works", exercise)
    _say_aside(offices, office)
    offices.works(office)
    click.echo(f"{app.inventory.offices[office].title} works, and can be asked")
    click.echo(f"   who holds what: dr duties{_flag(exercise)}")


@office.command()
@_office
@_exercise
@click.pass_obj
def back(home: str | None, office: str, exercise: bool) -> None:
    """OFFICE works again, and would take its duties back. Each comes back when whoever holds it hands it over: two people, one agreement.

    \b
    Example:
      dr office back madison
    """
    from dr.cli.duty_shown import show_back

    app, offices = _open(home, "back", exercise)
    _say_aside(offices, office)
    show_back(offices.back(office), app.inventory.offices[office].title, office, _flag(exercise))


@office.command()
@_duty
@click.option("--to", required=True, metavar="OFFICE", help="Who said that it would take it back.", shell_complete=known("offices"))
@_alone
@_exercise
@click.pass_obj
def give(home: str | None, duty: str, to: str, alone: str | None, exercise: bool) -> None:
    """Hand DUTY back to an office that works again and said so (`dr office back`). Another person than the one who said that types it.

    \b
    Example:
      dr office give help-desk --to madison
      dr office give help-desk --to madison --alone "both offices are one person today"
    """
    from dr.cli.duty_shown import show_answer

    app, offices = _open(home, "give", exercise)
    show_answer(offices.give(duty, to, _said(alone)), app.inventory.organisation.zone, app.clock.now(), _flag(exercise))


def _open(home: str | None, verb: str, exercise: bool) -> "tuple[App, Offices]":
    from dr.app.duties import Offices

    app = opened(home, f"office {verb}")
    if exercise:
        say("EXERCISE: nothing real moves")
    return app, Offices(app, exercise, f"office-{verb}")


def _say_aside(offices: "Offices", office: str) -> None:
    """Nobody is locked out: whoever is left types for others. It is said, recorded and told."""
    for line in wrapped(offices.aside(office), screen(), first="▲ ", rest="  ") if offices.aside(office) else ():
        say(coloured(line, "amber"))


def _said(alone: str | None) -> str:
    why = " ".join(alone.split())[:500] if alone is not None else ""
    if alone is not None and not why:
        raise ConfigError("--alone says nothing", hint='write why in a few words: --alone "..."; it goes into the audit trail')
    return why


def _flag(exercise: bool) -> str:
    return " --exercise" if exercise else ""
