"""What a restored cluster would start by itself, or reach out with, is held back, told by name, and hides no difference."""

import contextlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from dr.checks import content_equals_source
from dr.drivers.postgres import cluster, neutralise
from dr.drivers.postgres.binaries import find
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.drivers.postgres.load import carry_settings
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject
from dr.model.ports import OpenSet, Restored, WritableHost
from dr.model.record import CheckResult
from dr.sources.postgres_logical import PostgresLogicalSource
from tests.integration.test_drill_dangers import captured
from tests.support.engine_plans import eventually
from tests.support.pg_world import KEY, MemorySet, PgStep, standby
from tests.support.postgres import PASSWORD, free_port, server
from tests.support.proof_databases import said
from tests.support.proof_restored import CheckContext

pytestmark = pytest.mark.integration
SOURCE = PostgresLogicalSource()
SCRIPT = """
CREATE TABLE public.client (id int PRIMARY KEY);
CREATE TABLE public.fired (tag text);
CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.fired VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER "Notes; all" ON ddl_command_end EXECUTE FUNCTION public.note();
CREATE EVENT TRIGGER always ON sql_drop EXECUTE FUNCTION public.note();
ALTER EVENT TRIGGER always ENABLE ALWAYS;
CREATE EVENT TRIGGER asleep ON sql_drop EXECUTE FUNCTION public.note();
ALTER EVENT TRIGGER asleep DISABLE;
CREATE SCHEMA cron;
CREATE TABLE cron.job (jobid int, command text);
INSERT INTO cron.job VALUES (1, 'SELECT 1'), (2, 'SELECT 2');
CREATE EXTENSION dblink SCHEMA public;
CREATE EXTENSION postgres_fdw SCHEMA public;
CREATE SERVER "far away" FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'production.example', port '5432');
CREATE USER MAPPING FOR dr_neutral_app SERVER "far away" OPTIONS (user 'app', password 'canary-of-the-mapping');
CREATE SUBSCRIPTION feed CONNECTION 'host=production.example password=canary-of-the-feed' PUBLICATION p
       WITH (connect = false, slot_name = NONE);
ALTER DATABASE hmis SET work_mem TO '5MB';
ALTER DATABASE hmis SET session_preload_libraries TO 'auto_explain', 'auth_delay';
ALTER DATABASE hmis SET search_path TO 'public', 'it''s; odd';
ALTER ROLE dr_neutral_app IN DATABASE hmis SET "plperl.on_init" TO E'a\\\\b; c''s';
ALTER ROLE dr_neutral_app IN DATABASE hmis SET work_mem TO '6MB';
ALTER ROLE dr_neutral_boss IN DATABASE hmis SET work_mem TO '7MB';
ALTER ROLE dr_neutral_boss SET local_preload_libraries TO 'auto_explain';
ALTER ROLE dr_neutral_boss SET work_mem TO '8MB';
"""
HELD = {
    ("", "setting", "local_preload_libraries of role dr_neutral_boss", "switched off"),
    ("bare", "setting", "session_preload_libraries of the database", "switched off"),
    ("hmis", "setting", "session_preload_libraries of the database", "switched off"),
    ("hmis", "setting", '"plperl.on_init" of role dr_neutral_app', "switched off"),
    ("hmis", "event trigger", '"Notes; all"', "switched off"),
    ("hmis", "event trigger", "always", "switched off"),
    ("hmis", "subscription", "feed", "switched off"),
    ("hmis", "foreign server", '"far away"', "cannot connect to anything"),
    ("hmis", "user mapping", '"far away" for dr_neutral_app', "cannot connect to anything"),
    ("hmis", "extension", "dblink", "cannot connect to anything"),
    ("hmis", "scheduled jobs", "cron.job (2)", "nothing begins them"),
}


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """A source with one of everything that could act by itself; `bare` has no other property than a dangerous one."""
    with server(Path(tmp_path_factory.mktemp("neutral")), major=18) as found:
        with connect(found) as connection:
            for line in ("CREATE ROLE dr_neutral_app", "CREATE ROLE dr_neutral_boss", "CREATE DATABASE hmis", "CREATE DATABASE bare"):
                connection.execute(line.encode())
            connection.execute("ALTER DATABASE bare SET session_preload_libraries TO 'auto_explain'")
        with connect(found.at("hmis")) as connection:
            connection.execute(SCRIPT.encode())
        yield found


@pytest.fixture(scope="module")
def restored(dsn: Dsn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MemorySet, JsonObject]]:
    folder = Path(tmp_path_factory.mktemp("restored"))
    kept = captured(dsn, folder)
    with standby(folder) as host:
        yield kept, SOURCE.restore(kept.readers(), host, PgStep(folder, {}).as_context())


