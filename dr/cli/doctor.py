"""`dr doctor`."""

from typing import TYPE_CHECKING

import click

from dr.cli.show import coloured, json_option, marked, print_json

if TYPE_CHECKING:
    from dr.app.doctor import Examined


@click.command()
@json_option
@click.pass_obj
def doctor(home: str | None, as_json: bool) -> None:
    """Look at everything around the backups that goes wrong unnoticed: clock, room, keys, programs, hosts, contacts, timers.

    Changes nothing. Exit code 1 if something is wrong (red); amber wants a person, and is no error.

    \b
    Examples:
      dr doctor
      dr doctor --json
    """
    from dr.app import App
    from dr.app.doctor import examine

    app = App.open(home)
    seen: list[Examined] = []
    for one in examine(app):
        seen.append(one)
        if not as_json:
            _show(one)
    lines = [line for one in seen for line in one.lines]
    if as_json:
        print_json([{"part": one.part, **line.to_facts()} for one in seen for line in one.lines])
    else:
        counts = {colour: sum(line.colour == colour for line in lines) for colour in ("red", "amber", "green")}
        click.echo(f"{counts['red']} wrong, {counts['amber']} want a person, {counts['green']} as they should be.")
    if any(line.colour == "red" for line in lines):
        raise SystemExit(1)


def _show(one: "Examined") -> None:
    click.echo(coloured(one.part, "", bold=True))
    for line in one.lines:
        click.echo(f"  {marked(line.colour, line.text)}")
        if line.hint and line.colour != "green":
            click.echo(f"      HINT: {line.hint}")
