"""The ledger of notices in the catalog: what is found in it, and how, however many there are."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.notice_record import Notice
from tests.integration.test_catalog_upgrade import at_revision
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.integration


def notice(name: str = "n", **more: object) -> Notice:
    facts = {"id": name, "to": "administrators", "template": "digest", "subject": "s", "body": "b", "severity": "warning", "state": "owed"}
    return Notice.from_facts({**facts, "created": NOW.isoformat(), **more})


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as kept:
        yield kept


def test_what_was_gathered_before_the_upgrade_is_found_after_it(tmp_path: Path) -> None:
    """By what it was gathered into, and by what it says: whoever acknowledges the one still acknowledges all of them."""
    path = tmp_path / "catalog.db"
    at_revision(path, "0006")
    member = notice(digest="digest-1").to_facts()
    with closing(sqlite3.connect(path)) as raw:
        put = "INSERT INTO notices (id, created, state, record) VALUES ('n', '2026-11-22T12:00:00.000000Z', 'owed', ?)"
        raw.execute(put, [json.dumps(member)])
        raw.commit()
    with open_catalog(path, FixedClock(NOW)) as upgraded:
        assert upgraded.amend_gathered("digest-1", lambda known: known.model_copy(update={"state": "delivered"})) == 1
        assert [n.state for n in upgraded.notices_by("digest")] == ["delivered"]
        assert upgraded.due_notices(NOW) == []


QUESTIONS: dict[str, Callable[[Catalog], object]] = {
    "the newest": lambda c: c.notices(),
    "since when": lambda c: c.notices_since(NOW),
    "of a template": lambda c: c.notices_by("digest"),
    "of a digest": lambda c: c.amend_gathered("digest-1", lambda known: known),
    "of an outage": lambda c: c.notices_of("outage-1"),
    "that are due": lambda c: c.due_notices(NOW),
    "beside": lambda c: c.owe_beside(notice("beside"), NOW, lambda _others: notice("beside")),
}


def plans(catalog: Catalog, ask: Callable[[Catalog], object]) -> str:
    """How SQLite goes about the questions that are asked of the ledger."""
    asked: list[tuple[str, object]] = []

    def heard(_connection: Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    engine = catalog._store._engine
    event.listen(engine, "before_cursor_execute", heard)
    ask(catalog)
    event.remove(engine, "before_cursor_execute", heard)
    with closing(sqlite3.connect(catalog.path)) as raw:
        questions = [(text, values) for text, values in asked if text.startswith("SELECT") and "FROM notices" in text]
        assert questions
        rows = [row for text, values in questions for row in raw.execute(f"EXPLAIN QUERY PLAN {text}", values)]  # type: ignore[arg-type]
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_the_whole_ledger(catalog: Catalog, question: str) -> None:
    """Years of notices are in it, and a timer asks each minute."""
    found = plans(catalog, QUESTIONS[question])
    assert "USING INDEX ix_notices_" in found
    assert "SCAN notices" not in found.replace("SCAN notices USING INDEX ix_notices_created", "")  # the newest, until there are enough


@pytest.mark.positive_control
def test_a_question_without_an_index_would_be_seen(catalog: Catalog) -> None:
    """Twin: the same question, its index gone."""
    with closing(sqlite3.connect(catalog.path)) as raw:
        raw.execute("DROP INDEX ix_notices_digest")
        raw.commit()
    assert "SCAN notices" in plans(catalog, QUESTIONS["of a digest"])


def test_what_a_clock_that_ran_ahead_put_off_is_due_once_it_is_set_back(tmp_path: Path) -> None:
    """And what was put off by a clock that is right waits as it should."""
    clock = FixedClock(NOW + timedelta(hours=3))
    with open_catalog(tmp_path / "catalog.db", clock) as kept:
        kept.owe(notice("ahead", due=(NOW + timedelta(hours=3, minutes=10)).isoformat()))
        clock.move_to(NOW)
        kept.owe(notice("right", due=(NOW + timedelta(minutes=10)).isoformat()))
        assert [one.id for one in kept.due_notices(NOW)] == ["ahead"]
        assert [one.id for one in kept.due_notices(NOW, "outage-1")] == []
