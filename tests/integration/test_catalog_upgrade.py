"""A catalog of the first release, full of facts, opened by today's `dr`: every row is there afterwards, and can be read as what it was."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import dr.catalog
from dr.catalog.audit import verify_chain
from dr.catalog.catalog import Catalog, open_catalog
from dr.catalog.schema import REVISIONS
from dr.clock import FixedClock
from dr.model.base import HostName, RepositoryName, RunId
from dr.model.notice_record import Delivery, Notice
from dr.model.record import Finding, HostState, ProductionFacts
from tests.support.catalog_copies import HMIS, NOW, RUN, ago, copy_of, manifest_at
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.integration
FIRST = REVISIONS[0]
MIGRATIONS = str(Path(dr.catalog.__file__).parent / "migrations")
Rows = dict[str, list[dict[str, object]]]


def at_revision(path: Path, revision: str) -> None:
    """A catalog as the `dr` of that revision left it: empty, its tables made by its own migrations."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def rows_of(path: Path) -> Rows:
    """Every row of every table, with its columns' names."""
    with closing(sqlite3.connect(path)) as raw:
        raw.row_factory = sqlite3.Row
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != 'alembic_version'"
        tables = [row[0] for row in raw.execute(named)]
        return {table: [dict(row) for row in raw.execute(f"SELECT * FROM {table} ORDER BY rowid")] for table in tables}


def tell(catalog: Catalog) -> None:
    """Facts of every kind that there was at the first revision, by the catalog's own methods."""
    catalog.begin_run(run_at(), plan_of())
    catalog.record_step(step_of("backup", facts={"set": "s", "bytes": 7}))
    first, second = manifest_at(ago(days=1)), manifest_at(NOW)
    for manifest in (first, second):
        catalog.record_copy(copy_of(manifest), manifest, RUN)
        catalog.record_copy(copy_of(manifest, tier="vault"), manifest, RUN)
    online, vault = (copy_of(first, tier=tier).repository for tier in ("online", "vault"))
    catalog.raise_proof(first.set, online, "intact", NOW, RUN, {"parts": 1})
    catalog.raise_proof(first.set, online, "proven", NOW, RUN, {"checks": ["needle"]})
    catalog.mark_damaged(second.set, vault, ["manifest.json"], NOW, RUN)
    catalog.record_removed(first.set, vault, NOW, RUN, "no-rule-keeps-it")
    catalog.hold(first.set, online, True)
    catalog.pin(second.set, RUN)
    catalog.finding(Finding(key="a:hmis", severity="critical", system=HMIS, message="Ünïcode: it is grave", hint="look", run=RUN, at=NOW))
    catalog.record_host(HostState(host=HostName("standby"), state="adopted", run=RUN, set=first.set, since=NOW))
    catalog.record_production(ProductionFacts(host=HostName("production"), system=HMIS, recorded=NOW, port=5432, system_identifier="7"))
    went = Delivery(contact="anna", channel=0, scheme="mailto", state="delivered", attempt=1, at=NOW)
    catalog.record_delivery(
        Notice(
            id="n",
            to="a",
            template="t",
            subject="s",
            body="b",
            severity="critical",
            state="delivered",
            run=RUN,
            created=NOW,
            deliveries=(went,),
        )
    )
    catalog.set_setting("expiry", "off")
    catalog.audit("a", "b", {"c": 1}, actor="anna", at=NOW)
    catalog.audit("d", "e", {}, actor="bob", at=NOW)
    catalog.end_run(RUN, "done", "PASS", NOW)


def filled(place: Path) -> tuple[Path, Rows]:
    """A catalog at the first revision with every row that `tell` leaves there, put in by SQL: today's code does not write it."""
    with open_catalog(place / "today.db", FixedClock(NOW)) as today:
        tell(today)
    old = place / "catalog.db"
    at_revision(old, FIRST)
    rows = {table: found for table, found in rows_of(place / "today.db").items() if table in rows_of(old)}
    with closing(sqlite3.connect(old)) as raw:
        for table, found in rows.items():
            known = {column[1] for column in raw.execute(f"PRAGMA table_info({table})")}
            for row in found:
                kept = {name: value for name, value in row.items() if name in known}
                marks = ", ".join("?" * len(kept))
                raw.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", list(kept.values()))
        raw.commit()
    return old, rows_of(old)


def upgraded(path: Path) -> Catalog:
    return open_catalog(path, FixedClock(NOW))


def lost(before: Rows, after: Rows) -> list[str]:
    """Rows, or columns of them, that are no longer what they were; a column or table that is new is none."""
    found = []
    for table, rows in before.items():
        now = after.get(table, [])
        for number, row in enumerate(rows):
            same = number < len(now) and all(now[number].get(name) == value for name, value in row.items())
            found += [] if same else [f"{table} {number}"]
    return found


def test_the_oldest_catalog_comes_to_head_without_losing_a_row(tmp_path: Path) -> None:
    """By SQL, row for row: every table of the first revision has some, and each value is what it was."""
    path, before = filled(tmp_path)
    assert {table for table, rows in before.items() if not rows} <= {"attempts", "parts"}, "a table without a row shows nothing"
    upgraded(path).close()
    assert lost(before, rows_of(path)) == []
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


READINGS: dict[str, Callable[[Catalog], object]] = {
    "copies": lambda c: c.copies(HMIS),
    "known copies": lambda c: c.known_copies(HMIS),
    "removed": lambda c: c.removed_by(RUN),
    "runs": lambda c: (c.runs(), c.steps(RUN), c.plan(RUN)),
    "findings": lambda c: c.open_findings(),
    "notices": lambda c: c.notices(),
    "hosts": lambda c: (c.hosts(), c.production()),
    "audit": lambda c: (c.audit_head(), c.audit_entries()),
    "setting": lambda c: c.setting("expiry"),
}


def test_what_was_told_the_oldest_catalog_is_read_as_if_today(tmp_path: Path) -> None:
    """Not only the rows: what each of them means. And the chain is whole, and goes on."""
    path, _ = filled(tmp_path)
    with upgraded(path) as old, upgraded(tmp_path / "today.db") as today:
        differing = [name for name, read in READINGS.items() if read(old) != read(today)]
        assert differing == []
        assert len(old.copies(HMIS)) == 3 and old.newest(HMIS) is not None
        assert verify_chain(old) is None
        old.audit("after", "upgrade", {}, actor="anna", at=NOW)
        assert verify_chain(old) is None
        old.raise_proof(old.copies(HMIS)[0].set, RepositoryName(old.copies(HMIS)[0].repository), "intact", NOW, RunId(RUN), {})


@pytest.mark.positive_control
@pytest.mark.parametrize("spoil", ["DELETE FROM proofs", "UPDATE copies SET held = 0", "DELETE FROM settings"])
def test_an_upgrade_that_lost_a_fact_would_be_seen(tmp_path: Path, spoil: str) -> None:
    """Twin: a migration that drops rows, or a value in one."""
    path, before = filled(tmp_path)
    upgraded(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(spoil)
        raw.commit()
    assert lost(before, rows_of(path)) != []


def test_json_that_the_oldest_catalog_holds_is_still_json(tmp_path: Path) -> None:
    """A structure that a migration wrote back as text of a text would be read as a string."""
    path, before = filled(tmp_path)
    upgraded(path).close()
    after = rows_of(path)
    for table, column in (("audit", "facts"), ("runs", "record"), ("sets", "manifest"), ("notices", "record")):
        assert [json.loads(str(row[column])) for row in after[table]] == [json.loads(str(row[column])) for row in before[table]]
        assert all(isinstance(json.loads(str(row[column])), dict) for row in after[table])
