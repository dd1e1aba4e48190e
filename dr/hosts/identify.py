"""What identifies a production host on this machine: recorded at enrolment and at every backup, so that the guard needs it alive never."""

import contextlib
import os
import socket
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from dr.errors import Unreachable
from dr.hosts.places import system_identifier
from dr.hosts.production import machine
from dr.hosts.removal import identity
from dr.model.base import HostName, JsonObject
from dr.model.record import ProductionFacts


@dataclass(frozen=True)
class Postgres:
    """A server, as the inventory describes it, with its password at hand."""

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    data_directory: str | None
    password_from: str = ""
    """Where the password is kept, for a message about it."""


def production_facts(name: HostName, postgres: Postgres | None, folder: str | None, now: datetime) -> ProductionFacts:
    """What identifies this host now. Raises Unreachable if its server does not answer."""
    paths = _folder(folder)
    if postgres is None:
        return ProductionFacts(host=name, recorded=now, paths=paths)
    _reach(name, postgres)
    asked = _ask(postgres)
    known = replace(postgres, data_directory=postgres.data_directory or asked.data_directory)
    device, inode = _place(known.data_directory)
    found = system_identifier(None, known.data_directory) if known.data_directory else None
    return ProductionFacts(
        host=name,
        recorded=now,
        data_directory=known.data_directory,
        device=device,
        inode=inode,
        port=postgres.port,
        address=postgres.host,
        system_identifier=asked.system_identifier or found,
        paths=paths,
    )


def placed(facts: ProductionFacts, *, remote: bool) -> ProductionFacts:
    """With the machine that they are of, where they are of this one for sure; else without, and then they protect everywhere.

    What is reached at an address, be it this machine's own, may be another's server behind a forwarded port: only its data shows where
    it lies. `remote`: a controller reached this very machine over SSH as that host; so what cannot be looked into here is here.
    """
    return facts.model_copy(update={"machine": machine() if _is_here(facts, remote=remote) else None})


def _is_here(facts: ProductionFacts, *, remote: bool) -> bool:
    if facts.data_directory is None:
        return remote or (facts.port is None and bool(facts.paths))
    found = system_identifier(None, facts.data_directory)
    if found is not None:
        return facts.system_identifier in (None, found)
    return remote and _hidden(facts.data_directory)


def _hidden(folder: str) -> bool:
    """Whether there is a folder that may not be looked into."""
    try:
        Path(folder, "global").stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _reach(name: HostName, postgres: Postgres) -> None:
    try:
        socket.create_connection((postgres.host, postgres.port), timeout=10).close()
    except OSError:
        raise Unreachable(
            f"host '{name}': nothing answers at {postgres.host}:{postgres.port}",
            hint="is the server running, and are host and port in the inventory right?",
        ) from None


@dataclass(frozen=True)
class _Asked:
    data_directory: str | None = None
    system_identifier: str | None = None


def _ask(postgres: Postgres) -> _Asked:
    """What the server says of itself. Nothing where no password is given; less where the role may not ask. Raises Unreachable."""
    if postgres.password is None:
        return _Asked()
    from psycopg import Error

    from dr.drivers.postgres.connect import Dsn, connect

    identifier = directory = None
    server = Dsn(postgres.host, postgres.port, postgres.user, "postgres", postgres.password, password_from=postgres.password_from)
    with connect(server) as connection:
        with contextlib.suppress(Error):
            row = connection.execute("select system_identifier::text from pg_control_system()").fetchone()
            identifier = str(row[0]) if row else None
        with contextlib.suppress(Error):  # wants pg_read_all_settings
            row = connection.execute("select current_setting('data_directory')").fetchone()
            directory = str(row[0]) if row else None
    return _Asked(directory, identifier)


def _folder(path: str | None) -> tuple[JsonObject, ...]:
    device, inode = _place(path)
    return ({"path": path, "device": device, "inode": inode},) if device is not None else ()


def _place(path: str | None) -> tuple[int | None, int | None]:
    try:
        return identity(Path(os.path.realpath(path)).stat()) if path else (None, None)
    except OSError:
        return None, None
