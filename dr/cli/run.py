"""`dr run` and `dr drill`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.show import coloured, json_option, marked, print_json
from dr.errors import ConfigError, Damaged, Refused, Unknown, Unreachable
from dr.model.record import RunRecord

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.rehearse import Rehearsed, RehearsedStep


def parameters(pairs: tuple[str, ...]) -> dict[str, str]:
    """`name=value` pairs. Raises ConfigError."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"'-p {pair}' is not name=value", hint="for example -p system=hmis")
        found[name] = value
    return found


def follow(home: str | None, as_json: bool, act: "Callable[[App], RunRecord]", asked: str | None = None, enduring: str = "") -> None:
    """Open the home, act while a person watches, say how it ended, and leave with the verdict's exit code.

    `asked`: the interrupted run that is to be resumed, if it is one. `enduring`: what the act is called, where it must reach people also
    while the inventory is wrong.
    """
    from dr.app import App, leave
    from dr.app.pings import after_each
    from dr.cli.enduring import opened
    from dr.cli.progress import Watcher

    watcher = Watcher()
    app = opened(home, enduring, watch=watcher, run=asked) if enduring else App.open(home, watch=watcher)
    watcher.live_in(app.inventory.organisation.zone)
    left = app.interrupted()
    watcher.expect([run for run in left if run != asked])
    record = act(app)
    for problem in filter(None, after_each(app, left, record.run)):
        click.echo(f"   {problem}", err=True)
    leave(end(app, record, as_json))


def end(app: "App", record: RunRecord, as_json: bool = False) -> int:
    """Say how a run ended, here and to whoever waits for its ping; the verdict's exit code."""
    from dr.app import glance
    from dr.app.pings import after

    if as_json:
        print_json(app.run_facts(record.run))
    else:
        tell(app, record)
    glance.after(app, record.system)
    problem = after(app, record)
    if problem:
        click.echo(f"   {problem}", err=True)
    return app.exit_code(record)


def tell(app: "App", record: RunRecord) -> None:
    """How a run ended, in a few lines."""
    click.echo(headline(record, app.exit_code(record), interrupted=record.state == "running" and record.run in app.interrupted()))
    for line in app.summary(record):
        click.echo(f"   {line}")
    evidence = app.evidence(record.run)
    if evidence:
        click.echo(f"   evidence: {evidence}")


_CAUSES = {
    ConfigError.exit_code: "what is written is wrong",
    Refused.exit_code: "refused",
    Damaged.exit_code: "stored bytes are damaged",
    Unreachable.exit_code: "something did not answer",
    Unknown.exit_code: "how a step ended is not known",
}
"""What a failed run's exit code says of its first failed step."""


def headline(record: RunRecord, code: int, *, interrupted: bool = False) -> str:
    """The verdict in a line; of a failed run also what its exit code means, so that the two agree. One that is not over has none."""
    if record.state == "running":
        return f"{coloured('…', 'amber')} {record.runbook} is {'interrupted' if interrupted else 'under way'}  ({record.run})"
    words = {"PASS": "finished", "FAIL": "FAILED", "INCOMPLETE": "is incomplete"}
    verdict = record.verdict or "INCOMPLETE"
    cause = f": {_CAUSES[code]}" if verdict == "FAIL" and code in _CAUSES else ""
    return f"{marked(verdict)}  {record.runbook} {words[verdict]}{cause}  ({record.run})"


@click.command()
@click.argument("runbook", shell_complete=known("runbooks"))
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the runbook; may be given several times.")
@click.option("--rehearse", is_flag=True, help="Write nothing: say what every step would do, and where it would be refused.")
@json_option
@click.pass_obj
def run(home: str | None, runbook: str, pairs: tuple[str, ...], rehearse: bool, as_json: bool) -> None:
    """Run RUNBOOK and watch it. Ctrl-C leaves it resumable (`dr runs resume`).

    \b
    Examples:
      dr run nightly
      dr run drill-online -p select='random-within 7d'
      dr run drill-vault --rehearse
    Exit codes: 0 PASS, 7 INCOMPLETE, 130 interrupted and resumable. FAIL ends with what the first failed step failed with: 2 what was
    written is wrong, 3 refused (a rehearsal: it would be), 4 stored bytes are damaged, 5 something did not answer, 6 not known, else 1.
    """
    given = parameters(pairs)
    if rehearse:
        _rehearse(home, runbook, given, as_json)
    else:
        follow(home, as_json, lambda app: app.run(runbook, given))


