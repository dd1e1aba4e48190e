"""What the notices of an outage say, from what is on record: what is out and since when, what is being done, when one hears next."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dr.clock import clock
from dr.model.base import AudienceName
from dr.model.inventory import Inventory
from dr.model.outage import Outage, OutageEntry, OutageStory
from dr.model.record import RunRecord
from dr.units import show_duration

WIDEST = 400
"""Characters of a person's own words: a message must fit a telephone."""
_RUNS = 3


def story(
    outage: Outage,
    entries: Sequence[OutageEntry],
    said: OutageEntry | None,
    inventory: Inventory,
    runs: Sequence[RunRecord],
    next_word: datetime | None,
    now: datetime,
) -> OutageStory:
    """`said`: the entry that this message is about; `runs`: those that belong to it; `next_word`: by when its readers hear next."""
    zone = inventory.organisation.zone
    goal = objective(outage, inventory, runs)
    ends = outage.began + timedelta(seconds=goal) if goal else None
    return OutageStory(
        organisation=inventory.organisation.name,
        outage=outage.id,
        exercise=outage.exercise,
        severity=outage.severity,
        about=about(outage, inventory),
        title=title_of(outage, inventory),
        what=_line(outage.what),
        began=clock(outage.began, now, zone),
        lasted=lasted(outage, now),
        at=clock(now, now, zone),
        by=outage.by,
        assigned=name_of(outage.assigned, inventory),
        doing=tuple(doing(outage, entries, said, inventory, runs, now)),
        said=_said(said, inventory) if said else "",
        said_by=said.by if said else "",
        said_at=clock(said.at, now, zone) if said else "",
        next=clock(next_word, now, zone) if next_word else "",
        objective=f"{show_duration(goal)}, until {clock(ends, now, zone)}" if goal and ends else "",
        missed=ends is not None and (outage.ended or now) > ends,
    )


def doing(
    outage: Outage, entries: Sequence[OutageEntry], said: OutageEntry | None, inventory: Inventory, runs: Sequence[RunRecord], now: datetime
) -> Iterator[str]:
    """What is being done about it, a line each; nothing where nothing is on record."""
    zone = inventory.organisation.zone
    if outage.assigned and not (said and said.act == "assigned"):
        yield f"{name_of(outage.assigned, inventory)} has it in hand"
    for run in [run for run in runs if _about_it(run, outage)][:_RUNS]:
        yield _of_run(run, now, zone)
    told = [entry for entry in entries if entry.act == "updated" and entry.text]
    if told and told[-1] is not said and told[-1] != said:
        yield f"{clock(told[-1].at, now, zone)}, {told[-1].by}: {_line(told[-1].text)}"


def _about_it(run: RunRecord, outage: Outage) -> bool:
    """A drill or a nightly that is over brought nothing back: "restored: PASS" would have a reader believe that users can work. In an
    exercise a drill is the recovery that is played."""
    return run.ended is None or run.kind == "recovery" or (outage.exercise and run.kind == "drill" and run.started >= outage.began)


def _said(entry: OutageEntry, inventory: Inventory) -> str:
    if entry.act != "assigned":
        return _line(entry.text)
    hands = f"{name_of(entry.to, inventory)} has it in hand now"
    return f"{hands}: {_line(entry.text)}" if entry.text else hands


def about(outage: Outage, inventory: Inventory) -> str:
    """`hmis`; `Madison office`."""
    if outage.office is None:
        return str(outage.system)
    known = inventory.offices.get(outage.office)
    return f"{known.title if known else outage.office} office"


def title_of(outage: Outage, inventory: Inventory) -> str:
    """What its system is, for whoever does not know the name; empty where that says nothing more than the name."""
    title = inventory.systems[outage.system].title if outage.system in inventory.systems else ""
    return "" if title.casefold() == str(outage.system).casefold() else title


def name_of(contact: str, inventory: Inventory) -> str:
    known = inventory.contacts.get(contact)
    return known.name if known else contact


def lasted(outage: Outage, now: datetime) -> str:
    """From when it was recognised until it ended, or until now."""
    seconds = max(0.0, ((outage.ended or now) - outage.began).total_seconds())
    return "less than a minute" if seconds < 60 else show_duration(seconds // 60 * 60)


def objective(outage: Outage, inventory: Inventory, runs: Sequence[RunRecord]) -> float | None:
    """Seconds in which it should be back: as the recovery has it that was begun; before that, of the system's quickest tier."""
    begun = [float(run.objective["rto"]) for run in runs if run.kind == "recovery" and run.objective and run.objective.get("rto")]
    if begun:
        return begun[0]
    system = inventory.systems.get(str(outage.system)) if outage.system else None
    return min((float(tier.rto) for tier in system.objectives.tiers.values()), default=None) if system else None


def against(outage: Outage, inventory: Inventory, runs: Sequence[RunRecord], now: datetime) -> str:
    """How long it lasted beside what was promised."""
    goal = objective(outage, inventory, runs)
    took = lasted(outage, now)
    if goal is None:
        return took
    over = ((outage.ended or now) - outage.began).total_seconds() - goal
    how = f"{show_duration(over // 60 * 60)} too long" if over >= 60 else "within it"
    return f"{took}; the objective is {show_duration(goal)}: {how}"


def its_runs(outage: Outage, runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Of the runs of its system, those that were under way, or begun, while it lasted; newest first. Its own run is none of them."""
    return [
        run
        for run in runs
        if run.run != outage.run
        and run.kind in ("recovery", "backup", "drill")
        and run.system == outage.system
        and (run.ended is None or run.ended >= outage.began)
        and (outage.ended is None or run.started <= outage.ended)
    ]


def promised(to: AudienceName, hears: AudienceName, due: datetime | None) -> datetime | None:
    """When these people hear next at the latest: only one group is promised so."""
    return due if to == hears else None


def _of_run(run: RunRecord, now: datetime, zone: str) -> str:
    since = clock(run.started, now, zone)
    if run.state == "running":
        return f"{run.title}: under way, its clock runs since {since} ({run.run})"
    ended = clock(run.ended, now, zone) if run.ended else since
    return f"{run.title}: {run.verdict or run.state}, {ended} ({run.run})"


def _line(text: str) -> str:
    whole = " ".join(text.split()).rstrip(".")
    return whole if len(whole) <= WIDEST else whole[: WIDEST - 3] + "..."
