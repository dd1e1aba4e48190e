"""`dr runs watch`: a run from outside, in any terminal, for as long as somebody cares to look."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.enduring import opened
from dr.cli.run import tell
from dr.cli.show import WIDEST, json_option, print_json, say
from dr.cli.watched import draw, objective, stage_line, standing
from dr.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.watching import Watched
    from dr.model.base import RunId

_LOOK_EVERY = 0.5
_PIPE_EVERY = 5.0
"""Seconds between two looks; and, in a pipe, between two lines of a step that only counts on."""
_UNBROKEN = 10_000
"""Columns of a pipe: no line is broken there."""


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=known("runs"))
@click.option("--once", is_flag=True, help="Say how it stands now, and end.")
@json_option
@click.pass_obj
def watch(home: str | None, run_id: str | None, once: bool, as_json: bool) -> None:
    """Watch a run from any terminal: the one that is under way, if none is named.

    Phases, bytes, rate, time and budget left, when a user will be back at this rate, and the moment at which the objective is missed.
    Ctrl-C leaves it: the run goes on, and can be watched again. It ends with the run, its verdict and its exit code. In a pipe it prints
    a line for what changes; with --json one object a line.

    \b
    Examples:
      dr runs watch
      dr runs watch drill-online-20261122T030000Z-7f3a --once
      dr runs watch --once --json
    Exit codes: the run's own, as `dr run` has them; 0 for --once while it goes on; 130 when you leave it.
    """
    from dr.app import watching

    app = opened(home, looking=True, run=run_id or "")
    record = watching.pick(app, run_id)
    try:
        last = _once(app, record.run, as_json) if once else _follow(app, record.run, as_json)
    except KeyboardInterrupt:
        say(f"left; {record.run} goes on. Watch it again: dr runs watch {record.run}")
        sys.exit(EXIT_INTERRUPTED)
    if last.state != "running":
        ended = app.run_record(record.run)
        if not as_json:
            tell(app, ended)
        sys.exit(app.exit_code(ended))


def _once(app: "App", run: "RunId", as_json: bool) -> "Watched":
    from dr.app.watching import look

    seen = look(app, run)
    if as_json:
        print_json(seen.to_facts())
    elif seen.state == "running":
        for line in draw(seen, app.inventory.organisation.zone, _columns()):
            click.echo(line)
    return seen


def _follow(app: "App", run: "RunId", as_json: bool) -> "Watched":
    from dr.app.watching import look

    zone = app.inventory.organisation.zone
    if not as_json and sys.stdout.isatty():
        return _live(lambda: look(app, run), zone)
    show = _json_lines() if as_json else _lines(zone)
    while (seen := look(app, run)).state == "running":
        show(seen)
        time.sleep(_LOOK_EVERY)
    if as_json:
        click.echo(json.dumps(seen.to_facts(), sort_keys=True))
    return seen


def _live(see: "Callable[[], Watched]", zone: str) -> "Watched":
    """One picture that is drawn anew in its place; it goes when the run ends, since its verdict says it all."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)

    def picture(seen: "Watched") -> Text:
        lines = [*draw(seen, zone, min(WIDEST, console.width)), "", click.style("Ctrl-C leaves; the run goes on", dim=True)]
        return Text.from_ansi("\n".join(lines))

    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="ellipsis") as live:
        while (seen := see()).state == "running":
            live.update(picture(seen), refresh=True)
            time.sleep(_LOOK_EVERY)
    return seen


def _columns() -> int:
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns) if sys.stdout.isatty() else _UNBROKEN


# ---------------------------------------------------------------- in a pipe


def _json_lines(now: Callable[[], float] = time.monotonic) -> "Callable[[Watched], None]":
    return _changes(
        lambda seen: [json.dumps(seen.to_facts(), sort_keys=True)], lambda seen: [json.dumps(seen.to_facts(), sort_keys=True)], now
    )


def _lines(zone: str, now: Callable[[], float] = time.monotonic) -> "Callable[[Watched], None]":
    """First the whole, then a line for each change."""
    shown: dict[str, str] = {}

    def fresh(seen: "Watched") -> list[str]:
        lines = {stage.step: stage_line(stage) for stage in seen.stages if stage.state != "to come"}
        lines |= {f"!{number}": line for number, line in enumerate(standing(seen, zone, _UNBROKEN))}
        lines["objective"] = "\n".join(objective(seen, zone, _UNBROKEN))
        changed = [line for key, line in lines.items() if line and shown.get(key) != line]
        shown.update(lines)
        return changed

    def first(seen: "Watched") -> list[str]:
        fresh(seen)
        return draw(seen, zone, _UNBROKEN)

    return _changes(first, fresh, now)


def _changes(
    first: "Callable[[Watched], list[str]]", later: "Callable[[Watched], list[str]]", now: Callable[[], float]
) -> "Callable[[Watched], None]":
    """Calls `later` where a step's state, a pause or a warning is new, or it is time for a sign of life."""
    before: tuple[object, ...] | None = None
    printed = 0.0

    def show(seen: "Watched") -> None:
        nonlocal before, printed
        state = (
            tuple((s.step, s.state, s.attempt, s.later) for s in seen.stages),
            (seen.paused_by, seen.carried, seen.late, seen.warning, seen.waiting, seen.comments),
        )
        if state == before and now() - printed < _PIPE_EVERY:
            return
        lines = first(seen) if before is None else later(seen)
        before, printed = state, now()
        for line in lines:
            click.echo(line)
        sys.stdout.flush()

    return show
