"""What every noun's file builds on."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite import insert

from dr.catalog.store import Store
from dr.clock import Clock


class Noun:
    """Records of one noun: methods that read and write through the shared store."""

    _store: Store
    _clock: Clock


def insert_if_absent(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Whether it was absent."""
    return connection.execute(insert(table).values(**values).on_conflict_do_nothing()).rowcount > 0


def upsert(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert, or replace everything but the primary key."""
    keys = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    connection.execute(insert(table).values(**values).on_conflict_do_update(index_elements=keys, set_=changed))
