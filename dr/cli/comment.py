"""`dr runs comment`: a person's note on a run."""

import click

from dr.cli.completion import known
from dr.cli.show import coloured, say


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.argument("text")
@click.pass_obj
def comment(home: str | None, run_id: str, text: str) -> None:
    """Note what you saw, did or decided: with your login and the time in the audit trail, the timeline and the evidence, for good.

    At most 2,000 characters. Client data does not belong in it: it can never be taken out again. What is noted after the evidence was
    written is in the trail and in `dr runs show` only.

    \b
    Examples:
      dr runs comment drill-online-20261122T030000Z-7f3a "the vendor rebooted the switch at 03:40"
      dr runs comment recover-20261122T070000Z-1a2b "board informed by telephone"
    """
    from dr.app import App, comments

    app = App.open(home)
    noted = comments.comment(app, run_id, text)
    late = "; its evidence was written before, and does not have it" if app.evidence(run_id) else ""
    say(f"{coloured('noted', 'done')} on {run_id} as {noted.by}{late}. Client data does not belong in a comment: it stays for good")
