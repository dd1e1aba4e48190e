"""How a server is reached, and connections to it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from dr.errors import Unreachable

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Dsn:
    """Where a database is. The password is never part of `repr`."""

    host: str
    port: int
    user: str
    database: str = "postgres"
    password: str = field(default="", repr=False)

    def at(self, database: str) -> "Dsn":
        return replace(self, database=database)


def connect(dsn: Dsn, *, application: str = "dr", autocommit: bool = True) -> Connection:
    """Open a connection. Raises Unreachable without the server's own words, which may quote what was sent."""
    try:
        return psycopg.connect(
            host=dsn.host,
            port=dsn.port,
            user=dsn.user,
            dbname=dsn.database,
            password=dsn.password,
            application_name=application,
            connect_timeout=10,
            autocommit=autocommit,
            options="-c search_path=pg_catalog -c client_min_messages=error",
        )
    except psycopg.OperationalError as error:
        cause = error.sqlstate or type(error).__name__
        raise Unreachable(
            f"PostgreSQL at {dsn.host}:{dsn.port} did not accept user '{dsn.user}' for database '{dsn.database}' ({cause})",
            hint="is the server running, and are port, user and password of the host in the inventory right?",
        ) from None


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


@contextlib.contextmanager
def tool_environment(dsn: Dsn) -> Iterator[dict[str, str]]:
    """The environment by which PostgreSQL's programs reach `dsn`: the password in a private file, never in argv or the environment.

    The database's name is passed by PGDATABASE, so that a name like `-Fc` or `a=b` is no option and no connection string.
    """
    with tempfile.TemporaryDirectory(prefix="dr-pg-") as folder:
        passfile = Path(folder) / "pgpass"
        descriptor = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"*:*:*:*:{_escape(dsn.password)}\n")
        yield {
            "PGHOST": dsn.host,
            "PGPORT": str(dsn.port),
            "PGUSER": dsn.user,
            "PGDATABASE": dsn.database,
            "PGPASSFILE": str(passfile),
            "PGAPPNAME": "dr",
            "PGCONNECT_TIMEOUT": "10",
            "PGCLIENTENCODING": "UTF8",
        }
