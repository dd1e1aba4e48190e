"""What a drill must withstand: restored data that reaches out, runs code, or bends what is seen of it; and what only looks like ours."""

import contextlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from dr.drivers.postgres import cluster, confine
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.errors import Unreachable
from dr.model.base import JsonObject
from dr.model.ports import Completed
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.engine_plans import eventually
from tests.support.pg_world import MemorySet, PgStep, request, standby, step_for
from tests.support.postgres import server

pytestmark = pytest.mark.integration
SOURCE = PostgresLogicalSource()


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("dangers")), major=18) as found:
        yield found


@contextlib.contextmanager
def database(dsn: Dsn, script: str) -> Iterator[Dsn]:
    """A database `hmis` on the source, made by a script."""
    with connect(dsn) as connection:
        connection.execute("CREATE DATABASE hmis")
    try:
        with connect(dsn.at("hmis")) as connection:
            connection.execute(script.encode())
        yield dsn.at("hmis")
    finally:
        with connect(dsn, options="-c event_triggers=off") as connection:
            connection.execute("DROP DATABASE hmis WITH (FORCE)")


def captured(dsn: Dsn, root: Path) -> MemorySet:
    kept = MemorySet()
    SOURCE.capture(request(PostgresLogical()), kept.as_writer(), step_for(dsn, root).as_context())
    return kept


# ---------------------------------------------------------------- nothing that was restored reaches out


