"""Duties on real catalogs with a clock that is moved: each machine its own catalog, all one store of claims. The post writes down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dr.actions.duty_desk import Desk
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.base import OfficeName, RepositoryName
from dr.model.duty import Assignment, DutyName, Fence
from dr.model.duty_events import Accepted, Lost
from dr.model.inventory import Contact, Duty, Failover, Inventory, Keys, Office, Organisation, RepositoryEntry, SecretRef
from dr.model.ports import Repository
from dr.stream.claims import Claims
from tests.support.outage_world import Pigeonhole
from tests.support.stream_keys import TestKeys
from tests.support.stream_memory import MemoryRepository

NOON = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""12:00 in Madison."""
CHANNEL = SecretRef(file="keys/x.url")
VAULT = RepositoryName("vault")
MADISON, MILWAUKEE, GREEN_BAY = (OfficeName(name) for name in ("madison", "milwaukee", "green-bay"))
DESK, PAYROLL = DutyName("help-desk"), DutyName("payroll")


def inventory(accept_within: str = "15m") -> Inventory:
    """Two duties of the main office, two offices to take them over, a person in each, a director and a partner."""
    people = {
        "anna": Contact(name="Anna", office="madison", groups=("management",), skills=("desk", "books"), channels=(CHANNEL,)),
        "bert": Contact(name="Bert", office="milwaukee", skills=("desk", "books"), channels=(CHANNEL,)),
        "carl": Contact(name="Carl", office="green-bay", skills=("desk", "books"), channels=(CHANNEL,)),
        "dora": Contact(name="Dora", office="madison", channels=(CHANNEL,)),
        "emil": Contact(name="Emil", groups=("partners",), channels=(CHANNEL,)),
    }
    order = ("milwaukee", "green-bay")
    return Inventory(
        organisation=Organisation(
            name="Harbor", zone="America/Chicago", keys=Keys(recipients=("age1a", "age1b"), signing=CHANNEL, trusted=("keys/s.pub",))
        ),
        systems={},
        hosts={},
        repositories={"vault": RepositoryEntry(kind="directory", tier="vault")},
        offices={
            "madison": Office(title="Madison", main=True),
            "milwaukee": Office(title="Milwaukee"),
            "green-bay": Office(title="Green Bay"),
        },
        contacts=people,
        duties={
            "help-desk": Duty(title="Help desk", office="madison", needs=("desk",), succession=order),
            "payroll": Duty(title="Payroll", office="madison", needs=("books",), succession=order),
        },
        failover=Failover.from_facts({"accept_within": accept_within}),
    )


def vault() -> MemoryRepository:
    made = MemoryRepository(VAULT, "vault", organisation="Harbor")
    made.initialise("Harbor", "r-1", NOON)
    return made


@dataclass
class Machine:
    """One home: `actions.duty_desk.World`."""

    place: Path
    store: MemoryRepository
    home: str = "here"
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    keys: TestKeys = field(default_factory=TestKeys)
    at: Callable[[str], None] = field(default=lambda _: None)
    """What happens at the desk's failpoints."""

    def __post_init__(self) -> None:
        self.records: Catalog = open_catalog(self.place / self.home / "catalog.db", self.clock)
        self.inventory = inventory()
        self.post = Pigeonhole(self.records, self.clock)

    def repository(self, name: RepositoryName) -> Repository:
        assert name == VAULT
        return self.store

    def desk(self, log: str = "", by: str = "anna") -> Desk:
        return Desk(self, by, self.home, log, at=self.at)

    def wait(self, minutes: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(minutes=minutes))

    # ------------------------------------------------------------ what is said

    def lose(self, office: str = MADISON, log: str = "") -> None:
        desk = self.desk(log)
        desk.say(Lost(at=self.clock.now(), office=OfficeName(office), by="anna", exercise=bool(log)))
        desk.heed()

    def accept(self, duty: str, office: str, number: int = 1, log: str = "") -> None:
        desk = self.desk(log, by="bert")
        desk.say(Accepted(at=self.clock.now(), duty=DutyName(duty), office=OfficeName(office), number=Fence(number), by="bert"))
        desk.heed()

    # ------------------------------------------------------------ what is there

    def of(self, duty: str, log: str = "") -> Assignment:
        found = self.desk(log).board().of(duty)
        assert found is not None
        return found

    def holder(self, duty: str, log: str = "") -> tuple[str | None, int]:
        said = self.of(duty, log)
        return said.office, said.number

    def claims(self) -> Claims:
        return Claims([self.store], self.keys)

    def told(self, template: str) -> list[str]:
        return [word.to for word in self.post.words if word.template == template]

    def called(self) -> list[str]:
        """The messages by which somebody is still called for a duty that nobody holds."""
        return [notice.id for notice in self.records.notices_by("duty-unheld") if notice.due is not None]
