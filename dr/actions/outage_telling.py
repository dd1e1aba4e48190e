"""Bringing the ledger up to what is owed of an outage: by its own run, by a command, by a timer, whoever comes first. Safe to repeat."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from dr.model.base import AudienceName, RunId, SystemName
from dr.model.inventory import Inventory
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageEntry, OutageId
from dr.model.ports import Post, Records, Word
from dr.model.record import Finding, RunRecord
from dr.policy.outage_words import about, its_runs, lasted, promised, story
from dr.policy.outages import Owed, due, gravity, of_its_end, owed, rules_of, silent_since
from dr.units import show_duration

_LOOKED_AT = 50
"""Runs of the system, the newest, among which those of the outage are looked for."""


class Told(Protocol):
    """What telling needs; a step's context has it, and so has a command."""

    @property
    def records(self) -> Records: ...
    @property
    def post(self) -> Post: ...
    @property
    def inventory(self) -> Inventory: ...


def runs_of(outage: Outage, records: Records) -> list[RunRecord]:
    """The runs that belong to it, newest first; none of an office's."""
    return its_runs(outage, records.runs(system=outage.system, limit=_LOOKED_AT)) if outage.system else []


def owe_words(outage: Outage, world: Told, now: datetime, after_each: Callable[[], None] = lambda: None) -> list[Notice]:
    """Put every word that is owed of it by now into the ledger, and raise or close the alarm of its silence. Nothing is sent here."""
    entries, ledger = world.records.outage_entries(outage.id), world.records.outage_notices(outage.id)
    rules = rules_of(world.inventory)
    _alarm(outage, entries, world, now)
    written = []
    for word in owed(outage, entries, ledger, rules, now):
        written.append(world.post.owe(_worded(word, outage, entries, world, now)))
        after_each()
    if outage.ended is not None:
        _drop(outage, entries, world, now)
    return written


def owe_each(outage: Outage, world: Told, now: datetime, people: Sequence[str]) -> list[Notice]:
    """That it began, to these by name, each of whom is to say that they saw it: a call tree that is rehearsed reaches further than the
    groups that are told of an outage. Safe to repeat."""
    entries = world.records.outage_entries(outage.id)
    began = next(entry for entry in entries if entry.act == "declared")
    severity = gravity(outage.severity, alarming=True)
    words = [Owed(f"{outage.id}:{began.key}:{name}", AudienceName(name), "outage-declared", severity, True, began) for name in people]
    return [world.post.owe(_worded(word, outage, entries, world, now)) for word in words]


def _drop(outage: Outage, entries: Sequence[OutageEntry], world: Told, now: datetime) -> None:
    """Who was not reached by "it is out" is told that it is over, and no more that it is out; nobody is asked whether they saw that."""
    ends, run = _ends(outage, entries, world), outage.run or RunId("")
    for notice in world.records.drop_notices(outage.id, ends):
        world.records.close_finding(f"unanswered:{notice}", now, run)
    # Those too that were given up before it was over: their codes run out, and nobody could ever say that they saw them.
    world.records.close_findings(f"unanswered:{outage.id}:", [f"unanswered:{notice}" for notice in ends], now, run)
    for digest in world.records.outage_notices(outage.id):
        if digest.gathered and digest.state == "unanswered":
            world.records.close_finding(f"unanswered:{digest.id}", now, run)


def _ends(outage: Outage, entries: Sequence[OutageEntry], world: Told) -> list[str]:
    """The notices that say that it is over, and those that say it among other things, where it was gathered into one."""
    ends = of_its_end(outage, entries, rules_of(world.inventory))
    return [*ends, *{one.digest for one in world.records.outage_notices(outage.id) if one.digest and one.id in ends}]


def is_past(notice: Notice, world: Told) -> bool:
    """Whether it says that something is out which is over: nobody is told that anew, whoever was not reached by it."""
    outage = world.records.outage(OutageId(notice.outage)) if notice.outage else None
    if outage is None or outage.ended is None:
        return False
    return notice.id not in _ends(outage, world.records.outage_entries(outage.id), world)


def _worded(word: Owed, outage: Outage, entries: Sequence[OutageEntry], world: Told, now: datetime) -> Word:
    rules = rules_of(world.inventory)
    from_now = due(outage, entries, [_as_if_told(word, outage, now)], rules)
    told = story(outage, entries, word.said, world.inventory, runs_of(outage, world.records), promised(word.to, rules.hears, from_now), now)
    return Word(
        id=word.id,
        to=word.to,
        template=word.template,
        story=told,
        severity=word.severity,
        outage=outage.id,
        acknowledge=word.acknowledge,
        exercise=outage.exercise,
    )


def _as_if_told(word: Owed, outage: Outage, now: datetime) -> Notice:
    """This very word: the next one is due so long after it."""
    return Notice(
        id=word.id, to=word.to, template=word.template, subject="", body="", severity="info", state="owed", created=now, outage=outage.id
    )


def _alarm(outage: Outage, entries: Sequence[OutageEntry], world: Told, now: datetime) -> None:
    """An outage of which no person says anything is a finding, until one does, or it is over."""
    key, run = f"outage-silent:{outage.id}", outage.run or RunId("")
    since = silent_since(outage, entries, rules_of(world.inventory), now)
    if since is None:
        world.records.close_finding(key, now, run)
        return
    who = f"{outage.assigned} has it in hand" if outage.assigned else "nobody has it in hand"
    silent = show_duration((now - since).total_seconds() // 60 * 60)
    what = f"{'EXERCISE: ' if outage.exercise else ''}{about(outage, world.inventory)} is out for {lasted(outage, now)}"
    world.records.finding(
        Finding(
            key=key,
            severity="critical" if outage.severity == "major" and not outage.exercise else "warning",
            system=SystemName(outage.system) if outage.system else None,
            message=f"{what}, and nobody has said for {silent} how it goes; {who}",
            hint=f'dr outage update {outage.id} "how it goes"',
            run=outage.run,
            at=now,
        )
    )
