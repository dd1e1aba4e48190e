"""Judgements that are kept are those that a fresh look would give: whatever befell the systems, whoever wrote it, whatever the time is."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dr.app.fleet import Fleet, Many, fleet
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.backup import LEVELS, Previous
from dr.model.base import RepositoryName, RunId, SystemName, sha256
from dr.model.inventory import SystemEntry
from dr.model.notice_record import Notice
from dr.model.record import Finding
from tests.support.catalog_copies import NOW, RUN, copy_at, copy_of, manifest_at
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.integration
SYSTEMS = tuple(SystemName(name) for name in ("anchor", "buoy", "crane"))
ENTRY = SystemEntry.from_facts(
    {
        "title": "A system",
        "sources": {"database": {"kind": "postgres_logical", "host": "production"}},
        "objectives": {"rpo": "24h", "tiers": {"online": {"rto": "4h", "target": "3h"}}},
        "retention": {"online": {"keep_within": "24h"}},
        "runbooks": {"nightly": "nightly"},
    }
)
ONLINE = RepositoryName("online-disk")
FILES = sha256(b"the files of the home")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog in which nothing was ever written."""
    place = tmp_path_factory.mktemp("empty") / "catalog.db"
    open_catalog(place, FixedClock(NOW)).close()
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return place


class Harbour:
    """Three systems and what befalls them. Most writes come from another process's catalog, as a nightly's do."""

    def __init__(self, place: Path) -> None:
        self.clock = FixedClock(NOW)
        self.records, self.elsewhere = open_catalog(place, self.clock), open_catalog(place, self.clock)
        self.nights: dict[SystemName, list[timedelta]] = {name: [] for name in SYSTEMS}
        self.count = 0

    def look(self, *, kept: bool = True) -> Fleet:
        return fleet(Many(SYSTEMS, lambda _: ENTRY, FILES if kept else None, self.records, self.clock, list, {}))

    def befall(self, what: str, system: SystemName, number: int) -> None:
        self.count += 1
        getattr(self, f"_{what}")(self.elsewhere, system, number)

    def _night(self, records: Catalog, system: SystemName, number: int) -> None:
        """A set, of one size or another, of now or dated ahead of now, and the run that made it."""
        at = self.clock.now() + timedelta(minutes=(0, 0, 0, 4, 90)[number % 5], seconds=self.count)
        newest = records.newest(system)
        before = Previous(set=newest.set, manifest=newest.manifest) if newest else None
        manifest = manifest_at(at, plain=(1000, 1000, 400)[number % 3], previous=before, system=system)
        records.record_copy(copy_of(manifest), manifest, RUN)
        if number % 4:
            records.raise_proof(manifest.set, ONLINE, LEVELS[number % 4], self.clock.now(), RUN, {})

    def _run(self, records: Catalog, system: SystemName, number: int) -> None:
        """A nightly or a drill, from its beginning to its end, or so far only."""
        drill, run = number % 2, RunId(f"run-{self.count}")
        name, kind = ("drill-online", "drill") if drill else ("nightly", "backup")
        at = self.clock.now() - timedelta(minutes=30)
        records.begin_run(
            run_at(at, run=run, runbook=name, kind=kind, tier="online" if drill else None, system=system), plan_of(name, kind)
        )
        records.record_step(step_of("report", run=run, facts={"rto_seconds": (60.0, 12_000.0, 20_000.0)[number % 3]}))
        if number % 7:
            records.end_run(run, "done", ("PASS", "PASS", "FAIL", "INCOMPLETE")[number % 4], self.clock.now())

    def _fate(self, records: Catalog, system: SystemName, number: int) -> None:
        """Something becomes of a copy that is there: damage, a reading that finds it whole, a proof, the end; or a person's word on it."""
        there = records.copies(system)
        if not there:
            return
        copy, now = there[number % len(there)], self.clock.now()
        if number % 6 == 0:
            records.mark_damaged(copy.set, copy.repository, ["manifest.json"], now, RUN)
        elif number % 6 == 1:
            records.record_removed(copy.set, copy.repository, now, RUN, "no-rule-keeps-it")
        elif number % 6 == 2:
            records.mark_shrunken(copy.set, ["rows"], now, RUN)
        elif number % 6 == 3:
            records.accept_shrunken(copy.set, "anna", "as it should be", now)
        else:
            records.raise_proof(copy.set, copy.repository, ("intact", "proven")[number % 2], now, RUN, {})

    def _word(self, records: Catalog, system: SystemName, number: int) -> None:
        """A finding of a system or of none, opened or closed; a notice."""
        now, key = self.clock.now(), f"said:{system if number % 2 else 'all'}"
        severity = ("critical", "warning", "info")[number % 3]
        if number % 5 == 0:
            records.close_finding(key, now, RUN)
        elif number % 5 == 1:
            state = ("delivered", "failed", "owed")[number % 3]
            said = {"template": "t", "subject": "s", "body": "b", "severity": "critical"}
            records.record_delivery(Notice(id=f"n{self.count}", to="admins", state=state, created=now, **said))  # type: ignore[arg-type]
        else:
            about = system if number % 2 else None
            records.finding(Finding(key=key, severity=severity, system=about, message="a thing", at=now))  # type: ignore[arg-type]

    def _wait(self, _: Catalog, __: SystemName, number: int) -> None:
        """Time passes, mostly by hours; sometimes a clock is put back."""
        self.clock.move_to(self.clock.now() + timedelta(minutes=(1, 5, 16, 200, 1439, 1441, 60_000, -50)[number % 8]))


