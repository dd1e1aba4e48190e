"""`dr runs list|show|watch|comment|resume|cancel|pause|unpause|approve`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from dr.cli.comment import comment
from dr.cli.completion import known
from dr.cli.enduring import opened
from dr.cli.run import follow, tell
from dr.cli.runs_listed import list_runs
from dr.cli.show import coloured, json_option, paragraph, print_json, print_table, say, screen
from dr.cli.watch import watch
from dr.cli.watched import noted, objective
from dr.clock import local
from dr.errors import EXIT_FAILED
from dr.units import show_duration, visible

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.approvals import Waiting
    from dr.model.record import RunRecord, StepRecord


@click.group()
def runs() -> None:
    """Runs: what was done, what is going on, what was interrupted."""


runs.add_command(list_runs)
runs.add_command(watch)
runs.add_command(comment)


@runs.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@json_option
@click.pass_obj
def show(home: str | None, run_id: str, as_json: bool) -> None:
    """One run with its steps: when, how long, what came of it, and whom it waits for.

    Each step's bar lies where its time was; the dots after it are what was left of its budget; x2 is a second attempt.

    \b
    Examples:
      dr runs show drill-online-20261122T030000Z-7f3a
      dr runs show drill-online-20261122T030000Z-7f3a --json
    """
    from dr.app import App, approvals, comments, still
    from dr.app.timeline import of_run
    from dr.cli.timeline import draw

    app = App.open(home)
    record = app.run_record(run_id)
    waits = approvals.waiting(app, record)
    if as_json:
        said = [one.to_facts() for one in comments.comments(app, record.run)]
        lay = [{**one.to_facts(), "seconds": one.seconds} for one in still.of_run(app, record)]
        return print_json({**app.run_facts(record.run), "lay_still": lay, "waiting": [w.to_facts() for w in waits], "comments": said})
    tell(app, record)
    for line in still.lines(app, record):
        click.echo(coloured(f"   {line}", "amber"))
    drawn = of_run(app, record)
    for line in ["", *draw(drawn, screen(), sys.stdout.encoding), ""] if drawn else []:
        click.echo(line)
    rows = [
        [
            s.step,
            s.state,
            str(s.attempt),
            show_duration((s.ended - s.started).total_seconds()) if s.started and s.ended else "-",
            show_duration(s.budget) if s.budget else "-",
            _why(s),
        ]
        for s in app.records.steps(record.run)
    ]
    print_table(["step", "state", "attempt", "took", "budget", "why"], rows, empty="no step has begun")
    for step in app.records.steps(record.run):
        if step.failure and step.failure.hint:
            click.echo(f"   HINT ({step.step}): {step.failure.hint}")
    for line in noted(comments.comments(app, record.run), app.inventory.organisation.zone, screen()):
        click.echo(line)
    _say_standing(app, record, waits)
    return None


def _why(step: "StepRecord") -> str:
    """Why it failed; of an approval whose word it was."""
    if step.failure:
        return step.failure.message
    if step.action == "approve" and "by" in step.facts:
        comment = step.facts.get("comment", "")
        return visible(f"approved by {step.facts['by']}" + (f": {comment}" if comment else ""))
    return ""


def _say_standing(app: "App", record: "RunRecord", waits: "Sequence[Waiting]") -> None:
    """Its clock while it runs; what keeps it from going on: a person's answer, a pause."""
    from dr.app.approvals import paused
    from dr.app.watching import look

    seen = look(app, record.run) if record.state == "running" else None
    for line in objective(seen, app.inventory.organisation.zone, screen()) if seen and seen.deadline else ():
        click.echo(line)
    zone = app.inventory.organisation.zone
    for w in waits:
        for line in _question(app, w):
            click.echo(line)
        click.echo(f"   {w.typed}")
        click.echo("   or, to refuse, the same with --deny")
    pause_of = paused(app, record)
    if pause_of:
        by, since_then = pause_of
        click.echo(coloured(f"   paused by {by} since {local(since_then, zone)}", "amber") + f": dr runs unpause {record.run}")


def _question(app: "App", waits: "Waiting") -> list[str]:
    """Who is asked until when, and the instructions as they are written, below."""
    zone, now = app.inventory.organisation.zone, app.clock.now()
    who = f"somebody other than {waits.not_by}" if waits.not_by else "anybody"
    since = f"since {local(waits.since, zone)} ({show_duration((now - waits.since).total_seconds())}), until {local(waits.until, zone)}"
    head = coloured(f"   {waits.step} waits for {who}, {since}:", "amber")
    return [head, *(piece for line in waits.instructions.splitlines() for piece in paragraph(line, screen(), indent="      "))]


@runs.command()
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=known("runs"))
@json_option
@click.pass_obj
def resume(home: str | None, run_id: str | None, as_json: bool) -> None:
    """Go on with an interrupted run (all of them without a name), from the step at which it was cut off.

    Without a name, those that wait for people for hours (duties that move, an outage that lasts) go on in the background, the others here.

    \b
    Examples:
      dr runs resume
      dr runs resume drill-online-20261122T030000Z-7f3a
    """
    if run_id is not None:
        follow(home, as_json, lambda app: _resume(app, run_id), asked=run_id, enduring="runs resume")
    elif _resume_lasting(home):
        follow(home, as_json, lambda app: _resume(app, None))


