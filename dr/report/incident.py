"""The report of an incident, for who owes it, and as one self-contained page. It names copies, keys, places and accounts, and no client."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dr.clock import iso
from dr.model.base import JsonObject
from dr.model.incident import Incident, IncidentEntry
from dr.policy.incident_trail import Access
from dr.policy.incidents import Exposure, Reach
from dr.report.page import environment


@dataclass(frozen=True)
class Group:
    """Copies, or restores, of one place of which the same is to be said."""

    where: str
    readable: bool
    why: str
    restored: bool
    members: tuple[Reach, ...]

    @property
    def count(self) -> str:
        number = len(self.members)
        noun = ("restore", "restores") if self.restored else ("copy", "copies")
        return f"{number:,} {noun[number != 1]}"


@dataclass(frozen=True)
class Report:
    """`broken`: why the trail cannot be believed; empty: it is whole, as `whole` says."""

    incident: Incident
    entries: tuple[IncidentEntry, ...]
    found: Exposure
    accesses: tuple[Access, ...]
    broken: str
    whole: str
    remarks: tuple[str, ...]
    answer: str
    next: tuple[str, ...]
    owed: str

    @property
    def groups(self) -> list[Group]:
        """What is concerned, what can be read first; in each the oldest first."""
        return list(_grouped(self.found))

    def to_facts(self) -> JsonObject:
        return {
            "incident": self.incident.to_facts(),
            "entries": [entry.to_facts() for entry in self.entries],
            "trail": {"whole": not self.broken, "what": self.broken or self.whole},
            "readable": self.found.readable,
            "concerned": [_reach(each) for each in self.found.reach],
            "accesses": [{**vars(each), "at": iso(each.at)} for each in self.accesses],
            "remarks": list(self.remarks),
            "next": list(self.next),
            "owed": self.owed,
        }


def incident_page(made: Report, organisation: str, zone: str, at: datetime, tool: str) -> str:
    """`at`: when it was made; `tool`: by what."""
    template = environment(zone).get_template("incident.html.j2")
    return template.render(r=made, i=made.incident, groups=made.groups, organisation=organisation, at=at, tool=tool)


def _reach(each: Reach) -> JsonObject:
    return {**vars(each), "since": iso(each.since), "until": iso(each.until) if each.until else None}


def _grouped(found: Exposure) -> Iterator[Group]:
    members: dict[tuple[str, bool, str, bool], list[Reach]] = {}
    for each in found.reach:
        members.setdefault((each.where, each.readable, each.why, each.restored), []).append(each)
    for key, reach in members.items():
        yield Group(*key, tuple(reach))
