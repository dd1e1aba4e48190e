"""Outages, decided: what may be done about one and when, who is owed which word of it, and when the next word is due at the latest.

Everything is derived from what is on record (the outage, its entries, the ledger's notices of it), so that whoever comes by, a command, a
timer or the outage's own run, owes the very same words under the same names: a word that two of them owe is one notice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Protocol, TypeVar

from dr.clock import local
from dr.errors import Refused
from dr.model.base import AudienceName
from dr.model.inventory import Inventory
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageAct, OutageEntry, OutageRules, OutageSeverity, OutageState
from dr.model.record import Severity

MARGIN = timedelta(minutes=1)
"""A word is owed this much before it is due at the latest (half the cadence at most): whoever carries comes by once a minute."""
LATELY = timedelta(days=7)
"""After its end for which something is still looked at: whoever should have told of its end may have died."""
AGAIN = timedelta(minutes=10)
"""Within which the same words of the same person are a command that was typed again, and no other word on how it goes."""
_ALLOWED: dict[OutageState, tuple[OutageAct, ...]] = {
    "proposed": ("declared", "dismissed"),
    "declared": ("updated", "assigned", "resolved"),
    "resolved": ("reviewed",),
    "reviewed": ("reviewed",),
    "dismissed": (),
}
_AFTER: dict[OutageAct, OutageState] = {
    "declared": "declared",
    "resolved": "resolved",
    "reviewed": "reviewed",
    "dismissed": "dismissed",
}
_WIDEST = 160
"""Characters of somebody's words in a refusal."""
_BY_A_PERSON: tuple[OutageAct, ...] = ("declared", "updated", "assigned")
_IS = {
    "proposed": "was only proposed: nobody has declared it yet",
    "declared": "is not over yet",
    "resolved": "is resolved",
    "reviewed": "is resolved and reviewed",
    "dismissed": "was dismissed: it never was one",
}
_INSTEAD = {
    "proposed": "dr outage declare --proposed {id}, or dr outage dismiss {id}",
    "declared": 'it is over: dr outage resolve {id} --text "how it was mended"; it is not: dr outage update {id} "how it goes"',
    "resolved": "if it is out again, declare it anew; what was learnt goes into dr outage review {id}",
    "reviewed": "if it is out again, declare it anew",
    "dismissed": "if it is one after all, declare it anew",
}


# ---------------------------------------------------------------- what may be done


def why_not(outage: Outage, act: OutageAct, entries: Sequence[OutageEntry] = (), zone: str = "UTC") -> str:
    """Why that cannot be done to it now, in words; empty where it can. `entries`: who did it already, and when, is said."""
    if act in _ALLOWED[outage.state]:
        return ""
    over = act if act in (outage.state, "resolved") else outage.state
    by = next(
        (f"{local(entry.at, zone)}, by {entry.by}: {shorten(entry.text, _WIDEST)}" for entry in entries[::-1] if entry.act == over), ""
    )
    if by and over == act:
        return f"{outage.id} is {act} already: {by}"
    return f"{outage.id} {_IS[outage.state]}{f' ({by})' if by and outage.ended else ''}"


def do(
    outage: Outage, entries: Sequence[OutageEntry], entry: OutageEntry, refuse: Callable[[Outage, OutageAct], str] = why_not
) -> tuple[Outage, OutageEntry]:
    """The outage after that was done, and what goes on record. Raises Refused, in words, for what may not be done now.

    The same said again by the same person at once, with nothing between, is the one that is there: a command may be typed again after a
    crash.
    """
    last = entries[-1] if entries else None
    if last and _typed_again(last, entry):
        return outage, last
    refusal = refuse(outage, entry.act)
    if refusal:
        raise Refused(refusal, hint=_INSTEAD[outage.state].format(id=outage.id))
    changed = outage.model_copy(
        update={
            "state": _AFTER.get(entry.act, outage.state),
            "severity": entry.severity or outage.severity,
            "assigned": entry.to or outage.assigned,
            "ended": entry.at if entry.act in ("resolved", "dismissed") else outage.ended,
        }
    )
    return changed, entry


