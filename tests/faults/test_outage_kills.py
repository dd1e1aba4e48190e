"""`dr outage` killed where it may be killed, on a real home with a real receiver: no notice is lost, none comes twice without saying so.

What a kill between record and word leaves is taken up by whoever comes by: here the timer's `dr notices carry`, the same command typed
again, and the outage's own run. Every act at every point, in one process, is in tests/unit/app/test_app_outages.py.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dr.app import failpoint_names
from dr.app.engines import OUTAGE, place
from dr.app.keeping import LOCKS
from dr.clock import SystemClock
from dr.engine.slots import is_alive
from dr.model.base import SystemName
from dr.model.outage import Outage, OutageEntry, OutageId
from tests.support.main_job import KILLED, Home
from tests.support.patience import LONG
from tests.support.told_home import Seen, came, told_home

pytestmark = [pytest.mark.fault]
TOLD = ("system-administrator", "help-desk-lead", "executive-director")
"""Who hears of a major outage, in the example organisation."""
OF_THE_COMMANDS = ("after-record", "after-owed", "after-carried")
OF_THE_RUN = ("before-effect", "after-owed", "after-carried", "after-effect", "after-record")


@pytest.fixture
def home(tmp_path: Path, heard: tuple[str, Seen]) -> Iterator[Home]:
    """No background process outlives it."""
    made = told_home(tmp_path / "home", heard[0])
    yield made
    end_all(made)


def end_all(home: Home) -> None:
    """Every outage is over, and nobody keeps people told of one any more."""
    with home.catalog() as catalog:
        known = catalog.outages()
        for one in catalog.outages(open_only=True):
            catalog.change_outage(one.id, lambda o, _: (o.model_copy(update={"state": "resolved", "ended": _now()}), ended(o)))
    for one in known:
        await_end(home, one.id)


def _now() -> datetime:
    return SystemClock().now()


def ended(outage: Outage) -> OutageEntry:
    return OutageEntry(outage=outage.id, key="swept", act="resolved", by="test", at=SystemClock().now(), text="the test is over")


def await_end(home: Home, outage: OutageId) -> None:
    """Until no process keeps people told of it."""
    until = time.monotonic() + LONG
    while is_alive(place(home.path / "state", OUTAGE) / LOCKS, outage):
        assert time.monotonic() < until, f"somebody still keeps people told of {outage}"
        time.sleep(0.05)


def await_words(seen: Seen, words: str) -> None:
    """Until everybody has them, or for long enough."""
    until = time.monotonic() + LONG
    while len(came(seen, words)) < len(TOLD) and time.monotonic() < until:
        time.sleep(0.05)


def declared(home: Home) -> Outage:
    with home.catalog() as catalog:
        return catalog.outages()[0]


def test_every_failpoint_of_an_outage_is_in_a_list_here() -> None:
    ours = {name for name in failpoint_names() if name.startswith("keep-told.")}
    assert ours == {f"keep-told.{point}" for point in OF_THE_RUN}
    verbs = {name for name in failpoint_names() if name.startswith("outage-")}
    assert {name.split(".")[1] for name in verbs} == set(OF_THE_COMMANDS)


def test_declared_and_resolved_killed_at_every_point_everybody_hears_once(home: Home, heard: tuple[str, Seen]) -> None:
    """Killed between record, ledger and channel; taken up by a timer's round, or by the same words typed again."""
    declare = ("outage", "declare", "--system", "hmis", "--severity", "major", "--what", "the server burnt", "--yes")
    resolve = ("outage", "resolve", "--text", "users work")
    for point, again in (("after-record", "carry"), ("after-owed", "type")):
        heard[1].clear()
        for act, words, typed in (("declare", "is out since", declare), ("resolve", "is back", resolve)):
            home.dr(*typed, env={"DR_FAILPOINT": f"outage-{act}.{point}"}, expect=KILLED)
            home.dr(*(typed if again == "type" and act == "declare" else ("notices", "carry")))
            await_words(heard[1], words)  # the outage's own process may just be sending them
            assert len(came(heard[1], words)) == len(TOLD), f"{act} at {point}: {heard[1]}"
        one = declared(home)
        assert one.state == "resolved"
        await_end(home, one.id)
        with home.catalog() as catalog:
            assert [entry.act for entry in catalog.outage_entries(one.id)] == ["declared", "resolved"]
            assert [entry.event for entry in catalog.audit_of(one.id) if entry.event != "outage.kept"] == [
                "outage.declared",
                "outage.resolved",
            ]


@pytest.mark.parametrize(
    ("while_it_lasts", "when_it_is_over"),
    [
        pytest.param(("after-owed", "after-carried"), (), id="twice"),
        pytest.param(OF_THE_RUN[:3], OF_THE_RUN[3:], id="everywhere", marks=pytest.mark.campaign),
    ],
)
def test_the_run_that_keeps_people_told_is_killed_and_goes_on_and_loses_no_word(
    home: Home, heard: tuple[str, Seen], while_it_lasts: tuple[str, ...], when_it_is_over: tuple[str, ...]
) -> None:
    """One run from the first word to the last, however often its process dies; and it ends when the outage has."""
    one = only_on_record(home)
    for point in while_it_lasts:
        home.dr("outage", "keep", env={"DR_FAILPOINT": f"keep-told.{point}"}, expect=KILLED)
    with home.catalog() as catalog:
        catalog.change_outage(one, lambda o, _: (o.model_copy(update={"state": "resolved", "ended": _now()}), ended(o)))
    for point in when_it_is_over:
        home.dr("outage", "keep", one, env={"DR_FAILPOINT": f"keep-told.{point}"}, expect=KILLED)
    home.dr("outage", "keep", one)
    with home.catalog() as catalog:
        runs = [run for run in catalog.runs() if run.kind == OUTAGE]
        assert [(run.state, run.verdict) for run in runs] == [("done", "PASS")]
        assert declared(home).run == runs[0].run
    for words in ("is out since", "is back"):
        assert len(came(heard[1], words)) == len(TOLD), heard[1]


def only_on_record(home: Home) -> OutageId:
    """As a declaration leaves it that was killed right after its record: nobody was told, and nobody keeps them told."""
    now = SystemClock().now()
    name = OutageId("out-20261123T180000Z-0001")
    made = Outage(id=name, system=SystemName("hmis"), severity="major", what="it burnt", state="declared", began=now, by="anna")
    entry = OutageEntry(outage=name, key="declared-1", act="declared", by="anna", at=now, text="it burnt", severity="major")
    with home.catalog() as catalog:
        catalog.open_outage(made, entry)
    return name
