"""The SQL by which the fast digest hashes one row: a number of 64 bits that every value, its column and every NULL have a part in.

Versions 1 and 2 made a record of the values and hashed that. From version 3 every value is hashed where it lies, under a seed of its
column's own, and the hashes are XORed: most of the time had gone into forming the record and taking it apart again. What cannot be
hashed so in SQL on every server goes in arrays, whose elements' hashes are weighed by their place.

A record's hash is linear by column: a value swapped between two rows would leave a sum of such hashes as it was, and a sum of XORs at
least its lowest bit. `finaliser` is what is not linear.
"""

from collections.abc import Callable, Iterator, Sequence

from dr.drivers.postgres.names import quoted
from dr.drivers.postgres.objects import Column

VERSION = 3
"""1, which sets of earlier releases bear and every later release must still make: all but the types that are hashed as they are went
through text, and the bitmap of NULLs was of every column. 2, likewise: numbers of 64 bits went by their bytes."""
ROW_SEED, FINAL_SEED, LAST = 7341921158350217, 5086173409914763, 1497217093
_NULLS_PER_WORD = 31
_ARRAY_FROM = 8
"""So many int4 take less time as one array (measured: 49 of them 13% less; 4 of them 10% more)."""
_BYTEA = 17
_INTEGERS = {16: "{}::int4", 21: "{}::int4", 23: "{}"}
_TEXTS = frozenset({25, 1043})
_UUID = 2950
_SENT = {20: "int8send", 1082: "date_send", 1114: "timestamp_send", 1184: "timestamptz_send"}
"""Types whose own hash folds their 64 bits into 32, or cannot be called by name on every server; their bytes tell all."""


def row_hash(columns: Sequence[Column], version: int) -> str:
    """An expression of type int8, never NULL. `columns` in order of their names: each one's place is its seed."""
    return _older(tuple(columns), version) if version < 3 else _xored(columns)


def finaliser(version: int) -> Callable[[str], str]:
    """What hashes a row's hash again: not linear, so that a sum of it tells whose value is whose."""
    return _by_text if version < 3 else _by_seed


def _by_text(row: str) -> str:
    return f'hashtextextended(({row})::text COLLATE "C", {FINAL_SEED})'


def _by_seed(row: str) -> str:
    """As the seed of a constant's hash, all of whose 64 bits are mixed first: a sixth of the time that its digits took."""
    return f"hashint4extended({LAST}, {row})"


# ---------------------------------------------------------------- version 3


def _xored(columns: Sequence[Column]) -> str:
    return " # ".join(_hashes(columns)) or "0::int8"


def _hashes(columns: Sequence[Column]) -> Iterator[str]:
    """A NULL's hash is its column's seed, which no value has but by a chance of 2^-64; that of what goes as text is told by a bitmap."""
    seeded = list(enumerate(columns, ROW_SEED + 100))
    integers = [(seed, _INTEGERS[c.oid].format(quoted(c.name))) for seed, c in seeded if c.oid in _INTEGERS]
    if len(integers) >= _ARRAY_FROM:
        yield f"hash_array_extended(ARRAY[{', '.join(value for _, value in integers)}], {ROW_SEED})"
    else:
        yield from (_or_null(f"hashint4extended({value}, {seed})", seed) for seed, value in integers)
    yield from (_or_null(f'hashtextextended({quoted(c.name)} COLLATE "C", {seed})', seed) for seed, c in seeded if c.oid in _TEXTS)
    yield from (_or_null(f"uuid_hash_extended({quoted(c.name)}, {seed})", seed) for seed, c in seeded if c.oid == _UUID)
    sent = [f"{_SENT[c.oid]}({quoted(c.name)})" for _, c in seeded if c.oid in _SENT]
    if sent:
        yield f"hash_array_extended(ARRAY[{', '.join(sent)}], {ROW_SEED + 1})"
    binary = [quoted(c.name) for _, c in seeded if c.oid == _BYTEA]
    if binary:
        yield f"hash_record_extended(ROW({', '.join(binary)}), {ROW_SEED + 2})"
    yield from _texts_of_others([(seed, c) for seed, c in seeded if not _is_known(c)])


def _or_null(value: str, seed: int) -> str:
    return f"coalesce({value}, {seed})"


def _is_known(column: Column) -> bool:
    return column.oid in _INTEGERS or column.oid in _TEXTS or column.oid in _SENT or column.oid in (_UUID, _BYTEA)


def _texts_of_others(seeded: Sequence[tuple[int, Column]]) -> Iterator[str]:
    yield from (f"hashtextextended({_text(c)}, {seed})" for seed, c in seeded)
    words = list(_null_words(tuple(c for _, c in seeded)))
    if words:
        yield f"hash_array_extended(ARRAY[{', '.join(words)}], {ROW_SEED + 3})"


# ---------------------------------------------------------------- versions 1 and 2


def _older(columns: tuple[Column, ...], version: int) -> str:
    if version == 1:
        values = [_value_1(column) for column in columns] + list(_null_words(columns))
    else:
        values = [_value_2(column) for column in columns] + list(_null_words(tuple(c for c in columns if not _null_is_told(c))))
    return f"hash_record_extended(ROW({', '.join(values)}), {ROW_SEED})"


def _value_2(column: Column) -> str:
    return f"{column.sender}({quoted(column.name)})" if column.sender else _value_1(column)


def _value_1(column: Column) -> str:
    return quoted(column.name) if column.as_is else _text(column)


def _null_is_told(column: Column) -> bool:
    """Whether the value itself tells a NULL: its hash is 0, which no value of these types has but by a chance of 2^-64.

    Not so where `concat` makes it an empty text, which may be a value too.
    """
    return column.as_is or bool(column.sender)


# ---------------------------------------------------------------- all versions


def _text(column: Column) -> str:
    """Its type's output text: `concat` calls the output function, which a cast to text need not."""
    return f'concat({quoted(column.name)}) COLLATE "C"'


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
