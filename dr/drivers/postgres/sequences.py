"""Where sequences stand. They belong to no snapshot, so a dump's own reading lies somewhere between a reading before it and one after."""

from collections.abc import Sequence
from itertools import islice

import psycopg

from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.crew import unreadable
from dr.drivers.postgres.names import literal, qualified, shown
from dr.drivers.postgres.objects import Sequence_
from dr.model.base import JsonObject

_BATCH = 100
Position = list[int]
"""`[last_value, 1 if it was given out]`: comparable in the direction of an ascending sequence."""


def read_positions(connection: Connection, sequences: Sequence[Sequence_]) -> JsonObject:
    """`{name: {"at": position, "step": increment, "cycles": bool}}`."""
    steps = {
        (schema, name): (step, cycles)
        for schema, name, step, cycles in connection.execute(
            "SELECT n.nspname::text, c.relname::text, s.seqincrement, s.seqcycle FROM pg_sequence s"
            " JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        ).fetchall()
    }
    found: JsonObject = {}
    rest = iter(sequences)
    while batch := list(islice(rest, _BATCH)):
        for schema, name, last, called in _read(connection, batch):
            step, cycles = steps[schema, name]
            found[shown(schema, name)] = {"at": [last, int(called)], "step": step, "cycles": cycles}
    return found


def _read(connection: Connection, batch: Sequence[Sequence_]) -> list[tuple[str, str, int, bool]]:
    selects = (
        f"SELECT {literal(s.schema)}::text, {literal(s.name)}::text, last_value, is_called FROM {qualified(s.schema, s.name)}"
        for s in batch
    )
    try:
        return [(str(a), str(b), int(c), bool(d)) for a, b, c, d in connection.execute(" UNION ALL ".join(selects)).fetchall()]
    except psycopg.Error as error:
        raise unreadable("a sequence", error) from None


def judge(expected: JsonObject, found: JsonObject) -> str:
    """What is wrong with a restored position; empty if it lies where the dump can have read it.

    `after` in `expected` is the reading after the dump; without it only a step back is wrong.
    """
    sign = 1 if expected["step"] > 0 else -1
    at, low = _ordered(found["at"], sign), _ordered(expected["at"], sign)
    high = _ordered(expected["after"], sign) if "after" in expected else None
    if high is not None and high < low:  # it went round, or somebody set it back, while the dump ran: between is not known
        return ""
    if at < low and not (high is None and expected["cycles"]):
        return f"behind by {low[0] - at[0]}" if at[0] != low[0] else "behind: its last value counts as not given out"
    if high is not None and at > high:
        return f"ahead by {at[0] - high[0]}" if at[0] != high[0] else "ahead: its last value counts as given out"
    return ""


def _ordered(position: Position, sign: int) -> tuple[int, int]:
    return position[0] * sign, position[1]
