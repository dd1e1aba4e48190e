"""How a server is reached, and connections to it."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from dr.errors import Failed, Unreachable
from dr.model.base import JsonObject

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Dsn:
    """Where a database is. The password is never part of `repr`."""

    host: str
    port: int
    user: str
    database: str = "postgres"
    password: str = field(default="", repr=False)
    ours: int | None = None
    """The major version of the restored server that it must be (0: unknown); None for any other server.

    Then whoever answers must prove by SCRAM that it knows the throwaway password, and nothing that was restored runs in our sessions.
    """

    password_from: str = ""
    """Where the password is kept, for a hint (`the file secrets/pg`); never the password."""

    def at(self, database: str) -> "Dsn":
        return replace(self, database=database)


_PINNED = "-c search_path=pg_catalog -c client_min_messages=error -c datestyle=ISO,MDY -c timezone=UTC -c bytea_output=hex"
"""Of our own sessions: psycopg reads ISO dates only, and a database may have set another style."""
_PROOF = "scram-sha-256"
"""How a restored server shows that it is: by SCRAM both sides prove that they know the password."""
_CALM = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "role": "none",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "intervalstyle": "postgres",
}
"""What a role's or a database's own settings may have made otherwise, and would break a dump or a load."""
_RESTORED = {
    "default_transaction_read_only": "off",
    "session_replication_role": "origin",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
"""What restored settings of roles and databases must not do in our own sessions: refuse a load, run a library, put values into the log."""


def calm_options(*, writes: bool = False, major: int = 0) -> str:
    """Options that win over settings of roles and databases.

    `writes` (a server of our own, as superuser): never read-only, no library, no statement in the log; no event trigger, a login's
    neither, where it can be off.
    """
    settings = dict(_CALM)
    if major >= 17:
        settings["transaction_timeout"] = "0"
    if writes:
        settings |= _RESTORED | ({"event_triggers": "off"} if major >= 17 else {})
    return " ".join(f"-c {key}={value}" for key, value in settings.items())


def connect(dsn: Dsn, *, application: str = "dr", autocommit: bool = True, options: str | None = None) -> Connection:
    """Open a connection, by default with `calm_options` as they are due to that server.

    Raises Unreachable without the server's own words, which may quote what was sent.
    """
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
            client_encoding="UTF8",
            options=f"{_PINNED} {_due(dsn) if options is None else options}",
            require_auth=None if dsn.ours is None else _PROOF,
        )
    except psycopg.OperationalError as error:
        raise _unreachable(dsn, error) from None


_SILENT = "Connection refused|No such file or directory|timeout expired|timed out|No route to host|Network is unreachable"


def _unreachable(dsn: Dsn, error: psycopg.OperationalError) -> Unreachable:
    """What was the matter, by the server's code or, since none comes before a session, by libpq's own words; none of them is passed on."""
    where, said = f"PostgreSQL at {dsn.host}:{dsn.port}", str(error)
    if isinstance(error, psycopg.errors.ConnectionTimeout) or re.search(_SILENT, said):
        return Unreachable(f"nothing answers at {dsn.host}:{dsn.port}, where PostgreSQL should be", hint=_START)
    if "could not translate host name" in said or "Name or service not known" in said:
        return Unreachable(f"{where}: the host's name is not known", hint="write its name or address into inventory/hosts.yaml")
    if error.sqlstate in ("28P01", "28000") or re.search(_TURNED_AWAY, said):
        return Unreachable(f"{where} refused the password of user '{dsn.user}'", hint=_look_at(dsn))
    if error.sqlstate == "3D000" or re.search('database ".*" does not exist', said, re.DOTALL):
        return Unreachable(f"{where} has no database '{dsn.database}'", hint="is it the right server? `psql -l` lists its databases")
    if error.sqlstate == "57P03" or "the database system is" in said:
        return Unreachable(f"{where} is starting up, shutting down or recovering", hint="try again in a minute")
    cause = error.sqlstate or type(error).__name__
    return Unreachable(
        f"{where} did not accept user '{dsn.user}' for database '{dsn.database}' ({cause})",
        hint="are port and user of the host in inventory/hosts.yaml right? The server's log says why it refused",
    )


_START = "start the server, or write its right address and port into inventory/hosts.yaml"
_TURNED_AWAY = "password authentication failed|no password supplied|SCRAM authentication"


def _look_at(dsn: Dsn) -> str:
    kept = dsn.password_from or "the host's password in inventory/hosts.yaml"
    return f"is it the right one? See {kept}"


def _due(dsn: Dsn) -> str:
    return calm_options() if dsn.ours is None else calm_options(writes=True, major=dsn.ours)


def conninfo(database: str) -> str:
    """The database's name as a connection string, for a program's `--dbname`: a name like `a=b` or `-Fc` stays a name.

    The environment will not do: vacuumdb takes PGDATABASE for a connection string, and pg_restore without `--dbname` writes a script.
    """
    return "dbname='" + database.replace("\\", "\\\\").replace("'", "\\'") + "'"


def passfile_line(host: str, port: int, password: str, *, user: str | None = None) -> str:
    """One line of a password file, for any database; for any user if none is named, or its name holds a line end, which the file cannot."""
    named = "*" if user is None or set(user) & set("\r\n") else _escape(user)
    return f"{_escape(host)}:{port}:*:{named}:{_escape(password)}\n"


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner reads. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


def dsn_of(places: JsonObject, database: str = "postgres") -> Dsn:
    """How to reach what a restore brought up, from the facts that it returned. Raises Failed if its password file cannot be read."""
    try:
        line = Path(places["passfile"]).read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        raise Failed(
            f"the restored server's password file {places['passfile']} cannot be read", hint="was the standby scrubbed meanwhile?"
        ) from None
    fields = re.split(r"(?<!\\):", line, maxsplit=4)
    password = re.sub(r"\\(.)", r"\1", fields[-1])
    return Dsn(places["host"], places["port"], places["user"], database, password, _major(places.get("server_version")))


def _major(version: object) -> int:
    found = re.match(r"\d+", str(version))
    return int(found[0]) if found else 0


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


@contextlib.contextmanager
def tool_environment(dsn: Dsn, *, options: str | None = None) -> Iterator[dict[str, str]]:
    """The environment by which PostgreSQL's programs reach `dsn`: the password in a private file, never in argv or the environment.

    The database is named by PGDATABASE, for the programs that read it, and else by `--dbname` with `conninfo`; `options` are the
    session's (`calm_options`).
    """
    with _held(f"*:*:*:*:{_escape(dsn.password)}\n") as passfile:
        yield {
            "PGHOST": dsn.host,
            "PGPORT": str(dsn.port),
            "PGUSER": dsn.user,
            "PGDATABASE": dsn.database,
            "PGPASSFILE": passfile,
            "PGAPPNAME": "dr",
            "PGCONNECT_TIMEOUT": "10",
            "PGOPTIONS": _due(dsn) if options is None else options,
            **({"PGREQUIREAUTH": _PROOF} if dsn.ours is not None else {}),
        }


@contextlib.contextmanager
def _held(text: str) -> Iterator[str]:
    """The path of a private file that lies in memory, and is gone with this process however that ends."""
    descriptor = os.memfd_create("dr-pgpass")
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, text.encode())
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)
