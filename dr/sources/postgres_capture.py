"""How `postgres_logical` reads a server: database by database under a snapshot, dump and digest side by side, then the globals."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dr.clock import iso
from dr.drivers.postgres import binaries, dump, globals, needle
from dr.drivers.postgres.catalogue import (
    Database,
    Server,
    carried_settings,
    database_settings,
    maintenance,
    read_databases,
    read_server,
)
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.messages import shown
from dr.drivers.postgres.snapshot import Snapshot, exported
from dr.drivers.postgres.tar import TarWriter
from dr.errors import Refused
from dr.model.base import HostName, JsonObject
from dr.model.ports import ArtifactSink, CaptureRequest, SetWriter, StepContext
from dr.model.record import ProductionFacts
from dr.sources.postgres_logical import PostgresLogical
from dr.sources.postgres_proofs import Prover
from dr.sources.postgres_settings import PostgresSettings, dsn_of_host, is_local, settings_of
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
        return binaries.find(name, at_least=self.server.major, setting=self.settings.binaries)


def plant(request: CaptureRequest, ctx: StepContext) -> None:
    """Commit `request.needle` in the source's databases; nothing is written if one of them refuses."""
    if request.needle is None:
        return
    dsn = dsn_of_host(settings_of(ctx.host(HostName(request.entry.host))), ctx)
    with maintenance(dsn) as connection:
        names = needle.hosts_of_needles(read_databases(connection))
    for name in names:
        needle.require_plantable(dsn.at(name))
    for name in names:
        ctx.check_stop()
        needle.plant(dsn.at(name), request.needle)


def capture(request: CaptureRequest, into: SetWriter, ctx: StepContext, prover: Prover) -> Sequence[ProductionFacts]:
    reading = _look(request, into, ctx, prover)
    _report_undumped(reading)
    before = _globals_text(reading, reading.tool("pg_dumpall"))
    named = [d for d in reading.databases if not d.obstacle]
    artifacts: list[JsonObject] = []
    for number, database in enumerate(named):
        ctx.check_stop()
        name = f"{request.name}-{number:02d}"
        _capture_database(reading, name, database)
        artifacts.append({"artifact": name, **database.to_facts()})
    _capture_globals(reading, artifacts, before)
    return [_production(reading)]


def _look(request: CaptureRequest, into: SetWriter, ctx: StepContext, prover: Prover) -> Reading:
    """Raises Refused unless everything on the server may be read."""
    settings = settings_of(ctx.host(HostName(request.entry.host)))
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
    return Reading(request, params, ctx, into, prover, settings, dsn, server, carried, found, per_database)


def _report_undumped(reading: Reading) -> None:
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


# ---------------------------------------------------------------- one database


def _capture_database(reading: Reading, name: str, database: Database) -> None:
    ctx, dsn = reading.ctx, reading.dsn.at(database.name)
    pg_dump = reading.tool("pg_dump")
    with reading.into.artifact(name, kind=reading.request.entry.kind, source=reading.request.name) as sink, ctx.staging(name) as staging:
        dump.require_space(Path(staging), database.size, f"the dump of database '{shown(database.name)}'")
        before = reading.prover.before(dsn)
        with exported(dsn, ctx.clock, lock_wait=reading.params.lock_wait) as snapshot:
            _report_skew(reading, snapshot)
            with _proving(reading, dsn, snapshot, before, Path(staging)) as proof:
                _stream_dump(reading, sink, database, Path(staging) / "dump", pg_dump, snapshot, proof)
                found = _result(proof, ctx)
            snapshot.confirm()
        content = {
            "database": database.name,
            "proof": reading.prover.after(dsn, found),
            "size": database.size,
            "pg_dump": binaries.major_of(pg_dump),
            "server_time": iso(snapshot.server_time),
        }
        sink.describe(instant=snapshot.instant, identity=reading.identity, content=content)


def _stream_dump(
    reading: Reading, sink: ArtifactSink, database: Database, folder: Path, pg_dump: str, snapshot: Snapshot, proof: "Future[JsonObject]"
) -> None:
    ctx = reading.ctx
    tar = TarWriter(sink.write)
    tar.data("database.json", _json(database.to_facts()))

    def watch() -> None:
        ctx.check_stop()
        if proof.done() and proof.exception():
            proof.result()  # raises: a dump without its proof is not worth its time

    def emit(path: Path) -> None:
        tar.file(f"dump/{path.name}", path, watch)
        path.unlink()
        ctx.progress(f"dumping {sink.name}", tar.written, max(tar.written, database.size), "bytes")

    dump.dump(
        reading.dsn.at(database.name),
        folder,
        runner=ctx.runner,
        pg_dump=pg_dump,
        snapshot=snapshot.id,
        encoding=database.encoding,
        jobs=reading.params.jobs,
        lock_wait=reading.params.lock_wait,
        emit=emit,
        watch=watch,
    )
    tar.close()


