"""The content proof of a logical backup: rows, schema and security of a database, and the cluster's globals, as keyed digests.

Made on the source under the dump's own snapshot and again on the restored server; `compare` says by name what is not equal.

How a source calls it, for each database, with `key` the set's digest key:
1. `before = sequence_positions(dsn)`, before pg_dump starts;
2. `prove_database(dsn, snapshot=S, ..., schema_sql=..., sequences=before)`, beside pg_dump under the same snapshot `S`; `schema_sql` is
   the text of `pg_dump --schema-only --create --snapshot=S`, best by the newest pg_dump at hand, since the check uses the same major;
3. `proof = close_sequences(proof, sequence_positions(dsn))`, after pg_dump has ended: sequences belong to no snapshot, and what the dump
   holds lies between the two readings. At a quiet source they are equal, and then the restored position must be too.
The index's content of a database's artifact is `{"database": name, "proof": proof}`; of the globals', `{"globals": prove_globals(...)}`.
"""

import hmac
import threading
from collections.abc import Callable
from dataclasses import asdict

import psycopg

from dr.drivers.postgres.cluster_proof import digest_globals
from dr.drivers.postgres.compare import compare_databases, compare_globals
from dr.drivers.postgres.connect import Connection, Dsn
from dr.drivers.postgres.crew import Crew, Progress, unreadable
from dr.drivers.postgres.digest import MODULUS, Cryptographic, Digester, Fast, Method, Tally, chunks
from dr.drivers.postgres.large_objects import keyed, read_large_objects
from dr.drivers.postgres.objects import Objects, Table, read_objects
from dr.drivers.postgres.rowhash import VERSION as ROW_HASH
from dr.drivers.postgres.schema import SchemaText, digest_entries, parse
from dr.drivers.postgres.sequences import read_positions
from dr.drivers.postgres.session import export, reading
from dr.model.base import JsonObject
from dr.model.record import Difference

VERSION, GLOBALS_VERSION = ROW_HASH, 1
"""Of the form of a database's proof, and of that of the globals: two proofs are compared only if it is the same."""
_LOCKED_AT_ONCE = 200


def prove_database(
    dsn: Dsn,
    *,
    snapshot: str | None,
    key: bytes,
    workers: int,
    stop: threading.Event,
    progress: Progress,
    method: Method,
    schema_sql: bytes | SchemaText,
    sequences: JsonObject | None = None,
    version: int = VERSION,
) -> JsonObject:
    """Digest everything in `dsn.database`, under an exported snapshot (its transaction stays open meanwhile) or one of its own.

    `progress(what, done, total)` counts blocks, then large objects. `key`: 32 bytes. Counts and names
    are in clear in the result, values never. `version`: of the proof that it is to be compared with; where this release knows none such,
    its own. Raises Stopped, Unreachable, or Failed with the name of what could not be read.
    """
    made = version if version in range(1, VERSION) else VERSION
    digester = Fast(version=made) if method == "fast" else Cryptographic(_derived(key))
    return {**prove_with(digester, dsn, snapshot, key, workers, stop, progress, schema_sql, sequences), "version": made}


def prove_with(
    digester: Digester,
    dsn: Dsn,
    snapshot: str | None,
    key: bytes,
    workers: int,
    stop: threading.Event,
    progress: Progress,
    schema_sql: bytes | SchemaText,
    sequences: JsonObject | None = None,
) -> JsonObject:
    """`prove_database` with a digester handed in."""
    digest = keyed(key)
    schema = parse(schema_sql) if isinstance(schema_sql, bytes) else schema_sql
    with reading(dsn, snapshot) as connection:
        positions = sequences
        objects = read_objects(connection)
        if positions is None:
            positions = read_positions(connection, objects.sequences)
        _lock(connection, objects.tables)
        crew = Crew(dsn, snapshot or export(connection), digester, stop, progress)
        tallies = crew.run([chunk for table in objects.tables for chunk in chunks(table)], workers)
        large_objects = read_large_objects(connection, digest, stop, progress)
        server = _server(connection)
    return {
        "version": VERSION,
        "database": dsn.database,
        "method": digester.method,
        "server": server,
        "tool": schema.tool,
        "tables": {t.shown: _table(t, tallies.get(t.oid, Tally()), dsn.database, digester.method, digest) for t in objects.tables},
        **_named(objects),
        "sequences": positions,
        "large_objects": large_objects,
        "schema": digest_entries(schema, digest),
    }


def _derived(key: bytes) -> bytes:
    """Rows get a key of their own."""
    return hmac.digest(key, b"rows", "sha256")


def _named(objects: Objects) -> JsonObject:
    named = asdict(objects)
    return {part: named[part] for part in ("not_digested", "populated", "extensions")} | {"unlisted": list(objects.unlisted)}


def _table(table: Table, tally: Tally, database: str, method: Method, digest: Callable[[object], str]) -> JsonObject:
    columns = [[column.name, column.type] for column in table.columns]
    bound = [method, database, table.schema, table.name, columns, tally.rows, str(tally.sum % MODULUS)]
    return {"rows": tally.rows, "digest": digest(bound)}


def _lock(connection: Connection, tables: tuple[Table, ...]) -> None:
    """Against a TRUNCATE or a rewrite, which would empty what the snapshot sees."""
    for start in range(0, len(tables), _LOCKED_AT_ONCE):
        batch = tables[start : start + _LOCKED_AT_ONCE]
        try:
            connection.execute("LOCK TABLE " + ", ".join(f"ONLY {table.sql}" for table in batch) + " IN ACCESS SHARE MODE")
        except psycopg.Error as error:
            raise unreadable(f"a table between {batch[0].shown} and {batch[-1].shown}", error) from None


def _server(connection: Connection) -> str:
    """`15.14`, without a packager's words."""
    return f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}"


def sequence_positions(dsn: Dsn) -> JsonObject:
    """Where every sequence of the database stands now."""
    with reading(dsn) as connection:
        return read_positions(connection, read_objects(connection).sequences)


def close_sequences(proof: JsonObject, after: JsonObject) -> JsonObject:
    """The proof with the sequences' second reading, taken after the dump: a restored position must lie between the two."""
    closed = {name: {**entry, **({"after": after[name]["at"]} if name in after else {})} for name, entry in proof["sequences"].items()}
    return {**proof, "sequences": closed}


def prove_globals(globals_sql: bytes, *, key: bytes, bootstrap: str = "", server: str = "") -> JsonObject:
    """Digest the text of `pg_dumpall --globals-only`, as `globals.globals_sql` gives it.

    `bootstrap`: of a restore, the standby's own superuser, whose login is not compared; `server`: its version, if known. Raises Failed
    on a text that is not pg_dumpall's, or holds a statement of an unknown kind.
    """
    return {"version": GLOBALS_VERSION, "bootstrap": bootstrap, "server": server, **digest_globals(globals_sql, keyed(key))}


def compare(expected: JsonObject, found: JsonObject) -> tuple[list[Difference], list[Difference], int]:
    """Compare two proofs of a database, or two of globals: differences, what is listed as not proven, how many things were compared."""
    return compare_globals(expected, found) if "entries" in expected else compare_databases(expected, found)