def _resume(app: "App", run: str | None) -> "RunRecord":
    from dr.app.rewritten import rewritten

    for line in filter(None, (rewritten(app, one) for one in app.interrupted() if run in (None, one))):
        say(coloured(f"▲ {line}", "amber"))
    return app.resume(run)


def _resume_lasting(home: str | None) -> bool:
    """Take up in the background what lasts, and say so; whether anything is left to be resumed here."""
    from dr.app.lasting import take_up

    app = opened(home, "runs resume")
    if not app.interrupted():
        say("no run is interrupted")
        return False
    found = take_up(app)
    for run in found.taken:
        say(f"{run} goes on in the background, since it waits for people. Look again: dr runs watch {run}")
    for run, why in found.failed.items():
        say(f"{coloured('✖', 'red')} {run} could not be taken up in the background; here: dr runs resume {run}\n{why}")
    if found.failed and not found.others:
        raise SystemExit(EXIT_FAILED)
    return found.others


@runs.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.option("--hard", is_flag=True, help="Skip the `always` steps too: a standby may be left unscrubbed.")
@click.pass_obj
def cancel(home: str | None, run_id: str, hard: bool) -> None:
    """Ask a run to end: what it is doing is ended, its `always` steps still run. Works from any terminal.

    \b
    Examples:
      dr runs cancel drill-online-20261122T030000Z-7f3a
      dr runs cancel drill-online-20261122T030000Z-7f3a --hard
    """
    app = opened(home, "runs cancel", run=run_id)
    record = app.run_record(run_id)
    if record.state != "running":
        say(f"{record.run} has ended already: {record.state}")
        return
    heeded = app.control(record.run, "cancel-hard" if hard else "cancel")
    where = "it ends within seconds" if heeded else "nobody carries it now: `dr runs resume` lets it end"
    say(f"{coloured('asked', 'amber')} {record.run} to end; {where}")


@runs.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.pass_obj
def pause(home: str | None, run_id: str) -> None:
    """Let a run finish what it is doing and begin nothing more, until `dr runs unpause`. Works from any terminal.

    \b
    Example:
      dr runs pause drill-online-20261122T030000Z-7f3a
    """
    _control(home, run_id, "pause", "to pause; what it is doing is finished, nothing new begins")


@runs.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.pass_obj
def unpause(home: str | None, run_id: str) -> None:
    """Let a paused run go on.

    \b
    Example:
      dr runs unpause drill-online-20261122T030000Z-7f3a
    """
    _control(home, run_id, "resume", "to go on")


def _control(home: str | None, run_id: str, command: Literal["pause", "resume"], what: str) -> None:
    app = opened(home, f"runs {'unpause' if command == 'resume' else command}", run=run_id)
    record = app.run_record(run_id)
    carried = app.control(record.run, command)
    say(f"{coloured('asked', 'amber')} {record.run} {what}" + ("" if carried else _NOBODY))


_NOBODY = "; nobody carries it now: `dr runs resume` takes it up, and it heeds this then"


@runs.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.argument("step", required=False)
@click.option("--deny", is_flag=True, help="Refuse: the step fails, and nothing after it is done.")
@click.option("--comment", default="", metavar="TEXT", help="Why; goes on record. Name no client in it.")
@click.option("--yes", is_flag=True, help="Ask nothing more: the instructions were followed.")
@click.pass_obj
def approve(home: str | None, run_id: str, step: str | None, deny: bool, comment: str, yes: bool) -> None:
    """Approve what a run waits for, or refuse it. Works from any terminal; your login goes on record.

    The instructions are shown first; on a terminal you are asked then whether they were followed.

    Where a second person is wanted, they come from their own login through sudo, to the account that the run was begun in, as did whoever
    began it: `ann as dr` and `bob as dr` are two. Whoever began it in that account itself (`dr`) is not told from them: then through sudo
    to root. Anybody may refuse, whoever began it too.

    \b
    Examples:
      dr runs approve recover-20261122T070000Z-1a2b
      sudo -u dr /opt/dr/bin/dr --home /srv/dr runs approve recover-20261122T070000Z-1a2b
      dr runs approve recover-20261122T070000Z-1a2b go-live --deny --comment "the vendor is still on the line"
    """
    from dr.app import approvals

    app = opened(home, "runs approve", run=run_id)
    asked = approvals.question(app, run_id, step, approves=not deny)
    for line in _question(app, asked):
        say(line)
    if not (deny or yes) and sys.stdin.isatty() and not click.confirm(f"   Was that done, and do you approve {asked.step}?", err=True):
        say(f"nothing was answered; {asked.step} of {asked.run} still waits")
        return
    question, carried = approvals.answer(app, run_id, asked.step, approved=not deny, comment=comment)
    word = coloured("denied", "failed") if deny else coloured("approved", "done")
    say(f"{word} step '{question.step}' of {question.run}" + ("" if carried else _NOBODY))
