"""Names on record, for a shell that completes them: read at once with the standard library alone, newest first, never written.

Nothing here waits, upgrades or repairs; whoever asks takes an error for silence.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

MOST = 200
"""How many of the newest names are given."""
_WAIT = 0.2
"""Seconds for a lock that another process holds."""


def runs(catalog: Path) -> list[str]:
    """Raises sqlite3.Error where there is no catalog that can be read."""
    return _names(catalog, "SELECT run FROM runs ORDER BY started DESC LIMIT ?")


def sets(catalog: Path) -> list[str]:
    """Sets of which a copy is on record. Raises sqlite3.Error."""
    return _names(catalog, "SELECT DISTINCT set_id FROM copies ORDER BY set_id DESC LIMIT ?")


def _names(catalog: Path, statement: str) -> list[str]:
    with closing(sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT)) as connection:
        return [row[0] for row in connection.execute(statement, (MOST,))]
