"""`postgres_logical` when something dies in the middle: nothing is published, nothing stays behind, and the reason is told."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dr.clock import SystemClock
from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.drivers.postgres.dump import closed_files
from dr.drivers.postgres.session import reading
from dr.drivers.postgres.snapshot import exported
from dr.errors import DrError, Failed, Stopped, Unreachable
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.pg_world import MemorySet, PgStep, request, step_for
from tests.support.postgres import server

pytestmark = [pytest.mark.fault, pytest.mark.integration]
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'dr' AND query ~ 'numbers'"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("faults")), major=15) as dsn:
        yield dsn


@pytest.fixture
def source(served: Dsn) -> Dsn:
    return filled(served)


def filled(dsn: Dsn) -> Dsn:
    with connect(dsn) as connection:
        connection.execute("DROP TABLE IF EXISTS public.clients")
        connection.execute("DROP SEQUENCE IF EXISTS public.numbers")
        connection.execute("CREATE TABLE public.clients AS SELECT g AS id FROM generate_series(1, 100) g")
        connection.execute("CREATE SEQUENCE public.numbers")
    return dsn


@dataclass
class Meanwhile:
    """A prover that proves nothing: it waits until pg_dump is in the middle of its work (held at a sequence), then does the deed."""

    source: Dsn
    deed: Callable[[int], None]

    def before(self, dsn: Dsn) -> JsonObject:
        return {}

    def database(self, dsn: Dsn, **_: Any) -> JsonObject:
        if dsn.database == "postgres":
            self.deed(self.session_of_pg_dump())
        return {"tables": {}, "schema": {}, "tool": "18"}

    def after(self, dsn: Dsn, found: JsonObject) -> JsonObject:
        return found

    def globals(self, sql: bytes, *, key: bytes, server: str) -> JsonObject:
        return {}

    def session_of_pg_dump(self) -> int:
        with connect(self.source, application="watcher") as watcher:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                found = watcher.execute(WAITING.encode()).fetchone()
                if found:
                    return int(found[0])
                time.sleep(0.02)
        raise AssertionError("pg_dump was never seen at work")


def capture(source: Dsn, step: PgStep, deed: Callable[[Connection, int], None], jobs: int = 2) -> tuple[DrError | None, MemorySet]:
    """Capture while pg_dump is held in the middle; `deed` gets the session that holds it, and the server process of pg_dump."""
    kept = MemorySet()
    with closing(connect(source, application="holder", autocommit=False)) as holder:
        holder.execute("DROP SEQUENCE public.numbers")
        prover = Meanwhile(source, lambda pid: deed(holder, pid))
        try:
            PostgresLogicalSource(prover).capture(request(PostgresLogical(jobs=jobs)), kept.as_writer(), step.as_context())
        except DrError as error:
            return error, kept
    return None, kept


def assert_nothing_is_left(step: PgStep, kept: MemorySet) -> None:
    assert kept.void == ["database-00"]
    assert kept.whole == {}
    assert not any(folder.exists() for folder in step.staged)
    assert not pg_dumps(), "pg_dump lives on"


def pg_dumps() -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = (entry.parent / "cmdline").read_bytes()
            if b"pg_dump" in words.split(b"\0")[0] and str(os.getpid()).encode() in (entry.parent / "stat").read_bytes().split():
                found.append(words.decode(errors="replace"))
        except OSError:
            continue
    return found


def end_session(source: Dsn, what: str, by: object) -> None:
    with connect(source, application="killer") as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {what} = %s".encode(), [by])


def test_undisturbed_the_capture_is_whole(source: Dsn, tmp_path: Path) -> None:
    """The harness itself: held for a moment, then let go, all artifacts are there."""
    error, kept = capture(source, step_for(source, tmp_path), lambda holder, _: holder.rollback())
    assert error is None
    assert list(kept.whole) == ["database-00", "database-01", "database-globals"]


def test_a_dump_whose_session_dies_publishes_nothing(source: Dsn, tmp_path: Path) -> None:
    """Promise 1: the server ended pg_dump's session; the artifact is void."""
    step = step_for(source, tmp_path)
    error, kept = capture(source, step, lambda _, pid: end_session(source, "pid", pid))
    assert isinstance(error, Failed)
    assert error.message == "database 'postgres' was not dumped: pg_dump: the server ended the connection"
    assert error.hint == "did the server restart or fail? its log says why"
    assert_nothing_is_left(step, kept)


