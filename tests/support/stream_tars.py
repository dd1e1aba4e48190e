"""Small, deterministic tar streams, and writing one into a set."""

import io
import random
import tarfile
from collections.abc import Callable, Mapping

from dr.model.base import SourceName
from dr.model.ports import SetWriter
from tests.support.stream_context import NOW


def tar_of(files: Mapping[str, bytes], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def noise(size: int, seed: int) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def contents(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {one.name: found.read() for one in archive if (found := archive.extractfile(one)) is not None}


def filling(tars: Mapping[str, bytes], *, kind: str = "files", source: str = "site") -> Callable[[SetWriter], None]:
    """A source that writes these streams as artifacts."""

    def fill(into: SetWriter) -> None:
        for name, tar in tars.items():
            with into.artifact(name, kind=kind, source=SourceName(source)) as sink:
                for at in range(0, len(tar), 100_000):
                    sink.write(memoryview(tar)[at : at + 100_000])
                sink.describe(instant=NOW, identity={"what": "a test"}, content={"files": len(tar)})

    return fill
