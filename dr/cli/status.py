"""`dr status`: the one screen, for somebody who was woken up: words before numbers, a shape beside every colour, 100 columns at most."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli import fleet
from dr.cli.banner import is_out, out
from dr.cli.completion import known
from dr.cli.enduring import opened
from dr.cli.findings import beside, show_findings, without_older
from dr.cli.show import aligned, coloured, json_option, marked, print_json, screen, titled, wrapped
from dr.cli.standing import goes_on, standing, still_named
from dr.clock import local
from dr.errors import ConfigError
from dr.model.readiness import Colour, DrillFact, Readiness, Reason, TierReadiness
from dr.model.record import Finding
from dr.units import show_duration

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.glance import Glance

_WORDS = {"green": "READY", "amber": "NEEDS ATTENTION", "red": "AT RISK"}
_LONGEST = 320
"""Characters of one reason; the evidence has the rest."""


@click.command()
@click.argument("system", required=False, shell_complete=known("systems"))
@click.option("--html", "as_html", is_flag=True, help="Write it as one self-contained page, for who has no shell.")
@click.option("--to", metavar="FILE", help="With --html: where to (default: evidence/status.html of the home).")
@click.option("--findings", is_flag=True, help="List every open finding, also those that only want to be known.")
@json_option
@click.pass_obj
def status(home: str | None, system: str | None, as_html: bool, to: str | None, findings: bool, as_json: bool) -> None:
    """If we lost it right now: what would we get back, how fast, how much would be lost, and how do we know?

    Exit code 0 when every system is green or amber, 1 when one is red, or out (`dr outage`), 2 when what is written is wrong: then it
    is shown by what was right last.

    \b
    Examples:
      dr status
      dr status hmis --json
      dr status --html --to /srv/intranet/recovery.html
    """
    if to is not None and not as_html:
        raise click.UsageError("--to is where --html writes its page.")
    if as_html and (as_json or findings):
        raise click.UsageError("--html is a page of its own: without --json and --findings.")
    from dr.app.glance import MANY, glance, of_app

    if system is None and not (findings or as_json or as_html) and (seen := glance(home)) is not None:
        return _of_many(seen)
    from dr.app import App

    plain = not (findings or as_html or as_json)
    app = opened(home, looking=True) if plain else App.open(home, looking=True)
    if findings:
        return show_findings(app, system, as_json)
    if as_html:
        return _page(app, system, to)
    if system is None and not as_json and len(app.inventory.systems) > MANY:
        return _of_many(of_app(app))
    found = [app.readiness(name) for name in ([app.system(system)] if system else app.inventory.systems)]
    from dr.app.by_itself import by_itself

    found = by_itself(app, found)
    if as_json:
        print_json([r.to_facts() for r in found])
    else:
        _screen(app, found)
    if app.lapse is not None:
        raise SystemExit(ConfigError.exit_code)
    if not found or any(r.colour == "red" for r in found) or is_out(app.records, app.inventory.organisation.zone, app.clock.now()):
        raise SystemExit(1)
    return None


def _screen(app: "App", found: Sequence[Readiness]) -> None:
    """All of it, for a person."""
    from dr.app.unrecorded import lost_catalog

    show_all(out(app.records, app.inventory.organisation.zone, app.clock.now()))
    for lost in lost_catalog(app.records, app.repositories(), app.clock.now()):
        show_all(marked_line(line, "red") for line in wrapped(f"{_SHAPES['red']} {lost.message}", screen(), first="", rest="  "))
    organisation = app.inventory.organisation
    click.echo(heading(organisation.name, local(app.clock.now(), organisation.zone), screen()))
    for readiness in found:
        title = app.inventory.systems[readiness.system].title
        show_all(lines(readiness, title, organisation.zone, app.records.open_findings(readiness.system), screen()))
    show_all(
        standing(
            app.interrupted(), app.services.active(), still_named(app.records.hosts(), app.inventory.hosts), organisation.zone, screen()
        )
    )
    if app.inventory.redundancy:
        from dr.app.redundancy import not_known

        show_all(marked_line(line, "amber") for said in not_known(app) for line in wrapped(f"▲ {said}", screen(), first="  ", rest="    "))


def _page(app: "App", system: str | None, to: str | None) -> None:
    from dr.app.pages import status_html

    hosts = still_named(app.records.hosts(), app.inventory.hosts)
    notes = [text for text, _ in goes_on(app.interrupted(), app.services.active(), hosts, app.inventory.organisation.zone)]
    place, colour = status_html(app, system, notes, Path(to) if to else None)
    click.echo(f"{marked(colour, _WORDS[colour])}  written: {place}")
    if colour == "red" or is_out(app.records, app.inventory.organisation.zone, app.clock.now()):
        raise SystemExit(1)


def _of_many(seen: "Glance") -> None:
    """Those that need somebody, where one screen cannot hold them all."""
    now = seen.many.clock.now()
    show_all(out(seen.records, seen.zone, now))
    click.echo(heading(seen.organisation, local(seen.many.clock.now(), seen.zone), screen()))
    show_all(fleet.lines(seen.fleet, seen.zone, screen()))
    show_all(standing(seen.interrupted(), seen.active(), still_named(seen.records.hosts(), seen.hosts), seen.zone, screen()))
    if seen.fleet.counts["red"] or is_out(seen.records, seen.zone, now):
        raise SystemExit(1)


def show_all(text: Iterator[str]) -> None:
    for line in text:
        click.echo(line)


def heading(organisation: str, now: str, width: int) -> str:
    gap = width - len(organisation) - len(now)
    return click.style(organisation, bold=True) + (" " * gap if gap > 2 else "\n") + now


def lines(readiness: Readiness, title: str, zone: str, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """One system: its state, the answer in words, a line a tier, and everything that is open, the worst first."""
    yield ""
    yield f"{marked(readiness.colour, _WORDS[readiness.colour])}  {titled(click.style(readiness.system, bold=True), title)}"
    yield ""
    for said in answer(readiness, zone):
        yield from wrapped(said, width, first="  ", rest="    ")
    yield ""
    yield from _tiers(readiness, width)
    yield ""
    yield from _open(readiness, findings, width)


def answer(readiness: Readiness, zone: str) -> list[str]:
    """The question answered in words, from what was measured; where nothing was, it says so."""
    good = [t for t in readiness.tiers if t.instant is not None]
    if not good:
        return ["If we lost it now: nothing would come back. There is no good copy."]
    newest = max(good, key=lambda t: t.instant or readiness.at)
    assert newest.instant is not None
    lost = f"the last {show_duration(readiness.rpo or 0)} would be lost (objective {show_duration(readiness.rpo_objective)})"
    said = [f"If we lost it now: we would get back what was entered until {local(newest.instant, zone)}; {lost}."]
    back = [f"From {tier.tier}: {_from(tier, newest, zone)}." for tier in readiness.tiers]
    return [*said, *back, *(line for tier in readiness.tiers for line in _tonight(tier))]


def _tonight(tier: TierReadiness) -> list[str]:
    """What the drills foresee for the newest set; nothing where none was held."""
    found = tier.forecast
    if found is None or tier.instant is None or (found.p50 is None and not (found.remarks or found.beside)):
        return []
    if found.p50 is None or found.p95 is None:
        return ["; ".join([f"Tonight from {tier.tier}: no forecast; {found.why}", *found.beside]) + "."]
    of = f" of {show_duration(found.objective)}" if found.objective else ""
    back = f"back in about {show_duration(found.p50)} (p95 {show_duration(found.p95)}){of}, {found.made_from}"
    return ["; ".join([f"Tonight from {tier.tier}: {back}", *found.beside, *found.remarks]) + "."]


def _from(tier: TierReadiness, newest: TierReadiness, zone: str) -> str:
    """What this tier would give back and how fast; only where it is older than the newest, how much it would lose."""
    if tier.instant is None:
        none = {0: "it holds no copy", 1: "its only copy is not good"}
        return f"nothing: {none.get(tier.copies, f'none of its {tier.copies} copies is good')}"
    older = f"; the last {show_duration(tier.rpo or 0)} would be lost" if tier.instant != newest.instant else ""
    return _how_fast(tier.drill, tier, zone) + older


def _how_fast(drill: DrillFact | None, tier: TierReadiness, zone: str) -> str:
    if drill is None:
        return "how fast is not known; it was never drilled"
    on = local(drill.ended, zone)
    if drill.verdict != "PASS":
        ended = "FAILED" if drill.verdict == "FAIL" else "was not completed"
        return f"how fast is not known; the last drill {ended} on {on}"
    if drill.rto is None:
        return f"how fast is not known; the drill on {on} measured no time"
    objective = f" (objective {show_duration(tier.rto_objective)})" if tier.rto_objective else ""
    return f"in about {show_duration(drill.rto)}{drill.how}{objective}, as drilled on {on}"


def _tiers(readiness: Readiness, width: int) -> Iterator[str]:
    """A table where it fits; below one another where it does not."""
    if not readiness.tiers:
        yield "  no tier is protected"
        return
    heads = ["", "tier", "newest good copy", "proof", "last drill", "back in (RTO)"]
    rows = [_row(tier, readiness) for tier in readiness.tiers]
    table = list(aligned(["  ", *heads[1:]], rows))
    if max(len(click.unstyle(line)) for line in table) <= width:
        yield from table
        return
    for row in rows:
        yield f"{row[0]} {row[1]}"
        for name, cell in zip(heads[2:], row[2:], strict=True):
            yield f"      {name:<18}{cell}"


def _row(tier: TierReadiness, readiness: Readiness) -> list[str]:
    over: Colour = "red" if tier.rpo is None or tier.rpo > readiness.rpo_objective else "green"
    age = f"{_age(tier.rpo)} old, of {show_duration(readiness.rpo_objective)}" if tier.rpo is not None else "none: all would be lost"
    return [
        "  " + marked(tier.colour, ""),
        tier.tier,
        coloured(age, over) if over == "red" else age,
        _proof(tier, readiness.at),
        f"{marked(tier.drill.verdict)} {_since(tier.drill.ended, readiness.at)} ago" if tier.drill else coloured("▲ never", "amber"),
        _rto(tier),
    ]


def _proof(tier: TierReadiness, now: datetime) -> str:
    """Of the newest good copy; and how old the newest proof is, where that is another copy's."""
    if tier.level is None:
        return coloured("✖ none", "red")
    if tier.level == "proven":
        return coloured("✔ proven", "green") + (f" {_since(tier.proven_at, now)} ago" if tier.proven_at else "")
    older = f"; an older one is proven, {_since(tier.proven_at, now)} ago" if tier.proven_at else ", never proven"
    return coloured(f"▲ {tier.level}", "amber") + older


