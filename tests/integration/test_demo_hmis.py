"""The demo's database is one that a real system could have, and the same for the same seed."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from dr.demo.hmis.generate import change, fill
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.errors import Refused

pytestmark = pytest.mark.integration
SMALL = 0.006
"""About 2,000 rows."""
_numbers = count(1)


@contextmanager
def empty_database(server: Dsn) -> Iterator[Dsn]:
    """A database of its own for a test."""
    name = f"demo_hmis_{next(_numbers)}"
    with connect(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield server.at(name)
    finally:
        with connect(server) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def hmis(pg18: Dsn) -> Iterator[Connection]:
    with empty_database(pg18) as dsn:
        fill(dsn, scale=SMALL * 4)
        with connect(dsn) as connection:
            yield connection


def one(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def content(dsn: Dsn) -> list[Any]:
    """A digest of every table's rows."""
    with connect(dsn) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return sorted((name, one(connection, f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t")) for (name,) in tables)


def test_the_same_seed_gives_the_same_rows_before_and_after_a_days_work(pg18: Dsn) -> None:
    """What a person sees in the demo, another person sees too; the second night is not the first."""
    with empty_database(pg18) as first, empty_database(pg18) as second:
        assert fill(first, seed=5, scale=SMALL) == fill(second, seed=5, scale=SMALL)
        before = content(first)
        assert before == content(second)
        assert change(first, seed=9) == change(second, seed=9) > 50
        assert content(first) == content(second) != before


def test_every_supported_server_takes_it(pg: Dsn) -> None:
    """PostgreSQL 15 and 18: schema, roles, row security, functions, views and large objects."""
    with empty_database(pg) as dsn:
        counts = fill(dsn, scale=SMALL)
        with connect(dsn) as connection:
            assert sum(counts.values()) > 1500
            assert {name: one(connection, f'SELECT count(*) FROM public."{name}"') for name in counts} == counts
            assert one(connection, "SELECT count(*) FROM pg_policy") == 3
            assert one(connection, "SELECT count(*) FROM pg_largeobject_metadata") == 2


def test_a_database_with_tables_is_refused(pg18: Dsn) -> None:
    """The demo cannot be pointed at somebody's data."""
    with empty_database(pg18) as dsn:
        with connect(dsn) as connection:
            connection.execute("CREATE TABLE public.mine (x int)")
        with pytest.raises(Refused, match="already has 1 tables"):
            fill(dsn, scale=SMALL)
        with connect(dsn) as connection:
            assert one(connection, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'") == 1


def test_every_household_has_exactly_one_head(hmis: Connection) -> None:
    """As the format wants it, and as the unique index holds it."""
    heads = 'SELECT count(*) FILTER (WHERE "RelationshipToHoH" = 1) AS heads FROM public."Enrollment" GROUP BY "HouseholdID"'
    assert one(hmis, f"SELECT array_agg(DISTINCT heads) FROM ({heads}) x") == [1]
    assert one(hmis, 'SELECT max(n) FROM (SELECT count(*) n FROM public."Enrollment" GROUP BY "HouseholdID") x') > 2


def test_stays_have_the_shape_of_real_ones(hmis: Connection) -> None:
    """1..n enrollments a client, at most one exit, six disability rows a stage, nobody leaves before coming; bed nights dominate."""
    assert one(hmis, 'SELECT max(n) FROM (SELECT count(*) n FROM public."Enrollment" GROUP BY "PersonalID") x') > 1
    assert one(hmis, 'SELECT max(n) FROM (SELECT count(*) n FROM public."Exit" GROUP BY "EnrollmentID") x') == 1
    stages = 'SELECT count(*) n FROM public."Disabilities" GROUP BY "EnrollmentID", "DataCollectionStage", "InformationDate"'
    assert one(hmis, f"SELECT array_agg(DISTINCT n) FROM ({stages}) x") == [6]
    assert (
        one(hmis, 'SELECT count(*) FROM public."Exit" x JOIN public."Enrollment" e USING ("EnrollmentID") WHERE "ExitDate" < "EntryDate"')
        == 0
    )
    assert one(hmis, 'SELECT avg(("RecordType" = 200)::int) > 0.8 FROM public."Services"')
    assert one(hmis, 'SELECT max("EntryDate") - min("EntryDate") > 5 * 365 FROM public."Enrollment"')


def test_there_are_gaps_edits_and_deleted_rows(hmis: Connection) -> None:
    """Missing-data codes, soft deletes, several users, awkward text: what a proof must get through."""
    assert one(hmis, 'SELECT count(DISTINCT "DisablingCondition") FROM public."Enrollment" WHERE "DisablingCondition" IN (8, 9, 99)') == 3
    deleted = one(hmis, 'SELECT avg(("DateDeleted" IS NOT NULL)::int) FROM public."Services"')
    assert 0.003 < deleted < 0.03
    assert one(hmis, 'SELECT count(DISTINCT "UserID") > 5 FROM public."Services"')
    assert one(hmis, """SELECT count(*) > 0 FROM public."AssessmentQuestions" WHERE "AssessmentAnswer" LIKE E'%\\n%'""")


def test_what_may_not_be_is_refused_by_the_schema(hmis: Connection) -> None:
    """The constraints are there, so that a restore has to bring them back: a code, a reference, a second head."""
    from psycopg import errors

    client = 'SELECT "PersonalID" FROM public."Client" LIMIT 1'
    with pytest.raises(errors.CheckViolation):
        hmis.execute(f'UPDATE public."Client" SET "Sex" = 7 WHERE "PersonalID" = ({client})'.encode())
    with pytest.raises(errors.ForeignKeyViolation):
        hmis.execute(b'UPDATE public."Services" SET "EnrollmentID" = \'nobody\'')
    with pytest.raises(errors.ForeignKeyViolation):
        hmis.execute(b'UPDATE public."Exit" SET "Destination" = 1')
    with pytest.raises(errors.UniqueViolation):
        hmis.execute(b'UPDATE public."Enrollment" SET "RelationshipToHoH" = 1')


def test_reports_see_no_names_and_no_deleted_clients(hmis: Connection) -> None:
    """Row security and column grants work, so that the proof of security proves something."""
    from psycopg import errors

    alive = one(hmis, 'SELECT count(*) FROM public."Client" WHERE "DateDeleted" IS NULL')
    everybody = one(hmis, 'SELECT count(*) FROM public."Client"')
    assert alive < everybody
    hmis.execute("SET ROLE hmis_reporting")
    try:
        assert one(hmis, 'SELECT count("PersonalID") FROM public."Client"') == alive
        with pytest.raises(errors.InsufficientPrivilege):
            hmis.execute('SELECT "LastName" FROM public."Client"')
        assert one(hmis, 'SELECT count(*) FROM reporting."OpenEnrollment"') >= 0
    finally:
        hmis.execute("RESET ROLE")


@pytest.mark.positive_control
def test_without_row_security_reports_see_deleted_clients(hmis: Connection) -> None:
    """The twin: with the policy off, the same question has another answer."""
    everybody = one(hmis, 'SELECT count(*) FROM public."Client"')
    with hmis.transaction(force_rollback=True):
        hmis.execute('ALTER TABLE public."Client" DISABLE ROW LEVEL SECURITY')
        hmis.execute("SET LOCAL ROLE hmis_reporting")
        assert one(hmis, 'SELECT count("PersonalID") FROM public."Client"') == everybody


def test_an_edit_is_stamped(hmis: Connection) -> None:
    """The trigger works: an update that names no time gets one."""
    with hmis.transaction(force_rollback=True):
        query = 'UPDATE public."Client" SET "MiddleName" = \'Z\' WHERE "PersonalID" = \'C0000001\' RETURNING "DateUpdated" > \'2000-01-01\''
        before = one(hmis, 'SELECT "DateUpdated" FROM public."Client" WHERE "PersonalID" = \'C0000001\'')
        assert one(hmis, query)
        assert one(hmis, 'SELECT "DateUpdated" FROM public."Client" WHERE "PersonalID" = \'C0000001\'') != before
