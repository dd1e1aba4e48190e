"""An incident on a screen: lines and their colours."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dr.cli.outage_shown import reach
from dr.cli.show import Drawn, aligned, print_table, wrapped
from dr.clock import local

if TYPE_CHECKING:
    from dr.app.incident_report import Group, Report
    from dr.app.incidents import Done
    from dr.app.outage_seen import Reached
    from dr.model.incident import Incident

_SHOWN = 40
"""Accesses on a screen, the newest; the page and the JSON have all."""
_WIDE = 10


def opened(done: "Done", reached: "Reached", zone: str, now: datetime, width: int, *, timer: bool) -> Iterator[Drawn]:
    """After an act: how it stands, what is concerned, who was told, what to type next. `timer`: whether one carries notices here."""
    one = done.incident
    if done.again:
        when = f"{local(done.entry.at, zone)}, by {done.entry.by}"
        yield from _para(f"● {done.entry.act} already: {when}. Nobody is told twice.", width, "", "  ")
    yield from _head(one, zone, width)
    yield from _field("exposed", "; ".join(str(each) for each in one.exposed), width)
    if one.state == "open":
        yield from _field("answer", done.answer, width, "red" if done.found.readable else "")
    yield from _told(reached, zone, now, width)
    if not timer and any(notice.due for notice in done.notices):
        said = "no timer comes by here: nobody who was not reached, or does not answer, is told again but by `dr notices carry`"
        yield from _field("next", said, width, "amber")
    yield "", ""
    yield f"  who accessed it, and what to do next:  dr incident report {one.id}", ""


def reported(made: "Report", zone: str, width: int) -> Iterator[Drawn]:
    """All of it; a trail that cannot be believed before anything else."""
    if made.broken:
        yield from _para(f"✖ THE AUDIT TRAIL CANNOT BE BELIEVED: {made.broken}", width, "red", "  ")
        yield from _para("What follows may leave out who accessed what.", width, "red", "  ", first="  ")
        yield "", ""
    yield from _head(made.incident, zone, width)
    yield from _field("exposed", "; ".join(str(each) for each in made.incident.exposed), width)
    since = "not known" if made.incident.since == made.incident.noticed else local(made.incident.since, zone)
    yield from _field("since", since, width)
    if made.owed:
        yield from _field("owed", f"the report, by {made.owed}", width, "amber")
    if not made.broken:
        yield from _field("trail", made.whole, width)
    yield "", ""
    yield from _para(made.answer, width, "red" if made.found.readable else "", "  ", first="  ")
    for group in made.groups:
        yield from _group(group, zone, width)
    for remark in made.remarks:
        yield from _para(f"· {remark}", width, "", "    ", first="  ")
    yield from _accesses(made, zone)
    yield "", ""
    yield "What was said and done", ""
    for entry in made.entries:
        yield from _para(f"{local(entry.at, zone)}  {entry.by}  {entry.act}: {entry.text}", width, "", "      ", first="  ")
    yield "", ""
    yield "What to do next", ""
    for number, line in enumerate(made.next, 1):
        yield from _para(f"{number}. {line}", max(width, len(line) + 6) if ": dr " in line else width, "", "     ", first="  ")


def listed(found: "Sequence[Incident]", zone: str, every: bool) -> None:
    rows = [[one.id, one.state, local(one.noticed, zone), one.by, one.what] for one in found]
    empty = "there never was an incident" if every else "no incident is open"
    print_table(["incident", "state", "noticed", "opened by", "what"], rows, empty=empty)


# ---------------------------------------------------------------- inside


def _head(one: "Incident", zone: str, width: int) -> Iterator[Drawn]:
    sign, colour = ("✖", "red") if one.state == "open" else ("✔", "green")
    ended = f", closed {local(one.ended, zone)}" if one.ended else ""
    yield from _para(f"{sign} INCIDENT {one.state}: {one.what}; noticed {local(one.noticed, zone)}{ended}", width, colour, "  ")
    yield f"  {one.id}", ""


def _told(reached: "Reached", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    for group in reached.nobody:
        yield from _field("told", f"✖ {group}: NOBODY is in that group; tell them by hand now", width, "red")
    for number, one in enumerate(sorted(reached.people, key=lambda one: (one.reached is True, one.name))):
        text, colour = reach(one, zone, now)
        yield from _field("" if number or reached.nobody else "told", text, width, colour)


def _group(group: "Group", zone: str, width: int) -> Iterator[Drawn]:
    first, last = group.members[0], group.members[-1]
    times = local(first.since, zone) if first is last else f"{local(first.since, zone)} to {local(last.since, zone)}"
    sign, colour = ("✖ readable", "red") if group.readable else ("▲ not readable", "amber")
    which = first.set if first is last else f"{group.count}, {first.set} to {last.set}"
    yield from _para(f"{sign}  {group.where}: {which} ({times})", width, colour, "    ", first="  ")
    yield from _para(group.why, width, "", "    ", first="    ")


def _accesses(made: "Report", zone: str) -> Iterator[Drawn]:
    yield "", ""
    yield "Who accessed it, and when", ""
    if not made.accesses:
        yield "  the trail has no access to any of it", ""
        return
    left = len(made.accesses) - _SHOWN
    if left > 0:
        yield f"  {left:,} older ones: --html FILE, or --json", ""
    rows = [[f"  {one.number}", local(one.at, zone), one.who, one.what, one.about] for one in made.accesses[-_SHOWN:]]
    for line in aligned(["  no", "when", "who", "what", "about"], rows):
        yield line, ""


def _field(name: str, text: str, width: int, colour: str = "") -> Iterator[Drawn]:
    for line in wrapped(text, width, first=f"  {name:<{_WIDE}}", rest=" " * (_WIDE + 2)):
        yield line, colour


def _para(text: str, width: int, colour: str, rest: str, first: str = "") -> Iterator[Drawn]:
    for line in wrapped(text, width, first=first, rest=rest):
        yield line, colour
