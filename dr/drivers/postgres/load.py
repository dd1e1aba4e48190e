"""Databases brought back into a cluster of our own: fast while they load, durable when they are done."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from dr.drivers.postgres import matviews, tools
from dr.drivers.postgres.catalogue import CARRIED
from dr.drivers.postgres.connect import Connection, Dsn, calm_options, connect, conninfo, tool_environment
from dr.drivers.postgres.messages import explain_error, shown
from dr.drivers.postgres.tools import Watch
from dr.errors import DrError, Failed
from dr.model.base import JsonObject
from dr.model.ports import Runner

_DEFAULTS = ("postgres", "template1")
"""Databases that initdb makes; the source's own take their place, or nothing does where the source has none."""


def load_settings() -> dict[str, str]:
    """Settings for the start in which databases are loaded, as options of that start: the next one is durable again.

    Nothing here can be lost by a crash that matters: an unfinished place is wiped, a finished one is synced before it is opened.
    """
    return {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "maintenance_work_mem": f"{_memory_mb()}MB",
        "max_parallel_maintenance_workers": "2",
        "shared_buffers": "256MB",
    }


def reading_settings(major: int) -> dict[str, str]:
    """Options of the start in which what was loaded is proven: nothing that changes what is stored, or what a query gives.

    What was just written lies in the page cache: a session that reads it itself, as up to version 17, takes a sixth less processor time
    than one that hands every read to a worker.
    """
    return {"io_method": "sync"} if major >= 18 else {}


def _memory_mb() -> int:
    """A sixteenth of the machine's memory for each index build, between 64 MB and 1 GB."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(64, min(1024, whole // 16))


def jobs_here() -> int:
    return max(2, min(8, os.cpu_count() or 2))


@dataclass(frozen=True)
class NotRefreshed:
    """Materialized views that could not be filled, and why the first of them could not."""

    views: tuple[str, ...] = ()
    why: str = ""


def restore_database(
    dsn: Dsn,
    name: str,
    folder: Path,
    *,
    runner: Runner,
    pg_restore: str,
    jobs: int,
    major: int,
    watch: Watch,
    loaded: Watch = tools.nothing,
) -> NotRefreshed:
    """Create database `name` as its dump in `folder` says (encoding, locale, owner, settings, ACL) and load it. Raises Failed.

    A database that initdb made is dropped first. `dsn` may name any database but that one. Materialized views are refreshed last, and what
    cannot be (their rows may lie on a server that a drill cannot reach) takes nothing else with it. `loaded` is called before that, if
    there is one: with statistics, a view of a large join is filled in a fraction of the time.
    """
    other = dsn.at("template1" if name == "postgres" else "postgres")
    if name in _DEFAULTS:
        _drop(other, name)
    options = calm_options(writes=True, major=major)

    def tool(words: Sequence[str], what: str = f"database '{shown(name)}' was not restored") -> None:
        with tool_environment(other, options=options) as env:
            tools.run(runner, [pg_restore, "--format=directory", *words], what=what, env=env, watch=watch)

    contents = matviews.divide(folder, tool)
    listed = [f"--use-list={contents.load}"] if contents else []
    tool(["--exit-on-error", "--create", f"--jobs={jobs}", *listed, f"--dbname={conninfo(other.database)}", str(folder)])
    if contents is None:
        return NotRefreshed()
    loaded()
    return _refresh(contents, dsn.at(name), lambda words: tool([f"--jobs={jobs}", *words, str(folder)], "not refreshed"))


def _refresh(contents: matviews.Contents, dsn: Dsn, tool: matviews.Tool) -> NotRefreshed:
    """Without `--exit-on-error`: each is tried."""
    try:
        tool([f"--use-list={contents.refresh}", f"--dbname={conninfo(dsn.database)}"])
    except Failed as error:
        with connect(dsn) as connection:
            left = matviews.unfilled(connection, contents.views)
        if not left:
            raise
        return NotRefreshed(tuple(left), error.message)
    return NotRefreshed()


def database_size(dsn: Dsn, name: str) -> int | None:
    """Bytes that a database takes up now; None where it is not there yet or the server does not say. Leaves no session in it."""
    try:
        with connect(dsn.at("template1" if name == "postgres" else "postgres")) as connection:
            row = connection.execute("SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s", (name,)).fetchone()
    except (psycopg.Error, DrError):
        return None
    return int(row[0]) if row else None


def drop_missing(dsn: Dsn, names: list[str]) -> None:
    """Drop those databases of initdb's that the source does not have. Raises Failed."""
    for name in _DEFAULTS:
        if name not in names:
            _drop(dsn.at(names[0]), name)


def _drop(dsn: Dsn, name: str) -> None:
    try:
        with connect(dsn) as connection:
            if name == "template1":
                connection.execute("ALTER DATABASE template1 IS_TEMPLATE false")
            connection.execute(f"DROP DATABASE {name}")  # a name of _DEFAULTS
    except psycopg.Error as error:
        raise Failed(f"initdb's database '{name}' cannot give way to the source's: {explain_error(error)}") from None


def first_statistics(dsn: Dsn, names: list[str], *, runner: Runner, vacuumdb: str, jobs: int, major: int, watch: Watch) -> None:
    """The first stage of `vacuumdb --analyze-in-stages` for every database: enough for sane plans, in seconds. Raises Failed.

    That program would run all three stages; its first is an ANALYZE with a statistics target of 1, which this is.
    """
    options = calm_options(writes=True, major=major) + " -c default_statistics_target=1 -c vacuum_cost_delay=0"
    for name in names:
        argv = [vacuumdb, "--analyze-only", "--quiet", f"--jobs={jobs}", f"--dbname={conninfo(name)}"]
        with tool_environment(dsn, options=options) as env:
            tools.run(runner, argv, what=f"no statistics for database '{shown(name)}'", env=env, watch=watch)


def carry_settings(connection: Connection, settings: JsonObject) -> list[str]:
    """Give the cluster the source's settings that change what queries give; the names of those that it does not take.

    A set that names any other setting, signed or not, would configure the standby's server: that is refused.
    """
    allowed = {name.lower() for name in CARRIED}
    refused = [str(name) for name in settings if name.lower() not in allowed]
    for name, value in [(name, value) for name, value in settings.items() if name.lower() in allowed]:
        try:
            connection.execute(f"ALTER SYSTEM SET {name} TO '{str(value).replace(chr(39), chr(39) * 2)}'".encode())
        except psycopg.Error:
            refused.append(str(name))
    return refused


def sync(place: Path, *, runner: Runner, watch: Watch) -> None:
    """Make everything on the place's file system durable: it was written with fsync off. Raises Failed."""
    tools.run(runner, ["sync", "--file-system", str(place)], what="the restored files were not synced", env={}, watch=watch)
