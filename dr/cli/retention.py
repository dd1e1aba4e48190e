"""`dr retention`."""

import click

from dr.cli.completion import known
from dr.cli.run import follow
from dr.cli.show import coloured, json_option, print_json, print_table
from dr.model.record import RetentionOutcome


@click.command()
@click.argument("system", required=False, shell_complete=known("systems"))
@click.option("--dry-run", is_flag=True, help="Show every decision with its reason; delete nothing.")
@click.option("--confirm", is_flag=True, help="Delete even where a brake wants a person: more than half of a tier, or a shrunken policy.")
@click.option("--turn-off", "expiry", flag_value="off", help="Let nothing expire until it is turned on again.")
@click.option("--turn-on", "expiry", flag_value="on", help="Let retention delete again.")
@json_option
@click.pass_obj
def retention(home: str | None, system: str | None, dry_run: bool, confirm: bool, expiry: str | None, as_json: bool) -> None:
    """Delete the copies that no rule keeps; the last proven copy is never one of them.

    \b
    Examples:
      dr retention --dry-run
      dr retention hmis --confirm
    """
    from dr.app import App
    from dr.app.retention import foresee, set_expiry

    app = App.open(home)
    if expiry:
        set_expiry(app, expiry)
        return click.echo(f"expiry is {expiry}, for every system")
    name = app.system(system)
    if not dry_run:
        return follow(home, as_json, lambda again: again.prune(name, confirm))
    outcome = foresee(app, name)
    if as_json:
        return print_json(outcome.to_facts())
    return _show(outcome)


def _show(outcome: RetentionOutcome) -> None:
    rows = [
        [d.set, f"{d.tier} ({d.repository})", coloured("keep", "green") if d.keep else coloured("delete", "red"), d.rule, d.reason]
        for d in outcome.decisions
    ]
    print_table(["set", "tier", "decision", "rule", "reason"], rows, empty="there is no copy to decide about")
    if outcome.frozen:
        click.echo(coloured(f"Nothing expires: {outcome.frozen}", "amber", bold=True))
    if outcome.needs_person:
        click.echo(coloured(f"A person must confirm: {outcome.needs_person}", "amber", bold=True))
    click.echo("Nothing was deleted: this was a dry run.")
