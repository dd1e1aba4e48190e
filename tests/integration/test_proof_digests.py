"""Digests of rows: every swap is seen, by both methods and on every server; the snapshot and the stop are honoured."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from dr.drivers.postgres import proof
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.drivers.postgres.digest import MODULUS, Chunk, Cryptographic, Digester, Fast, Tally, chunks
from dr.drivers.postgres.objects import Table, read_objects
from dr.drivers.postgres.session import export, pin, reading
from dr.errors import Failed, Stopped
from tests.support.proof_databases import KEY, TYPES, XML, Bench, bench, types_sql

pytestmark = pytest.mark.integration
DIGESTERS: dict[str, Digester] = {"fast": Fast(), "fast, version 2": Fast(version=2), "cryptographic": Cryptographic(KEY)}
SWAP = "UPDATE shop.types t SET {0} = u.{0} FROM shop.types u WHERE (t.id, u.id) IN ((1, 2), (2, 1))"
ACROSS = "UPDATE shop.types SET a{0} = b{0}, b{0} = a{0} WHERE id = 1"


@pytest.fixture
def typed(pg: Dsn, tmp_path: Path) -> Iterator[tuple[Connection, Table, int]]:
    """A pinned, writable session on a database with two columns of every type; and how many types there are."""
    types = TYPES | (XML if _major(pg) < 18 else {})
    made = bench(pg, tmp_path, "typed").make(types_sql(types=types))
    with connect(made.dsn) as connection:
        pin(connection)
        yield connection, read_objects(connection).tables[0], len(types)
    made.drop()


def _major(dsn: Dsn) -> int:
    with connect(dsn) as connection:
        return connection.info.server_version // 10000


def _unnoticed(connection: Connection, table: Table, digester: Digester, changes: list[str]) -> list[str]:
    """Which changes leave the digest as it was; each is undone."""
    (whole,) = chunks(table)
    before = digester.digest(connection, whole)
    passed = []
    for change in changes:
        connection.execute("BEGIN")
        connection.execute(change.encode())
        passed += [change] if digester.digest(connection, whole) == before else []
        connection.execute("ROLLBACK")
    return passed


@pytest.mark.parametrize("method", DIGESTERS)
def test_a_value_swapped_is_seen_for_every_type_and_column_pair(typed: tuple[Connection, Table, int], method: str) -> None:
    """One value swapped between two rows, in each column, and between two columns of a row: count and every column's values stay."""
    connection, table, types = typed
    swaps = [SWAP.format(f"{letter}{n}") for n in range(types) for letter in "ab"] + [ACROSS.format(n) for n in range(types)]
    assert _unnoticed(connection, table, DIGESTERS[method], swaps) == []


@pytest.mark.parametrize("method", DIGESTERS)
def test_a_null_moved_is_seen_for_every_type(typed: tuple[Connection, Table, int], method: str) -> None:
    """From one row to another, and from a column to its neighbour in the same row; an empty text or a composite of NULLs is none."""
    connection, table, types = typed
    moved = [
        f"UPDATE shop.types t SET {column} = (SELECT {column} FROM shop.types u WHERE u.id = 4 - t.id) WHERE id IN (1, 3)"
        for column in (f"{letter}{n}" for n in range(0, types, 2) for letter in "ab")
    ]
    beside = [f"UPDATE shop.types SET a{n} = NULL WHERE id = 1" for n in range(types)]
    assert _unnoticed(connection, table, DIGESTERS[method], moved + beside) == []


def _swaps_unseen(pg: Dsn, folder: Path, digester: Digester) -> int:
    """Of a hundred swaps of one value, each between two other rows, how many leave the digest as it was."""
    made = bench(pg, folder, "pairs").make("CREATE TABLE p AS SELECT n, md5(n::text) m, n % 7 = 0 z FROM generate_series(1, 200) n")
    swap = "UPDATE public.p t SET m = u.m FROM public.p u WHERE (t.n, u.n) IN (({0}, {1}), ({1}, {0}))"
    with connect(made.dsn) as connection:
        pin(connection)
        (table,) = read_objects(connection).tables
        unseen = _unnoticed(connection, table, digester, [swap.format(n, n + 1) for n in range(1, 200, 2)])
    made.drop()
    return len(unseen)