def _rehearse(home: str | None, runbook: str, given: dict[str, str], as_json: bool) -> None:
    from dr.app import App, rehearse

    show_rehearsed(rehearse.rehearse(App.open(home), runbook, given), as_json)


def show_rehearsed(found: "Rehearsed", as_json: bool) -> None:
    """What a run would do; ends with exit code 3 where it would be refused."""
    if as_json:
        steps, left_out = [step.to_facts() for step in found.steps], [*found.left_out]
        print_json(
            {"runbook": found.runbook, "refused": found.refused, "problems": [*found.problems], "steps": steps, "left_out": left_out}
        )
    else:
        click.echo(f"{found.title}: what it would do. Nothing was written.")
        for problem in found.problems:
            click.echo(coloured(f"  ✖ {problem}", "red"))
        section = "steps"
        for step in found.steps:
            if step.section != section:
                section = step.section
                click.echo({"on_failure": "if it failed:", "always": "in any case:"}[section])
            _say_step(step)
        for line in found.left_out:
            click.echo(line)
    if found.refused:
        click.echo("it would be refused as things are", err=True)
        sys.exit(Refused.exit_code)


def _say_step(step: "RehearsedStep") -> None:
    said = ", ".join(f"{k}: {v}" for k, v in step.with_.items() if not isinstance(v, dict | list) and "\n" not in str(v))
    click.echo(f"  {step.step}  [{step.action}, {step.effect}]" + (f"  {said}" if said else ""))
    for line in step.says:
        click.echo(f"      {line}")
    for line in step.problems:
        click.echo(coloured(f"      ✖ {line}", "red"))


@click.command()
@click.argument("system", shell_complete=known("systems"))
@click.option("--tier", help="The tier to restore from: online, vault, ...", shell_complete=known("tiers"))
@click.option("--select", help="newest | 'random-within 7d' | 'at 2026-11-01T12:00' | a set's id (default: as the runbook says).")
@click.option(
    "--key", type=click.Path(path_type=Path), help="Read with the age identity in this file (0600), as the escrow key's drill does."
)
@click.option("--runbook", metavar="NAME", help="Another runbook, as a drill: the recovery's own, say.", shell_complete=known("runbooks"))
@click.option("--rehearse", is_flag=True, help="Write nothing: say what every step would do, and where it would be refused.")
@json_option
@click.pass_obj
def drill(
    home: str | None,
    system: str,
    tier: str | None,
    select: str | None,
    key: Path | None,
    runbook: str | None,
    rehearse: bool,
    as_json: bool,
) -> None:
    """Restore SYSTEM onto its standby from a tier: timed against the objective, compared with the source, scrubbed.

    \b
    Examples:
      dr drill hmis --tier online
      dr drill hmis --tier vault --select 'random-within 7d'
      dr drill hmis --tier online --select 'at 2026-11-01T12:00' --rehearse
      dr drill hmis --tier vault --key /media/stick/escrow.agekey
      dr drill hmis --tier online --runbook recover
    Exit codes: as `dr run`.
    """
    if key is not None and runbook is not None:
        raise ConfigError("--key and --runbook exclude one another")
    if rehearse:
        _rehearse_drill(home, system, tier, select, key, runbook, as_json)
        return
    follow(home, as_json, lambda app: _drill(app, system, tier, select, key, runbook))


def _drill(app: "App", system: str, tier: str | None, select: str | None, key: Path | None, runbook: str | None) -> RunRecord:
    from dr.app.keys import drill_with

    tier = _tier(app, system, tier)
    return drill_with(app, system, tier, select, key) if key else app.drill(system, tier, select, runbook)


def _rehearse_drill(
    home: str | None, system: str, tier: str | None, select: str | None, key: Path | None, runbook: str | None, as_json: bool
) -> None:
    from dr.app import App
    from dr.app.rehearse import rehearse_drill

    if key is not None:
        raise ConfigError("--key and --rehearse exclude one another", hint="a rehearsal reads with the home's own key")
    app = App.open(home)
    show_rehearsed(rehearse_drill(app, system, _tier(app, system, tier), select, runbook), as_json)


def _tier(app: "App", system: str, tier: str | None) -> str:
    if tier is None:
        tiers = app.inventory.systems[app.system(system)].objectives.tiers
        raise ConfigError("from which tier? Name it with --tier", hint=f"{system} has {', '.join(tiers) or 'none'}")
    return tier
