"""Sessions that read under one snapshot and print every value in one way, whatever the database or role sets for itself."""

import contextlib
import re
from collections.abc import Iterator

import psycopg

from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.errors import Failed

_SNAPSHOT = re.compile(r"[0-9A-Fa-f]+(-[0-9A-Fa-f]+)+")
LOCK_TIMEOUT = "30s"
PINNED = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "search_path": "pg_catalog",
    "row_security": "off",
    "role": "none",
    "statement_timeout": "0",
    "lock_timeout": LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""`row_security` off makes a filtered read an error instead of a quiet subset; parallelism is ours, by chunk."""
_IF_KNOWN = {"transaction_timeout": "0", "idle_session_timeout": "0"}


def pin(connection: Connection) -> None:
    """Set everything that changes how a value prints or what a statement may see."""
    for name, value in PINNED.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
    for name, value in _IF_KNOWN.items():
        connection.execute(
            "SELECT pg_catalog.set_config(s.name, %s, false) FROM pg_catalog.pg_settings s WHERE s.name OPERATOR(pg_catalog.=) %s",
            (value, name),
        )


@contextlib.contextmanager
def reading(dsn: Dsn, snapshot: str | None = None) -> Iterator[Connection]:
    """A pinned session in a read-only transaction, on an exported snapshot or on one of its own.

    Raises Unreachable, or Failed if the snapshot is gone (its transaction ended).
    """
    if snapshot is not None and not _SNAPSHOT.fullmatch(snapshot):
        raise Failed(f"'{snapshot}' is not the name of an exported snapshot")
    with contextlib.closing(connect(dsn, application="dr proof")) as connection:
        pin(connection)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot is not None:
            _adopt(connection, snapshot)
        yield connection


def _adopt(connection: Connection, snapshot: str) -> None:
    try:
        connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    except psycopg.Error as error:
        raise Failed(
            f"the exported snapshot could not be taken over ({error.sqlstate})",
            hint="the transaction that exported it must stay open until the proof is made",
        ) from None


def export(connection: Connection) -> str:
    """The name under which other sessions may share this transaction's snapshot."""
    row = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])
