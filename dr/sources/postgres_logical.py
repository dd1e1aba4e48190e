"""`postgres_logical`: every database of a PostgreSQL server by `pg_dump`, portable to any version from its own on.

Artifacts: `<source>-00`, `<source>-01`, ... one per connectable database (`postgres` and `template1` too) in the order of their names,
each a tar of `database.json` and `dump/...` (pg_dump's directory format); then `<source>-globals`: `cluster.json` and `globals.sql`.
Databases are named in the tars and in the encrypted index only.

An artifact's instant is our clock's, read just before its snapshot: whatever was committed by then is in it, so the RPO counted from it
is never flattered. The server's clock is recorded beside it, and a skew of more than 5 minutes is a finding. Consistency across
databases is not claimed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dr.model.base import Duration, JsonObject, Seconds, StrictModel
from dr.model.ports import ArtifactReader, CaptureRequest, ReplayOrder, SetWriter, StepContext, WritableHost
from dr.model.record import ProductionFacts

PLANTED = "one row, table dr.needle in a schema dr of its own, into each database"
"""What the needle writes into production, in words."""

if TYPE_CHECKING:
    from dr.sources.postgres_proofs import Prover


class PostgresLogical(StrictModel):
    """`jobs`: parallel tables of a dump, and of its digest. `lock_wait`: how long a table that somebody locked is waited for."""

    jobs: int = Field(default=2, ge=1, le=32)
    digest: Literal["fast", "cryptographic"] = "fast"
    lock_wait: Duration = Seconds(60.0)


class PostgresLogicalSource:
    """ports.Source. Its work is in files of its own, so that reading an inventory loads no database driver."""

    kind = "postgres_logical"
    params: type[StrictModel] = PostgresLogical

    def __init__(self, prover: "Prover | None" = None) -> None:
        self._prover = prover

    def plant(self, request: CaptureRequest, ctx: StepContext) -> None:
        """Commit the needle in every database that is dumped, except templates, and `postgres` unless it is the only one.

        All are looked at before the first is written to. Raises Refused on a published or read-only database.
        """
        from dr.sources.postgres_capture import plant

        plant(request, ctx)

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        """Dump and digest every database under one snapshot each. Raises Refused, Unreachable, Failed, Stopped."""
        from dr.sources.postgres_capture import capture
        from dr.sources.postgres_proofs import Proofs

        return capture(request, into, ctx, self._prover or Proofs())

    def restore(self, artifacts: Sequence[ArtifactReader], host: WritableHost, ctx: StepContext) -> JsonObject:
        """Make a cluster in `host.place()`, load everything, start it durable on loopback. Raises Refused, Damaged, Failed, Stopped.

        Gives `host, port, user, passfile, databases, server_version, system_identifier, data_directory, statistics, mapped`.
        """
        from dr.sources.postgres_restore import restore

        return restore(artifacts, host, ctx)

    def replay(self, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        """See `ports.Replays`. Raises ConfigError for a template that cannot be run, Refused for a database that is not there, Failed."""
        from dr.sources.postgres_replay import replay

        return replay(place, order, ctx)


SOURCE = PostgresLogicalSource()
