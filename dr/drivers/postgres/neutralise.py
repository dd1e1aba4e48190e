"""What of a restored cluster could reach out, or run code by itself: found by name, and held back until a person lets it go.

Three belts, each with a test of its own:
1. `confine`: the kernel lets neither the server nor a program below it connect to anything, whatever restored code tries.
2. `pins`: given on the command line of every start, so that no file of the cluster wins: nothing is archived, fetched or preloaded, no
   subscription or job is begun, only loopback is listened on.
3. `disarm`, in the catalogues: event triggers and subscriptions are switched off, and settings of databases and roles by which a session
   would run a library or a procedure are reset. `written` gives the content proof these back in words, so that it compares all of it.

What was found is told by kind and name; what it takes to switch it on again is kept in two private files of the place (`KEPT`, `AGAIN`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from dr.drivers.postgres.catalogue import maintenance
from dr.drivers.postgres.connect import Connection, Dsn, connect, write_private
from dr.drivers.postgres.messages import explain_error
from dr.drivers.postgres.names import quoted, shown
from dr.drivers.postgres.written import RUNS_CODE, Kept, alter
from dr.errors import Failed
from dr.model.base import JsonObject

KEPT, AGAIN = "neutralised.json", "neutralised-again.sql"
"""What was switched off, exactly, for the proof; and the statements that switch it on again, for a person. Private, beside the password."""
_PINS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "archive_mode": "off",
    "archive_command": "",
    "restore_command": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "ssl": "off",
    "ssl_passphrase_command": "",
    "log_destination": "stderr",
    "logging_collector": "off",
    "max_logical_replication_workers": "0",
    "cron.launch_active_jobs": "off",
}
_SINCE = {"archive_library": (15, ""), "event_triggers": (17, "off"), "sync_replication_slots": (17, "off")}
"""From which major version on."""
_FIRST = "-- For psql, as superuser. The server was started with settings that win over these: start it without them first."
_OWN_FILES = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
_SIGNALS = ("standby.signal", "recovery.signal")
_REACHING = ("dblink", "http", "pg_net", "pg_cron", "pg_partman", "pgagent", "pg_timetable", "plsh", "plpython3u", "plperlu", "pltclu")
"""Extensions made to call others, to start programs or to run jobs; whatever uses them is behind the first two belts."""
_JOBS = ("cron.job", "timetable.chain", "pgagent.pga_job")
OFF = "switched off"
_UNREACHABLE = "cannot connect to anything"
_NOT_BEGUN = "nothing begins them"


@dataclass(frozen=True)
class Held:
    """One thing that was held back. `database` is empty for the cluster as a whole."""

    database: str
    kind: str
    name: str
    how: str

    def to_facts(self) -> JsonObject:
        return asdict(self)


@dataclass
class _Found:
    held: list[Held] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)
    again: list[str] = field(default_factory=list)


def pins(major: int) -> dict[str, str]:
    """Options of every start of a restored server: no file of the cluster, no ALTER SYSTEM and no included file wins over them."""
    return {**_PINS, **{name: value for name, (since, value) in _SINCE.items() if major >= since}}


def own_files(data: Path) -> dict[str, bytes]:
    """The server's own files, before anything is restored."""
    return {name: (data / name).read_bytes() for name in _OWN_FILES}


def put_back_files(data: Path, own: dict[str, bytes]) -> list[Held]:
    """Undo what restored code did to the server's own files while it was loaded (a superuser's COPY writes any file). Tells which."""
    changed = [name for name, before in own.items() if not (data / name).is_file() or (data / name).read_bytes() != before]
    for name in changed:
        (data / name).unlink(missing_ok=True)
        write_private(data / name, own[name].decode("utf-8"))
    begun = [name for name in _SIGNALS if (data / name).exists()]
    for name in begun:
        (data / name).unlink()
    return [Held("", "server file", name, "put back as it was before the load") for name in (*changed, *begun)]


def disarm(dsn: Dsn, databases: Sequence[str], secret: Path) -> list[Held]:
    """Belt 3, in every database, and the list of what the other belts hold. Writes `KEPT` and `AGAIN` into `secret`. Raises Failed."""
    found = _Found()
    try:
        with maintenance(dsn) as connection:
            _settings(connection, found)
        for name in databases:
            with connect(dsn.at(name)) as connection:
                _database(connection, name, found)
    except psycopg.Error as error:
        raise Failed(f"what the restored data could start by itself was not switched off: {explain_error(error)}") from None
    write_private(secret / KEPT, json.dumps(found.kept.to_facts()))
    write_private(secret / AGAIN, "".join(f"{line}\n" for line in (_FIRST, *found.again)))
    return found.held


