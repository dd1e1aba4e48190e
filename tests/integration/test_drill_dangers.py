"""What a drill must withstand: restored data that reaches out, runs code, or bends what is seen of it; and what only looks like ours."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from dr.drivers.postgres import confine
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.model.ports import Completed
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
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
