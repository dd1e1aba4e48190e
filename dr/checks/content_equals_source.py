"""`content-equals-source`: every restored database's rows, schema and security, and the cluster's roles, equal the source's at its instant.

The source's side was digested inside the dump's own snapshot and lies in the set's index; this side is digested now, by the same method
and, where it can read the server, the same major version of pg_dump. What is not digested is listed by name.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from dr.checks.postgres import Server, servers
from dr.drivers.postgres import binaries, globals, load, neutralise, proof, written
from dr.drivers.postgres.catalogue import maintenance, read_databases
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.dump import schema_sql
from dr.drivers.postgres.names import shown
from dr.drivers.postgres.schema import parse
from dr.errors import Refused
from dr.model.base import JsonObject, StrictModel
from dr.model.ports import ArtifactReader, Restored, StepContext
from dr.model.record import CheckResult, Difference

LISTED = 500
"""Differences that are named one by one; beyond, their number."""


class Params(StrictModel):
    workers: int | None = Field(default=None, ge=1, le=32)
    """Sessions that digest at the same time; by default as many as there are cores, 2 to 8."""


@dataclass
class _Found:
    """What one run gathers."""

    examined: int = 0
    rows: int = 0
    artifacts: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    unproven: list[Difference] = field(default_factory=list)
    databases: JsonObject = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)

    def take(self, compared: tuple[list[Difference], list[Difference], int], where: str) -> None:
        differences, unproven, examined = compared
        self.differences += [_in(where, one) for one in differences]
        self.unproven += [_in(where, one) for one in unproven]
        self.examined += examined


def _in(where: str, difference: Difference) -> Difference:
    return difference.model_copy(update={"name": f"{where}: {difference.name}"}) if where else difference


class ContentEqualsSource:
    """ports.Check."""

    kind = "content-equals-source"
    proves = True
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:
        started = ctx.clock.now()
        found = _Found()
        key = bytes.fromhex(restored.set.index.key)
        with ctx.staging(self.kind) as folder:  # swept if this is killed: the text of the roles holds password hashes
            for server in servers(restored):
                _compare_server(_Looking(server, params, ctx, key, Path(folder)), found)
        return CheckResult(
            check=self.kind,
            passed=found.examined > 0 and not found.differences,
            examined=found.examined,
            summary=_summary(found),
            started=started,
            ended=ctx.clock.now(),
            proves=True,
            artifacts=tuple(found.artifacts),
            differences=_listed(found.differences),
            unproven=_listed(found.unproven),
            details={"digest": "fast" if "fast" in found.methods else "cryptographic", "databases": found.databases},
        )


@dataclass(frozen=True)
class _Looking:
    server: Server
    params: Params
    ctx: StepContext
    key: bytes
    folder: Path

    def kept(self) -> written.Kept:
        """What the restore switched off, by its own signed word: the proof compares it as if it were on."""
        return neutralise.kept(Path(str(self.server.place["passfile"])).parent) if self.server.place.get("neutralised") else written.Kept()

    def tool(self, name: str, recorded: str) -> str:
        """Of the same major version as wrote the source's text; a newer one if that cannot read this server."""
        majors = [int(version.split(".")[0] or 0) for version in (recorded, str(self.server.place["server_version"]))]
        try:
            return binaries.find(name, exactly=max(majors))
        except Refused:
            return binaries.newest(name)


def _compare_server(looking: _Looking, found: _Found) -> None:
    server = looking.server
    with maintenance(server.dsn()) as connection:
        there = {database.name for database in read_databases(connection)}
    expected = {str(r.index.content["database"]) for r in server.artifacts if "database" in r.index.content}
    found.differences += [Difference(kind="database", name=shown(name), detail="missing") for name in sorted(expected - there)]
    found.differences += [Difference(kind="database", name=shown(name), detail="not on the source") for name in sorted(there - expected)]
    for reader in server.artifacts:
        looking.ctx.check_stop()
        found.artifacts.append(reader.artifact.name)
        if "globals" in reader.index.content:
            found.take(proof.compare(reader.index.content["globals"], _globals_now(looking, reader)), "")
            found.unproven += _held_back(looking, "")
            found.unproven += [
                Difference(kind="database", name=name, detail=f"in no backup: {why}")
                for name, why in sorted(reader.index.content.get("undumped", {}).items())
            ]
        elif reader.index.content.get("database") in there:
            _compare_database(looking, reader, found)
        elif "database" not in reader.index.content:
            found.differences.append(Difference(kind="unlisted", name=reader.artifact.name, detail="no proof came with this artifact"))


