"""The audit log cannot be rewritten unnoticed, by the store's own refusal and by the chain."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dr.catalog.audit import entry_hash, verify_chain
from dr.catalog.catalog import Catalog, open_catalog
from dr.catalog.schema import APPEND_ONLY
from dr.clock import FixedClock
from dr.model.record import AuditHead
from tests.support.catalog_copies import NOW, RUN
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.integration


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """Three entries and one step; and one thing that happened to an outage, a duty, an incident."""
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as opened:
        for number in range(3):
            opened.audit("did", f"thing {number}", {"number": number}, actor="anna", at=NOW)
        opened.begin_run(run_at(), plan_of())
        opened.record_step(step_of())
        for about in ("outage", "duty", "incident"):
            happened = f"INSERT INTO {about}_entries ({about}, key, at, record) VALUES ('one', 'k', '2026-11-22T12:00:00.000000Z', '{{}}')"
            tamper(opened, happened, guarded=True)
        yield opened


def rows_of(catalog: Catalog, table: str) -> int:
    with closing(sqlite3.connect(catalog.path)) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def tamper(catalog: Catalog, *statements: str, guarded: bool = False) -> None:
    """As somebody with the file would; the triggers are dropped first unless `guarded`."""
    raw = sqlite3.connect(catalog.path)
    try:
        if not guarded:
            for table in APPEND_ONLY:
                for verb in ("update", "delete"):
                    raw.execute(f"DROP TRIGGER {table}_no_{verb}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()
    finally:
        raw.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET seq = seq + 100"])
def test_the_store_itself_refuses_to_change_what_happened(catalog: Catalog, table: str, statement: str) -> None:
    """A slip of our own code cannot rewrite history."""
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        tamper(catalog, statement.format(table=table), guarded=True)


@pytest.mark.positive_control
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_without_the_triggers_history_can_be_deleted(catalog: Catalog, table: str) -> None:
    """Twin: the triggers are what refuses."""
    assert rows_of(catalog, table)
    tamper(catalog, f"DELETE FROM {table}")
    assert not rows_of(catalog, table)


def test_an_entry_written_anew_with_its_own_hash_is_seen_by_the_next(catalog: Catalog) -> None:
    """Whoever can hash can make one entry whole again; the one after it still bears the old hash."""
    second = catalog.audit_entries()[1].model_copy(update={"actor": "bob"})
    tamper(catalog, f"UPDATE audit SET actor = 'bob', hash = '{entry_hash(second.to_facts())}' WHERE seq = 2")
    assert verify_chain(catalog) == 3


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'bob' WHERE seq = 2", 2),
        ("UPDATE audit SET facts = '{}' WHERE seq = 1", 1),
        ("UPDATE audit SET at = '2026-11-22T12:00:00.000001Z' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("UPDATE audit SET hash = 'f' || substr(hash, 2) WHERE seq = 3", 3),
        ("INSERT INTO audit SELECT 9, at, actor, event, subject, facts, previous, hash FROM audit WHERE seq = 3", 4),
    ],
)
def test_a_changed_missing_or_added_entry_breaks_the_chain(catalog: Catalog, statement: str, broken: int) -> None:
    """Promise 4 for the log: whoever gets past the triggers is seen, and where."""
    assert verify_chain(catalog) is None
    tamper(catalog, statement)
    assert verify_chain(catalog) == broken


def test_a_cut_tail_is_found_by_a_head_kept_elsewhere(catalog: Catalog) -> None:
    """A chain alone cannot know that it was longer; the head in every set and in evidence can."""
    head = catalog.audit_head()
    assert verify_chain(catalog, head) is None
    tamper(catalog, "DELETE FROM audit WHERE seq = 3")
    assert verify_chain(catalog) is None
    assert verify_chain(catalog, head) == 3


def test_a_wholly_rewritten_log_differs_from_a_head_kept_elsewhere(catalog: Catalog) -> None:
    """Every hash may be right again; the one that left the house is not."""
    elsewhere = AuditHead(seq=2, hash=catalog.audit_head().hash, at=NOW)
    assert verify_chain(catalog, elsewhere) == 2


def test_every_state_of_every_attempt_is_kept(catalog: Catalog) -> None:
    """What the step's row replaced is still there to be read; a repeat of the same fact is not a new one."""
    for step in (step_of(state="failed"), step_of(attempt=2), step_of(attempt=2)):
        catalog.record_step(step)
    assert [(s.attempt, s.state) for s in catalog.attempts(RUN)] == [(1, "done"), (1, "failed"), (2, "done")]
    assert catalog.attempts(RUN, step_of("verify").step) == []


def test_entries_are_read_in_pages(catalog: Catalog) -> None:
    """From after a number, at most so many."""
    assert [e.seq for e in catalog.audit_entries(after=1, limit=1)] == [2]
