"""How `postgres_logical` reads a server: database by database under a snapshot, dump and digest side by side, then the globals."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from dr.clock import iso
from dr.drivers.postgres import binaries, dump, globals, needle
from dr.drivers.postgres.catalogue import (
    Database,
    maintenance,
    read_databases,
)
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.messages import shown
from dr.drivers.postgres.snapshot import Snapshot, exported
from dr.drivers.postgres.tar import TarWriter
from dr.model.base import HostName, JsonObject, canonical, sha256
from dr.model.ports import ArtifactSink, CaptureRequest, SetWriter, StepContext
from dr.model.record import ProductionFacts
from dr.model.summary import ContentSummary
from dr.sources.postgres_proofs import Prover
from dr.sources.postgres_reading import Reading, look, production, report_skew, report_undumped, report_vanished
from dr.sources.postgres_settings import dsn_of_host, settings_of


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
    reading = look(request, into, ctx, prover)
    report_undumped(reading)
    before = _globals_text(reading, reading.tool("pg_dumpall"))
    named = [d for d in reading.databases if not d.obstacle]
    artifacts: list[JsonObject] = []
    for number, database in enumerate(named):
        ctx.check_stop()
        name = f"{request.name}-{number:02d}"
        _capture_database(reading, name, database)
        artifacts.append({"artifact": name, **database.to_facts()})
    _capture_globals(reading, artifacts, before)
    return [production(reading)]


# ---------------------------------------------------------------- one database


def _capture_database(reading: Reading, name: str, database: Database) -> None:
    ctx, dsn = reading.ctx, reading.dsn.at(database.name)
    pg_dump = reading.tool("pg_dump")
    with reading.into.artifact(name, kind=reading.request.entry.kind, source=reading.request.name) as sink, ctx.staging(name) as staging:
        dump.require_space(Path(staging), database.size, f"the dump of database '{shown(database.name)}'")
        before = reading.prover.before(dsn)
        with exported(dsn, ctx.clock, lock_wait=reading.params.lock_wait) as snapshot:
            report_skew(reading, snapshot)
            with _proving(reading, dsn, snapshot, before, Path(staging)) as proof:
                _stream_dump(reading, sink, database, Path(staging) / "dump", pg_dump, snapshot, proof)
                found = _result(proof, ctx)
            snapshot.confirm()
        closed = reading.prover.after(dsn, found)
        content = {
            "database": database.name,
            "proof": closed,
            "size": database.size,
            "pg_dump": binaries.major_of(pg_dump),
            "server_time": iso(snapshot.server_time),
        }
        sink.describe(instant=snapshot.instant, identity=reading.identity, content=content, summary=_summary(database, closed))


def _summary(database: Database, proof: JsonObject) -> ContentSummary:
    """From the proof, so that what is counted is what is restored and compared."""
    return ContentSummary(
        kind="database",
        name=shown(database.name),
        counts={name: table["rows"] for name, table in proof["tables"].items()},
        schema_digest=sha256(canonical(proof["schema"])),
        schema_tool=proof["tool"],
    )


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
            setting=reading.programs,
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
        compared = _globals_text(reading, binaries.newest("pg_dumpall", setting=reading.programs))
        proof = reading.prover.globals(compared, key=reading.into.key, server=reading.server.version)
        report_vanished(reading, before, text)
        tar = TarWriter(sink.write)
        tar.data("cluster.json", _json(_cluster(reading, artifacts)))
        tar.data("globals.sql", text)
        tar.close()
        undumped = {shown(d.name): d.obstacle for d in reading.databases if d.obstacle}
        content = {"globals": proof, "bootstrap": reading.server.bootstrap, "databases": artifacts, "undumped": undumped}
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


def _json(value: JsonObject) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode("ascii")