def _typed_again(last: OutageEntry, entry: OutageEntry) -> bool:
    """The same words an hour later are a word of their own, and so are the same with another severity: people are owed both."""
    same = (last.act, last.by, last.text, last.to, last.severity) == (entry.act, entry.by, entry.text, entry.to, entry.severity)
    return same and (entry.act != "updated" or entry.at - last.at < AGAIN)


def rules_of(inventory: Inventory) -> OutageRules:
    """As written; else the usual groups that there are, and where there is none of them, everybody."""
    if inventory.outages is not None:
        return inventory.outages
    usual, contacts = OutageRules(), inventory.contacts
    groups = {group for contact in contacts.values() for group in contact.groups} | set(contacts)
    everybody = tuple(AudienceName(name) for name in contacts) or usual.minor
    major = tuple(one for one in usual.major if one in groups) or everybody
    minor = tuple(one for one in usual.minor if one in groups) or everybody
    return usual.model_copy(update={"major": major, "minor": minor, "hears": minor[0]})


class Ending(Protocol):
    """An outage or an incident."""

    @property
    def ended(self) -> datetime | None: ...


E = TypeVar("E", bound=Ending)


def lately(known: Iterable[E], now: datetime, within: timedelta = LATELY) -> list[E]:
    """Those that are not over, or have not been for long."""
    return [one for one in known if one.ended is None or now - one.ended < within]


# ---------------------------------------------------------------- who is owed which word


@dataclass(frozen=True)
class Owed:
    """One word that somebody is owed. `said`: what it is about; None: that it lasts."""

    id: str
    to: AudienceName
    template: str
    severity: Severity
    acknowledge: bool
    said: OutageEntry | None = None


def owed(outage: Outage, entries: Sequence[OutageEntry], ledger: Sequence[Notice], rules: OutageRules, now: datetime) -> list[Owed]:
    """Every word that is owed by now and is not in the ledger yet."""
    known = {notice.id for notice in ledger}
    found = [word for word in _of_entries(outage, entries, rules) if word.id not in known]
    hears_now = any(word.to == rules.hears for word in found)
    lasting = None if hears_now else _that_it_lasts(outage, entries, ledger, rules, now)
    asked = _ask_for_a_word(outage, entries, rules, now)
    return [*found, *(word for word in (lasting, asked) if word is not None and word.id not in known)]


def due(outage: Outage, entries: Sequence[OutageEntry], ledger: Sequence[Notice], rules: OutageRules) -> datetime | None:
    """When those who hear of it so often hear again at the latest; None where nothing is promised (any more)."""
    last = _heard(outage, entries, ledger, rules)
    return None if last is None else last + timedelta(seconds=rules.cadence.of(outage.severity))


def silent_since(outage: Outage, entries: Sequence[OutageEntry], rules: OutageRules, now: datetime) -> datetime | None:
    """When a person last said something, where that is too long ago; else None."""
    last = _last_word([entry for entry in entries if entry.at <= now])
    if outage.state != "declared" or last is None:
        return None
    return last if now - last >= timedelta(seconds=rules.silence.of(outage.severity)) else None


def of_its_end(outage: Outage, entries: Sequence[OutageEntry], rules: OutageRules) -> list[str]:
    """The names of the words that say that it is over."""
    return [word.id for word in _of_entries(outage, entries, rules) if word.said and word.said.act in ("resolved", "dismissed")]


def told_groups(entries: Sequence[OutageEntry], rules: OutageRules) -> list[AudienceName]:
    """Who was told that it began, in that order."""
    found: list[AudienceName] = []
    for entry in entries:
        if entry.act in ("declared", "updated") and entry.severity is not None:
            found += [group for group in rules.groups(entry.severity) if group not in found]
    return found


