"""How `postgres_logical` comes back: a new cluster in the claimed place, globals, databases, first statistics, durable at the end."""

import re
import secrets
import socket
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dr.drivers.postgres import binaries, globals, load, neutralise
from dr.drivers.postgres.catalogue import maintenance, read_server
from dr.drivers.postgres.cluster import Cluster, configure, initialise, start, stop
from dr.drivers.postgres.connect import Dsn, connect, passfile_line, write_private
from dr.drivers.postgres.names import shown
from dr.drivers.postgres.tar import read_globals
from dr.errors import Damaged, Refused
from dr.model.base import JsonObject
from dr.model.ports import ArtifactReader, Runner, StepContext, WritableHost
from dr.sources.postgres_meter import Meter
from dr.sources.postgres_settings import folder_of_binaries, settings_of
from dr.sources.postgres_staging import naming, private, unpacked

LOOPBACK = "127.0.0.1"
_WRITTEN_WRONG = "its bytes are as they were signed, so it was written wrong or by another program; restore another set"
_KEPT = {"max_locks_per_transaction": "256", "max_logical_replication_workers": "0"}
"""Room for a dump's locks; and no subscription of the source can be switched on by accident (pg_dump leaves them disabled already)."""

Made = tuple[dict[str, bytes], list[str]]
"""A new server's own files, and its mapped tablespaces."""


@dataclass(frozen=True)
class Restoring:
    """One restore's fixed circumstances."""

    ctx: StepContext
    host: WritableHost
    runner: Runner
    place: Path
    cluster: Cluster
    dsn: Dsn
    major: int
    jobs: int

    def tool(self, name: str) -> str:
        return f"{self.cluster.binaries}/{name}"


def restore(artifacts: Sequence[ArtifactReader], host: WritableHost, ctx: StepContext) -> JsonObject:
    """See `PostgresLogicalSource.restore`."""
    readers = {reader.artifact.name: reader for reader in artifacts}
    described, text = _read_globals(_globals_artifact(artifacts))
    _require_whole(described, readers)
    needed = sum(int(entry["size"]) for entry in described["databases"]) + max(int(a.artifact.plain) for a in artifacts)
    host.require_space(needed)
    job = _prepare(described, host, ctx)
    try:
        return _load(job, described, text, readers, _globals_artifact(artifacts))
    except BaseException:
        stop(job.cluster.data)  # what is there is no restored server; the place is wiped by the next claim or the scrub
        raise


def _globals_artifact(artifacts: Sequence[ArtifactReader]) -> ArtifactReader:
    found = [reader for reader in artifacts if reader.artifact.name.endswith("-globals")]
    if len(found) != 1:
        raise Damaged("the set holds no roles and tablespaces for this source", hint="restore another set")
    return found[0]


def _read_globals(reader: ArtifactReader) -> tuple[JsonObject, bytes]:
    with naming(reader):
        with reader.stream() as stream:
            described, text = read_globals(stream)
        _require_described(described)
    return described, text


def _require_described(described: JsonObject) -> None:
    """Raises Damaged unless all that a restore goes by is there: what was signed may be wrong all the same."""
    databases = described.get("databases")
    entries = databases if isinstance(databases, list) else [None]
    fine = (
        re.match(r"\d+\.", str(described.get("server_version")))
        and isinstance(described.get("pg_dump"), int)
        and isinstance(described.get("bootstrap"), str)
        and isinstance(described.get("settings"), dict)
        and all(isinstance(one, dict) and {"name", "artifact", "size"} <= set(one) and isinstance(one["size"], int) for one in entries)
    )
    if not fine:
        raise Damaged("its description of the server lacks what a restore needs", hint=_WRITTEN_WRONG)


def _require_whole(described: JsonObject, readers: dict[str, ArtifactReader]) -> None:
    missing = [entry["artifact"] for entry in described["databases"] if entry["artifact"] not in readers]
    if missing:
        raise Damaged(f"{missing[0]}: the set lacks this artifact, which its globals name", hint="restore another set")


# ---------------------------------------------------------------- the new cluster


def _prepare(described: JsonObject, host: WritableHost, ctx: StepContext) -> Restoring:
    """Folders, programs, passwords: all that can be refused before anything runs."""
    settings = settings_of(host)
    place = Path(host.place())
    data = place / "pgdata"
    if data.exists():
        raise Refused(f"{data} exists already", hint="a restore needs a freshly claimed place; scrub the standby and run the drill again")
    _require_free_port(settings.port)
    source_major = int(described["server_version"].split(".")[0])
    wanted = max(source_major, int(described["pg_dump"]))  # an older pg_restore cannot read the dump, an older server not run it
    server = binaries.find("postgres", at_least=wanted, setting=folder_of_binaries(host))
    folder = str(Path(server).parent)
    major = binaries.major_of(server) or 0
    log, secret = private(place / "log"), private(place / "secret")
    password = secrets.token_urlsafe(24)
    user = str(described["bootstrap"])
    write_private(secret / "superuser.pgpass", passfile_line(LOOPBACK, settings.port, password, user=user))
    cluster = Cluster(str(data), settings.port, folder, str(log / "postgres.log"), user)
    dsn = Dsn(LOOPBACK, settings.port, user, "postgres", password, ours=major)
    return Restoring(ctx, host, host.runner(), place, cluster, dsn, major, load.jobs_here())


def _require_free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise Refused(
                f"port {port} of the standby is in use", hint="stop what listens there, or set another 'port' under the host's 'postgres'"
            ) from None


