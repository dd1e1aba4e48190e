"""Digests of rows, independent of their order: a count and a sum over per-row hashes, so chunks may be read in any order and place.

A bare sum of `hash_record_extended` is linear by column, so that swapping one value between two rows leaves it unchanged: each row's
hash is therefore hashed again before it is summed. The seeds are public constants, since a secret in SQL would land in server logs; the
secrecy of what is stored comes from the HMAC over the sum.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import blake3

from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.names import quoted
from dr.drivers.postgres.objects import Column, Table

Method = Literal["fast", "cryptographic"]
ROW_SEED, FINAL_SEED = 7341921158350217, 5086173409914763
CHUNK_BLOCKS = 2048
BLOCK = 8192
_NULLS_PER_WORD = 31
FAST_VERSION = 2
"""Of the fast digest, and so of a proof's form. 1, which sets of earlier releases bear and every later release must still make: all but
the types that are hashed as they are went through text, and the bitmap of NULLs was of every column."""
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


def finalised(record_hash: str) -> str:
    """The finaliser: a second hash, which is not linear, over the record's."""
    return f'hashtextextended(({record_hash})::text COLLATE "C", {FINAL_SEED})'


class Fast:
    """Hashed and summed inside the server. `version`: of what is hashed; `finalise` is there for the test that shows why it is needed."""

    method: Method = "fast"
    most_sessions = 32

    def __init__(self, finalise: Callable[[str], str] = finalised, version: int = FAST_VERSION) -> None:
        self._finalise, self._version = finalise, version

    def digest(self, connection: Connection, chunk: Chunk) -> Tally:
        row = connection.execute(self.statement(chunk)).fetchone()
        assert row is not None
        return Tally(int(row[0]), int(row[1]))

    def statement(self, chunk: Chunk) -> str:
        columns = chunk.table.columns
        if self._version == 1:
            values = [_value_1(column) for column in columns] + list(_null_words(columns))
        else:
            values = [_value(column) for column in columns] + list(_null_words(tuple(c for c in columns if not _null_is_told(c))))
        record = f"hash_record_extended(ROW({', '.join(values)}), {ROW_SEED})"
        return f"SELECT count(*), coalesce(sum({self._finalise(record)}), 0)::text {chunk.source}"


def _value(column: Column) -> str:
    return f"{column.sender}({quoted(column.name)})" if column.sender else _value_1(column)


def _value_1(column: Column) -> str:
    """By its own hash, or as its type's output text: `concat` calls the output function, which a cast to text need not."""
    name = quoted(column.name)
    return name if column.as_is else f'concat({name}) COLLATE "C"'


def _null_is_told(column: Column) -> bool:
    """Whether the value itself tells a NULL: its hash is 0, which no value of these types has but by a chance of 2^-64.

    Not so where `concat` makes it an empty text, which may be a value too.
    """
    return column.as_is or bool(column.sender)


def _null_words(columns: tuple[Column, ...]) -> Iterator[str]:
    """The bitmap of NULLs of these columns, 31 to an int4: `concat` makes a NULL an empty text.

    `IS NOT DISTINCT FROM NULL`, since `IS NULL` also holds for a composite value of NULLs.
    """
    for start in range(0, len(columns), _NULLS_PER_WORD):
        bits = (
            f"CASE WHEN {quoted(column.name)} IS NOT DISTINCT FROM NULL THEN {1 << bit} ELSE 0 END"
            for bit, column in enumerate(columns[start : start + _NULLS_PER_WORD])
        )
        yield " | ".join(bits)


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
