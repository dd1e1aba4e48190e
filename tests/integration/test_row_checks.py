"""newest-row-age and row-count-change on real servers: stale, wild, hostile and absent tables; and nothing restored is run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dr.checks import newest_row_age, row_count_change
from dr.drivers.postgres.connect import connect
from dr.errors import Refused
from dr.model.base import ByteCount, SetId, SourceName, SystemName
from dr.model.ports import Restored
from dr.model.record import CheckResult
from dr.model.summary import ArtifactSummary, Baselines, ContentSummary, SetSummary
from tests.support.postgres import server
from tests.support.proof_databases import bench
from tests.support.proof_restored import CheckContext, System

pytestmark = pytest.mark.integration
HOSTILE = 'a"; DROP TABLE seen; -- %s'
MADE = """
CREATE TABLE seen (at timestamptz, day date, here timestamp, word text);
INSERT INTO seen VALUES ('2026-11-22 05:30+00', '2026-11-22', '2026-11-22 00:10', 'Jane Q. Client'), (NULL, NULL, NULL, NULL);
CREATE TABLE stale (at timestamptz); INSERT INTO stale VALUES ('2026-10-22 05:30+00');
CREATE TABLE wild (at timestamptz); INSERT INTO wild VALUES ('2027-01-01 00:00+00');
CREATE TABLE forever (at timestamptz); INSERT INTO forever VALUES ('infinity'), ('2026-11-22 05:30+00');
CREATE TABLE empty (at timestamptz);
CREATE TABLE void (at timestamptz); INSERT INTO void VALUES (NULL);
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema"."a""; DROP TABLE seen; -- %s" ("a""; DROP TABLE seen; -- %s" timestamptz);
INSERT INTO "odd schema"."a""; DROP TABLE seen; -- %s" VALUES ('2026-11-22 06:59+00');
CREATE TABLE parted (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-12-01'); INSERT INTO parted VALUES ('2026-11-22 06:00+00');
CREATE TABLE trap (n int);
CREATE FUNCTION sprung() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.trap VALUES (1); RETURN now(); END$$;
CREATE VIEW baited AS SELECT sprung() AS at;
CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER away FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE there (at timestamptz) SERVER away;
CREATE TABLE astray (at timestamptz) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE far PARTITION OF astray FOR VALUES FROM ('2026-01-01') TO ('2026-12-01') SERVER away;
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = Path(tmp_path_factory.mktemp("rows"))
    with server(folder / "server", major=18) as dsn:
        yield System(bench(dsn, folder, "hmis").make(MADE), CheckContext(), folder)


@pytest.fixture(scope="module")
def restored(system: System) -> Restored:
    return system.unproven()


def aged(system: System, restored: Restored, table: str, column: str = "at", **more: Any) -> CheckResult:
    params = newest_row_age.Params(**{"database": "hmis", "table": table, "column": column, "at_most": 86400.0, "zone": "UTC", **more})
    return newest_row_age.CHECK.run(params, restored, system.context.asked())


@pytest.mark.parametrize(
    ("table", "column", "more"),
    [
        ("seen", "at", {}),
        ("seen", "day", {}),
        ("seen", "here", {"zone": "America/Chicago"}),
        ("parted", "at", {}),
        (HOSTILE, HOSTILE, {"schema_": "odd schema"}),
        ("wild", "at", {"ahead": 100 * 86400.0}),
        ("stale", "at", {"at_most": 40 * 86400.0}),
    ],
)
def test_a_fresh_table_passes_whatever_it_is_called(
    system: System, restored: Restored, table: str, column: str, more: dict[str, Any]
) -> None:
    """The backup is of 07:00 UTC, months before this test runs: its age is counted from then. Names are quoted, not pasted."""
    result = aged(system, restored, table, column, **more)
    assert (result.passed, result.examined) == (True, 1), result.summary


@pytest.mark.parametrize(
    ("table", "column", "more", "said"),
    [
        ("stale", "at", {}, "the newest is about 31 d 1 h older than the backup, and it should be 24 h at most"),
        ("wild", "at", {}, "the newest is about 39 d 17 h later than the backup, which cannot be (is a clock or the zone wrong?)"),
        ("seen", "here", {"zone": "Pacific/Honolulu"}, "the newest is about 3 h later than the backup, which cannot be"),
        ("forever", "at", {}, "the newest is infinitely later than the backup, which cannot be"),
        ("empty", "at", {}, "there is no row with a time in it"),
        ("void", "at", {}, "there is no row with a time in it"),
        ("missing", "at", {}, "there is no such table"),
        ("seen", "missing", {}, "there is no such column"),
        ("seen", "word", {}, "the column is no timestamp and no date"),
        ("seen", "here", {"zone": "Nowhere/Land"}, "it cannot be read (SQLSTATE 22023)"),
        ("there", "at", {}, "it is not stored in a table, so asking it would run what was restored"),
        ("astray", "at", {}, "some of its rows are in a foreign table"),
        (HOSTILE, "at", {}, "there is no such table"),
    ],
)
def test_what_is_not_fresh_is_named_without_a_value(
    system: System, restored: Restored, table: str, column: str, more: dict[str, Any], said: str
) -> None:
    """An empty table is a FAIL; a message names table and column, and the age in hours, never a row."""
    result = aged(system, restored, table, column, **more)
    assert not result.passed
    assert said in result.summary
    assert len(result.differences) == 1
    assert "Jane" not in str(result.to_facts())


def test_a_view_is_not_asked_since_it_would_run(system: System, restored: Restored) -> None:
    """Restored data is hostile: a function behind a name is not called."""
    assert "would run what was restored" in aged(system, restored, "baited").summary
    with connect(system.server.dsn.at("hmis")) as connection:
        assert connection.execute("SELECT count(*) FROM public.trap").fetchone() == (0,)


@pytest.mark.positive_control
def test_asking_the_view_would_run_it(system: System) -> None:
    """The twin: who reads it calls the function, which tries to write."""
    with connect(system.server.dsn.at("hmis")) as connection:
        connection.execute("SELECT max(at) FROM public.baited")
        assert connection.execute("SELECT count(*) FROM public.trap").fetchone() == (1,)
        connection.execute("TRUNCATE public.trap")


def test_a_database_that_was_not_restored_is_refused(system: System, restored: Restored) -> None:
    with pytest.raises(Refused, match="no restored source has a database 'other'"):
        aged(system, restored, "seen", database="other")


# ---------------------------------------------------------------- row-count-change


def before(counts: dict[str, int], set_id: str = "20261121T070000Z-000000", name: str = "hmis") -> SetSummary:
    tables = {f"public.{table}": rows for table, rows in counts.items()}
    artifact = ArtifactSummary(
        source=SourceName("db"), bytes=ByteCount(1), content=ContentSummary(kind="database", name=name, counts=tables)
    )
    return SetSummary(set=SetId(set_id), system=SystemName("hmis"), artifacts=(artifact,))


def compared(system: System, restored: Restored, baselines: Baselines, **more: Any) -> CheckResult:
    system.context.records.known = baselines
    return row_count_change.CHECK.run(row_count_change.Params(**more), restored, system.context.asked())


def test_without_an_earlier_set_it_says_so_and_does_not_pass(system: System, restored: Restored) -> None:
    """No OK after checking nothing; a set that was proven before is no baseline of its own."""
    itself = before({"seen": 2}, restored.set.manifest.set)
    for known, more in (
        (Baselines(), {}),
        (Baselines(proven=itself), {"against": "proven"}),
        (Baselines(good=itself), {"against": "proven"}),
    ):
        result = compared(system, restored, known, **more)
        assert (result.passed, result.examined) == (False, 0)
        assert "nothing to compare with yet" in result.summary


def test_about_the_same_rows_pass_and_say_with_what_they_were_compared(system: System, restored: Restored) -> None:
    result = compared(system, restored, Baselines(good=before({"seen": 2, "stale": 1})), smallest=1)
    assert (result.passed, result.examined, result.details["against"]) == (True, 2, "20261121T070000Z-000000"), result.summary
    assert result.details["new"] > 3
    assert compared(system, restored, Baselines(proven=before({"seen": 2})), against="proven").passed


@pytest.mark.parametrize(
    ("counts", "more", "said"),
    [
        ({"seen": 3}, {"smallest": 1}, "hmis: public.seen: 3 rows before, 2 now: 33% fewer, and at most 20% are expected"),
        (
            {"stale": 1, "seen": 1},
            {"smallest": 1, "up": 50.0},
            "public.seen: 1 rows before, 2 now: 100% more, and at most 50% are expected",
        ),
        ({"empty": 5}, {}, "public.empty: 5 rows before, 0 now: 100% fewer"),
        ({"dropped": 7}, {}, "public.dropped: the table is gone; it had 7 rows"),
        ({"seen": 2}, {"tables": ("public.other",)}, "public.other: the set before had no such table"),
        ({"seen": 2}, {"database": "other"}, "no table was compared"),
    ],
)
def test_what_changed_too_much_is_named(
    system: System, restored: Restored, counts: dict[str, int], more: dict[str, Any], said: str
) -> None:
    result = compared(system, restored, Baselines(good=before(counts)), **more)
    assert not result.passed
    assert said in result.summary


def test_a_database_that_is_gone_is_named(system: System, restored: Restored) -> None:
    result = compared(system, restored, Baselines(good=before({"seen": 2}, name="billing")))
    assert result.summary.startswith("billing: the database is not there any more; it had 1 tables")


def test_few_rows_are_judged_only_when_none_is_left(system: System, restored: Restored) -> None:
    """From 3 to 2 is a third, and means nothing."""
    assert compared(system, restored, Baselines(good=before({"seen": 3}))).passed


def test_a_percentage_beyond_a_hundred_down_is_no_limit() -> None:
    with pytest.raises(ValidationError):
        row_count_change.Params(down=101.0)