class Production:
    """Another server, which counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def production() -> Iterator[Production]:
    made = Production()
    yield made
    made.close()


def calling(port: int) -> str:
    """A materialized view that calls another server while it is refreshed, by a library and by a program."""
    return f"""
    CREATE EXTENSION dblink SCHEMA public;
    CREATE FUNCTION public.call() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
      BEGIN
        PERFORM public.dblink_connect('hostaddr=127.0.0.1 port={port} user=u dbname=d connect_timeout=2');
      EXCEPTION WHEN OTHERS THEN NULL; END;
      BEGIN
        COPY (SELECT 1) TO PROGRAM 'bash -c "exec 3<>/dev/tcp/127.0.0.1/{port}"';
      EXCEPTION WHEN OTHERS THEN NULL; END;
      RETURN 1; END $f$;
    CREATE MATERIALIZED VIEW public.report AS SELECT public.call() AS x;
    """


def test_what_was_restored_cannot_reach_another_server(dsn: Dsn, production: Production, tmp_path: Path) -> None:
    """Promise 5: a materialized view that reads production over dblink, or by a program, does not during a drill, nor later in it."""
    with database(dsn, calling(production.port)):
        kept = captured(dsn, tmp_path)
    before = production.calls
    with standby(tmp_path) as host:
        places = SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
        with connect(dsn_of(places, "hmis")) as connection:
            assert connection.execute("SELECT public.call()").fetchone() == (1,)
    assert before > 0
    assert production.calls == before


class Lax:
    """A runner that starts what is to be confined as it is."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        words = list(argv)
        return cast("Completed", self._runner.run(words[3:] if confine.__file__ in words else words, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)


@pytest.mark.positive_control
def test_unconfined_it_calls(dsn: Dsn, production: Production, tmp_path: Path) -> None:
    """The guard switched off: the very same restore calls the other server."""
    with database(dsn, calling(production.port)):
        kept = captured(dsn, tmp_path)
    before = production.calls
    with standby(tmp_path) as host:
        runner = Lax(host.runner())
        cast("Any", host).runner = lambda: runner
        SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
    assert production.calls > before


# ---------------------------------------------------------------- settings and triggers of what was restored do not work on our sessions


@contextlib.contextmanager
def role_settings(dsn: Dsn, *settings: str) -> Iterator[None]:
    """Settings of every role of the source."""
    with connect(dsn) as connection:
        for setting in settings:
            connection.execute(f"ALTER ROLE ALL SET {setting}".encode())
    try:
        yield
    finally:
        with connect(dsn, options="-c session_preload_libraries= -c default_transaction_read_only=off") as connection:
            connection.execute("ALTER ROLE ALL RESET ALL")


HOSTILE_SETTINGS = ["default_transaction_read_only = on", "statement_timeout = '1ms'", "session_preload_libraries = 'auto_explain'"]


@pytest.mark.parametrize("setting", HOSTILE_SETTINGS)
def test_settings_of_the_sources_roles_do_not_stop_a_restore(dsn: Dsn, tmp_path: Path, setting: str) -> None:
    """They are restored, and equal the source's; our own sessions are not bent by them."""
    with database(dsn, "CREATE TABLE public.t AS SELECT 1 AS x"), role_settings(dsn, setting):
        kept = captured(dsn, tmp_path)
    with standby(tmp_path) as host:
        places = SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
        with connect(dsn_of(places, "hmis")) as connection:
            assert connection.execute("SELECT x FROM public.t").fetchone() == (1,)


def test_a_library_that_the_standby_lacks_does_not_stop_a_restore(dsn: Dsn, tmp_path: Path) -> None:
    """Every role of the source loads an extension's library into its sessions; the standby has none of that name."""
    with database(dsn, "CREATE TABLE public.t AS SELECT 1 AS x"):
        kept = captured(dsn, tmp_path)
    sink, _, _ = kept.whole["database-globals"]
    text = b"ALTER ROLE ALL SET session_preload_libraries TO 'no_such_library';\n"
    sink.data[:] = with_more_globals(bytes(sink.data), text)
    with standby(tmp_path) as host:
        places = SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
        with connect(dsn_of(places, "hmis")) as connection:
            assert connection.execute("SELECT x FROM public.t").fetchone() == (1,)


def with_more_globals(tar: bytes, text: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in old:
            stream = old.extractfile(member)
            data = (stream.read() if stream else b"") + (text if member.name == "globals.sql" else b"")
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


LOGIN = """
CREATE TABLE public.logins (who text);
CREATE FUNCTION public.noted() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.logins VALUES (session_user); END $f$;
CREATE EVENT TRIGGER noted ON login EXECUTE FUNCTION public.noted();
ALTER EVENT TRIGGER noted ENABLE ALWAYS;
"""


def test_a_restored_login_trigger_does_not_run_in_our_sessions(dsn: Dsn, tmp_path: Path) -> None:
    """It would run as superuser at every look of ours, and change what is compared."""
    with database(dsn, LOGIN):
        with connect(dsn.at("hmis"), options="-c event_triggers=off") as connection:
            connection.execute("TRUNCATE public.logins")
        kept = captured(dsn, tmp_path)
    with standby(tmp_path) as host:
        places = SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
        with psycopg.connect(**plain(places)):
            pass  # a session like an application's: it is switched off
        for _ in range(2):
            with connect(dsn_of(places, "hmis")) as connection:
                connection.execute("ALTER EVENT TRIGGER noted ENABLE ALWAYS")
                logins = connection.execute("SELECT count(*) FROM public.logins").fetchone()
        with psycopg.connect(**plain(places), options="-c event_triggers=on") as connection:
            fired = connection.execute("SELECT count(*) FROM public.logins").fetchone()
    assert logins is not None
    assert fired == (logins[0] + 1,), "let go, and without our options, it runs: the trigger is there"
    expected = next(s for s, _, _ in kept.whole.values() if s.described["content"].get("database") == "hmis")
    assert logins == (expected.described["content"]["proof"]["tables"]["public.logins"]["rows"],)


def plain(places: JsonObject) -> dict[str, Any]:
    at = dsn_of(places, "hmis")
    return {"host": at.host, "port": at.port, "user": at.user, "password": at.password, "dbname": "hmis", "autocommit": True}


def lets_in(dsn: Dsn) -> bool:
    with contextlib.suppress(Unreachable), connect(dsn):
        return True
    return False


def test_a_server_that_asks_for_no_password_is_not_taken_for_the_restored_one(tmp_path: Path) -> None:
    """Another program may come to listen on the port: only who knows the throwaway password's verifier is ours."""
    with server(tmp_path / "other", major=18) as other:
        hba = tmp_path / "other" / "pgdata" / "pg_hba.conf"
        hba.write_text("host all all 127.0.0.1/32 trust\n")
        with connect(other) as connection:
            connection.execute("SELECT pg_reload_conf()")
        passfile = tmp_path / "passfile"
        passfile.write_text(f"127.0.0.1:{other.port}:*:postgres:not-its-password\n")
        places = {"host": "127.0.0.1", "port": other.port, "user": "postgres", "passfile": str(passfile), "server_version": "18.1"}
        anybody = Dsn("127.0.0.1", other.port, "postgres", password="anything")
        assert eventually(lambda: lets_in(anybody)), "it asks for no password any more"
        with pytest.raises(Unreachable):
            connect(dsn_of(places)).close()


# ---------------------------------------------------------------- only the server of this data directory is ended


def test_a_stale_record_ends_no_other_server(dsn: Dsn, tmp_path: Path) -> None:
    """Promise 5: a postmaster.pid may name a number that was given out anew, to production's server."""
    with connect(dsn) as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    pid = cluster.postmaster(str(row[0]))
    assert pid is not None
    data = tmp_path / "pgdata"
    data.mkdir()
    (data / "postmaster.pid").write_text(f"{pid}\n{data}\n")
    assert cluster.postmaster(str(data)) is None
    assert cluster.stop(str(data)) is False
    assert cluster.postmaster(str(row[0])) == pid