@contextmanager
def harbour(empty: Path) -> Iterator[Harbour]:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "catalog.db"
        shutil.copyfile(empty, place)
        made = Harbour(place)
        yield made
        made.records.close()
        made.elsewhere.close()


WHAT = st.sampled_from(["night", "night", "run", "fate", "fate", "word", "wait", "wait"])
EVENTS = st.lists(st.tuples(WHAT, st.sampled_from(SYSTEMS), st.integers(0, 839)), min_size=4, max_size=14)


@given(EVENTS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_short_look_says_what_the_long_one_says(empty: Path, events: list[tuple[str, SystemName, int]]) -> None:
    """After whatever happens, from whichever process, at whatever hour: the same counts, the same names, the same reasons."""
    with harbour(empty) as there:
        for what, system, number in events:
            there.befall(what, system, number)
            assert there.look() == there.look(kept=False), (what, system, number)


def ready(there: Harbour) -> None:
    """Every system is green, and that is kept."""
    for number, system in enumerate(SYSTEMS):
        at = NOW - timedelta(hours=1, seconds=number)
        manifest = manifest_at(at, system=system)
        there.elsewhere.record_copy(copy_of(manifest), manifest, RUN)
        there.elsewhere.raise_proof(manifest.set, ONLINE, "proven", at, RUN, {})
        for name, kind, tier in (("nightly", "backup", None), ("drill-online", "drill", "online")):
            run = RunId(f"{name}-{system}")
            there.elsewhere.begin_run(run_at(at, run=run, runbook=name, kind=kind, tier=tier, system=system), plan_of(name, kind))
            there.elsewhere.record_step(step_of("report", run=run, facts={"rto_seconds": 60.0}))
            there.elsewhere.end_run(run, "done", "PASS", at + timedelta(minutes=9))
    assert there.look().counts == {"green": 3}


def test_what_befalls_one_system_makes_only_its_own_judgement_void(empty: Path) -> None:
    """Else one nightly would make the next look slow for all."""
    with harbour(empty) as there:
        ready(there)
        there.befall("fate", SYSTEMS[1], 0)
        stands = there.records.standings()
        assert [kept is not None and kept.holds(befallen, FILES, NOW) for befallen, kept in map(stands.__getitem__, SYSTEMS)] == [
            True,
            False,
            True,
        ]
        assert there.look().counts == {"green": 2, "red": 1}


def test_a_judgement_that_was_overtaken_while_it_was_made_is_not_believed(empty: Path) -> None:
    """What another process writes between the reading and the keeping is not lost."""
    with harbour(empty) as there:
        ready(there)
        befallen, kept = there.records.standings()[SYSTEMS[0]]
        assert kept is not None
        there.befall("fate", SYSTEMS[0], 0)
        there.records.keep_judgements([kept])
        assert kept.judged == befallen
        assert there.look().counts == {"green": 2, "red": 1}


@pytest.mark.positive_control
@pytest.mark.parametrize("off", ["the store counts nothing", "time changes nothing"])
def test_without_that_it_would_be_stale(empty: Path, off: str) -> None:
    """The short look does rest on what was kept, and on what makes it void."""
    with harbour(empty) as there:
        ready(there)
        with closing(sqlite3.connect(there.records.path)) as raw, raw:
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_counts'").fetchall():
                raw.execute(f"DROP TRIGGER {name}")
            if off == "time changes nothing":
                raw.execute("UPDATE standings SET until = '9999-12-31T00:00:00.000000Z'")
        if off == "time changes nothing":
            there.befall("wait", SYSTEMS[0], 6)
        else:
            there.befall("fate", SYSTEMS[0], 0)
        assert there.look().counts["green"] > there.look(kept=False).counts["green"]


def test_a_removed_copy_is_seen_whoever_removes_it(empty: Path) -> None:
    """The store counts by itself: also what a person does to it by hand."""
    with harbour(empty) as there:
        ready(there)
        with closing(sqlite3.connect(there.records.path)) as raw, raw:
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute("DELETE FROM copies WHERE set_id = ?", (copy_at(NOW - timedelta(hours=1), system=SYSTEMS[0]).set,))
        assert there.look().counts == {"green": 2, "red": 1}
