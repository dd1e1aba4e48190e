"""What the checks of a PostgreSQL source share: which artifacts are its, and where they came up."""

from collections.abc import Iterator
from dataclasses import dataclass

from dr.drivers.postgres.connect import Connection, Dsn, dsn_of
from dr.drivers.postgres.names import qualified, shown
from dr.errors import Refused
from dr.model.base import JsonObject, SourceName
from dr.model.ports import ArtifactReader, Restored

KIND = "postgres_logical"
_LARGEST = """
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY pg_relation_size(c.oid) DESC, c.oid LIMIT 1
"""
_TIMEOUT = "60s"


@dataclass(frozen=True)
class Server:
    """One source's restored server, and the artifacts that were loaded into it."""

    source: SourceName
    place: JsonObject
    artifacts: tuple[ArtifactReader, ...]

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.place["databases"])

    def dsn(self, database: str = "postgres") -> Dsn:
        """Raises Failed if the password's file is gone."""
        return dsn_of(self.place, database)


def servers(restored: Restored) -> Iterator[Server]:
    """Every restored PostgreSQL of the set. Raises Refused if a source of the set came up nowhere."""
    readers = [reader for reader in restored.set.artifacts() if reader.artifact.kind == KIND]
    for source in dict.fromkeys(reader.artifact.source for reader in readers):
        if source not in restored.places:
            raise Refused(f"source '{source}' of the set was not restored", hint="the restore step must come before, on the same host")
        yield Server(source, restored.places[source], tuple(r for r in readers if r.artifact.source == source))


def only_server(kind: str, database: str, source: str | None, restored: Restored) -> Server:
    """The server with that database, for a check that asks one. Raises Refused unless exactly one restored source has it."""
    having = [s for s in servers(restored) if source in (None, s.source) and database in s.databases]
    if len(having) != 1:
        said = "no restored source has" if not having else f"{len(having)} restored sources have"
        raise Refused(f"{kind}: {said} a database '{shown(database)}'", hint="name the 'source' and the 'database' in the runbook")
    return having[0]


def first_query(connection: Connection) -> str:
    """Read a row of the largest table, as an application's first query would. Why that is not possible; empty if it is."""
    connection.execute("SELECT set_config('statement_timeout', %s, false)", [_TIMEOUT])
    recovering = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if recovering is None or recovering[0]:
        return "is still in recovery"
    largest = connection.execute(_LARGEST).fetchone()
    if largest is not None:
        connection.execute(f"SELECT * FROM ONLY {qualified(*largest)} LIMIT 1".encode()).fetchall()
    return ""
