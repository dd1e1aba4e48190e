"""`dr explain`: a plan in words and as a picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.run import parameters
from dr.cli.show import coloured, json_option, print_json, screen, wrapped

if TYPE_CHECKING:
    from dr.app.explain import Explained, ExplainedStep

_HEADS = {"steps": "", "on_failure": "If a step fails:", "always": "In any case, at the end:"}


@click.command()
@click.argument("runbook", shell_complete=known("runbooks"))
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the runbook; may be given several times.")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Also draw it, as one SVG file.")
@json_option
@click.pass_obj
def explain(home: str | None, runbook: str, pairs: tuple[str, ...], picture: Path | None, as_json: bool) -> None:
    """Say what RUNBOOK would do: each step, to what, when it is skipped, how often it is tried, who is told. Runs nothing.

    \b
    Examples:
      dr explain drill-online
      dr explain nightly --picture nightly.svg
      dr explain drill-online -p select='at 2026-11-01T12:00' --json
    """
    from dr.app import App
    from dr.app.explain import explain as in_words

    found = in_words(App.open(home), runbook, parameters(pairs))
    if picture:
        picture.write_text(found.svg, encoding="utf-8")
        click.echo(f"drawn: {picture}", err=True)
    if as_json:
        print_json(found.to_facts())
        return
    for line in lines(found, screen()):
        click.echo(line)


def lines(found: "Explained", columns: int) -> Iterator[str]:
    """The whole of it, in lines of at most `columns`."""
    yield from wrapped(f"{found.runbook}: {found.title}", columns, first="", rest="  ")
    for about in found.about:
        yield from wrapped(about, columns, first="", rest="  ")
    section = ""
    for step, following in zip(found.steps, [*found.steps[1:], None], strict=True):
        if step.section != section:
            section = step.section
            yield ""
            yield from [_HEADS[section]] if _HEADS[section] else []
        yield from _step(step, columns, last=following is None or following.section != section)
    for line in found.left_out:
        yield from wrapped(f"Left out: {line}", columns, first="\n" if line == found.left_out[0] else "", rest="  ")


def _step(step: "ExplainedStep", columns: int, *, last: bool) -> Iterator[str]:
    """A dot, what it is, and the line that leads on to the next; branches that may run together are set in."""
    mark = "  ├─● " if step.beside else "  ● "
    rest = ("      " if last else "  │   ") + ("  " if step.beside else "")
    name = coloured(step.step, "", bold=True)
    yield f"{mark}{name}  {step.action}, {step.effect}"
    for text in (step.says, step.given, *step.notes):
        yield from wrapped(text, columns, first=rest, rest=rest) if text else []