def compared(kept: MemorySet, places: JsonObject) -> CheckResult:
    opened = cast("OpenSet", SimpleNamespace(index=SimpleNamespace(key=KEY.hex()), artifacts=kept.readers))
    there = Restored(host=cast("WritableHost", None), set=opened, places={"database": places})
    return content_equals_source.CHECK.run(content_equals_source.Params(), there, CheckContext().asked())


def test_everything_is_listed_by_kind_and_name_and_no_value(restored: tuple[MemorySet, JsonObject]) -> None:
    """A recovery can let go of it deliberately only if it is told what there is; no password of a mapping is told with it."""
    _, places = restored
    assert {tuple(one.values()) for one in places["neutralised"]} == HELD
    assert "canary" not in json.dumps(places)


def test_the_content_is_proven_with_what_is_off_named_as_off(restored: tuple[MemorySet, JsonObject]) -> None:
    """Neither a false alarm nor silence: equal to the source, and each thing that was switched off is listed as such."""
    kept, places = restored
    result = compared(kept, places)
    assert said(list(result.differences)) == []
    assert result.passed
    off = {(d.name, d.kind) for d in result.unproven if d.detail.startswith("switched off by the restore")}
    assert off == {(f"{db}: {name}" if db else name, kind) for db, kind, name, how in HELD if how == neutralise.OFF}


@pytest.mark.positive_control
def test_without_the_restores_word_what_is_off_is_a_difference(restored: tuple[MemorySet, JsonObject]) -> None:
    """The twin: the comparison sees the switched off trigger and the setting, and is told of them by the restore alone."""
    kept, places = restored
    result = compared(kept, {**places, "neutralised": []})
    assert sorted(said(list(result.differences))) == [
        "globals: role dr_neutral_boss: differs",
        "schema: bare: DATABASE PROPERTIES bare: missing",
        "schema: hmis: DATABASE PROPERTIES hmis: differs",
        "schema: hmis: EVENT TRIGGER Notes; all: differs",
        "schema: hmis: EVENT TRIGGER always: differs",
    ]


CHANGES = [
    ("ALTER EVENT TRIGGER always OWNER TO dr_neutral_super", "schema: hmis: EVENT TRIGGER always: differs"),
    ("ALTER EVENT TRIGGER asleep ENABLE", "schema: hmis: EVENT TRIGGER asleep: differs"),
    ("ALTER DATABASE hmis SET work_mem TO '9MB'", "schema: hmis: DATABASE PROPERTIES hmis: differs"),
    ("ALTER DATABASE hmis SET session_preload_libraries TO 'auth_delay'", "schema: hmis: DATABASE PROPERTIES hmis: differs"),
    ("ALTER DATABASE bare SET work_mem TO '9MB'", "schema: bare: DATABASE PROPERTIES bare: differs"),
]


def test_a_real_difference_beside_what_is_off_is_found(restored: tuple[MemorySet, JsonObject]) -> None:
    """What is put back in words is one word or one line: an owner, another state, another setting are differences as ever."""
    kept, places = restored
    with connect(dsn_of(places, "hmis")) as connection:
        connection.execute("CREATE ROLE dr_neutral_super SUPERUSER")
        for statement, _ in CHANGES:
            connection.execute(statement.encode())
    try:
        found = set(said(list(compared(kept, places).differences)))
    finally:
        with connect(dsn_of(places, "hmis")) as connection:
            for undo in (
                "ALTER EVENT TRIGGER always OWNER TO postgres",
                "ALTER EVENT TRIGGER asleep DISABLE",
                "ALTER DATABASE hmis SET work_mem TO '5MB'",
                "ALTER DATABASE hmis RESET session_preload_libraries",
                "ALTER DATABASE bare RESET work_mem",
                "DROP ROLE dr_neutral_super",
            ):
                connection.execute(undo.encode())
    assert {line for _, line in CHANGES} <= found
    assert found - {line for _, line in CHANGES} == {"globals: role dr_neutral_super: not on the source"}


def ddl(dsn: Dsn) -> int:
    """How often an event trigger fired for the statements of a session that wants them to."""
    reached: dict[str, Any] = {"host": dsn.host, "port": dsn.port, "user": dsn.user, "dbname": "hmis", "password": dsn.password}
    with psycopg.connect(**reached, autocommit=True, options="-c event_triggers=on") as connection:
        connection.execute("DELETE FROM public.fired")
        connection.execute("CREATE TABLE public.later ()")
        connection.execute("DROP TABLE public.later")
        row = connection.execute("SELECT count(*) FROM public.fired").fetchone()
        connection.execute("DELETE FROM public.fired")
    assert row is not None
    return int(row[0])


def test_no_event_trigger_fires_on_the_restored_server(restored: tuple[MemorySet, JsonObject]) -> None:
    assert ddl(dsn_of(restored[1], "hmis")) == 0


