"""Materialized views whose rows lie on another server, which a drill cannot reach: the rest comes back, they are named, nothing is red."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.drivers.postgres.compare import compare_databases
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.sources.postgres_logical import PostgresLogicalSource
from tests.integration.test_drill_dangers import captured, database
from tests.support.pg_world import PgStep, standby
from tests.support.postgres import PASSWORD, server
from tests.support.proof_databases import Bench, said

pytestmark = pytest.mark.integration
SOURCE = PostgresLogicalSource()


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("matviews")), major=18) as found:
        yield found


def script(dsn: Dsn) -> str:
    far = f"hostaddr=127.0.0.1 port={dsn.port} user={dsn.user} password={PASSWORD} dbname=postgres"
    return f"""
    CREATE EXTENSION dblink SCHEMA public;
    CREATE TABLE public.near AS SELECT 1 AS x;
    CREATE MATERIALIZED VIEW public.own AS SELECT x FROM public.near;
    CREATE MATERIALIZED VIEW public.informed AS SELECT count(*) AS columns FROM pg_catalog.pg_stats WHERE tablename = 'near';
    CREATE MATERIALIZED VIEW public."Far; away" AS SELECT x FROM public.dblink('{far}', 'SELECT 7') AS t(x int);
    CREATE UNIQUE INDEX ON public."Far; away" (x);
    CREATE MATERIALIZED VIEW public."\u00f6de" AS SELECT x FROM public."Far; away";
    CREATE MATERIALIZED VIEW public.second AS SELECT x + 1 AS x FROM public."Far; away";
    CREATE MATERIALIZED VIEW public.unfilled AS SELECT 1 AS x WITH NO DATA;
    """


def test_what_cannot_be_refreshed_is_named_and_the_rest_comes_back(dsn: Dsn, tmp_path: Path) -> None:
    """A restore is not lost for a view over foreign data; the view, and what is built on it, is listed by name as not proven."""
    with database(dsn, script(dsn)) as there:
        kept = captured(dsn, tmp_path)
        expected = Bench(there, 18, tmp_path).prove()
    with standby(tmp_path) as host:
        step = PgStep(tmp_path, {})
        places = SOURCE.restore(kept.readers(), host, step.as_context())
        assert places["not_refreshed"] == {"hmis": ['public."Far; away"', "public.second", 'public."\u00f6de"']}
        here = dsn_of(places, "hmis")
        with connect(here) as connection:
            assert connection.execute("SELECT x FROM public.own").fetchall() == [(1,)]
            assert connection.execute("SELECT columns FROM public.informed").fetchall() == [(1,)], "filled before there were statistics"
        found = Bench(here, 18, tmp_path).prove()
    assert list(step.findings) == [f"not-refreshed:hmis:{view}" for view in places["not_refreshed"]["hmis"]]
    assert "7" not in "".join(step.findings.values()) and PASSWORD not in "".join(step.findings.values())
    differences, unproven, _ = compare_databases(expected, {**found, "not_refreshed": places["not_refreshed"]["hmis"]})
    assert said(differences) == []
    listed = [line for line in said(unproven) if "not refreshed" in line]
    assert sorted(listed) == sorted(f"materialized-view: {view}: not refreshed by the restore" for view in places["not_refreshed"]["hmis"])


def test_in_another_encoding_the_view_is_named_too(dsn: Dsn, tmp_path: Path) -> None:
    """A dump is in its database's own encoding, and so are the names in it."""
    with connect(dsn) as connection:
        connection.execute("CREATE DATABASE old ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    try:
        with connect(dsn.at("old")) as connection:
            connection.execute(script(dsn).encode())
        kept = captured(dsn, tmp_path)
    finally:
        with connect(dsn) as connection:
            connection.execute("DROP DATABASE old WITH (FORCE)")
    with standby(tmp_path) as host:
        places = SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
    assert places["not_refreshed"] == {"old": ['public."Far; away"', "public.second", 'public."\u00f6de"']}


def test_what_the_source_had_and_no_restore_confessed_is_still_red(dsn: Dsn, tmp_path: Path) -> None:
    """The twin: an empty view is excused by the restore's own word alone, for the views that it names."""
    with database(dsn, "CREATE MATERIALIZED VIEW public.own AS SELECT 1 AS x") as there:
        expected = Bench(there, 18, tmp_path).prove()
        Bench(there, 18, tmp_path).execute("REFRESH MATERIALIZED VIEW public.own WITH NO DATA")
        found = Bench(there, 18, tmp_path).prove()
    for confessed in ([], ["public.other"]):
        differences, _, _ = compare_databases(expected, {**found, "not_refreshed": confessed})
        assert said(differences) == ["materialized-view: public.own: not populated"]