def gravity(severity: OutageSeverity, *, alarming: bool = False) -> Severity:
    """Of a notice: everything about a major outage reaches everybody at once, whatever the hour. `alarming`: somebody must look at it."""
    if severity == "major":
        return "critical"
    return "warning" if alarming else "info"


def _of_entries(outage: Outage, entries: Sequence[OutageEntry], rules: OutageRules) -> Iterator[Owed]:
    for index, entry in enumerate(entries):
        before = told_groups(entries[:index], rules)
        groups = told_groups(entries[: index + 1], rules)
        if entry.act == "proposed":
            yield _word(outage, entry, rules.hears, "outage-proposed", alarming=True)
        elif entry.act == "dismissed":
            yield _word(outage, entry, rules.hears, "outage-dismissed")
        elif entry.act == "assigned" and entry.to not in ("", *groups):
            yield _word(outage, entry, AudienceName(entry.to), "outage-assigned", alarming=True)
        new = [group for group in groups if group not in before]
        yield from (_word(outage, entry, group, "outage-declared", alarming=True) for group in new)
        template = {"updated": "outage-update", "assigned": "outage-update", "resolved": "outage-resolved"}.get(entry.act)
        if template:
            yield from (_word(outage, entry, group, template) for group in before)


def _word(outage: Outage, entry: OutageEntry, to: AudienceName, template: str, *, alarming: bool = False) -> Owed:
    severity = gravity(outage.severity, alarming=alarming)
    return Owed(f"{outage.id}:{entry.key}:{to}", to, template, severity, acknowledge=alarming, said=entry)


def _that_it_lasts(
    outage: Outage, entries: Sequence[OutageEntry], ledger: Sequence[Notice], rules: OutageRules, now: datetime
) -> Owed | None:
    """The cadence's own word, named by the word that it follows: whoever owes it, it is the same one.

    What was said at a time that is still to come was said while the clock ran ahead: people are not left in silence until then.
    """
    past = [notice for notice in ledger if notice.created <= now + MARGIN]  # another process may have been a moment later than this one
    last, every = _heard(outage, entries, past, rules), timedelta(seconds=rules.cadence.of(outage.severity))
    if last is None or now < last + every - min(MARGIN, every / 2):
        return None
    ahead = len(ledger) - len(past)
    word = f"{outage.id}:lasts-{_stamp(last)}{f'-{ahead}' if ahead else ''}:{rules.hears}"
    return Owed(word, rules.hears, "outage-cadence", gravity(outage.severity), acknowledge=False)


def _heard(outage: Outage, entries: Sequence[OutageEntry], ledger: Sequence[Notice], rules: OutageRules) -> datetime | None:
    """When those who hear so often last did; None where it is not declared, or is over."""
    if outage.state != "declared":
        return None
    began = [entry.at for entry in entries if entry.act == "declared"]
    return max([*began[:1], *(notice.created for notice in ledger if notice.to == rules.hears)], default=None)


def _ask_for_a_word(outage: Outage, entries: Sequence[OutageEntry], rules: OutageRules, now: datetime) -> Owed | None:
    """Nobody said anything for too long: who has it in hand is asked, once each such while."""
    last = silent_since(outage, entries, rules, now)
    if last is None:
        return None
    every = timedelta(seconds=rules.silence.of(outage.severity))
    since = last + every * int((now - last) / every)
    to = AudienceName(outage.assigned) if outage.assigned else rules.hears
    return Owed(f"{outage.id}:silent-{_stamp(since)}:{to}", to, "outage-silent", gravity(outage.severity, alarming=True), acknowledge=True)


def _last_word(entries: Sequence[OutageEntry]) -> datetime | None:
    return max((entry.at for entry in entries if entry.act in _BY_A_PERSON), default=None)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S") + f".{at.microsecond:06d}Z"
