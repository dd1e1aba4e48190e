"""A database's dump in directory format, whose files are handed on as they close and deleted behind it."""

import os
from collections.abc import Callable
from pathlib import Path

from dr.drivers.postgres import messages, tools
from dr.drivers.postgres.connect import Dsn, conninfo, tool_environment
from dr.drivers.postgres.messages import shown
from dr.drivers.postgres.tools import Watch
from dr.errors import Refused
from dr.model.ports import Process, Runner
from dr.units import show_size

EAGER = 4 * 2**20
"""A file of at least so many bytes is handed on as soon as it is closed. Smaller ones come last, by name: the stream cuts its parts
at the same size, so the order in which big ones finish moves no part."""
Emit = Callable[[Path], None]


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raises Refused unless `folder`'s file system has `needed` bytes free."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise Refused(
            f"{what} may take {show_size(needed)} of staging; {show_size(free)} are free",
            hint="make room on the file system of the home's state/staging folder",
        )


def dump(
    dsn: Dsn,
    folder: Path,
    *,
    runner: Runner,
    pg_dump: str,
    snapshot: str,
    encoding: str,
    jobs: int,
    lock_wait: float,
    emit: Emit,
    watch: Watch,
) -> None:
    """Dump what `snapshot` sees of the database into `folder` (made by pg_dump) and give every file to `emit`, which deletes it.

    In the database's own encoding: a conversion could refuse what the server stores. Raises Failed with the masked reason.
    """
    argv = [pg_dump, "--format=directory", "--compress=0", f"--jobs={jobs}", f"--snapshot={snapshot}", f"--encoding={encoding}"]
    argv += ["--no-sync", f"--lock-wait-timeout={int(lock_wait * 1000)}", f"--file={folder}", f"--dbname={conninfo(dsn.database)}"]

    with tool_environment(dsn) as env:
        process = runner.start(argv, env=env)

        def step() -> None:
            watch()
            for path in closed_files(folder, process):
                if path.stat().st_size >= EAGER:
                    emit(path)

        if tools.attend(process, step) != 0:
            raise messages.failed(f"database '{shown(dsn.database)}' was not dumped", "pg_dump", process.stderr_tail())
    for path in sorted(folder.iterdir()):
        watch()
        emit(path)


def schema_sql(dsn: Dsn, folder: Path, *, runner: Runner, pg_dump: str, snapshot: str | None, watch: Watch) -> bytes:
    """The database's definitions, security included, as SQL text in the database's own encoding. Raises Failed.

    With the database's own properties (CREATE DATABASE, ALTER DATABASE), unless its name holds a line end: there pg_dump writes no
    script with `--create`, since psql's `\\connect` could not name it. `folder`: a private one, for a moment.
    """
    file = folder / "schema.sql"
    argv = [pg_dump, "--schema-only", "--no-sync", f"--file={file}", f"--dbname={conninfo(dsn.database)}"]
    argv += [] if set(dsn.database) & set("\r\n") else ["--create"]
    argv += [f"--snapshot={snapshot}"] if snapshot else []
    with tool_environment(dsn) as env:
        tools.run(runner, argv, what=f"the schema of database '{shown(dsn.database)}' was not read", env=env, watch=watch)
    text = file.read_bytes()
    file.unlink()
    return text


def closed_files(folder: Path, process: Process) -> list[Path]:
    """The dump's files that no process of pg_dump has open any more; they are never opened again.

    First the folder is listed, then the processes, then what they have open: a file that was listed and is not open was closed.
    Nothing, if that cannot be known here.
    """
    try:
        files = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".dat") and entry.name != "toc.dat")
        busy = {target for pid in _family(process.pid) for target in _open_files(pid)}
    except OSError:
        return []
    return [path for path in files if str(path.resolve()) not in busy]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(int(child) for child in children)]


def _open_files(pid: int) -> list[str]:
    """Raises OSError if the process may not be looked at; one that ended meanwhile has nothing open."""
    found = []
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(entry.path))  # noqa: PTH115 - a Path would resolve `pipe:[1]`
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        return []
    return found
