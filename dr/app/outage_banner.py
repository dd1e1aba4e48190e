"""What is out now, in a line each, for the top of whatever shows how things stand. Needs the catalog alone, so that it is quick."""

from dataclasses import dataclass
from datetime import datetime

from dr.clock import clock
from dr.model.outage import Outage
from dr.model.ports import Records
from dr.policy.outage_words import lasted


@dataclass(frozen=True)
class Banner:
    """`real`: declared, and no exercise: users cannot work."""

    head: str
    rest: str
    real: bool

    @property
    def text(self) -> str:
        return f"{self.head}, {self.rest}"


def banners(records: Records, zone: str, now: datetime) -> list[Banner]:
    """The real ones first, the gravest first, then the oldest."""
    found = records.outages(open_only=True)
    ordered = sorted(found, key=lambda one: (one.exercise, one.state != "declared", one.severity != "major", one.began))
    return [Banner(*_words(one, zone, now), one.state == "declared" and not one.exercise) for one in ordered]


def _words(outage: Outage, zone: str, now: datetime) -> tuple[str, str]:
    name = str(outage.system or f"office {outage.office}")
    mark, since = "EXERCISE: " if outage.exercise else "", f"since {clock(outage.began, now, zone)}"
    if outage.state == "proposed":
        return f"{mark}{name} SEEMS TO BE OUT {since}", f"proposed: {outage.what}. Declare or dismiss it: dr outage show {outage.id}"
    who = f"{outage.assigned} has it in hand" if outage.assigned else "nobody has it in hand"
    head = f"{mark}{name} IS OUT {since} ({lasted(outage, now)})"
    return head, f"{outage.severity}: {outage.what}; {who}. dr outage show {outage.id}"
