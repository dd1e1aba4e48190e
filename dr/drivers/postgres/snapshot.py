"""One consistent view of a database, shared by the dump and the digest.

Tables are locked (ACCESS SHARE) before the snapshot is taken: a TRUNCATE between snapshot and lock empties what the snapshot sees, and
both dump and digest would agree on the emptied table.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from dr.clock import Clock
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.drivers.postgres.messages import explain_error, shown
from dr.errors import Failed

_ATTEMPTS = 5
_BATCH = 500
_TABLES = """
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
 ORDER BY c.oid
"""


@dataclass(frozen=True)
class Snapshot:
    """`instant` is our clock's, read before the snapshot was taken: whatever was committed by then is in it. So RPO is never flattered.

    `server_time` is the server's own clock, for telling a skew.
    """

    id: str
    instant: datetime
    server_time: datetime
    connection: Connection

    @property
    def skew(self) -> float:
        """Seconds that the server's clock is ahead of ours."""
        return (self.server_time - self.instant).total_seconds()

    def confirm(self) -> None:
        """Raises Failed if the session that holds the snapshot did not last."""
        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise Failed(
                f"the snapshot was lost while it was dumped: {explain_error(error)}",
                hint="nothing was published; the server may have restarted; run the backup again",
            ) from None


@contextlib.contextmanager
def exported(dsn: Dsn, clock: Clock, *, lock_wait: float, locks: bool = True) -> Iterator[Snapshot]:
    """A read-only snapshot that other sessions can join, held until the block ends; all tables are locked against ALTER and TRUNCATE.

    `lock_wait` seconds at most for each lock. `locks=False` is for the test that shows what the locks are for. Raises Failed.
    """
    connection = connect(dsn, application="dr snapshot")
    try:
        try:
            snapshot = _take(connection, clock, lock_wait, locks)
        except psycopg.Error as error:
            raise Failed(f"no snapshot of database '{shown(dsn.database)}': {explain_error(error)}") from None
        yield snapshot
    finally:
        with contextlib.suppress(psycopg.Error):
            connection.close()


def _take(connection: Connection, clock: Clock, lock_wait: float, locks: bool) -> Snapshot:
    for _ in range(_ATTEMPTS):
        connection.execute(f"SET lock_timeout = {int(lock_wait * 1000)}")
        known = list(connection.execute(_TABLES)) if locks else []
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            _lock(connection, [name for _, name in known])
        except psycopg.errors.UndefinedTable:  # dropped since it was listed
            connection.execute("ROLLBACK")
            continue
        instant = clock.now()
        row = connection.execute("SELECT pg_export_snapshot(), clock_timestamp()").fetchone()
        assert row is not None
        if not locks or {oid for oid, _ in connection.execute(_TABLES)} <= {oid for oid, _ in known}:
            return Snapshot(row[0], instant, row[1].astimezone(UTC), connection)
        connection.execute("ROLLBACK")
    raise Failed(
        f"database '{shown(connection.info.dbname)}': tables come and go too fast to lock them all before a snapshot",
        hint="run the backup when no tables are made or dropped",
    )


def _lock(connection: Connection, names: list[str]) -> None:
    for start in range(0, len(names), _BATCH):
        listed = ", ".join(f"ONLY {name}" for name in names[start : start + _BATCH])
        connection.execute(f"LOCK TABLE {listed} IN ACCESS SHARE MODE".encode())
