"""`dr demo`: the main job from nothing to the answer, with real servers and nobody's data but invented people's."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.show import marked, say
from dr.cli.status import answer
from dr.errors import EXIT_DONE, EXIT_FAILED
from dr.model.record import RunRecord
from dr.units import show_duration

if TYPE_CHECKING:
    from dr.app import App

RUNS = ("nightly", "drill-online", "drill-vault")


@click.command()
@click.option("--at", "path", default="dr-demo", show_default=True, metavar="PATH", help="Where to put the demo's home.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.005, 100), help="Size: 1 is about 330,000 rows.")
@click.option("--exercise", is_flag=True, help="At the end the main office is lost, as an exercise, played by the demo's invented people.")
@click.option("--stop", is_flag=True, help="Stop the demo's servers instead.")
def demo(path: str, scale: float, exercise: bool, stop: bool) -> None:
    """The whole way, once: a production database and site of invented people, a nightly into two tiers, a drill from each, the answer.

    It leaves a home in which every `dr` command can be tried. Run it again for another night.

    \b
    Examples:
      dr demo
      dr demo --at /tmp/try --scale 0.05
      dr demo --at /tmp/try --scale 0.05 --exercise
      dr demo --at /tmp/try --stop
    """
    from dr.app import App, leave, prepare_demo, stop_demo
    from dr.cli.progress import Watcher

    home = Path(path).resolve()
    if stop:
        click.echo("stopped" if stop_demo(home) else "nothing was running")
        return
    begun = time.monotonic()
    prepare_demo(home, scale=scale, say=lambda words: say(f"  {words}"))
    app = App.open(str(home), watch=Watcher())
    records = _carry_out(app)
    _tell(app, records, time.monotonic() - begun)
    good = len(records) == len(RUNS) and all(r.verdict == "PASS" for r in records)
    if good and exercise:
        good = _exercise(home) == EXIT_DONE
    leave(EXIT_DONE if good else EXIT_FAILED)


def _exercise(home: Path) -> int:
    """A rehearsed disaster, real but for its people; its exit code."""
    from dr.app.demo_exercise import play_in_demo, prepare_in_demo
    from dr.cli.exercise import show_card, show_scenario
    from dr.cli.progress import Watcher

    say()
    app, prepared = prepare_in_demo(home, Watcher())
    show_scenario(app, prepared)
    played = play_in_demo(app, prepared, lambda words: say(f"   {words}"))
    click.echo()
    show_card(played)
    return played.exit_code


def _carry_out(app: "App") -> list[RunRecord]:
    """The nightly, then both drills; a failure ends it, since what follows rests on what came before."""
    from dr.cli.run import tell

    records = []
    for runbook in RUNS:
        say()
        records.append(app.run(runbook, {}))
        if records[-1].verdict != "PASS":
            tell(app, records[-1])
            break
    return records


def _tell(app: "App", records: list[RunRecord], took: float) -> None:
    readiness = app.readiness(next(iter(app.inventory.systems)))
    click.echo()
    click.echo(click.style("If we lost the system right now, what would we get back, how fast, and how do we know?", bold=True))
    click.echo()
    for line in answer(readiness, app.inventory.organisation.zone):
        click.echo(f"   {line}")
    for line in _proof(app, records):
        click.echo(f"   {line}")
    click.echo()
    for record in records:
        click.echo(f"   {marked(record.verdict or 'INCOMPLETE')}  {record.runbook:<13} evidence: {app.evidence(record.run) or 'none'}")
    click.echo()
    click.echo(f"All of it took {show_duration(took)}. Production still runs, so everything can be tried:")
    click.echo(f"   export DR_HOME={app.home}")
    click.echo("   dr status      dr backups list      dr retention --dry-run      dr runs list      dr drill hmis --tier vault")
    click.echo(f"   dr demo --at {app.home} --stop      (ends the demo's servers)")


def _proof(app: "App", records: list[RunRecord]) -> list[str]:
    """What proves it, from the drills' recorded checks."""
    lines = []
    for record in records:
        facts = [s.facts for s in app.records.steps(record.run) if s.action == "check"]
        for result in (r for f in facts for r in f.get("results", ()) if r["proves"]):
            lines.append(f"Proof from {record.tier}: {result['check']}: {result['summary']}")
    return lines