@pytest.mark.positive_control
def test_on_the_source_the_same_statements_fire_them(dsn: Dsn) -> None:
    assert ddl(dsn) > 0


def test_the_statements_that_switch_it_on_again_are_kept_for_a_person(restored: tuple[MemorySet, JsonObject]) -> None:
    """Deliberately: a private file beside the password, gone with the place; run as it is, everything stands as on the source."""
    _, places = restored
    file = Path(places["passfile"]).parent / neutralise.AGAIN
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text().splitlines()
    assert lines[lines.index('\\connect "hmis"') :] == [
        '\\connect "hmis"',
        'ALTER EVENT TRIGGER "Notes; all" ENABLE;',
        'ALTER EVENT TRIGGER "always" ENABLE ALWAYS;',
        '-- ALTER SUBSCRIPTION "feed" ENABLE;  -- no dump says whether it was on',
    ]
    assert 'ALTER DATABASE "bare" SET "session_preload_libraries" TO auto_explain;' in lines


# ---------------------------------------------------------------- the server's own settings


@contextlib.contextmanager
def tampered(folder: Path, *, pinned: bool) -> Iterator[tuple[Dsn, Path]]:
    """A server whose files were written by restored code: it archives, preloads and listens everywhere, if it may."""
    made = cluster.Cluster(str(folder / "pgdata"), free_port(), str(Path(find("postgres", exactly=18)).parent), str(folder / "log"))
    runner, mark = LocalRunner(), folder / "archived"
    cluster.initialise(made, runner, password=PASSWORD)
    settings = {
        "archive_mode": "on",
        "archive_command": f"'touch {mark}'",
        "shared_preload_libraries": "'auto_explain'",
        "restore_command": "'touch somewhere'",
        "primary_conninfo": "'host=production.example'",
        "max_logical_replication_workers": "4",
    }
    cluster.configure(made, settings)
    cluster.start(made, runner, options=neutralise.pins(18) if pinned else None)
    try:
        yield Dsn("127.0.0.1", made.port, "postgres", "postgres", PASSWORD), mark
    finally:
        cluster.stop(made.data)


def archived(dsn: Dsn, mark: Path, *, waits: bool) -> bool:
    with connect(dsn) as connection:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CREATE TABLE public.x ()")
        connection.execute("SELECT pg_switch_wal()")
    if waits:
        eventually(mark.exists)
    return mark.exists()


def test_the_pins_win_over_every_file_of_the_cluster(tmp_path: Path) -> None:
    """Nothing is archived, fetched or preloaded, whatever stands in the restored cluster's files; no worker could begin."""
    with tampered(tmp_path, pinned=True) as (dsn, mark):
        with connect(dsn) as connection:
            now: dict[str, str] = dict(
                connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(neutralise.pins(18)),)).fetchall()
            )
        assert not archived(dsn, mark, waits=False)
    assert {**now, "archive_command": ""} == {name: value for name, value in neutralise.pins(18).items() if name in now}
    assert len(now) >= len(neutralise.pins(18)) - 1  # what no server knows without its library (pg_cron's)


@pytest.mark.positive_control
def test_unpinned_it_archives_and_preloads(tmp_path: Path) -> None:
    with tampered(tmp_path, pinned=False) as (dsn, mark):
        with connect(dsn) as connection:
            assert connection.execute("SHOW shared_preload_libraries").fetchone() == ("auto_explain",)
        assert archived(dsn, mark, waits=True)


def test_files_that_restored_code_wrote_are_put_back_and_told(tmp_path: Path) -> None:
    """A superuser's COPY in a restored function can write the server's own files while they are loaded."""
    for name in ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"):
        (tmp_path / name).write_text(f"# {name}\n")
    own = neutralise.own_files(tmp_path)
    (tmp_path / "pg_hba.conf").write_text("host all all 0.0.0.0/0 trust\n")
    (tmp_path / "postgresql.auto.conf").unlink()
    (tmp_path / "standby.signal").touch()
    assert [one.name for one in neutralise.put_back_files(tmp_path, own)] == ["postgresql.auto.conf", "pg_hba.conf", "standby.signal"]
    assert neutralise.own_files(tmp_path) == own and not (tmp_path / "standby.signal").exists()
    assert neutralise.put_back_files(tmp_path, own) == []


def test_a_set_cannot_configure_the_standby_s_server(restored: tuple[MemorySet, JsonObject]) -> None:
    """Signed by mistake or by malice: only the settings that change what a query gives are carried over."""
    with connect(dsn_of(restored[1])) as connection:
        assert carry_settings(connection, {"archive_command": "touch x", "DateStyle": "ISO, MDY"}) == ["archive_command"]
        row = connection.execute("SELECT count(*) FROM pg_file_settings WHERE name = 'archive_command'").fetchone()
    assert row == (0,)
