"""Who else is connected to a cluster that was restored here."""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dr.errors import Unreachable
from dr.hosts.listening import connected
from dr.hosts.removal import opened

PASSFILE = "secret/superuser.pgpass"
"""In a run's place, written by the restore: `host:port:database:user:password`, mode 0600."""
_OURS = re.compile(r"^(dr($|[^a-z])|pg_(dump|dumpall|restore)$)")
_AGAIN = (0.2, 0.5)
"""Seconds after which strange sessions are looked for again: one of another dr that is just being let in bears no name yet (PostgreSQL 18
shows it while it says its password). Who really works there is there a moment later, too."""
_QUERY = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
          and application_name !~ %s),
       (select count(*) from pg_stat_replication) + (select count(*) from pg_stat_wal_receiver)
"""


@dataclass(frozen=True)
class Sessions:
    """How many sessions are not ours, and how many WAL senders and receivers there are."""

    foreign: int = 0
    streaming: int = 0


def sessions(place: str, host: str, port: int, users: Sequence[str]) -> Sessions | None:
    """Look, with the password that the place holds, as the user it names or one of `users`.

    None where it holds no password, or the server does not take it.
    """
    found = _password(place)
    if found is None:
        return None
    named, password = found
    tries = [(user, database) for user in ([named] if named else dict.fromkeys(users)) for database in ("postgres", "template1")]
    major, seen = _major(place), None
    for pause in (*_AGAIN, 0.0):
        looked = (_look(host, port, user, database, password, major) for user, database in tries)
        seen = next((found for found in looked if found is not None), None)
        if seen is None or not seen.foreign:
            break
        time.sleep(pause)
    return seen


def unnamed(port: int) -> Sessions:
    """Where nobody may look: whoever is connected. A server that takes another password than the one it was given may be somebody's by now,
    who put what was restored to use by hand."""
    seen = 0
    for pause in (*_AGAIN, 0.0):
        seen = connected(port)
        if not seen:
            break
        time.sleep(pause)
    return Sessions(foreign=seen)


def _look(host: str, port: int, user: str, database: str, password: str, major: int) -> Sessions | None:
    from psycopg import Error

    from dr.drivers.postgres.connect import Dsn, connect

    try:
        with connect(Dsn(host, port, user, database, password, ours=major)) as connection:
            row = connection.execute(_QUERY, [_OURS.pattern]).fetchone()
    except (Unreachable, Error):
        return None
    return Sessions(*row) if row else None


def _major(place: str) -> int:
    """Of the cluster in the place, as its own file says; 0 if it says nothing."""
    try:
        with opened(place) as folder, opened("pgdata", folder) as data:
            descriptor = os.open("PG_VERSION", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=data)
        with os.fdopen(descriptor, "rb") as file:
            return int(file.read(16))
    except (OSError, ValueError):
        return 0


def _password(place: str) -> tuple[str, str] | None:
    """User (empty for any) and password of the first line."""
    try:
        with opened(place) as folder:
            descriptor = os.open(PASSFILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            line = file.read(4096).decode("utf-8", errors="surrogateescape").partition("\n")[0]
    except OSError:
        return None
    fields = [re.sub(r"\\(.)", r"\1", field) for field in re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)][:5]
    if len(fields) < 5:
        return None
    return ("" if fields[3] == "*" else fields[3]), fields[4]
