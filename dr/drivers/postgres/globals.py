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
from dr.errors import Damaged, Failed
from dr.model.ports import Runner

_IDENT = r'(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)'
_LITERAL = r"E?'(?:[^']|'')*'"
_ROLE = re.compile(rf"(CREATE|ALTER) ROLE ({_IDENT})\s*(.*)", re.DOTALL)
_TABLESPACE = re.compile(rf"CREATE TABLESPACE ({_IDENT})(.*) LOCATION {_LITERAL}", re.DOTALL)
_GRANTOR = re.compile(rf"(GRANT .*?) GRANTED BY {_IDENT}", re.DOTALL)
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
_KEYWORDS = frozenset(
    [
        "CREATE",
        "ALTER",
        "DROP",
        "GRANT",
        "REVOKE",
        "SET",
        "COMMENT",
        "SECURITY",
        "LABEL",
        "ON",
        "ROLE",
        "USER",
        "GROUP",
        "TABLESPACE",
        "DATABASE",
        "PARAMETER",
    ]
)
"""What of a refused statement is told."""
_HINT = "its bytes are as they were signed, so it was written wrong or by another program; restore another set"


@dataclass(frozen=True)
class Adapted:
    """What is run on the standby, and what was mapped instead of restored, in words, by name."""

    statements: tuple[str, ...]
    tablespaces: tuple[str, ...]
    """Folders that must exist before, empty."""
    mapped: tuple[str, ...]


def globals_sql(dsn: Dsn, folder: Path, *, runner: Runner, pg_dumpall: str, watch: Watch) -> bytes:
    """`pg_dumpall --globals-only` with passwords' verifiers, and what it leaves out (ALTER ROLE ALL SET). Raises Failed, Unreachable.

    `folder`: a private one, for a moment.
    """
    file = folder / "globals.sql"
    argv = [pg_dumpall, "--globals-only", "--encoding=UTF8", "--no-sync", f"--file={file}"]
    with maintenance(dsn) as connection, tool_environment(dsn) as env:
        tools.run(runner, argv, what="the roles and tablespaces were not read", env=env, watch=watch)
        text = file.read_bytes() + _settings_for_all(connection)
    file.unlink()
    return text


def _settings_for_all(connection: Connection) -> bytes:
    row = connection.execute("SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = 0").fetchone()
    lines = [f"ALTER ROLE ALL SET {_setting(connection, *entry.split('=', 1))};\n" for entry in row[0]] if row else []
    return ("\n--\n-- Settings of all roles\n--\n\n" + "".join(lines) + "\n").encode() if lines else b""


def _setting(connection: Connection, name: str, value: str) -> str:
    row = connection.execute("SELECT quote_ident(%s), quote_literal(%s)", [name, value]).fetchone()
    assert row is not None
    if name in _LIST_SETTINGS:
        return f"{row[0]} TO {value if value.strip(chr(34)) else chr(39) * 2}"
    return f"{row[0]} TO {row[1]}"


def statements(sql: bytes) -> Iterator[str]:
    """The statements of a `pg_dumpall` script, cut at the semicolons outside quotes; no comments, none of psql's own commands."""
    pieces: list[str] = []
    try:
        script = sql.decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("the source's roles and settings are not text", hint=_HINT) from None
    for found in _TOKEN.finditer(script):
        part = found[0]
        if part.startswith(("--", "\\restrict", "\\unrestrict")):
            continue
        if part != ";":
            pieces.append(part)
            continue
        yield "".join(pieces).strip()
        pieces = []
    if "".join(pieces).strip():
        raise Failed("the source's roles and settings end inside a statement: they are not whole", hint=_HINT)


def made(sql: bytes) -> frozenset[str]:
    """The statements that make a role or a tablespace: what a dump's objects may need."""
    return frozenset(text.split(" OWNER ")[0] for text in statements(sql) if text.startswith(("CREATE ROLE ", "CREATE TABLESPACE ")))


def adapt(sql: bytes, *, bootstrap: str, tablespaces: str, source_major: int, target_major: int) -> Adapted:
    """Fit a source's globals to a cluster of our own.

    The bootstrap role exists already and keeps its throwaway password; tablespaces get folders `tablespaces/000`, ... ; grantors that a
    server before 16 wrote are left out for one from 16 on, which would refuse most of them. All else is run as it was written.
    """
    out: list[str] = []
    folders: list[str] = []
    mapped: list[str] = []
    for text in statements(sql):
        role, tablespace = _ROLE.fullmatch(text), _TABLESPACE.match(text)
        if text.startswith("SET client_encoding"):
            continue
        if role and _unquoted(role[2]) == bootstrap and (role[1] == "CREATE" or role[3].startswith("WITH ")):
            if role[1] == "ALTER":
                mapped.append(f"role '{shown(bootstrap)}': login, password and its expiry are this cluster's own")
                out.append(_without_login(text, role[3]))
        elif tablespace:
            folders.append(f"{tablespaces}/{len(folders):03d}")
            mapped.append(f"tablespace '{shown(_unquoted(tablespace[1]))}': lies in the place of the restore")
            location = folders[-1].replace("'", "''")
            out.append(f"CREATE TABLESPACE {tablespace[1]}{tablespace[2]} LOCATION '{location}'" + text[tablespace.end() :])
        elif source_major < 16 <= target_major and text.startswith("GRANT ") and (grant := _GRANTOR.fullmatch(text)):
            mapped.append("role memberships: their grantor is the bootstrap role")
            out.append(grant[1])
        else:
            out.append(text)
    return Adapted(tuple(out), tuple(folders), tuple(dict.fromkeys(mapped)))


def load(connection: Connection, adapted: Adapted) -> None:
    """Run the statements. Raises Failed, naming the kind of statement, never its text, which may hold a password."""
    for text in adapted.statements:
        try:
            connection.execute(text.encode())
        except psycopg.Error as error:
            words = text.split()[:2]  # the kind of statement; what is no keyword of SQL may be anything, and is not quoted
            what = " ".join(word for word in words if word in _KEYWORDS) or "no statement of SQL"
            raise Failed(
                f"the roles and settings of the source were not accepted at '{what}': {explain_error(error)}",
                hint="is the standby's PostgreSQL older than the source, or built without what it uses?",
            ) from None


def _without_login(text: str, attributes: str) -> str:
    kept = re.sub(rf" (?:PASSWORD|VALID UNTIL) {_LITERAL}", "", attributes)
    return text[: len(text) - len(attributes)] + re.sub(r"\bNOLOGIN\b", "LOGIN", kept)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
