"""The store underneath: one SQLite file in WAL mode, safe with several processes and threads, upgraded when it is opened."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from dr.catalog.schema import REVISIONS
from dr.errors import Refused, Unreachable

BUSY_SECONDS = 60.0
"""How long a write waits for another process's write. Writes take milliseconds; this is for a machine that swaps."""
_IMMEDIATE = "dr_immediate"


class Store:
    """Transactions on the file. Reads see one snapshot; writes take the write lock at their start, so they never fail half-way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._writing = self._engine.execution_options(**{_IMMEDIATE: True})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Raises Unreachable if the file cannot be read."""
        with self._honest(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Committed durably when the block ends, undone if it raises. Raises Unreachable if the lock or the disk cannot be had."""
        with self._honest(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def _honest(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise Unreachable(
                f"the catalog {self.path} did not answer: {_short(error)}", hint="is the disk full or another process holding it?"
            ) from error

    def snapshot(self, to: Path) -> None:
        """A consistent copy as a new file (0600), made by SQLite itself while others may write. Raises Unreachable."""
        to.touch(mode=0o600)
        raw = self._engine.raw_connection()
        try:
            source = raw.driver_connection
            assert isinstance(source, sqlite3.Connection)
            with closing(sqlite3.connect(to)) as target:
                source.backup(target)
        except sqlite3.OperationalError as error:
            raise Unreachable(f"the catalog {self.path} could not be copied: {error}", hint="is the disk full?") from error
        finally:
            raw.close()

    def upgrade(self) -> None:
        """Bring the tables to this version. Raises Refused if a newer `dr` wrote it, or if it is not a catalog."""
        if self.version() == REVISIONS[-1]:
            return
        with _migrating(self.path):
            if self.version() != REVISIONS[-1]:  # another process may have done it meanwhile
                with self._honest():
                    _migrate(self._engine, self._writing)

    def version(self) -> str | None:
        """The schema version in the file; None for a new one. Raises Refused for one from the future or a foreign file."""
        try:
            with self._engine.begin() as connection:
                tables = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
                if not tables:
                    return None
                if "alembic_version" not in tables:
                    raise _foreign(self.path)
                found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except OperationalError as error:
            raise Unreachable(
                f"the catalog {self.path} did not open: {_short(error)}", hint="check the folder and its permissions"
            ) from error
        except Exception as error:
            if isinstance(getattr(error, "orig", None), sqlite3.DatabaseError):
                raise _foreign(self.path) from error
            raise
        if found is not None and found not in REVISIONS:
            raise Refused(
                f"the catalog {self.path} has schema version {found}; this dr knows versions up to {REVISIONS[-1]}",
                hint="a newer dr wrote it: install that version (or newer) on this machine too",
            )
        return None if found is None else str(found)

    def close(self) -> None:
        self._engine.dispose()


def _foreign(path: Path) -> Refused:
    return Refused(
        f"{path} is not a catalog of dr", hint="make it anew from the repositories, which keeps that file too: dr catalog rebuild"
    )


def _short(error: OperationalError) -> str:
    """SQLite's own words (`database is locked`), never the statement with its values."""
    return str(error.orig)


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own implicit BEGIN leaves DDL outside transactions and takes the write lock too late; we begin ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(_IMMEDIATE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def _migrating(path: Path) -> Iterator[None]:
    """One process upgrades at a time; a killed one lets go."""
    with path.with_name(path.name + ".upgrade-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_new(path: Path) -> None:
    """An empty file (0600). What SQLite keeps beside a database must not be left from one that is gone: where a process still works with
    that one, the two would share its index of the write-ahead log, and neither could read its own. Raises OSError."""
    with _migrating(path):
        if not path.exists():  # another process may have made it meanwhile
            for tail in ("-wal", "-shm"):
                path.with_name(path.name + tail).unlink(missing_ok=True)
            path.touch(mode=0o600)


def _migrate(engine: Engine, writing: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with writing.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
