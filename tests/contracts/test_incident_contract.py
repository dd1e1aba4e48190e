"""What every `IncidentLedger` promises. One line in IMPLEMENTATIONS for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dr.catalog.audit import verify_chain
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Refused
from dr.model.incident import Exposed, Incident, IncidentAct, IncidentEntry, IncidentId
from tests.support.catalog_copies import NOW, RUN, ago, copy_of, manifest_at

pytestmark = pytest.mark.contract
IMPLEMENTATIONS: list[Callable[[Path], Catalog]] = [lambda place: open_catalog(place / "catalog.db", FixedClock(NOW))]
KEY = Exposed(kind="key", name="drill", recipients=("age1drill",))
ONE = Incident(id=IncidentId("inc-1"), what="a bag", state="open", exposed=(KEY,), since=ago(days=1), noticed=NOW, opened=NOW, by="anna")


@pytest.fixture(params=IMPLEMENTATIONS, ids=["catalog-on-a-file"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    opened: Catalog = request.param(tmp_path)
    yield opened
    opened.close()


def entry(act: IncidentAct, key: str, text: str = "a bag") -> IncidentEntry:
    return IncidentEntry(incident=ONE.id, key=key, act=act, by="anna", at=NOW, text=text, exposed=(KEY,) if act == "opened" else ())


def test_an_entry_and_its_line_in_the_trail_are_there_together_and_once(records: Catalog) -> None:
    """Repeated, it changes nothing; and what was exposed is in the trail by name."""
    for _ in range(2):
        assert records.open_incident(ONE, entry("opened", "opened-1")) == ONE
    assert records.incident(ONE.id) == ONE
    assert records.incident_entries(ONE.id) == [entry("opened", "opened-1")]
    trail = records.audit_of(ONE.id)
    assert [(each.event, each.actor, each.facts) for each in trail] == [
        ("incident.opened", "anna", {"text": "a bag", "exposed": ["key drill"]})
    ]
    assert verify_chain(records) is None


def test_a_change_is_its_entry_and_how_it_stands_together(records: Catalog) -> None:
    """What is closed is not among the open ones; the same entry again, and what is not there, change nothing."""
    records.open_incident(ONE, entry("opened", "opened-1"))
    closed = ONE.model_copy(update={"state": "closed", "ended": NOW})
    for _ in range(2):
        records.change_incident(ONE.id, lambda _: (closed, entry("closed", "closed-1", "over")))
    assert records.incidents(open_only=True) == []
    assert records.incidents() == [closed]
    assert [each.event for each in records.audit_of(ONE.id)] == ["incident.opened", "incident.closed"]
    assert records.change_incident(IncidentId("inc-2"), lambda one: (one, entry("noted", "n"))) is None


def test_what_is_refused_changes_nothing(records: Catalog) -> None:
    records.open_incident(ONE, entry("opened", "opened-1"))

    def refuse(_: Incident) -> tuple[Incident, IncidentEntry]:
        raise Refused("no")

    with pytest.raises(Refused):
        records.change_incident(ONE.id, refuse)
    assert records.incident(ONE.id) == ONE
    assert len(records.incident_entries(ONE.id)) == 1


def test_every_copy_that_ever_was_is_known_with_who_can_decrypt_it(records: Catalog) -> None:
    """A removed one too: it lay there at the time."""
    manifest = manifest_at(ago(days=3))
    for tier in ("online", "vault"):
        records.record_copy(copy_of(manifest, tier=tier), manifest, RUN)
    gone = copy_of(manifest, tier="vault")
    records.record_removed(manifest.set, gone.repository, ago(days=1), RUN, "no-rule-keeps-it")
    kept = {copy.repository: copy for copy in records.kept_copies()}
    assert kept[gone.repository].removed == ago(days=1)
    assert {copy.recipients for copy in kept.values()} == {manifest.recipients}
    assert len(kept) == 2
