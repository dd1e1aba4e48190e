"""Duties on a screen: who holds what, what the loss of an office would do, what an office's answer did."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from dr.cli.show import aligned, coloured, marked, screen, wrapped

if TYPE_CHECKING:
    from dr.app.duty_lines import Line, Listing
    from dr.app.office_lost import Prepared
    from dr.model.duty_proposal import Proposed


def show_listing(found: "Listing", zone: str, now: datetime) -> None:
    """The table, what is known of offices, and what to think of."""
    if found.exercise:
        click.echo(coloured(f"EXERCISE {found.exercise}: nothing here is real", "amber", bold=True))
    rows = [[*_cells(line, zone, now)] for line in found.lines]
    for text in aligned(["duty", "held by", "number", "since", ""], rows):
        click.echo(text)
    for line in (one for one in found.lines if one.state != "held"):
        others = "; ".join(line.later) or "there is no other office that could take it"
        _wrapped(f"{line.title}: {others}", "")
        _show_next(line)
    for text in found.lost:
        _wrapped(f"✖ {text}", "red")
    for text in found.returned:
        _wrapped(f"{text} is back, and holds only what it is handed: dr office back OFFICE, then dr office give", "amber")
    for text in found.warnings:
        _wrapped(f"▲ {text}", "amber")
    _wrapped(f"claims are kept in {found.stores}", "")


def _cells(line: "Line", zone: str, now: datetime) -> Iterator[str]:
    yield marked(_colour(line), line.title)
    yield line.office_title or coloured("NOBODY", "red", bold=True)
    yield str(line.number)
    yield clock(line.since, zone, now) if line.number or line.state != "held" else "normal times"
    yield _open(line, zone, now)


def _colour(line: "Line") -> str:
    return "red" if line.state != "held" else "green" if line.office == line.normal and not line.asked else "amber"


def _open(line: "Line", zone: str, now: datetime) -> str:
    if line.accepted:
        return f"{line.asked_title} said yes to number {line.asked_number}; the store of claims has not answered yet"
    if line.asked:
        until = f", until {clock(line.until, zone, now)}" if line.until else ""
        return f"{line.asked_title} is asked, by number {line.asked_number}{until}"
    if line.state != "held":
        return f"all are asked again {clock(line.until, zone, now)}" if line.until else line.why
    return "" if line.office == line.normal else f"in place of {line.normal_title}"


def show_loss(prepared: "Prepared", zone: str, now: datetime, *, exercise: bool) -> None:
    """What would happen, and why, before anybody agrees to it."""
    head = "EXERCISE, nothing moves:" if exercise else "AN OFFICE IS LOST, for real:"
    click.echo(f"{coloured(head, 'amber' if exercise else 'red', bold=True)} {prepared.title}", err=True)
    for text in prepared.also:
        _wrapped(f"✖ with it: {text}", "red", err=True)
    for duty in prepared.duties:
        _show_proposed(duty, prepared, zone, now)
    if not prepared.duties:
        click.echo("  no duty changes hands by it", err=True)
    click.echo("", err=True)
    told = "then told" if prepared.first else "told"
    rows = ("first", prepared.first), (told, prepared.told), ("confirmed by", prepared.confirm), ("claims in", prepared.stores)
    for name, text in rows:
        for said in wrapped(text, screen(), first=f"  {name + ':':<15}", rest=" " * 17) if text else ():
            click.echo(said, err=True)
    for name in prepared.silent:
        _wrapped(f"▲ nobody of {name} can be told: it has no contact; call them", "amber", err=True)
    for text in prepared.warnings:
        _wrapped(f"▲ {text}", "amber", err=True)
    for text in prepared.hints:
        _wrapped(text, "", err=True)


def _show_proposed(duty: "Proposed", prepared: "Prepared", zone: str, now: datetime) -> None:
    """Why not the others is told, but of those that are lost or affected: that is told above, once."""
    click.echo("", err=True)
    held = f"  (now {duty.holder})" if duty.holder else "  (nobody holds it)"
    click.echo(f"  {coloured(duty.title, '', bold=True)}{held}", err=True)
    if duty.to is None:
        click.echo(coloured("    ✖ NOBODY is left to ask", "red", bold=True), err=True)
    else:
        until = clock(duty.until, zone, now) if duty.until else ""
        click.echo(f"    → ask {coloured(duty.to_title, '', bold=True)}, which must answer by {until}", err=True)
        _wrapped("; ".join(duty.reasons), "", indent="      ", err=True)
    for each in duty.passed:
        title = prepared.titles.get(each.office, each.office)
        if each.office != prepared.office and f"{title} {each.why}" not in prepared.also:
            _wrapped(f"not {title}: {each.why}", "", indent="      ", err=True)


def show_answer(line: "Line", zone: str, now: datetime, flag: str) -> None:
    """How a duty stands after an answer."""
    if line.state == "unheld":
        _show_unheld(line, zone, now)
    elif line.state == "held" and not line.asked:
        click.echo(f"{marked('green', line.title)}: {line.office_title} holds it, by number {line.number}")
    else:
        held = f"{line.office_title} holds it, by number {line.number}" if line.office else coloured("NOBODY holds it", "red", bold=True)
        click.echo(f"{marked(_colour(line), line.title)}: {held}; {_open(line, zone, now)}")
    click.echo(f"   who holds what: dr duties{flag}")


def _show_unheld(line: "Line", zone: str, now: datetime) -> None:
    """Nobody holds it and nobody is asked: what keeps each office from it, and what ends that."""
    click.echo(coloured(f"✖ NOBODY HOLDS {line.title}, and no office is left to ask: call somebody", "red", bold=True))
    for each in line.later:
        _wrapped(each, "", indent="   ")
    _show_next(line)
    if line.until:
        _wrapped(f"Until then nobody answers for it; all are asked again {clock(line.until, zone, now)}.", "", indent="   ")


def _show_next(line: "Line") -> None:
    wide = max((len(what) for what, _ in line.next), default=0) + 1
    for what, command in line.next:
        click.echo(f"      {what + ':':<{wide}}  {command}")


def show_back(lines: "Sequence[Line]", title: str, office: str, flag: str) -> None:
    """What a returned office may be given, and what its holders type."""
    if not lines:
        click.echo(f"{marked('green', title)} works, and none of its duties is elsewhere: there is nothing to hand back")
        return
    click.echo(f"{marked('amber', title)} works again. It gets each duty back when whoever holds it hands it over; there they type:")
    for line in lines:
        if line.office:
            click.echo(f"   {line.title}, held by {line.office_title} by number {line.number}:")
            click.echo(f"      dr office give {line.duty} --to {office}{flag}")
        else:
            click.echo(coloured(f"   {line.title}: nobody holds it; {line.asked_title or 'nobody'} is asked", "red"))


def clock(at: datetime, zone: str, now: datetime) -> str:
    """`14:05`; with its day where that is not today."""
    there, here = (one.astimezone(ZoneInfo(zone)) for one in (at, now))
    return there.strftime("%H:%M" if there.date() == here.date() else "%a %d %b, %H:%M")


def _wrapped(text: str, colour: str, *, indent: str = "  ", err: bool = False) -> None:
    for line in wrapped(text, screen(), first=indent, rest=indent + "  "):
        click.echo(coloured(line, colour) if colour else line, err=err)
