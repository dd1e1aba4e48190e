"""What `postgres_logical` knows of a server before it reads it, and what it reports of it: findings, and the facts of production."""

from dataclasses import dataclass
from pathlib import Path

from dr.drivers.postgres import binaries, globals
from dr.drivers.postgres.catalogue import Database, Server, carried_settings, database_settings, maintenance, read_databases, read_server
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.messages import shown
from dr.drivers.postgres.snapshot import Snapshot
from dr.errors import Refused
from dr.model.base import HostName, JsonObject
from dr.model.ports import CaptureRequest, SetWriter, StepContext
from dr.model.record import ProductionFacts
from dr.sources.postgres_logical import PostgresLogical
from dr.sources.postgres_proofs import Prover
from dr.sources.postgres_settings import PostgresSettings, dsn_of_host, folder_of_binaries, is_local, settings_of
from dr.units import show_duration

SKEW_LIMIT = 300.0
"""Seconds that a server's clock may differ from ours before it is a finding."""


@dataclass(frozen=True)
class Reading:
    """One capture's fixed circumstances."""

    request: CaptureRequest
    params: PostgresLogical
    ctx: StepContext
    into: SetWriter
    prover: Prover
    settings: PostgresSettings
    programs: str | None
    """The folder of PostgreSQL's programs, if the inventory names one."""
    dsn: Dsn
    server: Server
    carried: JsonObject
    """Settings of the server that the restored one needs too."""
    databases: tuple[Database, ...]
    per_database: tuple[JsonObject, ...]

    @property
    def identity(self) -> dict[str, str]:
        return {"system_identifier": self.server.system_identifier, "server_version": self.server.version}

    def tool(self, name: str) -> str:
        return binaries.find(name, at_least=self.server.major, setting=self.programs)


def look(request: CaptureRequest, into: SetWriter, ctx: StepContext, prover: Prover) -> Reading:
    """Raises Refused unless everything on the server may be read."""
    host = ctx.host(HostName(request.entry.host))
    settings = settings_of(host)
    dsn = dsn_of_host(settings, ctx)
    with maintenance(dsn) as connection:
        server = read_server(connection)
        if not server.superuser:
            raise Refused(
                f"user '{shown(dsn.user)}' of host '{request.entry.host}' is no superuser: roles and all rows could not be read",
                hint="use a superuser for this source",
            )
        if not binaries.OLDEST <= server.major <= binaries.NEWEST:
            raise Refused(f"PostgreSQL {server.version} is not supported", hint=f"{binaries.OLDEST} to {binaries.NEWEST} are")
        found = tuple(read_databases(connection))
        carried, per_database = carried_settings(connection), tuple(database_settings(connection))
    params = request.params if isinstance(request.params, PostgresLogical) else PostgresLogical()
    return Reading(request, params, ctx, into, prover, settings, folder_of_binaries(host), dsn, server, carried, found, per_database)


def report_undumped(reading: Reading) -> None:
    """A database that cannot be connected to is in no backup: say so, every night, until it is gone."""
    request, ctx = reading.request, reading.ctx
    prefix = f"undumped-database:{request.system}:{request.name}:"
    keys = []
    for database in reading.databases:
        if database.obstacle:
            keys.append(prefix + shown(database.name))
            ctx.finding(
                keys[-1],
                "warning",
                f"database '{shown(database.name)}' of host '{request.entry.host}' is in no backup: {database.obstacle}",
                system=request.system,
                hint="let it take connections (ALTER DATABASE ... ALLOW_CONNECTIONS true), or drop it",
            )
    ctx.records.close_findings(prefix, keys, ctx.clock.now(), ctx.run)


def report_skew(reading: Reading, snapshot: Snapshot) -> None:
    request, ctx = reading.request, reading.ctx
    prefix = f"clock-skew:{request.system}:{request.name}"
    if abs(snapshot.skew) <= SKEW_LIMIT:
        ctx.records.close_finding(prefix, ctx.clock.now(), ctx.run)
        return
    ahead = "ahead of" if snapshot.skew > 0 else "behind"
    ctx.finding(
        prefix,
        "warning",
        f"the clock of the server on host '{request.entry.host}' is {show_duration(abs(snapshot.skew))} {ahead} ours",
        system=request.system,
        hint="set both by NTP; instants of backups are counted by our clock",
    )


def report_vanished(reading: Reading, before: bytes, after: bytes) -> None:
    request, ctx = reading.request, reading.ctx
    prefix = f"roles-vanished:{request.system}:{request.name}"
    gone = globals.made(before) - globals.made(after)
    if not gone:
        ctx.records.close_finding(prefix, ctx.clock.now(), ctx.run)
        return
    ctx.finding(
        prefix,
        "warning",
        f"{len(gone)} roles or tablespaces of host '{request.entry.host}' went while its backup ran; a database in it may need them",
        system=request.system,
        hint="run the backup again",
    )


def production(reading: Reading) -> ProductionFacts:
    folder = Path(reading.server.data_directory)
    device = inode = None
    if is_local(reading.settings) and reading.server.data_directory:
        try:
            status = folder.stat()
            device, inode = status.st_dev, status.st_ino
        except OSError:
            pass  # not ours to look into: the path alone is recorded
    return ProductionFacts(
        host=reading.ctx.host(HostName(reading.request.entry.host)).name,
        system=reading.request.system,
        recorded=reading.ctx.clock.now(),
        data_directory=reading.server.data_directory or None,
        device=device,
        inode=inode,
        port=reading.settings.port,
        address=reading.settings.host,
        system_identifier=reading.server.system_identifier,
    )