@pytest.mark.parametrize("method", DIGESTERS)
def test_a_hundred_swaps_are_seen(pg: Dsn, tmp_path: Path, method: str) -> None:
    """The guard of the twin below: a second hash before the sum."""
    assert _swaps_unseen(pg, tmp_path, DIGESTERS[method]) == 0


@pytest.mark.positive_control
def test_without_the_finaliser_swaps_pass_unseen(pg: Dsn, tmp_path: Path) -> None:
    """A bare sum of record hashes is linear by column: with the finaliser switched off most of the same swaps go unnoticed.

    (Of version 2. From version 3 a row's hash is a XOR, of whose sum only the lowest bit is so.)"""
    assert _swaps_unseen(pg, tmp_path, Fast(finalise=lambda record: record, version=2)) > 40


def test_chunks_add_up_to_the_whole(pg: Dsn, tmp_path: Path) -> None:
    """However a table is cut, and in whatever order its rows lie, the digest is the same."""
    made = bench(pg, tmp_path, "cut").make("CREATE TABLE t AS SELECT n, md5(n::text) m FROM generate_series(1, 3000) n")
    with reading(made.dsn) as connection:
        table = read_objects(connection).tables[0]
        for digester in DIGESTERS.values():
            whole = digester.digest(connection, Chunk(table, None, None))
            cuts = [Chunk(table, first, first + 3) for first in range(0, 18, 3)] + [Chunk(table, 18, None)]
            parts = [digester.digest(connection, cut) for cut in cuts]
            assert sum((p.rows for p in parts), 0) == whole.rows == 3000
            assert len([p for p in parts if p.rows]) > 5
            assert sum(parts, Tally()).sum % MODULUS == whole.sum % MODULUS
    first = made.prove()
    made.execute("CREATE TABLE u AS TABLE t ORDER BY m; DROP TABLE t; ALTER TABLE u RENAME TO t")
    assert made.prove()["tables"] == first["tables"]
    made.drop()


@pytest.mark.parametrize("version", range(1, proof.VERSION))
def test_a_proof_is_made_again_in_the_version_that_a_set_bears(pg: Dsn, tmp_path: Path, version: int) -> None:
    """An upgrade of dr must not leave the sets of the release before it unprovable: their digests are made as they were made then."""
    made = bench(pg, tmp_path, "older").make(
        "CREATE TABLE t AS SELECT n, n::int8 AS m, now() AS at, NULL::text AS x FROM generate_series(1, 9) n"
    )
    older, same, newer = (_prove(made, None, made.schema(), one) for one in (version, version, proof.VERSION))
    assert (older["version"], newer["version"], _prove(made, None, made.schema(), proof.VERSION + 7)["version"]) == (version, 3, 3)
    assert proof.compare(older, same)[0] == []
    assert older["tables"] != newer["tables"]
    made.execute("UPDATE t SET m = 9 - m")
    assert [d.name for d in proof.compare(older, _prove(made, None, made.schema(), version))[0]] == ["public.t"]
    made.drop()


_FIXED = (
    "SELECT n, n::int2 AS two, n::int8 * 7 AS eight, n % 2 = 0 AS even, 'v' || n AS v, n::text::bytea AS raw, n / 7.0 AS part, "
    "timestamp '2026-11-01' + n * interval '1 s' AS at, date '2026-11-01' + n AS day, md5(n::text)::uuid AS id, NULL::text AS none "
    "FROM generate_series(1, 9) n"
)
_SUMS = {1: -9075571229736557035, 2: -10995800103074744202, 3: -27652714507233974265}


def test_what_a_version_makes_never_changes(pg: Dsn, tmp_path: Path) -> None:
    """Whatever the server and the release: the sums of the same rows, as they were when the version was new."""
    made = bench(pg, tmp_path, "fixed").make(f"CREATE TABLE t AS {_FIXED}")
    with reading(made.dsn) as connection:
        (table,) = read_objects(connection).tables
        found = {version: Fast(version=version).digest(connection, Chunk(table, None, None)).sum for version in _SUMS}
    made.drop()
    assert found == _SUMS


