"""Decoding a whole set: a tar stream is walked to its end, and what is wrong with one artifact does not hide the next."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO, cast

import pytest

from dr.errors import Damaged
from dr.model.ports import OpenSet
from dr.stream.decode import decode_set
from tests.support.stream_context import StreamContext
from tests.support.stream_tars import noise, tar_of

pytestmark = pytest.mark.unit
WHOLE = tar_of({"one": noise(30_000, 1), "two": noise(7, 2)})


@dataclass
class Reader:
    """One artifact whose parts are as given."""

    name: str
    data: bytes
    problem: str = ""

    @property
    def artifact(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.name, plain=len(self.data))

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        if self.problem:
            raise Damaged(self.problem)
        yield io.BytesIO(self.data)


def decoded(*readers: Reader) -> tuple[int, list[str]]:
    return decode_set(cast("OpenSet", SimpleNamespace(artifacts=lambda: list(readers))), StreamContext().step)


def test_a_whole_archive_is_counted_and_nothing_is_said() -> None:
    assert decoded(Reader("a", WHOLE), Reader("b", WHOLE)) == (2 * len(WHOLE), [])


@pytest.mark.parametrize(
    "data", [WHOLE[:-10240], WHOLE[:700], b"", b"x" * 2048, WHOLE + b"x" * 512], ids=["cut", "short", "none", "not", "on"]
)
def test_what_is_no_whole_archive_is_said_and_the_next_is_read_all_the_same(data: bytes) -> None:
    read, wrong = decoded(Reader("broken", data), Reader("b", WHOLE))
    assert read == len(WHOLE)
    assert [line.partition(": ")[0] for line in wrong] == ["broken"]


def test_a_part_that_cannot_be_decoded_is_named() -> None:
    told = "repository 'online': set 20261122T070000Z-7f3a9c: a/000003.zst.age: its zstd frame is broken"
    assert decoded(Reader("a", b"", told))[1] == ["a/000003.zst.age: its zstd frame is broken"]
