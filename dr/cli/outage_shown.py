"""An outage on a screen: what an act did and whom it reached, what to type next, the whole of what happened. Lines and their colours."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dr.cli.show import Drawn, print_table, titled, wrapped
from dr.clock import clock, local

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.outage_seen import Person, Reached, Seen
    from dr.model.outage import Outage, OutageEntry

_HEADS = {"declared": "OUT", "proposed": "SEEMS TO BE OUT", "resolved": "BACK", "reviewed": "BACK, reviewed", "dismissed": "NO OUTAGE"}
_COLOURS = {"declared": "red", "proposed": "amber", "resolved": "green", "reviewed": "green", "dismissed": "green"}
_WIDE = 18


def acted(seen: "Seen", _: "OutageEntry", reached: "Reached", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    """After it was declared, or ended: how it stands, and who was reached."""
    yield from head(seen, zone, now, width)
    if seen.outage.state == "resolved":
        yield from _field("lasted", seen.against, width)
    yield from _hands(seen, width)
    yield from _reached(seen, reached, zone, now, width)


def changed(seen: "Seen", entry: "OutageEntry", reached: "Reached", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    """After an update, an assignment or a review: what is new, and who was reached."""
    for_so_long = f"{'was out' if seen.outage.ended else 'out'} for {seen.lasted}"
    yield from _head(f"● {_mark(seen)}{seen.about}, {for_so_long}: {_news(seen, entry)}", seen, "", width)
    if entry.act == "assigned":
        yield from _knows(seen, entry, reached, width)
    else:
        yield from _hands(seen, width)
    yield from _reached(seen, reached, zone, now, width)


def again(seen: "Seen", entry: "OutageEntry", reached: "Reached", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    """After the same was typed once more: since when that is on record, by whom, and who was reached then."""
    words = {"updated": "said", "assigned": f"{seen.assigned} has it in hand"}.get(entry.act, entry.act)
    text = f": {entry.text}" if entry.text else ""
    said = f"{words} already: {seen.about}, {clock(entry.at, now, zone)}, by {entry.by}{text}. Nobody is told twice."
    yield from _head(f"● {_mark(seen)}{said}", seen, "", width)
    yield from _reached(seen, reached, zone, now, width)


def next_lines(said: Sequence[tuple[str, str]]) -> Iterator[Drawn]:
    """What to type; never broken over lines, so that it can be copied."""
    if said:
        yield "", ""
    for what, command in said:
        yield f"  {what + ':':<{_WIDE}}{command}", ""


def shown(seen: "Seen", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    """All of it."""
    yield from head(seen, zone, now, width)
    over = seen.outage.ended is not None
    yield from _field("what", seen.outage.what, width)
    if seen.outage.state != "dismissed":
        yield from _field("lasted" if over else "objective", _objective(seen, zone, now), width)
    yield from _hands(seen, width)
    if seen.silent:
        yield from _field("SILENT", 'nobody has said for too long how it goes: dr outage update "..."', width, "red")
    if seen.next_word is not None:
        kept = "" if seen.kept else "; no process keeps them told now: dr outage keep"
        by = f"{seen.hears} hear again by {clock(seen.next_word, now, zone)} at the latest{kept}"
        yield from _field("next", by, width, "" if seen.kept else "amber")
    yield from _once_more(seen, zone, now, width)
    yield from _people(seen.people, seen.nobody, zone, now, width)
    yield "", ""
    yield from _happened(seen, zone, width)


def head(seen: "Seen", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    one = seen.outage
    name = titled(seen.about, seen.title)
    sign, began = "✔" if one.ended else "✖", clock(one.began, now, zone)
    when = f"out from {began} until {clock(one.ended, now, zone)}" if one.ended else f"since {began}"
    said = f"{sign} {_mark(seen)}{_HEADS[one.state]}: {name}, {when} ({seen.lasted}), {one.severity}"
    yield from _head(said, seen, _COLOURS[one.state], width)


def listed(app: "App", found: "Sequence[Outage]", every: bool) -> None:
    """The table of outages."""
    from dr.app.outage_seen import seen

    zone = app.inventory.organisation.zone
    rows = []
    for one in found:
        known = seen(app, one)
        state = f"{one.state}{' (exercise)' if one.exercise else ''}"
        rows.append([one.id, known.about, one.severity, state, local(one.began, zone), known.lasted, known.assigned or "-", one.what[:60]])
    empty = "there never was an outage" if every else "nothing is out (dr outage list --all shows those that are over)"
    print_table(["outage", "what", "severity", "state", "since", "lasted", "in hand", "in words"], rows, empty=empty)


# ---------------------------------------------------------------- inside


def _head(text: str, seen: "Seen", colour: str, width: int) -> Iterator[Drawn]:
    for line in wrapped(text, width, first="", rest="  "):
        yield line, colour
    yield f"  {seen.outage.id}", ""


def _news(seen: "Seen", entry: "OutageEntry") -> str:
    if entry.act == "assigned":
        return f"{seen.assigned} has it in hand now" + (f": {entry.text}" if entry.text else "")
    if entry.act == "reviewed":
        return f"reviewed: {entry.text}. It stays on record; nobody is told"
    return entry.text + (f" ({entry.severity} now)" if entry.severity else "")


def _knows(seen: "Seen", entry: "OutageEntry", reached: "Reached", width: int) -> Iterator[Drawn]:
    """Whoever has it in hand and was not reached does not know so."""
    if not any(one.contact == entry.to and one.reached for one in reached.people):
        yield from _field("in hand", f"✖ {seen.assigned} does not know it yet: telephone them, or give it to somebody else", width, "red")


def _mark(seen: "Seen") -> str:
    return "EXERCISE: " if seen.outage.exercise else ""


def _hands(seen: "Seen", width: int) -> Iterator[Drawn]:
    if seen.outage.ended is None:
        said = seen.assigned or "nobody has it in hand: dr outage assign --to CONTACT"
        yield from _field("in hand", said, width, "" if seen.assigned else "amber")


def _reached(seen: "Seen", reached: "Reached", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    yield from _people(reached.people, reached.nobody, zone, now, width)
    if seen.next_word is not None:
        by = clock(seen.next_word, now, zone)
        yield from _field("next", f"{seen.hears} hear again by {by} at the latest: a process in the background keeps people told", width)
    yield from _once_more(seen, zone, now, width)


def _once_more(seen: "Seen", zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    """Of one that is over: who tries those again who have not heard so."""
    if seen.tried is None:
        return
    if seen.tries:
        yield from _field("next", f"who was not reached is tried again {clock(seen.tried, now, zone)}, by {seen.tries}", width)
    else:
        yield from _field("next", "nothing tries those again who were not reached: dr notices carry, or tell them by hand", width, "amber")


def _objective(seen: "Seen", zone: str, now: datetime) -> str:
    if seen.outage.ended is not None or seen.deadline is None:
        return seen.against if seen.outage.ended is not None else "none is written for it"
    late = seen.deadline < now
    return f"{'MISSED' if late else 'back by'} {clock(seen.deadline, now, zone)}"


def _people(people: "Sequence[Person]", nobody: Sequence[str], zone: str, now: datetime, width: int) -> Iterator[Drawn]:
    for group in nobody:
        yield from _field("told", f"✖ {group}: NOBODY is in that group (inventory/contacts.yaml); tell them by hand now", width, "red")
    label = "told" if not nobody else ""
    for one in sorted(people, key=lambda reach: (reach.reached is True, reach.name)):
        text, colour = reach(one, zone, now)
        yield from _field(label, text, width, colour)
        label = ""


def reach(one: "Person", zone: str, now: datetime) -> Drawn:
    """One person: reached or not, and how."""
    at = clock(one.next, now, zone) if one.next else ""
    then = f"; next try {at}" if at else ""
    if one.reached:
        return f"✔ {one.name}: {one.how}{', saw it' if one.saw else ''}", "green"
    if one.reached is None:
        return f"… {one.name}: not told yet{f'; at {at}, if nobody has acknowledged by then' if at else ''}", "amber"
    return f"✖ {one.name}: NOT REACHED ({one.how}){then}; tell them by hand", "red"


def _happened(seen: "Seen", zone: str, width: int) -> Iterator[Drawn]:
    day = ""
    for line in seen.lines:
        there = line.at.astimezone(ZoneInfo(zone))
        if (date := there.strftime("%A %d %B %Y")) != day:
            day = date
            yield f"  {date} ({there.strftime('%Z')})", ""
        for text in wrapped(f"{line.sign} {line.text}", width, first=f"  {there:%H:%M}  ", rest=" " * 11):
            yield text, {"✖": "red", "✔": "green"}.get(line.sign, "")


def _field(name: str, text: str, width: int, colour: str = "") -> Iterator[Drawn]:
    label = f"  {name + ':' if name else '':<{_WIDE}}"
    for line in wrapped(text, width, first=label, rest=" " * len(label)):
        yield line, colour
