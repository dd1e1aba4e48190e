"""Promise 9 for a database: RESTORE.md followed literally with age, zstd, tar, psql and pg_restore, into a new server."""

import os
import subprocess
from pathlib import Path

import pytest

from dr.drivers.postgres import binaries
from dr.drivers.postgres.connect import Dsn, connect, tool_environment
from dr.model.base import RunId
from tests.integration.test_format1_restore_guide import blocks
from tests.integration.test_format1_sets import World
from tests.support.postgres import server
from tests.support.stream_context import HMIS
from tests.support.stream_tars import filling, tar_of

pytestmark = [pytest.mark.integration, pytest.mark.needs("age", "zstd", "tar", "bash")]

NAME = 'Harbor "HMIS"; $(touch owned)'
SETUP = """
CREATE ROLE caseworker NOLOGIN;
CREATE TABLE public.client (id int PRIMARY KEY, note text);
INSERT INTO public.client SELECT n, 'note ' || n FROM generate_series(1, 500) n;
GRANT SELECT ON public.client TO caseworker;
"""


def tool(name: str) -> str:
    return binaries.find(name, exactly=18)


def dumped(dsn: Dsn, place: Path) -> bytes:
    """A database as the logical source writes it."""
    with tool_environment(dsn) as environment:
        command = [tool("pg_dump"), "-Fd", "-Z0", "-f", str(place)]
        subprocess.run(command, check=True, env={**os.environ, **environment})
    files = {f"dump/{path.name}": path.read_bytes() for path in sorted(place.iterdir())}
    return tar_of({"database.json": b"{}", **files})


def roles(dsn: Dsn) -> bytes:
    with tool_environment(dsn) as environment:
        command = [tool("pg_dumpall"), "--globals-only"]
        done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    return tar_of({"globals.sql": done.stdout})


def database_artifacts(place: Path) -> dict[str, bytes]:
    with server(place / "old") as old:
        with connect(old) as connection:
            connection.execute('CREATE DATABASE "' + NAME.replace('"', '""') + '"')
        with connect(old.at(NAME)) as connection:
            connection.execute(SETUP)
        return {"hmis-00": dumped(old.at(NAME), place / "own"), "hmis-01": dumped(old, place / "first"), "hmis-globals": roles(old)}


def test_a_database_and_the_roles_come_back_by_following_restore_md(tmp_path: Path) -> None:
    """A database of its own with a hostile name, and `postgres` itself, which a new server has already."""
    world = World(tmp_path / "world")
    written = world.sets.write(
        system=HMIS,
        set_id=world.id(),
        run=RunId("r"),
        created=world.ctx.clock.now(),
        to=[world.vault],
        needle=None,
        fill=filling(database_artifacts(tmp_path), kind="postgres_logical", source="hmis"),
        ctx=world.ctx.step,
    )
    with server(tmp_path / "new") as fresh:
        done = follow(world, world.folder("vault", written.manifest.set), fresh, tmp_path)
        assert done.returncode == 0, done.stderr
        with connect(fresh.at(NAME)) as connection:
            query = "SELECT count(*), min(note), has_table_privilege('caseworker', 'public.client', 'SELECT') FROM public.client"
            assert connection.execute(query).fetchone() == (500, "note 1", True)
    assert not list(tmp_path.rglob("owned"))


def follow(world: World, folder: Path, fresh: Dsn, place: Path) -> subprocess.CompletedProcess[str]:
    """In a shell that has PostgreSQL's tools on PATH and is told where the new server is, as the text asks."""
    key = place / "key.txt"
    key.write_text(world.keys.identity() + "\n")
    script = "\n".join(blocks((folder / "RESTORE.md").read_text()))
    with tool_environment(fresh) as environment:
        path = f"{Path(tool('pg_restore')).parent}:{os.environ['PATH']}"
        where = {"PATH": path, "KEY": str(key), "OUT": str(place / "out"), "HOME": str(place), **environment}
        return subprocess.run(["bash"], input=script, cwd=folder, env=where, text=True, capture_output=True, check=False)
