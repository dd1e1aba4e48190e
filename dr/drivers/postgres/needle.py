"""The needle: one signed row of `dr`'s own in each database, by which a restored backup is known to be that night's."""

from collections.abc import Sequence

import psycopg

from dr.drivers.postgres.catalogue import Database
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.drivers.postgres.messages import explain_error, shown
from dr.errors import Failed, Refused

KEPT = 7
"""Rows that stay: a week of nights, so that an older set's token still tells which night a stray row is of."""
_SHAPE = [("set_token", "text"), ("planted_at", "timestamptz")]
_COLUMNS = """
SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = to_regclass('dr.needle') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_PUBLISHED = "SELECT pubname FROM pg_publication WHERE puballtables LIMIT 1"
_PUBLISHED_SCHEMA = """
SELECT p.pubname FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid
  JOIN pg_namespace n ON n.oid = s.pnnspid WHERE n.nspname = 'dr' LIMIT 1
"""
_MAKE = (
    "CREATE SCHEMA IF NOT EXISTS dr",
    "REVOKE ALL ON SCHEMA dr FROM PUBLIC",
    "COMMENT ON SCHEMA dr IS 'Disaster recovery: witnesses of backups'",
    "CREATE TABLE dr.needle (set_token text NOT NULL, planted_at timestamptz NOT NULL DEFAULT now())",
    "REVOKE ALL ON TABLE dr.needle FROM PUBLIC",
)


def hosts_of_needles(databases: Sequence[Database]) -> list[str]:
    """In which databases needles are planted: all that are dumped, but no templates, and `postgres` only if there is no other."""
    named = [database.name for database in databases if not database.obstacle and not database.template]
    return [name for name in named if name != "postgres"] or named


def require_plantable(dsn: Dsn) -> None:
    """Raises Refused if a row of ours would travel on (a publication), cannot be written, or would meet somebody else's table."""
    with connect(dsn) as connection:
        name = shown(dsn.database)
        if _value(connection, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"):
            raise Refused(f"no needle in database '{name}': it is read-only", hint="set 'needle: false' for this source")
        published = _value(connection, _PUBLISHED) or (
            _value(connection, _PUBLISHED_SCHEMA) if connection.info.server_version >= 150000 else None
        )
        if published:
            raise Refused(
                f"no needle in database '{name}': publication '{shown(str(published))}' would send it to its subscribers",
                hint="set 'needle: false' for this source, or publish named tables only",
            )
        shape = connection.execute(_COLUMNS).fetchall()
        if shape and shape != _SHAPE:
            raise Refused(f"no needle in database '{name}': its table dr.needle is not ours", hint="set 'needle: false' for this source")


def plant(dsn: Dsn, token: str) -> None:
    """Commit the signed token and drop all but the newest `KEPT`. The same token again changes nothing more. Raises Failed."""
    try:
        with connect(dsn, autocommit=False) as connection:
            connection.execute("SET LOCAL lock_timeout = '10s'")
            if not connection.execute(_COLUMNS).fetchall():
                for statement in _MAKE:
                    connection.execute(statement.encode())
            connection.execute("DELETE FROM dr.needle WHERE set_token = %s", [token])
            connection.execute("INSERT INTO dr.needle (set_token) VALUES (%s)", [token])
            connection.execute(
                "DELETE FROM dr.needle WHERE ctid NOT IN (SELECT ctid FROM dr.needle ORDER BY planted_at DESC LIMIT %s)", [KEPT]
            )
    except psycopg.Error as error:
        raise Failed(f"no needle in database '{shown(dsn.database)}': {explain_error(error)}") from None


def read_needles(dsn: Dsn) -> list[str]:
    """The tokens in a database, newest first; none if it has no such table. Raises Unreachable, Failed."""
    try:
        with connect(dsn) as connection:
            if connection.execute(_COLUMNS).fetchall() != _SHAPE:
                return []
            return [token for (token,) in connection.execute("SELECT set_token FROM dr.needle ORDER BY planted_at DESC, set_token")]
    except psycopg.Error as error:
        raise Failed(f"the needles of database '{shown(dsn.database)}' cannot be read: {explain_error(error)}") from None


def _value(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