def test_swaps_among_many_numbers_are_seen(pg: Dsn, tmp_path: Path) -> None:
    """So many int4 in one table are hashed as one array: between two rows, between two columns, and a NULL that moves."""
    names = [f"c{n}" for n in range(12)]
    listed = ", ".join(f"n * {number + 3} AS {name}" for number, name in enumerate(names))
    made = bench(pg, tmp_path, "numbers").make(f"CREATE TABLE t AS SELECT n, {listed} FROM generate_series(1, 6) n")
    swap = "UPDATE public.t SET {0} = u.{0} FROM public.t u WHERE (t.n, u.n) IN ((1, 2), (2, 1))"
    beside = [f"UPDATE public.t SET {a} = {b}, {b} = {a} WHERE n = 4" for a, b in pairwise(names)]
    gone = [f"UPDATE public.t SET {name} = NULL WHERE n = 3" for name in names]
    with connect(made.dsn) as connection:
        pin(connection)
        (table,) = read_objects(connection).tables
        assert "hash_array_extended" in Fast().statement(Chunk(table, None, None))
        unseen = _unnoticed(connection, table, Fast(), [*(swap.format(name) for name in names), *beside, *gone])
    made.drop()
    assert unseen == []


def test_the_snapshot_is_what_is_digested(pg: Dsn, tmp_path: Path) -> None:
    """Rows that come and go while the proof is made are not in it: it is of the dump's own snapshot."""
    made = bench(pg, tmp_path, "moving").make("CREATE TABLE t AS SELECT n FROM generate_series(1, 10) n")
    still, text = made.prove()["tables"], made.schema()
    with reading(made.dsn) as holder:
        name = export(holder)
        made.execute("DELETE FROM t WHERE n < 5; INSERT INTO t VALUES (77)")
        seen = _prove(made, name, text)["tables"]
    assert seen == still
    assert made.prove()["tables"] != still
    with pytest.raises(Failed) as gone:
        _prove(made, name, text)
    assert str(gone.value) == (
        f"the exported snapshot could not be taken over ({'22023' if _major(pg) < 17 else '42704'})\n"
        "   HINT: the transaction that exported it must stay open until the proof is made"
    )
    made.drop()


def _prove(made: Bench, snapshot: str | None, text: bytes, version: int = proof.VERSION) -> dict[str, object]:
    return proof.prove_database(
        made.dsn,
        snapshot=snapshot,
        key=KEY,
        workers=2,
        stop=threading.Event(),
        progress=lambda what, done, total: None,
        method="fast",
        schema_sql=text,
        version=version,
    )


class _Endless(Fast):
    """A digester whose query takes a minute."""

    def statement(self, chunk: Chunk) -> str:
        return f"SELECT count(*), pg_sleep(60)::text {chunk.source}"


def test_a_stop_ends_the_queries_at_once(pg: Dsn, tmp_path: Path) -> None:
    """A cancelled step leaves no digest running on production."""
    made = bench(pg, tmp_path, "stopped").make("CREATE TABLE t AS SELECT 1 AS a")
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Stopped):
        proof.prove_with(_Endless(), made.dsn, None, KEY, 2, stop, lambda what, done, total: None, made.schema())
    assert time.monotonic() - begun < 10
    with connect(made.dsn) as connection:
        left = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%'").fetchone()
    assert left == (1,), "only this question itself speaks of it"
    made.drop()


def test_a_table_that_cannot_be_read_is_named_without_the_servers_words(pg: Dsn, tmp_path: Path) -> None:
    """Promise 7: an error's detail may quote a row, so only the table and the SQLSTATE are told."""
    made = bench(pg, tmp_path, "broken").make("CREATE TABLE t AS SELECT 'client data' AS a")
    broken = Fast(finalise=lambda record: "a::int8")
    with pytest.raises(Failed) as failed:
        made.prove_with(broken)
    assert str(failed.value) == "table public.t could not be read (SQLSTATE 22P02)"
    made.drop()
