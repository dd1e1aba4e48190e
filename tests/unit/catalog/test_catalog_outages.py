"""Outages on record: one of a kind open at a time, whoever is first; an entry and its line in the trail are there together."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Refused
from dr.model.base import RunId
from dr.model.outage import Outage, OutageEntry, OutageId
from dr.policy.outages import do
from tests.support.outage_world import NOON, outage

pytestmark = pytest.mark.unit
ONE = outage().id


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog.db", FixedClock(NOON))


def entry(of: OutageId, key: str = "declared-1", text: str = "it burnt") -> OutageEntry:
    return OutageEntry(outage=of, key=key, act="declared" if key.startswith("declared") else "updated", by="anna", at=NOON, text=text)


def test_of_many_who_declare_the_same_at_once_one_is_first_and_all_are_given_that_one(catalog: Catalog) -> None:
    """Eight telephones ring, eight people type: one outage, one clock."""
    found: list[OutageId] = []

    def declare(number: int) -> None:
        one = outage(number)
        found.append(catalog.open_outage(one, entry(one.id)).id)

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(catalog.outages()) == 1
    assert len(catalog.outage_entries(found[0])) == 1


def test_what_decide_refuses_leaves_nothing_behind(catalog: Catalog) -> None:
    catalog.open_outage(outage(state="dismissed"), entry(ONE))
    before = catalog.audit_head()
    with pytest.raises(Refused):
        catalog.change_outage(ONE, lambda known, entries: do(known, entries, entry(ONE, "updated-1", "more")))
    assert catalog.audit_head() == before
    assert [one.key for one in catalog.outage_entries(ONE)] == ["declared-1"]


def test_an_entry_that_is_there_changes_nothing_and_is_in_the_trail_once(catalog: Catalog) -> None:
    catalog.open_outage(outage(), entry(ONE))

    def worse(known: Outage, _entries: Sequence[OutageEntry]) -> tuple[Outage, OutageEntry]:
        return known.model_copy(update={"severity": "minor"}), entry(ONE, "updated-1", "less")

    assert catalog.change_outage(ONE, worse) == outage(severity="minor")
    catalog.change_outage(ONE, lambda known, _: (known.model_copy(update={"severity": "major"}), entry(ONE, "updated-1", "less")))
    assert catalog.outage(ONE) == outage(severity="minor")
    assert [one.event for one in catalog.audit_of(ONE)] == ["outage.declared", "outage.updated"]


def test_who_keeps_people_told_is_on_record_and_no_such_outage_is_none(catalog: Catalog) -> None:
    catalog.open_outage(outage(), entry(ONE))
    catalog.keep_outage(ONE, RunId("outage-1"))
    catalog.keep_outage(ONE, RunId("outage-1"))
    known = catalog.outage(ONE)
    assert known is not None
    assert known.run == "outage-1"
    assert [one.event for one in catalog.audit_of(ONE)] == ["outage.declared", "outage.kept"]
    assert catalog.change_outage(OutageId("out-none"), lambda known, _: (known, entry(ONE))) is None
    assert catalog.outage(OutageId("out-none")) is None


def test_nothing_that_was_said_can_be_unsaid(catalog: Catalog) -> None:
    """The store itself refuses it, whoever asks."""
    catalog.open_outage(outage(), entry(ONE))
    with closing(sqlite3.connect(catalog.path)) as raw:
        for statement in ("UPDATE outage_entries SET record = '{}'", "DELETE FROM outage_entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
