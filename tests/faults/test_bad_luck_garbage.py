"""A set that is properly signed, whose dump is garbage all the same: red, the artifact named, nothing left running, nothing quoted."""

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Dsn, connect
from dr.errors import Damaged, DrError, Failed
from dr.model.ports import ArtifactReader
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.pg_world import MemoryReader, MemorySet, PgStep, request, standby, step_for
from tests.support.postgres import server

pytestmark = pytest.mark.fault
SOURCE = PostgresLogicalSource()
CLIENT = "Mortensen-7741"
"""A client's name, which stands in the table and in all the garbage."""
NOISE = f"{CLIENT}\n".encode() * 40
Change = Callable[[bytes], bytes | None]
"""A member's new bytes; None: the member is left out."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemorySet]:
    root = Path(tmp_path_factory.mktemp("garbage"))
    with server(root, major=15) as dsn:
        with connect(dsn) as connection:
            connection.execute("CREATE DATABASE hmis")
        fill(dsn.at("hmis"))
        found = MemorySet()
        SOURCE.capture(request(PostgresLogical()), found.as_writer(), step_for(dsn, root).as_context())
        yield found


def fill(dsn: Dsn) -> None:
    with connect(dsn) as connection:
        connection.execute("CREATE TABLE public.client (id int PRIMARY KEY, name text)")
        connection.execute(f"INSERT INTO public.client SELECT i, '{CLIENT}' FROM generate_series(1, 500) i".encode())


def changed(tar: bytes, change: Mapping[str, Change]) -> bytes:
    """The tar with the members whose names end in such a way changed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new:
        for member in old:
            stream = old.extractfile(member)
            data: bytes | None = stream.read() if stream else b""
            for name, how in change.items():
                if re.search(f"{name}$", member.name) and data is not None:
                    data = how(data)
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return out.getvalue()


def of(name: str, how: Change) -> Callable[[bytes], bytes]:
    return lambda tar: changed(tar, {name: how})


HMIS: Mapping[str, Callable[[bytes], bytes]] = {
    "toc.dat is noise": of("toc.dat", lambda _: NOISE),
    "toc.dat is cut": of("toc.dat", lambda data: data[: len(data) // 2]),
    "toc.dat begins well and goes on as noise": of("toc.dat", lambda data: data[:64] + NOISE),
    "a table's rows are noise": of(r"/\d+\.dat(\.\w+)?", lambda _: NOISE),
    "a table's rows are not there": of(r"/\d+\.dat(\.\w+)?", lambda _: None),
}
GLOBALS: Mapping[str, Callable[[bytes], bytes]] = {
    "cluster.json says nothing": of("cluster.json", lambda _: b"{}"),
    "cluster.json says other things": of(
        "cluster.json", lambda _: b'{"databases": 7, "server_version": [], "pg_dump": "x", "bootstrap": 1}'
    ),
    "cluster.json has a version that is none": of(
        "cluster.json", lambda data: data.replace(b'"server_version": "15', b'"server_version": "x')
    ),
    "cluster.json is noise": of("cluster.json", lambda _: NOISE),
    "globals.sql is noise": of("globals.sql", lambda _: NOISE),
    "globals.sql is bytes": of("globals.sql", lambda _: bytes(range(256)) * 8),
    "globals.sql is lines that are no SQL": of("globals.sql", lambda _: f"{CLIENT} moved;\n".encode() * 9),
}


def artifacts(kept: MemorySet, which: str, how: Callable[[bytes], bytes]) -> tuple[str, list[ArtifactReader]]:
    """The set with one artifact's plain bytes changed, as whoever holds the signing key could; and that artifact's name."""
    made, name = [], ""
    for one in kept.readers():
        reader = cast("MemoryReader", one)
        ours = reader.artifact.name.endswith("-globals") if which == "globals" else reader.index.content.get("database") == which
        name = reader.artifact.name if ours else name
        made.append(MemoryReader(reader.artifact, reader.index, how(reader.data)) if ours else reader)
    return name, cast("list[ArtifactReader]", made)


def restored(readers: list[ArtifactReader], root: Path) -> DrError:
    """What the restore ends with; it must leave no server."""
    with standby(root) as host:
        with pytest.raises(DrError) as caught:
            SOURCE.restore(readers, host, PgStep(root, {}).as_context())
        assert cluster.postmaster(f"{host.place()}/pgdata") is None
        assert not list((Path(host.place()) / "staging").glob("*/*")), "nothing of the dump is left in the clear"
    return caught.value


@pytest.mark.parametrize("case", HMIS)
def test_a_garbage_dump_is_red_and_names_its_artifact(kept: MemorySet, tmp_path: Path, case: str) -> None:
    name, readers = artifacts(kept, "hmis", HMIS[case])
    error = restored(readers, tmp_path)
    assert isinstance(error, Damaged | Failed)
    assert error.message.startswith(f"{name}: ")
    assert CLIENT not in str(error)
    assert error.hint


@pytest.mark.parametrize("case", GLOBALS)
def test_garbage_globals_are_red_and_name_their_artifact(kept: MemorySet, tmp_path: Path, case: str) -> None:
    name, readers = artifacts(kept, "globals", GLOBALS[case])
    error = restored(readers, tmp_path)
    assert isinstance(error, Damaged | Failed)
    assert error.message.startswith(f"{name}: ")
    assert CLIENT not in str(error)
    assert error.hint
