"""How an outage stands, for whoever looks: reads only."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dr.actions.outage_telling import runs_of
from dr.app.afterwards import tried_again
from dr.app.carrying import timer_carries
from dr.app.home import App
from dr.app.keeping import is_kept
from dr.model.inventory import Contact, Inventory
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageEntry, OutageSeverity
from dr.model.record import RunRecord
from dr.notify.audience import audience
from dr.policy.outage_reach import Reach, counted, nobody, reaches
from dr.policy.outage_words import about, against, lasted, name_of, objective, title_of
from dr.policy.outages import due, of_its_end, rules_of, silent_since
from dr.units import show_duration

_ACTS = {
    "proposed": "{by} noticed: {text}",
    "declared": "{by} declared it{severity}: {text}",
    "updated": "{by}: {text}{severity}",
    "assigned": "{by} gave it to {to}{text}",
    "resolved": "{by}: it is over: {text}",
    "reviewed": "{by} reviewed it: {text}",
    "dismissed": "{by} dismissed it: {text}",
}


Person = Reach
"""One person: reached or not, and how."""


@dataclass(frozen=True)
class Line:
    """One thing that happened. `sign`: what it is drawn with."""

    at: datetime
    sign: str
    text: str


@dataclass(frozen=True)
class Seen:
    """An outage as it is now, and all that happened."""

    outage: Outage
    about: str
    title: str
    lasted: str
    against: str
    deadline: datetime | None
    assigned: str
    next_word: datetime | None
    hears: str
    silent: bool
    kept: bool
    tried: datetime | None
    """When somebody is due to be tried again who has not heard that it is over."""
    tries: str
    """Who does that by itself, in words; empty: nobody."""
    people: tuple[Reach, ...]
    nobody: tuple[str, ...]
    lines: tuple[Line, ...]


def seen(app: App, outage: Outage, *, begun: bool = False) -> Seen:
    """`begun`: a process that keeps people told was begun just now, and may not be there yet. Of one that is over, `people` are those who
    are told that it is."""
    now, rules = app.clock.now(), rules_of(app.inventory)
    entries, ledger, runs = app.records.outage_entries(outage.id), app.records.outage_notices(outage.id), runs_of(outage, app.records)
    goal, ends = objective(outage, app.inventory, runs), of_its_end(outage, entries, rules)
    told = [notice for notice in ledger if notice.id in ends] if outage.ended is not None else ledger
    people = meant(app.inventory, told)
    return Seen(
        outage=outage,
        about=about(outage, app.inventory),
        title=title_of(outage, app.inventory),
        lasted=lasted(outage, now),
        against=against(outage, app.inventory, runs, now),
        deadline=outage.began + timedelta(seconds=goal) if goal else None,
        assigned=name_of(outage.assigned, app.inventory),
        next_word=due(outage, entries, ledger, rules),
        hears=rules.hears,
        silent=silent_since(outage, entries, rules, now) is not None,
        kept=(kept := begun or is_kept(app, outage.id)),
        tried=tried_again(app, outage),
        tries="the timer" if timer_carries(app) else "a process in the background, for an hour at most" if kept else "",
        people=tuple(reaches(told, people)),
        nobody=tuple(nobody(told, people)),
        lines=tuple(sorted(_lines(outage, entries, ledger, runs, app.inventory), key=lambda line: line.at)),
    )


def meant(inventory: Inventory, ledger: Sequence[Notice]) -> dict[str, dict[str, Contact]]:
    """Whom each `to` of these notices means."""
    return {notice.to: audience(inventory, notice.to) for notice in ledger}


@dataclass(frozen=True)
class Reached:
    """Whom an act reached, person by person, and which groups nobody is in."""

    people: tuple[Reach, ...]
    nobody: tuple[str, ...]


def reached(app: App, notices: Sequence[Notice]) -> Reached:
    people = meant(app.inventory, notices)
    return Reached(tuple(reaches(notices, people)), tuple(nobody(notices, people)))


def who_is_told(app: App, severity: OutageSeverity) -> str:
    """Whom a declaration tells, by name; a group that nobody is in is said."""
    said = []
    for group in rules_of(app.inventory).groups(severity):
        names = ", ".join(contact.name for contact in audience(app.inventory, group).values())
        said.append(f"{group} ({names or 'NOBODY: no contact is in it'})" if names != group else group)
    return "; ".join(said)


def what_now(app: App, outage: Outage) -> list[tuple[str, str]]:
    """What a person types next, and what for."""
    if outage.state == "resolved":
        return [("what was learnt", f'dr outage review {outage.id} --text "cause; what went well, what badly"')]
    if outage.state != "declared":
        return []
    who = [] if outage.assigned else [("who has it", f"dr outage assign {outage.id} --to {next(iter(app.inventory.contacts), 'CONTACT')}")]
    said = [
        ("how it goes", f'dr outage update {outage.id} "..."'),
        *who,
        ("it is over", f'dr outage resolve {outage.id} --text "..."'),
    ]
    return [*_bring_back(app, outage), *said]


def _bring_back(app: App, outage: Outage) -> list[tuple[str, str]]:
    """The runbook that fits, spelled out: of a system its recovery, of an office the handing over of its duties."""
    drill = " --rehearse" if outage.exercise else ""
    if outage.office is not None:
        return [("its duties", f"dr office lost {outage.office}{' --exercise' if outage.exercise else ''}")]
    if outage.system not in app.inventory.systems or any(run.kind == "recovery" for run in runs_of(outage, app.records)):
        return []
    began = outage.began.astimezone(ZoneInfo(app.inventory.organisation.zone)).strftime("%Y-%m-%dT%H:%M")
    return [("bring it back", f"dr recover {outage.system} --declared {began} --reason {shlex.quote(outage.what)}{drill}")]


# ---------------------------------------------------------------- what happened


def _lines(
    outage: Outage, entries: Sequence[OutageEntry], ledger: Sequence[Notice], runs: Sequence[RunRecord], inventory: Inventory
) -> Iterator[Line]:
    yield Line(outage.began, "✖", "it was recognised that it is out" if outage.state != "proposed" else "it seems to be out")
    yield from (Line(entry.at, "●", _act(entry, inventory)) for entry in entries)
    people = meant(inventory, ledger)
    for notice in ledger:
        yield Line(notice.created, "→", _told(notice, people, inventory))
        for saw in notice.acknowledgements:
            comment = f": {saw.comment}" if saw.comment else ""
            yield Line(saw.at, "✔", f"{name_of(saw.contact, inventory)} saw it{comment}")
    for run in runs:
        yield Line(run.started, "▶", f"{run.title} ({run.run})")
        if run.ended:
            yield Line(
                run.ended, "■", f"{run.run}: {run.verdict or run.state}, after {show_duration((run.ended - run.started).total_seconds())}"
            )


def _act(entry: OutageEntry, inventory: Inventory) -> str:
    severity = f" ({entry.severity})" if entry.severity else ""
    text = f": {entry.text}" if entry.act == "assigned" and entry.text else entry.text
    return _ACTS[entry.act].format(by=entry.by, text=text, severity=severity, to=name_of(entry.to, inventory))


def _told(notice: Notice, people: dict[str, dict[str, Contact]], inventory: Inventory) -> str:
    if not people.get(notice.to):
        return f"{notice.to}: NOBODY is in that group; {_what(notice)}"
    came, all_of = counted(notice, people)
    to = name_of(notice.to, inventory)
    reached = "reached" if all_of == 1 and came else f"{came} of {all_of} reached"
    again = "" if came == all_of or notice.due is None else "; it goes on"
    return f"{to}: {_what(notice)}; {reached}{again}"


def _what(notice: Notice) -> str:
    return {
        "outage-declared": "told that it is out",
        "outage-update": "told how it goes",
        "outage-assigned": "told that it is theirs",
        "outage-cadence": "told that it lasts",
        "outage-resolved": "told that it is over",
        "outage-silent": "asked how it goes",
        "outage-proposed": "asked whether it is one",
        "outage-dismissed": "told that it is none",
    }.get(notice.template, notice.subject)