def kept(secret: Path) -> Kept:
    """What `disarm` switched off in that place; nothing, where it has not been. Raises Failed."""
    try:
        return Kept.of(json.loads((secret / KEPT).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Kept()
    except (OSError, ValueError, KeyError, TypeError):
        raise Failed(f"{secret / KEPT}, which says what the restore switched off, cannot be read", hint="run the drill again") from None


# ---------------------------------------------------------------- settings of databases and roles

_SETTINGS = """
SELECT d.datname::text, r.rolname::text, entry FROM pg_db_role_setting s
  LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole,
  unnest(s.setconfig) WITH ORDINALITY u(entry, n)
 WHERE (s.setdatabase = 0 OR d.oid IS NOT NULL) AND (s.setrole = 0 OR r.oid IS NOT NULL)
 ORDER BY s.setrole <> 0, s.ctid, n
"""
"""In the order in which pg_dump writes them: a database's own first, then as they are stored."""


def _settings(connection: Connection, found: _Found) -> None:
    rows = [(d, r, *entry.split("=", 1)) for d, r, entry in connection.execute(_SETTINGS).fetchall()]
    dangerous = [row for row in rows if RUNS_CODE.fullmatch(row[2])]
    for database in dict.fromkeys(row[0] for row in dangerous):
        # all of a database's: resetting one changes the order in which the others are stored
        found.kept.settings[database or ""] = [[r, n, v] for d, r, n, v in rows if d == database]
    for database, role, name, value in dangerous:
        connection.execute(f"{alter(database, role)} RESET {quoted(name)}".encode())
        found.again.append(f"{alter(database, role)} SET {quoted(name)} TO {_listed(connection, name, value)};")
        of = f"of role {shown(role)}" if role else "of all roles" if database is None else "of the database"
        found.held.append(Held(shown(database) if database else "", "setting", f"{shown(name)} {of}", OFF))


def _listed(connection: Connection, name: str, value: str) -> str:
    """A list of libraries is stored as names that are quoted already."""
    if name.endswith("_preload_libraries"):
        return value or "''"
    row = connection.execute("SELECT quote_literal(%s)", (value,)).fetchone()
    assert row is not None
    return str(row[0])


# ---------------------------------------------------------------- what is in a database

_TRIGGERS = "SELECT evtname::text, evtenabled::text FROM pg_event_trigger ORDER BY evtname"
_SUBSCRIPTIONS = """
SELECT subname::text, subenabled FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY subname
"""
_SERVERS = "SELECT s.srvname::text FROM pg_foreign_server s ORDER BY s.srvname"
_MAPPINGS = "SELECT srvname::text, usename::text FROM pg_user_mappings ORDER BY 1, 2"
_EXTENSIONS = "SELECT extname::text FROM pg_extension WHERE extname = ANY(%s) ORDER BY extname"
_TABLES = "SELECT t FROM unnest(%s::text[]) t WHERE to_regclass(t) IS NOT NULL ORDER BY t"
_WAKE = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def _database(connection: Connection, name: str, found: _Found) -> None:
    here = len(found.again)
    found.held += [Held(shown(name), kind, what, how) for kind, what, how in _in_database(connection, name, found)]
    if len(found.again) > here:
        found.again.insert(here, f"\\connect {quoted(name)}")


def _in_database(connection: Connection, database: str, found: _Found) -> Iterator[tuple[str, str, str]]:
    for name, state in connection.execute(_TRIGGERS).fetchall():
        if state in _WAKE:
            connection.execute(f"ALTER EVENT TRIGGER {quoted(name)} DISABLE".encode())
            found.kept.event_triggers.setdefault(database, {})[name] = state
            found.again.append(f"ALTER EVENT TRIGGER {quoted(name)} {_WAKE[state]};")
            yield "event trigger", shown(name), OFF
    for name, enabled in connection.execute(_SUBSCRIPTIONS).fetchall():
        if enabled:
            connection.execute(f"ALTER SUBSCRIPTION {quoted(name)} DISABLE".encode())
        found.again.append(f"-- ALTER SUBSCRIPTION {quoted(name)} ENABLE;  -- no dump says whether it was on")
        yield "subscription", shown(name), OFF
    for (name,) in connection.execute(_SERVERS).fetchall():
        yield "foreign server", shown(name), _UNREACHABLE
    for name, user in connection.execute(_MAPPINGS).fetchall():
        yield "user mapping", f"{shown(name)} for {shown(user or 'PUBLIC')}", _UNREACHABLE
    for (name,) in connection.execute(_EXTENSIONS, (list(_REACHING),)).fetchall():
        yield "extension", shown(name), _UNREACHABLE
    for (name,) in connection.execute(_TABLES, (list(_JOBS),)).fetchall():
        row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()  # a name of _JOBS
        count = int(row[0]) if row else 0
        yield "scheduled jobs", f"{name} ({count})", _NOT_BEGUN
