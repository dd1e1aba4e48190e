"""`dr catalog rebuild`."""

import click

from dr.cli.show import marked, say


@click.group()
def catalog() -> None:
    """The record of what was stored, proven and removed."""


@catalog.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rebuild(home: str | None, yes: bool) -> None:
    """Make the catalog anew from the repositories and the signed evidence, when it was lost or is damaged. The old one is kept.

    Copies come back as stored, and as proven where evidence shows it. The history of runs and notices does not come back, the audit
    chain begins anew, and nothing expires until a person turns it on again.

    \b
    Examples:
      dr catalog rebuild
      dr catalog rebuild --yes
    """
    from dr.app import App
    from dr.app.failpoints import of_verb
    from dr.app.rebuild import rebuild as make_anew

    app = App.open(home)
    failpoint = of_verb("rebuild")
    if not yes:
        say("The catalog is made anew: the history of runs and notices is left behind in the old file, which is kept.")
        click.confirm("Rebuild the catalog?", abort=True, err=True)
    made, old = make_anew(app.home, app.clock, failpoint)
    click.echo(f"{marked('green', 'rebuilt')}  {len(made.copies)} copies on record, {len(made.proven)} proven by signed evidence")
    for line in made.problems:
        click.echo(f"   ! {line}")
    if made.kept:
        click.echo(f"   the old catalog is kept as {made.kept}")
    if old.origin:
        click.echo(f"   how production is recognised is as in the home stored in {old.origin}")
        click.echo("   has production moved since then? then: dr hosts enrol it before any drill")
    if not old.production:
        click.echo("   how production is recognised is not known any more: dr hosts enrol it before any drill")
    click.echo("   next: dr backups verify SYSTEM, a drill from each tier, and only then: dr retention --turn-on")
