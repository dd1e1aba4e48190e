"""`dr redundancy`."""

from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.show import coloured, json_option, marked, print_json, print_table, screen, wrapped
from dr.clock import local
from dr.errors import EXIT_FAILED
from dr.units import show_duration

if TYPE_CHECKING:
    from dr.app.redundancy import Thing
    from dr.model.redundancy import Half

_SHADES = {"whole": "green", "lost": "red"}
_EMPTY = "inventory/redundancy.yaml names nothing: whether one half of something is lost, nobody notices; examples stand in it behind #"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=known("redundancy"))
@click.option("--look", is_flag=True, help="Look now, instead of showing the last look. Nothing is kept, and nobody is told.")
@json_option
@click.pass_obj
def redundancy(home: str | None, names: tuple[str, ...], look: bool, as_json: bool) -> None:
    """What there are two of (disks of a mirror, mains and battery, internet providers, routers), and whether both halves work.

    A look that is too old says nothing: `stale` is not whole. What looks by itself is runbooks/watch.yaml.

    \b
    Examples:
      dr redundancy
      dr redundancy --look
      dr redundancy raid --look --json
    Exit codes: 0 where all of it is whole, 1 where something is not, or nobody knows.
    """
    from dr.app import App
    from dr.app.redundancy import look_now, things, unwatched

    app = App.open(home)
    found = look_now(app, names) if look else things(app, names)
    if as_json:
        print_json([thing.to_facts() for thing in found])
    else:
        zone = app.inventory.organisation.zone
        print_table(["thing", "kind", "where", "it is", "halves", "since", "looked at"], [_row(t, zone) for t in found], empty=_EMPTY)
        for thing in found:
            _explain(thing)
        if (why := unwatched(app)) and not look:
            click.echo("\n".join(coloured(line, "amber") for line in wrapped(f"▲ {why}", screen(), first="", rest="  ")))
    if not found or not all(thing.whole for thing in found):
        raise SystemExit(EXIT_FAILED)


def _row(thing: "Thing", zone: str) -> list[str]:
    shade = _SHADES.get(thing.stands, "amber")
    head = [
        thing.name,
        thing.entry.kind,
        str(thing.entry.host or "here"),
        marked(shade, thing.stands if thing.whole else thing.stands.upper()),
    ]
    if thing.kept is None:
        return [*head, "-", "-", "-"]
    halves = thing.kept.reading.halves
    whole = sum(half.state == "whole" for half in halves)
    ago = f"{show_duration(max(0.0, round(thing.age)))} ago" if thing.age >= 1 else "now"
    return [*head, f"{whole} of {len(halves)}", local(thing.kept.since, zone), ago]


def _explain(thing: "Thing") -> None:
    """What is not whole, half by half; of what is whole nothing need be said."""
    if thing.kept is None or thing.kept.reading.state == "whole":
        return
    title = f" ({thing.entry.title})" if thing.entry.title else ""
    click.echo(f"\n{click.style(thing.name, bold=True)}{title}: {thing.kept.reading.words}".rstrip(": "))
    for half in thing.kept.reading.halves:
        click.echo(f"  {_half(half)}")


def _half(half: "Half") -> str:
    shade = _SHADES.get(half.state, "amber")
    said = f"{half.name}: {half.state}" + (f", {half.words}" if half.words else "")
    return coloured(f"{ {'green': '●', 'red': '✖'}.get(shade, '▲') } {said}", shade)