@contextmanager
def _proving(reading: Reading, dsn: Dsn, snapshot: Snapshot, before: JsonObject, staging: Path) -> "Iterator[Future[JsonObject]]":
    """The digest, at work beside the dump; ended when the block is left early."""
    halt = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="dr-proof") as pool:
        future = pool.submit(
            reading.prover.database,
            dsn,
            snapshot=snapshot.id,
            key=reading.into.key,
            workers=reading.params.jobs,
            stop=halt,
            progress=_unseen,
            method=reading.params.digest,
            runner=reading.ctx.runner,
            setting=reading.settings.binaries,
            staging=staging,
            before=before,
        )
        try:
            yield future
        finally:
            halt.set()


def _unseen(_what: str, _done: int, _total: int) -> None:
    """The dump's own progress is shown; both read the same rows."""


def _result(proof: "Future[JsonObject]", ctx: StepContext) -> JsonObject:
    """The digest's result, once it is there; ends early when the step is stopped."""
    while True:
        ctx.check_stop()
        try:
            return proof.result(timeout=0.1)
        except TimeoutError:
            if proof.done():
                raise


def _report_skew(reading: Reading, snapshot: Snapshot) -> None:
    request, ctx = reading.request, reading.ctx
    prefix = f"clock-skew:{request.system}:{request.name}"
    if abs(snapshot.skew) <= SKEW_LIMIT:
        ctx.records.close_findings(prefix, [], ctx.clock.now(), ctx.run)
        return
    ahead = "ahead of" if snapshot.skew > 0 else "behind"
    ctx.finding(
        prefix,
        "warning",
        f"the clock of the server on host '{request.entry.host}' is {show_duration(abs(snapshot.skew))} {ahead} ours",
        system=request.system,
        hint="set both by NTP; instants of backups are counted by our clock",
    )


# ---------------------------------------------------------------- roles, tablespaces, the cluster


def _globals_text(reading: Reading, pg_dumpall: str) -> bytes:
    ctx = reading.ctx
    with ctx.staging(f"{reading.request.name}-globals") as staging:
        return globals.globals_sql(reading.dsn, Path(staging), runner=ctx.runner, pg_dumpall=pg_dumpall, watch=ctx.check_stop)


def _capture_globals(reading: Reading, artifacts: list[JsonObject], before: bytes) -> None:
    """After the databases, so that every role that came meanwhile is there; one that went meanwhile is a finding."""
    ctx, request = reading.ctx, reading.request
    instant = ctx.clock.now()
    with reading.into.artifact(f"{request.name}-globals", kind=request.entry.kind, source=request.name) as sink:
        text = _globals_text(reading, reading.tool("pg_dumpall"))
        compared = _globals_text(reading, binaries.newest("pg_dumpall", setting=reading.settings.binaries))
        proof = reading.prover.globals(compared, key=reading.into.key, server=reading.server.version)
        _report_vanished(reading, before, text)
        tar = TarWriter(sink.write)
        tar.data("cluster.json", _json(_cluster(reading, artifacts)))
        tar.data("globals.sql", text)
        tar.close()
        content = {"globals": proof, "bootstrap": reading.server.bootstrap, "databases": artifacts}
        sink.describe(instant=instant, identity=reading.identity, content=content)


def _cluster(reading: Reading, artifacts: list[JsonObject]) -> JsonObject:
    return {
        "format": 1,
        "bootstrap": reading.server.bootstrap,
        "server_version": reading.server.version,
        "pg_dump": binaries.major_of(reading.tool("pg_dump")),
        "system_identifier": reading.server.system_identifier,
        "settings": reading.carried,
        "databases": artifacts,
        "database_settings": list(reading.per_database),
    }


def _report_vanished(reading: Reading, before: bytes, after: bytes) -> None:
    request, ctx = reading.request, reading.ctx
    prefix = f"roles-vanished:{request.system}:{request.name}"
    gone = globals.made(before) - globals.made(after)
    if not gone:
        ctx.records.close_findings(prefix, [], ctx.clock.now(), ctx.run)
        return
    ctx.finding(
        prefix,
        "warning",
        f"{len(gone)} roles or tablespaces of host '{request.entry.host}' went while its backup ran; a database in it may need them",
        system=request.system,
        hint="run the backup again",
    )


def _production(reading: Reading) -> ProductionFacts:
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


def _json(value: JsonObject) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode("ascii")