def _load(job: Restoring, described: JsonObject, text: bytes, readers: dict[str, ArtifactReader], roles: ArtifactReader) -> JsonObject:
    names = [entry["name"] for entry in described["databases"]]
    not_refreshed: dict[str, list[str]] = {}
    meter = Meter(job.ctx, {str(e["name"]): (int(readers[e["artifact"]].artifact.plain), int(e["size"])) for e in described["databases"]})
    job.host.recheck()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="new-server") as beside:
        made = beside.submit(_make_server, job, described, text, roles)
        for entry in sorted(described["databases"], key=_last_the_default_ones):
            left = _load_database(job, readers[entry["artifact"]], str(entry["name"]), meter, made)
            meter.loaded(str(entry["name"]))
            _say_not_refreshed(job, str(entry["name"]), left)
            not_refreshed |= {str(entry["name"]): list(left.views)} if left.views else {}
        own, mapped = made.result()
    load.drop_missing(job.dsn, names)
    job.ctx.progress("first statistics")
    _first_statistics(job, names)
    held = neutralise.put_back_files(Path(job.cluster.data), own)
    held += neutralise.disarm(job.dsn, names, job.place / "secret")
    _carry_settings(job, described)
    _make_durable(job)
    return {**_facts(job, names, mapped), "not_refreshed": not_refreshed, "neutralised": [one.to_facts() for one in held]}


def _make_server(job: Restoring, described: JsonObject, text: bytes, roles: ArtifactReader) -> Made:
    """In a thread of its own, right after the guard agreed: the first dump is taken apart meanwhile."""
    initialise(job.cluster, job.runner, password=job.dsn.password, sync=False)
    configure(job.cluster, _KEPT)
    own = neutralise.own_files(Path(job.cluster.data))
    start(job.cluster, job.runner, options={**neutralise.pins(job.major), **load.load_settings()}, confined=True)
    job.host.recheck()  # what serves the port now is what was just started, in our place
    with naming(roles):
        return own, _load_globals(job, described, text)


def _last_the_default_ones(entry: JsonObject) -> tuple[int, str]:
    """`postgres` and `template1` last: the others are made through them."""
    return {"template1": 1, "postgres": 2}.get(entry["name"], 0), str(entry["artifact"])


def _load_globals(job: Restoring, described: JsonObject, text: bytes) -> list[str]:
    adapted = globals.adapt(
        text,
        bootstrap=job.cluster.user,
        tablespaces=str(job.place / "tablespaces"),
        source_major=int(described["server_version"].split(".")[0]),
        target_major=job.major,
    )
    if adapted.tablespaces:
        private(job.place / "tablespaces")
    for folder in adapted.tablespaces:
        private(Path(folder))
    with connect(job.dsn) as connection:
        globals.load(connection, adapted)
    return list(adapted.mapped)


def _load_database(job: Restoring, reader: ArtifactReader, name: str, meter: Meter, made: "Future[Made]") -> load.NotRefreshed:
    """From the stream into a private folder of the place, from there into the server; the folder is gone afterwards."""
    with unpacked(job.place, reader, name, meter, made, job.ctx.check_stop) as folder:
        made.result()
        with naming(reader):
            return load.restore_database(
                job.dsn,
                name,
                folder,
                runner=job.runner,
                pg_restore=job.tool("pg_restore"),
                jobs=job.jobs,
                major=job.major,
                watch=meter.loading(name, shown(name), lambda: load.database_size(job.dsn, name)),
                loaded=lambda: _first_statistics(job, [name]),
            )


def _first_statistics(job: Restoring, names: list[str]) -> None:
    load.first_statistics(
        job.dsn, names, runner=job.runner, vacuumdb=job.tool("vacuumdb"), jobs=job.jobs, major=job.major, watch=job.ctx.check_stop
    )


def _say_not_refreshed(job: Restoring, database: str, left: load.NotRefreshed) -> None:
    prefix = f"not-refreshed:{shown(database)}:"
    for view in left.views:
        job.ctx.finding(
            f"{prefix}{view}",
            "warning",
            f"materialized view {view} of database {shown(database)} is empty on the standby: {left.why}",
            hint="where its rows lie on another server a drill cannot fill it: refresh it after a recovery, before it is needed",
        )
    job.ctx.records.close_findings(prefix, [f"{prefix}{view}" for view in left.views], job.ctx.clock.now(), job.ctx.run)


def _carry_settings(job: Restoring, described: JsonObject) -> None:
    with maintenance(job.dsn) as connection:
        refused = load.carry_settings(connection, described["settings"])
    for setting in refused:
        job.ctx.finding(
            f"setting-not-carried:{shown(setting)}",
            "warning",
            f"the restored server does not take the source's '{shown(setting)}'",
            hint="install the source's locales on the standby",
        )


def _make_durable(job: Restoring) -> None:
    """It was loaded with fsync off: stop, sync what was written, start with nothing but the lasting settings and the pins.

    It may start beside the sync: what it writes itself is durable by its own fsync, and nothing counts before both have ended.
    """
    job.ctx.progress("making it durable")
    stop(job.cluster.data, timeout=600)
    options = {**neutralise.pins(job.major), **load.reading_settings(job.major)}
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="durable-server") as beside:
        started = beside.submit(start, job.cluster, job.runner, options=options, confined=True)
        load.sync(job.place, runner=job.runner, watch=job.ctx.check_stop)
        started.result()


def _facts(job: Restoring, names: list[str], mapped: list[str]) -> JsonObject:
    with maintenance(job.dsn) as connection:
        server = read_server(connection)
    return {
        "host": LOOPBACK,
        "port": job.cluster.port,
        "user": job.cluster.user,
        "passfile": str(job.place / "secret" / "superuser.pgpass"),
        "databases": names,
        "server_version": server.version,
        "system_identifier": server.system_identifier,
        "data_directory": job.cluster.data,
        "statistics": "first stage; run vacuumdb --all --analyze-only once it is open",
        "mapped": mapped,
    }
