"""Digests of rows, independent of their order: a count and a sum over per-row hashes, so chunks may be read in any order and place.

The hash of a row's values is linear by column, or nearly, so that swapping one value between two rows would leave a bare sum unchanged:
it is therefore hashed again before it is summed (`rowhash`). The seeds are public constants, since a secret in SQL would land in server
logs; the secrecy of what is stored comes from the HMAC over the sum.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import blake3

from dr.drivers.postgres import rowhash
from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.names import quoted
from dr.drivers.postgres.objects import Table

Method = Literal["fast", "cryptographic"]
CHUNK_BLOCKS = 2048
BLOCK = 8192
MODULUS = 2**256
"""Of the cryptographic sum, chunk by chunk and over all of them."""


@dataclass(frozen=True)
class Chunk:
    """Blocks `first` to before `beyond` of a table (None: to its end). A table read whole has one chunk from None."""

    table: Table
    first: int | None
    beyond: int | None

    @property
    def blocks(self) -> int:
        return (self.beyond or -(-self.table.size // BLOCK)) - (self.first or 0)

    @property
    def source(self) -> str:
        """`FROM` and `WHERE`: never the rows of inheritance children, which have digests of their own."""
        limits = [f"ctid >= '({self.first},0)'::tid"] if self.first else []
        limits += [f"ctid < '({self.beyond},0)'::tid"] if self.beyond is not None else []
        where = self.table.condition or (f"WHERE {' AND '.join(limits)}" if limits else "")
        return f"FROM ONLY {self.table.sql} {where}"


@dataclass(frozen=True)
class Tally:
    """What chunks add up to."""

    rows: int = 0
    sum: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.rows + other.rows, self.sum + other.sum)


def chunks(table: Table) -> Iterator[Chunk]:
    """Cut by blocks; the last one is open-ended, since a table may have grown since its size was read."""
    total = -(-table.size // BLOCK)
    if table.condition is not None or total <= CHUNK_BLOCKS:
        yield Chunk(table, None, None)
        return
    starts = range(0, total, CHUNK_BLOCKS)
    for first in starts:
        yield Chunk(table, first, None if first == starts[-1] else first + CHUNK_BLOCKS)


class Digester(Protocol):
    """One way to hash a chunk's rows."""

    method: Method
    most_sessions: int
    """How many sessions at once are of use."""

    def digest(self, connection: Connection, chunk: Chunk) -> Tally: ...


class Fast:
    """Hashed and summed inside the server. `version`: of what is hashed; `finalise` is there for the test that shows why it is needed."""

    method: Method = "fast"
    most_sessions = 32

    def __init__(self, finalise: Callable[[str], str] | None = None, version: int = rowhash.VERSION) -> None:
        self._finalise, self._version = finalise or rowhash.finaliser(version), version

    def digest(self, connection: Connection, chunk: Chunk) -> Tally:
        row = connection.execute(self.statement(chunk)).fetchone()
        assert row is not None
        return Tally(int(row[0]), int(row[1]))

    def statement(self, chunk: Chunk) -> str:
        row = rowhash.row_hash(chunk.table.columns, self._version)
        return f"SELECT count(*), coalesce(sum({self._finalise(row)}), 0)::text {chunk.source}"


class Cryptographic:
    """COPY's text, each row hashed with keyed BLAKE3, summed modulo 2^256. `key`: 32 bytes."""

    method: Method = "cryptographic"
    most_sessions = 1
    """Its work is per row in this one process: two threads took 1.6 times as long as COPY, one 1.35 times."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, connection: Connection, chunk: Chunk) -> Tally:
        rows = total = 0
        names = ", ".join(quoted(column.name) for column in chunk.table.columns)
        with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT {names} {chunk.source}) TO STDOUT") as copy:
            for row in copy:  # libpq hands out whole rows
                rows += 1
                total += int.from_bytes(blake3.blake3(row, key=self._key).digest(), "big")
        return Tally(rows, total % MODULUS)
