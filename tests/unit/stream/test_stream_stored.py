"""A stored object that is not what was signed is read once more before it is called damaged: what is wrong twice is wrong."""

import hashlib
import io
from collections.abc import Sequence
from typing import IO

import pytest

from dr.errors import Damaged
from dr.model.backup import make_set_id
from dr.model.base import RepositoryName, SetId, SystemName
from dr.stream.stored import read_signed, what_is_wrong
from tests.support.stream_context import HMIS, NOW
from tests.support.stream_memory import MemoryRepository

pytestmark = pytest.mark.unit
SET, PART, DATA = make_set_id(NOW, "aaaaaa"), "site-00/000000.zst.age", b"what was signed"
SIGNED = (HMIS, SET, PART, len(DATA), hashlib.sha256(DATA).hexdigest())


class Erring(MemoryRepository):
    """Each reading gives the next of some bytes; None: the disk says that it cannot."""

    def __init__(self, readings: Sequence[bytes | None]) -> None:
        super().__init__(RepositoryName("online"), "online", organisation="Harbor")
        self.left = list(readings)

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        given = self.left.pop(0)
        return _Unreadable() if given is None else io.BytesIO(given)


class _Unreadable(io.BytesIO):
    def read(self, *_: object) -> bytes:
        raise OSError(5, "Input/output error")

    def readinto(self, *_: object) -> int:
        raise OSError(5, "Input/output error")


WRONG = [(None, "unreadable"), (b"what was SIGNED", "changed"), (b"what was", "cut short, 8 of 15 bytes")]


@pytest.mark.parametrize(("reading", "word"), WRONG)
def test_one_reading_that_erred_is_no_damage(reading: bytes | None, word: str) -> None:
    assert read_signed(Erring([reading, DATA]), *SIGNED) == DATA, word
    assert what_is_wrong(Erring([reading, DATA]), *SIGNED) == ""


@pytest.mark.positive_control
@pytest.mark.parametrize(("reading", "word"), WRONG)
def test_what_is_wrong_twice_is_damage_and_is_not_read_a_third_time(reading: bytes | None, word: str) -> None:
    """The second reading decides: what it says is what is told."""
    repository = Erring([DATA[:-1], reading])
    with pytest.raises(Damaged) as caught:
        read_signed(repository, *SIGNED)
    assert str(caught.value) == f"repository 'online': set {SET}: {PART}: {word}"
    assert what_is_wrong(Erring([DATA[:-1], reading]), *SIGNED) == word


def test_what_was_signed_is_read_once() -> None:
    repository = Erring([DATA])
    assert read_signed(repository, *SIGNED) == DATA
    assert repository.left == []
