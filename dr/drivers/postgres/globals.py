"""Roles, memberships, tablespaces and the settings of roles: read from a source, put into a cluster of our own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from dr.drivers.postgres import tools
from dr.drivers.postgres.catalogue import maintenance
from dr.drivers.postgres.connect import Connection, Dsn, tool_environment
from dr.drivers.postgres.messages import explain_error, shown
from dr.drivers.postgres.tools import Watch
from dr.errors import Failed
from dr.model.ports import Runner

_IDENT = r'(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)'
_LITERAL = r"E?'(?:[^']|'')*'"
_ROLE = re.compile(rf"(CREATE|ALTER) ROLE ({_IDENT})\s*(.*)", re.DOTALL)
_TABLESPACE = re.compile(rf"CREATE TABLESPACE ({_IDENT})(.*) LOCATION {_LITERAL}", re.DOTALL)
_GRANTOR = re.compile(rf"(GRANT .*?) GRANTED BY {_IDENT}", re.DOTALL)
_SKIPPED = ("SET client_encoding", "\\restrict", "\\unrestrict")
_TOKEN = re.compile(
    r"""--[^\n]*\n?                    # comment
      | \\(?:un)?restrict[^\n]*\n?     # psql's own
      | [eE]'(?:[^'\\]|''|\\.)*'       # escape string
      | '(?:[^']|'')*'                 # string
      | "(?:[^"]|"")*"                 # name
      | ;
      | [^'";\\eE-]+ | .               # the rest
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST_SETTINGS = ("local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces")
"""Their stored value is a list of quoted names already."""


@dataclass(frozen=True)
class Adapted:
    """What is run on the standby, and what was mapped instead of restored, in words, by name."""

    statements: tuple[str, ...]
    tablespaces: tuple[str, ...]
    """Folders that must exist before, empty."""
    mapped: tuple[str, ...]


def globals_sql(dsn: Dsn, folder: Path, *, runner: Runner, pg_dumpall: str, watch: Watch) -> bytes:
    """`pg_dumpall --globals-only`, and what it leaves out (ALTER ROLE ALL SET). Raises Failed, Unreachable."""
    file = folder / "globals.sql"
    with maintenance(dsn) as connection, tool_environment(dsn) as env:
        argv = [
            pg_dumpall,
            "--globals-only",
            "--encoding=UTF8",
            "--no-sync",
            f"--file={file}",
            f"--dbname={conninfo(connection.info.dbname)}",
        ]
        tools.run(runner, argv, what="the roles and tablespaces were not read", env=env, watch=watch)
        text = file.read_bytes() + _settings_for_all(connection)
    file.unlink()
    return text


def _settings_for_all(connection: Connection) -> bytes:
    row = connection.execute("SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = 0").fetchone()
    lines = [f"ALTER ROLE ALL SET {_setting(connection, *entry.split('=', 1))};\n" for entry in sorted(row[0])] if row else []
    return ("\n--\n-- Settings of all roles\n--\n\n" + "".join(lines) + "\n").encode() if lines else b""


def _setting(connection: Connection, name: str, value: str) -> str:
    row = connection.execute("SELECT quote_ident(%s), quote_literal(%s)", [name, value]).fetchone()
    assert row is not None
    if name in _LIST_SETTINGS:
        return f"{row[0]} TO {value if value.strip(chr(34)) else chr(39) * 2}"
    return f"{row[0]} TO {row[1]}"


def statements(sql: str) -> Iterator[str]:
    """Cut at the semicolons that stand outside quotes; comments, psql's own lines and the session's settings are left out."""
    pieces: list[str] = []
    for token in _TOKENS.findall(sql):
        blank = not "".join(pieces).strip() if token[0] in "\\;" else False
        if token.startswith("--") or (token[0] == "\\" and blank):
            continue
        if token != ";":
            pieces.append(token)
            continue
        statement, pieces = "".join(pieces).strip(), []
        if statement and not _SESSION.match(statement):
            yield statement
    if "".join(pieces).strip():
        raise Failed("the globals' text ends inside a statement: it is not whole")
