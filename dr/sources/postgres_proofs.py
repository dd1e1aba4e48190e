"""The proof material of a logical backup, as the capture asks for it; a test hands in its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from dr.drivers.postgres import binaries, proof
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.dump import schema_sql
from dr.errors import Stopped
from dr.model.base import JsonObject
from dr.model.ports import Runner

Method = Literal["fast", "cryptographic"]
Progress = Callable[[str, int, int], None]


class Prover(Protocol):
    """Digests what was dumped, under the dump's own snapshot."""

    def before(self, dsn: Dsn) -> JsonObject:
        """What belongs to no snapshot (sequences), before the dump."""
        ...

    def database(
        self,
        dsn: Dsn,
        *,
        snapshot: str,
        key: bytes,
        workers: int,
        stop: threading.Event,
        progress: Progress,
        method: Method,
        runner: Runner,
        setting: str | None,
        staging: Path,
        before: JsonObject,
    ) -> JsonObject: ...

    def after(self, dsn: Dsn, found: JsonObject) -> JsonObject:
        """The finished proof: what belongs to no snapshot, read again."""
        ...

    def globals(self, sql: bytes, *, key: bytes, server: str) -> JsonObject: ...


class Proofs:
    """By the PostgreSQL driver's content proof."""

    def before(self, dsn: Dsn) -> JsonObject:
        return proof.sequence_positions(dsn)

    def database(
        self,
        dsn: Dsn,
        *,
        snapshot: str,
        key: bytes,
        workers: int,
        stop: threading.Event,
        progress: Progress,
        method: Method,
        runner: Runner,
        setting: str | None,
        staging: Path,
        before: JsonObject,
    ) -> JsonObject:
        pg_dump = binaries.newest("pg_dump", setting=setting)
        text = schema_sql(dsn, staging, runner=runner, pg_dump=pg_dump, snapshot=snapshot, watch=_watch(stop))
        return proof.prove_database(
            dsn,
            snapshot=snapshot,
            key=key,
            workers=workers,
            stop=stop,
            progress=progress,
            method=method,
            schema_sql=text,
            sequences=before,
        )

    def after(self, dsn: Dsn, found: JsonObject) -> JsonObject:
        return proof.close_sequences(found, proof.sequence_positions(dsn))

    def globals(self, sql: bytes, *, key: bytes, server: str) -> JsonObject:
        return proof.prove_globals(sql, key=key, server=server)


def _watch(stop: threading.Event) -> Callable[[], None]:
    def watch() -> None:
        if stop.is_set():
            raise Stopped("the dump that this proof belongs to has ended")

    return watch
