"""`dr verify`, also `dr backups verify`: reading back what is stored, and trying verification itself on damaged copies."""

from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.run import follow
from dr.cli.show import json_option, marked, print_json, print_table
from dr.errors import EXIT_FAILED, ConfigError
from dr.model.backup import SET_ID
from dr.model.base import JsonObject
from dr.units import parse_duration

if TYPE_CHECKING:
    from dr.app.sabotage import Sabotaged


@click.command()
@click.argument("what", metavar="[SYSTEM|SET]", required=False)
@click.option("--tier", "tiers", multiple=True, help="Only this tier (default: every tier of the system).", shell_complete=known("tiers"))
@click.option("--set", "set_id", help="A set's id (default: the newest of each repository).")
@click.option("--all", "every", is_flag=True, help="Every set, not only the newest.")
@click.option(
    "--sample", "budget", metavar="BUDGET", help="For so long, the parts of all sets that were read longest ago; for example 20m."
)
@click.option("--decode", is_flag=True, help="Also decrypt and unpack everything; needs the drill key.")
@click.option("--sabotage", is_flag=True, help="Damage private copies of a set in every way there is: each damage must be found and named.")
@click.option("--mutants", type=click.IntRange(1), default=177, show_default=True, help="How many damaged copies, at least (--sabotage).")
@click.option("--clean", type=click.IntRange(1), default=10, show_default=True, help="How many looks at undamaged ones (--sabotage).")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed does the same damage (--sabotage).")
@json_option
@click.pass_obj
def verify(
    home: str | None,
    what: str | None,
    tiers: tuple[str, ...],
    set_id: str | None,
    every: bool,
    budget: str | None,
    decode: bool,
    sabotage: bool,
    mutants: int,
    clean: int,
    seed: int,
    as_json: bool,
) -> None:
    """Read every stored byte back and compare it with the signed manifest. Needs no private key, but for --decode.

    \b
    Examples:
      dr verify hmis
      dr verify hmis --tier vault --set 20261122T070000Z-7f3a9c
      dr verify --sample 20m
      dr verify --all --decode
      dr verify --sabotage
    """
    system = None if what and SET_ID.match(what) else what
    set_id = set_id or (what if what and SET_ID.match(what) else None)
    if sabotage:
        return _sabotage(home, set_id, mutants, clean, seed, as_json=as_json)
    if sum((every, budget is not None, set_id is not None)) > 1:
        raise ConfigError("--all, --sample and one set exclude each other", hint="choose one of them")
    how: JsonObject = {"depth": "all" if every else "sample" if budget else "newest", "decode": decode}
    if budget:
        how["budget"] = _seconds(budget)
    return follow(home, as_json, lambda app: app.verify(system, tiers, set_id, how))


def _seconds(budget: str) -> float:
    try:
        return float(parse_duration(budget))
    except ValueError as error:
        raise ConfigError(f"--sample {budget}: {error}", hint="for example --sample 20m") from None


def _sabotage(home: str | None, set_id: str | None, mutants: int, clean: int, seed: int, *, as_json: bool) -> None:
    from dr.app import App
    from dr.app.sabotage import sabotage

    done = sabotage(App.open(home), set_id, None, mutants=mutants, clean=clean, seed=seed)
    if as_json:
        print_json(done.to_facts())
    else:
        _tell(done)
    if not done.passed:
        raise SystemExit(EXIT_FAILED)


def _tell(done: "Sabotaged") -> None:
    rows = [[one.name, str(one.mutants), str(one.found), str(one.named), " ".join(one.missed[:3])] for one in done.tallies]
    print_table(["damage", "mutants", "found", "named", "not named (seed)"], rows, empty="nothing was tried")
    facts = done.to_facts()
    click.echo()
    verdict = marked("PASS" if done.passed else "FAIL")
    click.echo(
        f"{verdict}  copies of {done.set} ({done.repository}), seed {done.seed}: {facts['mutants']} damaged, {facts['found']} found,"
    )
    click.echo(
        f"   {facts['named']} with the damaged object named; {done.clean} looks at undamaged ones, {facts['false_alarms']} false alarms"
    )
    for alarm in done.alarms[:5]:
        click.echo(f"   false alarm: {alarm}")
