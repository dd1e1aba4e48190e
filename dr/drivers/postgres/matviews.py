"""Materialized views of a dump, refreshed apart from the load: one whose rows a drill cannot reach does not take the rest with it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.names import shown
from dr.errors import Failed

_REFRESH = re.compile(rb"\d+; \d+ \d+ MATERIALIZED VIEW DATA ")
"""An entry of pg_restore's list: pg_dump makes one for each view that was populated."""
_IDENTIFIER = rb'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
_STATEMENT = re.compile(rb"^REFRESH MATERIALIZED VIEW (" + _IDENTIFIER + rb"\." + _IDENTIFIER + rb");$", re.M)
_UNFILLED = """
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) name) AND c.relkind = 'm' AND NOT c.relispopulated
 ORDER BY n.nspname, c.relname
"""
Tool = Callable[[Sequence[str]], None]
"""Runs pg_restore with these words. Raises Failed."""


@dataclass(frozen=True)
class Contents:
    """pg_restore's list of a dump, in two: what is loaded first, and the views that are refreshed when everything else is there."""

    load: Path
    refresh: Path
    views: tuple[bytes, ...]
    """As SQL names them, in the database's own encoding."""


def divide(folder: Path, tool: Tool) -> Contents | None:
    """None for a dump without populated views. Writes its lists into the dump's own folder. Raises Failed."""
    whole, load, refresh, text = (folder / f"dr-{name}" for name in ("whole.list", "load.list", "refresh.list", "refresh.sql"))
    tool(["--list", "--create", f"--file={whole}", str(folder)])  # without `--create` the database's own grants and comment are not listed
    lines = whole.read_bytes().split(b"\n")
    chosen = [line for line in lines if _REFRESH.match(line)]
    if not chosen:
        return None
    load.write_bytes(b"\n".join(line for line in lines if not _REFRESH.match(line)))
    refresh.write_bytes(b"\n".join(chosen) + b"\n")
    tool([f"--use-list={refresh}", f"--file={text}", str(folder)])
    views = tuple(_STATEMENT.findall(text.read_bytes()))
    if len(views) != len(chosen):
        raise Failed(f"pg_restore lists {len(chosen)} materialized views and refreshes {len(views)}")
    return Contents(load, refresh, views)


def unfilled(connection: Connection, views: Sequence[bytes]) -> list[str]:
    """Which of these views hold nothing, as people read their names."""
    connection.execute("SELECT pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding(), false)")
    names = [view.decode(connection.info.encoding, "backslashreplace") for view in views]
    rows = connection.execute(_UNFILLED, (names,)).fetchall()
    return [shown(*row) for row in rows]
