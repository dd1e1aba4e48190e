"""What a server holds: its identity, and its databases with the properties that a restore must give them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.drivers.postgres.messages import explain_error
from dr.errors import Failed, Unreachable
from dr.model.base import JsonObject


@dataclass(frozen=True)
class Server:
    """What identifies a server and tells whether it can be read whole."""

    bootstrap: str
    """The role that initdb made (its name can have been changed)."""
    version: str
    major: int
    system_identifier: str
    data_directory: str
    superuser: bool
    in_recovery: bool
    now: datetime


@dataclass(frozen=True)
class Database:
    """A database as the catalogue describes it. `size` is bytes on disk, indexes included."""

    name: str
    owner: str
    encoding: str
    provider: str
    """`c` libc, `i` ICU, `b` builtin."""
    collate: str
    ctype: str
    locale: str | None
    """Of ICU or builtin."""
    tablespace: str
    template: bool
    size: int
    obstacle: str = ""
    """Why it cannot be dumped; empty if it can."""

    def to_facts(self) -> JsonObject:
        """For `database.json`: what a person needs who restores without `dr`."""
        return {
            "name": self.name,
            "owner": self.owner,
            "encoding": self.encoding,
            "locale_provider": {"c": "libc", "i": "icu", "b": "builtin"}.get(self.provider, self.provider),
            "collate": self.collate,
            "ctype": self.ctype,
            "locale": self.locale,
            "tablespace": self.tablespace,
            "template": self.template,
            "size": self.size,
        }


_SERVER = """
SELECT (SELECT rolname FROM pg_roles WHERE oid = 10), current_setting('server_version'), current_setting('server_version_num')::int / 10000,
       (SELECT system_identifier::text FROM pg_control_system()), (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), pg_is_in_recovery(), clock_timestamp()
"""
_DATABASES = """
SELECT d.datname, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), coalesce(j ->> 'datlocprovider', 'c'),
       d.datcollate, d.datctype, coalesce(j ->> 'datlocale', j ->> 'daticulocale'), t.spcname, d.datistemplate,
       pg_database_size(d.oid),
       CASE WHEN d.datconnlimit = -2 THEN 'it was dropped halfway' WHEN NOT d.datallowconn THEN 'it takes no connections' ELSE '' END
  FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace, LATERAL to_jsonb(d) j
 WHERE d.datname <> 'template0'
 ORDER BY d.datname COLLATE "C"
"""
CARRIED = ("TimeZone", "DateStyle", "IntervalStyle", "default_text_search_config", "lc_monetary", "lc_numeric", "lc_time")
"""Settings of the server that change what a query of the application gives, so a restored one needs them too."""


@contextlib.contextmanager
def maintenance(dsn: Dsn) -> Iterator[Connection]:
    """A connection to `postgres`, or to `template1` where a server has no such database. Raises Unreachable, Failed."""
    try:
        connection = connect(dsn.at("postgres"))
    except Unreachable:
        connection = connect(dsn.at("template1"))
    try:
        with connection:
            yield connection
    except psycopg.Error as error:
        raise Failed(f"PostgreSQL at {dsn.host}:{dsn.port} failed: {explain_error(error)}") from None


def read_server(connection: Connection) -> Server:
    row = _one(connection, _SERVER)
    return Server(row[0], row[1].split()[0], row[2], row[3], row[4] or "", bool(row[5]), row[6], row[7].astimezone(UTC))


def read_databases(connection: Connection) -> list[Database]:
    """Every database but template0, by name; those that cannot be dumped say why in `obstacle`."""
    return [Database(*row) for row in connection.execute(_DATABASES)]


def carried_settings(connection: Connection) -> dict[str, str]:
    """What the server's files say of the settings that change what queries give."""
    query = "SELECT name, setting FROM pg_file_settings WHERE applied AND lower(name) = ANY(%s)"  # pg_settings tells our session's own
    return {name: value for name, value in connection.execute(query, [[name.lower() for name in CARRIED]]) if value}


def database_settings(connection: Connection) -> list[JsonObject]:
    """Settings of databases and of roles in databases; pg_dump brings them back, this is for a person who restores by hand."""
    query = """SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                 LEFT JOIN pg_roles r ON r.oid = s.setrole ORDER BY 1, 2"""
    return [{"database": d, "role": r, "settings": list(s)} for d, r, s in connection.execute(query)]


def _one(connection: Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row
