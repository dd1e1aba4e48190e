"""`dr status`: the one screen."""

from collections.abc import Sequence

import click

from dr.cli.show import coloured, json_option, marked, print_json, print_table
from dr.clock import local
from dr.model.readiness import Readiness, Reason, TierReadiness
from dr.units import show_duration

_WORDS = {"green": "READY", "amber": "NEEDS ATTENTION", "red": "AT RISK"}


@click.command()
@click.argument("system", required=False)
@json_option
@click.pass_obj
def status(home: str | None, system: str | None, as_json: bool) -> None:
    """If we lost it right now: what would we get back, how fast, how much would be lost, and how do we know?

    Exit code 0 when every system is green or amber, 1 when one is red.
    """
    from dr.app import App

    app = App.open(home)
    found = [app.readiness(name) for name in ([app.system(system)] if system else app.inventory.systems)]
    if as_json:
        print_json([r.to_facts() for r in found])
    else:
        zone = app.inventory.organisation.zone
        click.echo(f"{click.style(app.inventory.organisation.name, bold=True)}   {local(app.clock.now(), zone)}")
        for readiness in found:
            _show(readiness, app.inventory.systems[readiness.system].title, zone)
        _show_runs(app.interrupted(), [s.host for s in app.records.hosts() if s.state in ("claimed", "adopted")])
    if not found or any(r.colour == "red" for r in found):
        raise SystemExit(1)


def _show(readiness: Readiness, title: str, zone: str) -> None:
    click.echo()
    click.echo(f"{marked(readiness.colour, _WORDS[readiness.colour])}  {click.style(readiness.system, bold=True)}  {title}")
    for line in answer(readiness, zone):
        click.echo(f"   {line}")
    click.echo()
    rows = [_row(t, readiness, zone) for t in readiness.tiers]
    headings = ["  ", "tier", "newest good copy", "data as of", "RPO now / objective", "proof", "last drill", "RTO / objective"]
    print_table(headings, rows, empty="   no tier is protected")
    reasons = [r for r in (*readiness.reasons, *(x for t in readiness.tiers for x in _named(t))) if r.colour != "green"]
    click.echo()
    if not reasons:
        click.echo("   nothing is open: no finding, no undelivered notice")
    for reason in reasons:
        click.echo(f"   {marked(reason.colour, reason.text)}")


def _named(tier: TierReadiness) -> list[Reason]:
    return [r.model_copy(update={"text": f"{tier.tier}: {r.text}"}) for r in tier.reasons]


def answer(readiness: Readiness, zone: str) -> list[str]:
    """The question answered in words, from what was measured; where nothing was, it says so."""
    good = [t for t in readiness.tiers if t.instant is not None]
    if not good:
        return ["If we lost it now: nothing would come back. There is no good copy."]
    newest = max(good, key=lambda t: t.instant or readiness.at)
    assert newest.instant is not None
    lost = show_duration(readiness.rpo or 0)
    lines = [f"If we lost it now: we would get back what was entered until {local(newest.instant, zone)}; the last {lost} would be lost."]
    for tier in good:
        drill = tier.drill
        if drill is None or drill.rto is None or drill.verdict != "PASS":
            lines.append(f"From {tier.tier}: how fast is not known; no drill has shown it.")
        else:
            objective = f" (objective {show_duration(tier.rto_objective)})" if tier.rto_objective else ""
            lines.append(f"From {tier.tier}: in about {show_duration(drill.rto)}{objective}, as drilled on {local(drill.ended, zone)}.")
    return lines


def _row(tier: TierReadiness, readiness: Readiness, zone: str) -> list[str]:
    drill = tier.drill
    measured = show_duration(drill.rto) if drill and drill.rto is not None else "-"
    wanted = show_duration(tier.rto_objective) if tier.rto_objective else "-"
    return [
        "  " + marked(tier.colour, ""),
        tier.tier,
        tier.newest or "none",
        local(tier.instant, zone) if tier.instant else "-",
        f"{show_duration(tier.rpo) if tier.rpo is not None else 'everything'} / {show_duration(readiness.rpo_objective)}",
        tier.level or "none",
        f"{drill.verdict} {local(drill.ended, zone)}" if drill else "never",
        f"{measured} / {wanted}",
    ]


def _show_runs(interrupted: Sequence[str], holding: Sequence[str]) -> None:
    for run in interrupted:
        click.echo(f"   {coloured('▲ interrupted', 'amber', bold=True)}  {run}; go on with: dr runs resume")
    for host in holding:
        click.echo(f"   {coloured('▲ holds drill data', 'amber', bold=True)}  {host}")
