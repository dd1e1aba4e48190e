"""Outages on a real catalog with a clock that is moved; the post writes down what it was owed, and sends nothing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dr.app.outages import Desk
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.base import OfficeName, SystemName
from dr.model.inventory import (
    Contact,
    Inventory,
    Keys,
    Objectives,
    Office,
    Organisation,
    SecretRef,
    SourceEntry,
    SystemEntry,
    TierObjective,
)
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageId, OutageRules, OutageSeverity, OutageState
from dr.model.ports import Carried, Word

NOON = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""12:00 in Madison."""
CHANNEL = SecretRef(file="keys/x.url")


def inventory(rules: OutageRules | None = None) -> Inventory:
    """One system, one office, an administrator, a second one, a director."""
    people = {
        "anna": Contact(name="Anna Admin", groups=("administrators",), channels=(CHANNEL,)),
        "bert": Contact(name="Bert Backup", groups=("administrators",), channels=(CHANNEL,)),
        "dora": Contact(name="Dora Director", groups=("management",), channels=(CHANNEL,)),
        "carl": Contact(name="Carl Vendor", channels=(CHANNEL,)),
    }
    system = SystemEntry(
        title="Client records",
        sources={"database": SourceEntry(kind="toy", host="production")},
        objectives=Objectives.from_facts({"rpo": "24h", "tiers": {"online": TierObjective.from_facts({"rto": "4h"}).to_facts()}}),
        retention={},
    )
    return Inventory(
        organisation=Organisation(
            name="Harbor", zone="America/Chicago", keys=Keys(recipients=("age1a", "age1b"), signing=CHANNEL, trusted=("keys/s.pub",))
        ),
        systems={"hmis": system},
        hosts={},
        repositories={},
        offices={"madison": Office(title="Madison", main=True)},
        contacts=people,
        outages=rules,
    )


@dataclass
class Pigeonhole:
    """A post that only writes down; `carried` counts its rounds."""

    records: Catalog
    clock: FixedClock
    words: list[Word] = field(default_factory=list)
    carried: int = 0
    again: timedelta | None = None
    """After which something is still to be sent; None: nothing is."""

    def owe(self, word: Word) -> Notice:
        if word.id not in [one.id for one in self.words]:
            self.words.append(word)
        now = self.clock.now()
        notice = Notice(
            id=word.id,
            to=word.to,
            template=word.template,
            subject=word.template,
            body="",
            severity=word.severity,
            state="owed",
            created=now,
            due=now,
            outage=word.outage,
            acknowledge=word.acknowledge,
            exercise=word.exercise,
        )
        return self.records.owe(notice)

    def carry(self, outage: str | None = None) -> Carried:
        self.carried += 1
        return Carried((), self.clock.now() + self.again if self.again else None)


class OutageWorld:
    """What telling needs, and a desk to act at."""

    def __init__(self, place: Path, rules: OutageRules | None = None) -> None:
        self.clock = FixedClock(NOON)
        self.records = open_catalog(place / "catalog.db", self.clock)
        self.inventory = inventory(rules)
        self.post = Pigeonhole(self.records, self.clock)
        self.desk = Desk(self, self.clock, "anna")

    def wait(self, minutes: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(minutes=minutes))

    def told(self, since: int = 0) -> list[tuple[str, str]]:
        """To whom, by which template."""
        return [(word.to, word.template) for word in self.post.words[since:]]


def outage(
    number: int = 1,
    *,
    severity: OutageSeverity = "major",
    state: OutageState = "declared",
    office: str | None = None,
    exercise: bool = False,
    by: str = "anna",
    what: str = "the server burnt",
) -> Outage:
    return Outage(
        id=OutageId(f"out-20261123T180000Z-{number:04x}"),
        system=None if office else SystemName("hmis"),
        office=OfficeName(office) if office else None,
        severity=severity,
        what=what,
        state=state,
        exercise=exercise,
        began=NOON - timedelta(minutes=5),
        by=by,
    )
