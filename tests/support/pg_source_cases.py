"""One prepared thing to back up for each kind of source, as the contract suite wants it."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.drivers.postgres.needle import read_needles
from dr.model.base import JsonObject
from dr.model.places import NEEDLE
from dr.model.ports import CaptureRequest, Source, WritableHost
from dr.sources import files
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support import pg_world
from tests.support.host_files import FileHost, Site
from tests.support.pg_world import PgStep
from tests.support.postgres import server


@dataclass
class SourceCase:
    """`content` and `needles` read the original (None) or what a restore brought up (its facts)."""

    source: Source
    step: PgStep
    request: Callable[[str | None], CaptureRequest]
    standby: Callable[[Path], AbstractContextManager[WritableHost]]
    """With a fresh, claimed place below the folder."""
    content: Callable[[JsonObject | None], Any]
    needles: Callable[[JsonObject], list[str]]


Make = Callable[[Path], AbstractContextManager[SourceCase]]


@contextlib.contextmanager
def postgres_logical(root: Path) -> Iterator[SourceCase]:
    with server(root / "source", major=18) as dsn:
        with connect(dsn) as connection:
            connection.execute("CREATE DATABASE hmis")
        with connect(dsn.at("hmis")) as connection:
            connection.execute("CREATE TABLE public.clients AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 1000) g")

        def at(places: JsonObject | None) -> Dsn:
            return (dsn_of(places) if places else dsn).at("hmis")

        yield SourceCase(
            source=PostgresLogicalSource(),
            step=pg_world.step_for(dsn, root),
            request=lambda needle: pg_world.request(PostgresLogical(), needle=needle),
            standby=pg_world.standby,
            content=lambda places: _clients(at(places)),
            needles=lambda places: read_needles(at(places)),
        )


def _clients(dsn: Dsn) -> list[tuple[Any, ...]]:
    with connect(dsn) as connection:
        return connection.execute("SELECT id, name FROM public.clients ORDER BY id").fetchall()


@contextlib.contextmanager
def file_set(root: Path) -> Iterator[SourceCase]:
    site = Site(root)
    (site.root / "folder").mkdir(parents=True)
    (site.root / "folder" / "plain").write_bytes(bytes(range(256)) * 100)
    (site.root / "link").symlink_to("folder/plain")
    yield SourceCase(
        source=files.SOURCE,
        step=site.step,
        request=site.request,
        standby=lambda folder: contextlib.nullcontext(cast("WritableHost", FileHost(folder))),
        content=lambda places: _tree(Path(places["path"]) if places else site.root),
        needles=lambda places: [(Path(places["path"]) / NEEDLE).read_text()],
    )


def _tree(root: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: data for name, data in found.items() if name != NEEDLE}


CASES = [
    pytest.param(postgres_logical, id="postgres_logical"),
    pytest.param(file_set, id="files"),
]
