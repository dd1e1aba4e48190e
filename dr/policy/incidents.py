"""What could be read with what was exposed, and why. Pure.

Bytes alone are not readable, since every copy is encrypted; a key alone opens nothing that nobody has; both together do. What was
restored on a standby lay there in clear, and needs no key. How many clients that concerns is not known here, and never said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.model.base import HostName, RunId, SetId
from dr.model.incident import Exposed, Incident, KeptCopy
from dr.model.record import AuditEntry

SIGNING = "signing"


@dataclass(frozen=True)
class Stay:
    """A set that was restored on a standby, in clear, from `began` until it was scrubbed; None: it lies there still."""

    set: SetId
    host: HostName
    run: RunId | None
    began: datetime
    ended: datetime | None


@dataclass(frozen=True)
class Reach:
    """One copy, or one restore, that is concerned. `where`: its repository, or the standby."""

    set: SetId
    system: str
    where: str
    since: datetime
    until: datetime | None
    readable: bool
    why: str
    restored: bool = False


@dataclass(frozen=True)
class Exposure:
    """All that is concerned, what can be read first; and what else a person must know."""

    reach: tuple[Reach, ...]
    remarks: tuple[str, ...]

    @property
    def readable(self) -> int:
        return sum(each.readable for each in self.reach)

    @property
    def sets(self) -> tuple[SetId, ...]:
        return tuple(sorted({each.set for each in self.reach}))


def exposure(incident: Incident, copies: Sequence[KeptCopy], stays: Sequence[Stay]) -> Exposure:
    """What of all that ever was is concerned, and what of that can be read."""
    known = {copy.set: str(copy.system) for copy in copies}
    found = [*_copies(incident, copies), *_stays(incident, stays, known)]
    ordered = sorted(found, key=lambda one: (not one.readable, one.since, one.set, one.where))
    return Exposure(tuple(ordered), tuple(_remarks(incident, copies, stays)))


# ---------------------------------------------------------------- copies


def _copies(incident: Incident, copies: Sequence[KeptCopy]) -> Iterable[Reach]:
    for copy in copies:
        judged = judge(incident, copy)
        if judged is not None:
            yield Reach(copy.set, copy.system, copy.repository, copy.committed, copy.removed, *judged)


def judge(incident: Incident, copy: KeptCopy) -> tuple[bool, str] | None:
    """Whether a copy can be read with what was exposed, and why; None where it is not concerned."""
    held, keys = in_hand(incident, copy), opened_by(incident, copy)
    if held and not copy.recipients:
        return True, "its bytes were exposed, and by which keys it can be read is not on record: count it as readable"
    if held and keys:
        return True, f"its bytes and {_named(keys)}, which opens them, were exposed together"
    if held:
        return False, "its bytes are encrypted, and no key that opens them was exposed"
    if keys and (copy.removed is None or copy.removed >= incident.since):
        return False, f"{_named(keys)} opens it, but its bytes were not exposed: whoever gets at {copy.repository} as well can read it"
    return None


def in_hand(incident: Incident, copy: KeptCopy) -> bool:
    """Whether its bytes may have been in strangers' hands."""
    there = copy.committed <= incident.noticed and (copy.removed is None or copy.removed >= incident.since)
    return any(
        (one.kind == "copy" and one.name == copy.set and one.repository in (None, copy.repository))
        or (one.kind == "repository" and one.name == copy.repository and there)
        for one in incident.exposed
    )


def opened_by(incident: Incident, copy: KeptCopy) -> tuple[str, ...]:
    """The exposed keys that decrypt it, by name."""
    return tuple(dict.fromkeys(one.name for one in incident.exposed if one.kind == "key" and {*one.recipients} & {*copy.recipients}))


def _named(keys: Sequence[str]) -> str:
    return " and ".join(f"the {key} key" if not key.startswith("age1") else f"the key {key[:12]}..." for key in keys)


# ---------------------------------------------------------------- standbys


def stays_of(entries: Iterable[AuditEntry]) -> list[Stay]:
    """Every restore that was begun on a standby, from the trail, until the scrub that came after it there."""
    lying: dict[tuple[str, str], Stay] = {}
    over: list[Stay] = []
    for entry in entries:
        host, _, set_id = entry.subject.partition("/")
        if entry.event in ("restore.begun", "restore.adopted") and set_id:
            run = RunId(str(entry.facts["run"])) if entry.facts.get("run") else None
            lying.setdefault((host, set_id), Stay(SetId(set_id), HostName(host), run, entry.at, None))
        elif entry.event == "standby.scrubbed":
            for key in [key for key in lying if key[0] == host]:
                gone = lying.pop(key)
                over.append(Stay(gone.set, gone.host, gone.run, gone.began, entry.at))
    return [*over, *lying.values()]


def _stays(incident: Incident, stays: Sequence[Stay], systems: dict[SetId, str]) -> Iterable[Reach]:
    hosts = {one.name for one in incident.exposed if one.kind == "host"}
    for stay in stays:
        if stay.host in hosts and stay.began <= incident.noticed:
            lay = stay.ended is None or stay.ended >= incident.since
            why = "it lay there in clear: no key is needed" if lay else "it was scrubbed, and searched for, before that"
            yield Reach(stay.set, systems.get(stay.set, ""), stay.host, stay.began, stay.ended, lay, why, restored=True)


# ---------------------------------------------------------------- besides


def _remarks(incident: Incident, copies: Sequence[KeptCopy], stays: Sequence[Stay]) -> Iterable[str]:
    exposed = incident.exposed
    for name in (one.name for one in exposed if one.kind == "repository"):
        yield from _of_repository(name, incident, copies)
    for name in (one.name for one in exposed if one.kind == "host"):
        later = sum(stay.host == name and stay.began > incident.noticed for stay in stays)
        if later:
            yield f"{_counted(later, 'restore was', 'restores were')} begun on {name} after it was noticed: not counted here"
    if any(one.kind == "key" and one.name == SIGNING for one in exposed):
        yield (
            "the signing key reads nothing; but whoever has it can make sets, markers and evidence that pass for ours: "
            "trust what was signed since only where another record bears it out"
        )
    if incident.since == incident.noticed:
        yield "nobody said since when it may have been exposed: counted is what was there when it was noticed"


def _of_repository(name: str, incident: Incident, copies: Sequence[KeptCopy]) -> Iterable[str]:
    here = [copy for copy in copies if copy.repository == name]
    later = sum(copy.committed > incident.noticed for copy in here)
    gone = sum(copy.removed is not None and copy.removed < incident.since for copy in here)
    if gone:
        had = _counted(gone, "copy", "copies")
        yield f"{had} in {name} had been removed before: not counted here, though what was deleted can often be got back from a medium"
    if later:
        yield f"{_counted(later, 'copy was', 'copies were')} committed to {name} after it was noticed: not counted here"
    held = "homes that are stored in {0} hold this home's keys and passwords, encrypted to the drill and the escrow key"
    if any(one.kind == "key" and one.recipients for one in incident.exposed):
        held += ": with one of these exposed as well, change every key and password of this home"
    yield held.format(name)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def widened(incident: Incident, more: Sequence[Exposed]) -> Incident:
    """The same with what is added; what is there already stays once."""
    return incident.model_copy(update={"exposed": tuple(dict.fromkeys((*incident.exposed, *more)))})
