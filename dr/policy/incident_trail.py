"""Who touched what is concerned by an incident, and when, from the audit trail. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dr.model.incident import Incident
from dr.model.record import AuditEntry
from dr.policy.incidents import Exposure

_WORDS = {
    "copy.committed": "made",
    "copy.found": "found in the repository",
    "copy.decoded": "decrypted and read through, with the drill key",
    "copy.proven": "proven on a standby",
    "copy.damaged": "found damaged",
    "copy.mended": "mended",
    "copy.removed": "removed",
    "set.opened": "its index was opened in clear, with the drill key",
    "set.held": "put on hold",
    "set.released": "hold taken off",
    "set.accepted": "accepted as it is",
    "restore.begun": "restore begun",
    "restore.adopted": "restored, in clear",
    "standby.scrubbed": "scrubbed",
    "key.lent": "the drill key was lent to this host for a restore",
    "system.opened": "opened to users",
    "standby.enters-service": "goes into service",
    "host.in-service": "in service",
    "host.enrolled": "enrolled",
    "home.stored": "a copy of the home was stored",
    "home.restored": "the home was brought back from here",
    "keys.rotated": "rotated",
    "verification.tried": "verification tried with made-up damage",
    "suppressions.replayed": "requests to be erased replayed",
    "command.run": "a command was run",
    "repository.initialised": "made",
}
"""Event to what happened; one that is not here is shown as it is called."""


@dataclass(frozen=True)
class Access:
    """One entry of the trail that concerns the incident."""

    number: int
    """In the trail, where anybody can look it up."""
    at: datetime
    who: str
    what: str
    about: str
    run: str


@dataclass(frozen=True)
class Touched:
    """Whatever an entry of the trail may be about, to concern the incident."""

    copies: frozenset[tuple[str, str]]
    """Repository and set."""
    sets: frozenset[str]
    places: frozenset[str]
    """Repositories and standbys that were exposed themselves."""
    keys: frozenset[str]
    repositories: frozenset[str]
    """All there are, so that a repository is told from a host."""


def touched(incident: Incident, found: Exposure, repositories: Collection[str]) -> Touched:
    exposed = incident.exposed
    return Touched(
        copies=frozenset((each.where, each.set) for each in found.reach if not each.restored),
        sets=frozenset(found.sets),
        places=frozenset(one.name for one in exposed if one.kind in ("repository", "host")),
        keys=frozenset(f"keys/{one.name}" for one in exposed if one.kind == "key"),
        repositories=frozenset(repositories),
    )


def accesses(entries: Iterable[AuditEntry], wanted: Touched) -> Iterator[Access]:
    """What the trail has of them, in its order."""
    for entry in entries:
        if _concerns(entry, wanted):
            run = str(entry.facts.get("run") or "")
            yield Access(entry.seq, entry.at, entry.actor or "dr", _what(entry), entry.subject, run)


def _concerns(entry: AuditEntry, wanted: Touched) -> bool:
    place, _, rest = entry.subject.partition("/")
    if entry.subject in wanted.keys or entry.subject in wanted.places or entry.subject in wanted.sets:
        return True
    if not rest:
        return False
    if place in wanted.places and (rest in wanted.sets or place not in wanted.repositories or entry.event == "home.stored"):
        return True
    if rest not in wanted.sets:
        return False
    if place in wanted.repositories:
        return (place, rest) in wanted.copies or any((source, rest) in wanted.copies for source in _sources(entry))
    return any((source, rest) in wanted.copies for source in _sources(entry)) or not _sources(entry)


def _sources(entry: AuditEntry) -> tuple[str, ...]:
    """The repositories out of which it was read."""
    found = entry.facts.get("from")
    return (found,) if isinstance(found, str) else tuple(str(one) for one in found) if isinstance(found, list) else ()


def _what(entry: AuditEntry) -> str:
    said = _WORDS.get(entry.event, entry.event)
    return f"{said}, read from {' and '.join(_sources(entry))}" if _sources(entry) else said
