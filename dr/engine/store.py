"""The engine's own database file: how it is opened, and the one question that is asked of it without starting the engine."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dr.model.base import RunId

if TYPE_CHECKING:
    import sqlalchemy

FILE = "engine.db"
_BUSY_MS = 30_000
_UNDER_WAY = (
    "SELECT workflow_uuid, status, executor_id, application_version FROM workflow_status WHERE status IN ('PENDING','ENQUEUED','DELAYED')"
)


@dataclass(frozen=True)
class UnderWay:
    """A run that is not over: whether somebody has it, who has or last had it, and which engine began it."""

    run: RunId
    waiting: bool
    """In the queue, for whoever is free."""
    executor: str | None
    version: str | None


def open_store(state: Path) -> "sqlalchemy.Engine":
    """The SQLAlchemy engine on `state/engine.db`, in WAL mode from the first connection on."""
    import sqlalchemy as sa

    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sa.create_engine(f"sqlite:///{state / FILE}", pool_size=20, max_overflow=0, pool_timeout=30)
    sa.event.listen(engine, "connect", _prepare)
    return engine


def under_way(state: Path) -> list[UnderWay]:
    """Every run that is not over, oldest first; empty where nothing ever ran."""
    path = state / FILE
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'workflow_status'").fetchone()
        rows = connection.execute(_UNDER_WAY).fetchall() if known else []
    return [UnderWay(RunId(run), status != "PENDING", executor, version) for run, status, executor, version in rows]


def _prepare(connection: Any, _record: Any) -> None:
    """Writers take the lock when they begin and are waited for; every commit is on disk before it counts."""
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    if sqlite3.sqlite_version_info < (3, 42):
        # DBOS asks for unixepoch('subsec'), which SQLite knows since 3.42; before, it gives NULL and the launch fails.
        connection.create_function("unixepoch", -1, _unixepoch)


def _unixepoch(*arguments: object) -> float | int:
    now = time.time()
    return round(now, 3) if "subsec" in arguments else int(now)
