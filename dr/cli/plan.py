"""`dr plan`: the disaster recovery plan as a document."""

from pathlib import Path

import click

from dr.cli.show import marked, say


@click.command()
@click.option("--internal", is_flag=True, help="With names, addresses and paths: for your own people alone.")
@click.option("--pdf", is_flag=True, help="As a PDF. Needs the extra `report`.")
@click.option("--letter", is_flag=True, help="With --pdf: on Letter (default: A4).")
@click.option("--to", metavar="FILE", help="Where to (default: evidence/plan.html of the home; plan-internal.html with --internal).")
@click.pass_obj
def plan(home: str | None, internal: bool, pdf: bool, letter: bool, to: str | None) -> None:
    """Write the disaster recovery plan: for the funder, partner agency or auditor who asks to see it.

    It is made from the inventory, the runbooks and what is on record: what is protected, what is promised and what was measured, what
    happens step by step, who is told, who takes over, and what is missing. Without names, addresses and paths, unless --internal.
    Exit code 0 when it was written; what is missing stands in it, and is printed.

    \b
    Examples:
      dr plan
      dr plan --pdf --to our-plan.pdf
      dr plan --internal --pdf --letter
    """
    if letter and not pdf:
        raise click.UsageError("--letter is the paper of --pdf.")
    from dr.app import App
    from dr.app.plan_document import write_plan

    app = App.open(home, looking=True)
    paper = ("Letter" if letter else "A4") if pdf else ""
    place, grave = write_plan(app, internal=internal, paper=paper, file=Path(to) if to else None)
    click.echo(f"written: {place}")
    for gap in grave:
        say(f"  {marked('red', gap)}")
    if internal:
        say("It has names, addresses and paths in it: hand on the one that `dr plan` writes.")
