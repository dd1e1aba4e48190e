"""What the checks of a PostgreSQL source share: which artifacts are its, and where they came up."""

from collections.abc import Iterator
from dataclasses import dataclass

from dr.drivers.postgres.connect import Dsn, dsn_of
from dr.drivers.postgres.names import shown
from dr.errors import Refused
from dr.model.base import JsonObject, SourceName
from dr.model.ports import ArtifactReader, Restored

KIND = "postgres_logical"


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