def test_a_killed_dump_publishes_nothing(source: Dsn, tmp_path: Path) -> None:
    """Promise 1: SIGKILL of pg_dump itself, as the kernel does when memory is short."""
    step = step_for(source, tmp_path)
    error, kept = capture(source, step, lambda *_: os.kill(_child("pg_dump"), signal.SIGKILL))
    assert isinstance(error, Failed)
    assert error.message == "database 'postgres' was not dumped: pg_dump: it ended without a word, as when it is killed"
    assert_nothing_is_left(step, kept)


def _child(name: str) -> int:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and name.encode() in (entry / "cmdline").read_bytes().split(b"\0")[0]:
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError(f"no {name} of ours runs")


def test_a_lost_snapshot_publishes_nothing(source: Dsn, tmp_path: Path) -> None:
    """The session that held the snapshot and its locks died, though pg_dump went on to a good end."""

    def deed(holder: Connection, _: int) -> None:
        end_session(source, "application_name", "dr snapshot")
        holder.rollback()

    step = step_for(source, tmp_path)
    error, kept = capture(source, step, deed, jobs=1)
    assert isinstance(error, Failed)
    assert error.message.startswith("the snapshot was lost while it was dumped: the server ended the connection")
    assert_nothing_is_left(step, kept)


def test_a_server_that_stops_publishes_nothing(tmp_path: Path) -> None:
    """A restart in the middle of the night."""
    with server(tmp_path / "source", major=15) as dsn:
        step = step_for(filled(dsn), tmp_path)
        error, kept = capture(dsn, step, lambda *_: _stop(tmp_path / "source" / "pgdata"))
    assert isinstance(error, Failed | Unreachable)
    assert_nothing_is_left(step, kept)


def _stop(data: Path) -> None:
    assert cluster.stop(str(data))


def test_a_stopped_step_ends_the_dump(source: Dsn, tmp_path: Path) -> None:
    """A time-out or a cancel ends pg_dump and what it left in staging."""
    step = step_for(source, tmp_path)
    error, kept = capture(source, step, lambda *_: step.stop.set())
    assert isinstance(error, Stopped)
    assert_nothing_is_left(step, kept)


def test_a_failed_proof_ends_the_dump(source: Dsn, tmp_path: Path) -> None:
    """A dump without its proof is not worth its time."""

    def deed(_: Connection, __: int) -> None:
        raise Failed("the digest failed")

    step = step_for(source, tmp_path)
    error, kept = capture(source, step, deed)
    assert error is not None and error.message == "the digest failed"
    assert_nothing_is_left(step, kept)


def _truncated_while_held(source: Dsn, *, locks: bool) -> int:
    """How many rows the snapshot shows after somebody tried to TRUNCATE the table."""
    with exported(source, SystemClock(), lock_wait=5, locks=locks) as snapshot:
        with connect(source, options="-c lock_timeout=200ms") as other, suppress(psycopg.errors.LockNotAvailable):
            other.execute("TRUNCATE public.clients")
        with reading(source, snapshot.id) as connection:
            row = connection.execute("SELECT count(*) FROM public.clients").fetchone()
            assert row is not None
            return int(row[0])


def test_a_truncate_cannot_empty_what_the_snapshot_sees(source: Dsn) -> None:
    """Dump and digest would agree on the emptied table; so it is locked before the snapshot is taken."""
    assert _truncated_while_held(source, locks=True) == 100


@pytest.mark.positive_control
def test_without_its_locks_the_snapshot_would_be_emptied(source: Dsn) -> None:
    """What the guard above is for."""
    assert _truncated_while_held(source, locks=False) == 0


def test_a_locked_table_is_waited_for_only_so_long(source: Dsn) -> None:
    """A forgotten ALTER TABLE in a client's session does not hold the night up for ever."""
    with closing(connect(source, autocommit=False)) as other:
        other.execute("LOCK TABLE public.clients IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Failed) as caught, exported(source, SystemClock(), lock_wait=0.2):
            pass
    assert caught.value.message == "no snapshot of database 'postgres': a lock was not to be had in time (SQLSTATE 55P03)"


def test_only_closed_files_of_a_dump_are_taken(tmp_path: Path) -> None:
    """A file that pg_dump or one of its workers still writes stays where it is; the table of contents comes last."""
    runner = LocalRunner()
    script = "exec 3>1.dat; : >2.dat; : >toc.dat; : >4.dat.tmp; (exec 3>&-; exec 4>3.dat; echo >ready; sleep 30) & sleep 30"
    process = runner.start(["sh", "-c", script], cwd=str(tmp_path))
    try:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        assert [path.name for path in closed_files(tmp_path, process)] == ["2.dat"]
    finally:
        process.kill()
        process.wait()
    assert [path.name for path in closed_files(tmp_path, process)] in ([], ["1.dat", "2.dat", "3.dat"])
