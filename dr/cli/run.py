"""`dr run` and `dr drill`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dr.cli.show import json_option, marked, print_json
from dr.errors import ConfigError
from dr.model.record import RunRecord

if TYPE_CHECKING:
    from dr.app import App


def parameters(pairs: tuple[str, ...]) -> dict[str, str]:
    """`name=value` pairs. Raises ConfigError."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"'-p {pair}' is not name=value", hint="for example -p system=hmis")
        found[name] = value
    return found


def follow(home: str | None, as_json: bool, act: "Callable[[App], RunRecord]") -> None:
    """Open the home, act while a person watches, say how it ended, and leave with the verdict's exit code."""
    from dr.app import App, leave
    from dr.cli.progress import Watcher

    app = App.open(home, watch=Watcher())
    record = act(app)
    if as_json:
        print_json(app.run_facts(record.run))
    else:
        tell(app, record)
    leave(app.exit_code(record))


def tell(app: "App", record: RunRecord) -> None:
    """How a run ended, in a few lines."""
    words = {"PASS": "finished", "FAIL": "FAILED", "INCOMPLETE": "is incomplete"}
    verdict = record.verdict or "INCOMPLETE"
    click.echo(f"{marked(verdict)}  {record.runbook} {words[verdict]}  ({record.run})")
    for line in app.summary(record):
        click.echo(f"   {line}")
    evidence = app.evidence(record.run)
    if evidence:
        click.echo(f"   evidence: {evidence}")


@click.command()
@click.argument("runbook")
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the runbook; may be given several times.")
@json_option
@click.pass_obj
def run(home: str | None, runbook: str, pairs: tuple[str, ...], as_json: bool) -> None:
    """Run RUNBOOK and watch it. Ctrl-C leaves it resumable (`dr runs resume`).

    \b
    Examples:
      dr run nightly
      dr run drill-online -p select='random-within 7d'
    Exit codes: 0 PASS, 1 FAIL, 2 what was written is wrong, 7 INCOMPLETE, 130 interrupted and resumable.
    """
    given = parameters(pairs)
    follow(home, as_json, lambda app: app.run(runbook, given))


@click.command()
@click.argument("system")
@click.option("--tier", required=True, help="The tier to restore from: online, vault, ...")
@click.option("--select", help="newest | 'random-within 7d' | 'at 2026-11-01T12:00' | a set's id (default: as the runbook says).")
@json_option
@click.pass_obj
def drill(home: str | None, system: str, tier: str, select: str | None, as_json: bool) -> None:
    """Restore SYSTEM onto its standby from a tier: timed against the objective, compared with the source, scrubbed.

    \b
    Examples:
      dr drill hmis --tier online
      dr drill hmis --tier vault --select 'random-within 7d'
    """
    follow(home, as_json, lambda app: app.drill(system, tier, select))
