"""A dump in the clear lies in a private folder, which is gone afterwards; nothing is taken apart for a server that cannot be made."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import pytest

from dr.drivers.postgres.tar import TarWriter
from dr.errors import Damaged, Failed, Stopped
from dr.model.backup import Artifact, ArtifactIndex
from dr.model.base import ByteCount, SourceName
from dr.model.ports import ArtifactReader, StepContext
from dr.sources.postgres_meter import Meter
from dr.sources.postgres_staging import unpacked
from tests.support.pg_world import PgStep

pytestmark = pytest.mark.unit
MEBIBYTE = 2**20


@dataclass
class Counted:
    """A dump of one database, and how much of it was asked for."""

    data: bytes
    given: int = 0

    artifact = Artifact(
        name="database-00",
        kind="postgres_logical",
        source=SourceName("database"),
        instant=datetime(2026, 11, 22, 7, tzinfo=UTC),
        identity={},
        plain=ByteCount(1),
        parts=(),
    )
    index = ArtifactIndex(plain=(), content={})

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        counted, inner = self, io.BytesIO(self.data)

        class Stream(io.RawIOBase):
            def read(self, size: int = -1, /) -> bytes:
                data = inner.read(size)
                counted.given += len(data)
                return data

        yield cast("IO[bytes]", Stream())


def dump(name: str = "hmis", size: int = 10) -> Counted:
    out = bytearray()
    writer = TarWriter(out.extend)
    writer.data("database.json", json.dumps({"name": name}).encode())
    writer.data("dump/1.dat", bytes(size))
    writer.data("dump/toc.dat", b"toc")
    writer.close()
    return Counted(bytes(out))


def server(outcome: object = None) -> "Future[Any]":
    """Made, or why not."""
    future: Future[Any] = Future()
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future


def unpack(place: Path, reader: Counted, made: "Future[Any]", step: PgStep) -> Iterator[Path]:
    meter = Meter(cast("StepContext", step), {"hmis": (1, 1)})
    with unpacked(place, cast("ArtifactReader", reader), "hmis", meter, made, step.check_stop) as folder:
        yield folder


def test_a_dump_lies_in_a_private_folder_while_it_is_loaded(tmp_path: Path) -> None:
    """Nobody else reads it, and it is gone as soon as it was loaded; that the server is still in the making stops nothing."""
    for folder in unpack(tmp_path, dump(), Future(), PgStep(tmp_path, {})):
        assert sorted(path.name for path in folder.iterdir()) == ["1.dat", "toc.dat"]
        assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    assert list((tmp_path / "staging").iterdir()) == []


def test_no_dump_is_taken_apart_for_a_server_that_cannot_be_made(tmp_path: Path) -> None:
    """What is wrong with the server is said as it is, at once: not after all of a large dump, and not as the artifact's fault."""
    large = dump(size=40 * MEBIBYTE)
    with pytest.raises(Failed, match=r"^PostgreSQL did not start$"):
        next(unpack(tmp_path, large, server(Failed("PostgreSQL did not start")), PgStep(tmp_path, {})))
    assert large.given < 4 * MEBIBYTE
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.positive_control
def test_with_a_server_all_of_it_is_read(tmp_path: Path) -> None:
    """The twin: the same dump, read to its end."""
    large = dump(size=40 * MEBIBYTE)
    assert [folder.name for folder in unpack(tmp_path, large, server(), PgStep(tmp_path, {}))] == ["database-00"]
    assert large.given == len(large.data)


def test_whatever_ends_it_no_dump_is_left(tmp_path: Path) -> None:
    """A damaged dump, another database's, a stop: the folder goes, and damage names the artifact."""
    cut = dump()
    cut.data = cut.data[:1024]
    for reader in (cut, dump("another")):
        with pytest.raises(Damaged, match=r"^database-00: "):
            next(unpack(tmp_path, reader, server(), PgStep(tmp_path, {})))
        assert list((tmp_path / "staging").iterdir()) == []
    step = PgStep(tmp_path, {})
    step.stop.set()
    with pytest.raises(Stopped):
        next(unpack(tmp_path, dump(), server(), step))
    assert list((tmp_path / "staging").iterdir()) == []