def _rto(tier: TierReadiness) -> str:
    wanted = f", of {show_duration(tier.rto_objective)}" if tier.rto_objective else ", no objective"
    if tier.drill is None or tier.drill.rto is None or tier.drill.verdict != "PASS":
        return "not shown" + wanted
    text = show_duration(tier.drill.rto) + wanted
    late = tier.rto_objective is not None and tier.drill.rto > tier.rto_objective
    return coloured(f"✖ {text}", "red") if late else text


def _since(then: datetime, now: datetime) -> str:
    return _age(max(0.0, (now - then).total_seconds()))


def _age(seconds: float) -> str:
    """In one unit: a table is no place for seconds beside hours."""
    for size, unit in ((172800.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{int(seconds // (86400 if unit == 'd' else size))} {unit}"
    return f"{int(seconds)} s"


def _open(readiness: Readiness, findings: Sequence[Finding], width: int) -> Iterator[str]:
    named = [r.model_copy(update={"text": f"{t.tier}: {r.text}"}) for t in readiness.tiers for r in t.reasons]
    reasons: list[Reason] = [r for r in (*readiness.reasons, *named) if r.colour != "green"]
    reasons, left_out = without_older(reasons, findings)
    if not reasons:
        yield "  nothing is open: no finding, no undelivered notice"
    hints = {f.message: f.hint for f in findings if f.hint}
    for reason in sorted(reasons, key=lambda r: r.colour != "red"):
        text = reason.text if len(reason.text) <= _LONGEST else reason.text[:_LONGEST] + " ... (`dr report` has all of it)"
        yield from (
            marked_line(line, reason.colour) for line in wrapped(f"{_SHAPES[reason.colour]} {text}", width, first="  ", rest="    ")
        )
        if hint := reason.hint or hints.get(reason.text):
            yield from wrapped(f"next: {hint}", width, first="    ", rest="          ")
    yield from beside(findings, left_out, width)


_SHAPES = {"amber": "▲", "red": "✖"}


def marked_line(line: str, colour: Colour) -> str:
    return coloured(line, colour)
