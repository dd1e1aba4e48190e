"""The network of production is down, and fifty nightlies fail within minutes: the first is told at once, the others in one message.

Real SMTP, a real catalog, each run with a connection of its own as processes have.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.base import RunId, SystemName
from dr.model.inventory import Inventory, SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import StepContext, Telling
from dr.model.record import Severity
from dr.notify.carrier import Carrier
from dr.notify.ledger import LedgerNotifier
from dr.notify.rounds import note_timer, timer_carries
from dr.policy.gathering import waits
from dr.policy.undelivered import what_became
from tests.support.catalog_copies import NOW
from tests.support.catalog_mailbox import Mailbox, body_of, mailbox
from tests.support.catalog_runs import ToldStep, inventory_of, plan_of, run_at, step_of
from tests.support.notices import carrier_of, post_of

pytestmark = pytest.mark.integration
PEOPLE = ("anna", "bob")


@dataclass
class Site:
    """A home whose timer comes by each minute, and its people's mailboxes."""

    path: Path
    box: Mailbox
    rules: dict[str, object] = field(default_factory=dict)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def opened(self) -> Catalog:
        return open_catalog(self.path, self.clock)

    @property
    def inventory(self) -> Inventory:
        return Inventory.from_facts({**inventory_of({name: [name] for name in PEOPLE}).to_facts(), "notices": self.rules})

    def carrier(self, catalog: Catalog) -> Carrier:
        def secret(reference: SecretRef) -> str:
            return self.box.url(reference.env or "")

        return carrier_of(self.inventory, catalog, self.clock, secret, workers=4)

    def fails(self, number: int, severity: Severity = "critical", template: str = "nightly-failed") -> Notice:
        """One system's nightly, in a process of its own as far as the ledger can tell."""
        run = RunId(f"nightly-{number}")
        with self.opened() as catalog:
            catalog.begin_run(run_at(self.clock.now(), run=run, system=SystemName(f"system-{number}")), plan_of())
            catalog.record_step(step_of(run=run, state="failed"))
            notifier = LedgerNotifier(
                self.inventory, catalog, self.clock, self.carrier(catalog), carried=lambda: timer_carries(catalog, self.clock.now())
            )
            return notifier.tell(Telling("administrators", template, severity), told_by(catalog, run))

    def fail(self, numbers: Sequence[int]) -> list[Notice]:
        with ThreadPoolExecutor(6) as pool:
            return list(pool.map(self.fails, numbers))

    def minute(self, catalog: Catalog) -> None:
        """The timer comes by."""
        note_timer(catalog, self.clock.now())
        post_of(self.inventory, catalog, self.clock, self.carrier(catalog)).carry()

    def later(self, **span: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**span))


def told_by(catalog: Catalog, run: RunId) -> StepContext:
    return ToldStep(catalog, run)  # type: ignore[return-value]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with mailbox() as box:
        yield Site(tmp_path / "catalog.db", box)


def test_fifty_nightlies_that_fail_are_one_message_and_then_one_more(site: Site) -> None:
    """To each person. None is lost: each run's own notice is in the ledger and says in which message it went out."""
    with site.opened() as catalog:
        site.minute(catalog)
        told = site.fail(range(50))
        assert sorted(notice.state for notice in told) == ["delivered", *["owed"] * 49]
        assert {what_became(notice) for notice in told if waits(notice)} == {"waits to be told in one with others"}
        site.later(minutes=9)
        site.minute(catalog)
        assert [len(site.box.to(name)) for name in PEOPLE] == [1, 1]
        site.later(minutes=1)
        site.minute(catalog)
        for name in PEOPLE:
            first, digest = site.box.subjects(name)
            assert first.startswith("system-") and first.endswith(": nightly FAILED")
            assert digest == "Madison Shelter: 49 more runs FAILED"
            assert "- and 29 more" in body_of(site.box.to(name)[1].get_payload()[0])  # type: ignore[arg-type, index]
        kept = catalog.notices(100)
        digests = [notice for notice in kept if notice.gathered]
        assert [(one.gathered, one.state, one.severity) for one in digests] == [(49, "delivered", "critical")]
        members = [notice for notice in kept if notice.digest == digests[0].id]
        assert {notice.run for notice in members} | {n.run for n in told if n.state == "delivered"} == {f"nightly-{n}" for n in range(50)}
        assert {what_became(notice) for notice in members} == {f"is told as part of {digests[0].id}"}
        assert catalog.next_due() is None


@pytest.mark.positive_control
def test_where_no_timer_comes_by_each_is_told_at_once(site: Site) -> None:
    """Twin: nothing may wait for somebody who never comes. And a timer that was here an hour ago is none."""
    with site.opened() as catalog:
        site.minute(catalog)
        site.later(hours=1)
        assert {notice.state for notice in site.fail(range(4))} == {"delivered"}
    assert [len(site.box.to(name)) for name in PEOPLE] == [4, 4]


def test_what_is_more_severe_breaks_through_and_a_repeated_step_tells_nobody_twice(site: Site) -> None:
    with site.opened() as catalog:
        site.minute(catalog)
        assert site.fails(1, "info", "nightly-recovered").state == "delivered"
        assert waits(site.fails(2, "info", "nightly-recovered"))
        assert site.fails(3).state == "delivered"
        waiting = site.fails(4)
        assert (waits(waiting), site.fails(4)) == (True, waiting)
        site.later(minutes=10)
        site.minute(catalog)
        expected = ["system-1: nightly works again", "system-3: nightly FAILED", "Madison Shelter: 2 more messages of runs, 1 FAILED"]
        assert [site.box.subjects(name) for name in PEOPLE] == [expected, expected]
        assert site.fails(4).digest, "a step that is repeated later finds that it was told"
        assert [len(site.box.to(name)) for name in PEOPLE] == [3, 3]


def test_the_quiet_hours_hold_back_what_is_not_critical_and_it_is_still_one_and_one(site: Site) -> None:
    """Half past two at night there; at seven each has the first, and what came after it."""
    site.rules = {"quiet": "22:00-07:00"}
    site.clock.move_to(NOW.replace(hour=8, minute=30))
    with site.opened() as catalog:
        site.minute(catalog)
        assert all(waits(site.fails(number, "warning")) for number in range(4))
        for _ in range(10):
            site.later(minutes=25)
            site.minute(catalog)
        assert site.box.messages == []
        site.later(minutes=20)
        site.minute(catalog)
        for name in PEOPLE:
            assert sorted(site.box.subjects(name)) == ["Madison Shelter: 3 more runs FAILED", "system-0: nightly FAILED"]
        assert {notice.state for notice in catalog.notices()} == {"delivered"}