def _compare_database(looking: _Looking, reader: ArtifactReader, found: _Found) -> None:
    expected: JsonObject = reader.index.content["proof"]
    name = str(reader.index.content["database"])
    now = _database_now(looking, looking.server.dsn(name), expected)
    found.unproven += [_in(shown(name), one) for one in _held_back(looking, shown(name))]
    now["not_refreshed"] = looking.server.place.get("not_refreshed", {}).get(name, [])
    found.take(proof.compare(expected, now), shown(name))
    found.methods.add(str(expected["method"]))
    found.rows += sum(table["rows"] for table in now["tables"].values())
    found.databases[name] = {
        "tables": {table: {**entry, "equal": entry == now["tables"].get(table)} for table, entry in sorted(expected["tables"].items())},
        "schema": len(expected["schema"]),
        "sequences": len(expected["sequences"]),
        "large_objects": expected["large_objects"]["count"],
        "method": expected["method"],
        "server": [expected["server"], now["server"]],
        "pg_dump": [expected["tool"], now["tool"]],
    }


def _database_now(looking: _Looking, dsn: Dsn, expected: JsonObject) -> JsonObject:
    ctx = looking.ctx
    pg_dump = looking.tool("pg_dump", str(expected["tool"]))
    text = schema_sql(dsn, looking.folder, runner=ctx.runner, pg_dump=pg_dump, snapshot=None, watch=ctx.check_stop)
    return proof.prove_database(
        dsn,
        snapshot=None,
        key=looking.key,
        workers=looking.params.workers or load.jobs_here(),
        stop=ctx.stop,
        progress=lambda what, done, total: ctx.progress(what, done, total, "items"),
        method=expected["method"],
        schema_sql=written.as_restored(parse(text), looking.kept(), dsn.database),
        version=expected["version"],
    )


def _held_back(looking: _Looking, database: str) -> list[Difference]:
    """Not silent: what stands otherwise than on the source because the restore switched it off."""
    entries = [one for one in looking.server.place.get("neutralised", ()) if one["how"] == neutralise.OFF]
    said = "switched off by the restore, and compared as it was before that"
    return [Difference(kind=one["kind"], name=one["name"], detail=said) for one in entries if one["database"] == database]


def _globals_now(looking: _Looking, reader: ArtifactReader) -> JsonObject:
    server, ctx = looking.server, looking.ctx
    tool = looking.tool("pg_dumpall", str(reader.index.content.get("pg_dumpall", binaries.NEWEST)))
    text = globals.globals_sql(server.dsn(), looking.folder, runner=ctx.runner, pg_dumpall=tool, watch=ctx.check_stop)
    version = str(server.place["server_version"])
    text = written.globals_as_restored(text, looking.kept())
    return proof.prove_globals(text, key=looking.key, bootstrap=str(server.place["user"]), server=version)


def _listed(differences: list[Difference]) -> tuple[Difference, ...]:
    more = len(differences) - LISTED
    rest = [Difference(kind="more", name=f"{more} more", detail="not listed one by one")] if more > 0 else []
    return tuple(differences[:LISTED] + rest)


def _summary(found: _Found) -> str:
    if not found.examined:
        return "nothing was compared"
    if found.differences:
        first = "; ".join(f"{d.kind}: {d.name}: {d.detail}" for d in found.differences[:3])
        return f"{len(found.differences)} difference{'s' * (len(found.differences) != 1)}: {first}"
    count = len(found.databases)
    return (
        f"{count} database{'s' * (count != 1)}, {found.rows:,} rows, {found.examined:,} objects equal the source's; "
        f"{len(found.unproven)} listed as not proven"
    )


CHECK = ContentEqualsSource()
