"""Frames: what was packed is read, however it arrives; what is no frame is not."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.errors import Failed
from dr.wire import frames
from dr.wire.frames import MOST, Kind
from dr.wire.pipes import CHUNK

pytestmark = pytest.mark.unit
FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=300)), max_size=8)


class Dribbling(io.BytesIO):
    """Gives a few bytes at a time, as a network does."""

    def __init__(self, data: bytes, pieces: list[int]) -> None:
        super().__init__(data)
        self._pieces, self._turn = pieces, 0

    def read1(self, size: int | None = -1, /) -> bytes:
        self._turn += 1
        return super().read1(min(size or 0, self._pieces[self._turn % len(self._pieces)]))


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_what_was_packed_is_read_however_it_is_split(sent: list[tuple[Kind, int, bytes]], pieces: list[int]) -> None:
    stream = Dribbling(b"".join(frames.pack(*one) for one in sent), pieces)
    signs: list[None] = []
    found = [frames.read(stream, lambda: signs.append(None)) for _ in sent]
    assert found == sent
    assert frames.read(stream) is None
    assert len(signs) >= len(sent)  # every piece that comes is a sign of life, a large frame's middle too


@given(st.binary(min_size=1, max_size=200), st.integers(1, 208))
def test_half_a_frame_is_an_end(payload: bytes, kept: int) -> None:
    """A cut link never yields half a message."""
    whole = frames.pack(Kind.CALL, 1, payload)
    assert frames.read(io.BytesIO(whole[: min(kept, len(whole) - 1)])) is None


@pytest.mark.parametrize(
    "head",
    [
        struct.pack(">BII", Kind.CALL, 1, MOST + 1),
        struct.pack(">BII", Kind.REPLY, 1, 2**32 - 1),
        struct.pack(">BII", Kind.UP, 1, CHUNK + 1),
        struct.pack(">BII", Kind.DOWN, 1, CHUNK + 1),
        struct.pack(">BII", 0, 1, 0),
        struct.pack(">BII", 11, 1, 0),
        b"Welcome to standby.example!\n",
    ],
)
def test_what_is_no_frame_is_said_before_its_payload_is_read(head: bytes) -> None:
    """A giant length takes no memory, and a banner is named as what it is."""
    with pytest.raises(Failed) as caught:
        frames.read(io.BytesIO(head))
    assert caught.value.message == "the other side does not speak dr's language"
    assert caught.value.hint == "something there prints before dr does: see that login's profile"


@pytest.mark.positive_control
def test_the_largest_frames_are_read() -> None:
    assert frames.read(io.BytesIO(frames.pack(Kind.UP, 1, bytes(CHUNK)))) == (Kind.UP, 1, bytes(CHUNK))


@pytest.mark.parametrize("payload", [b"", b"[]", b"3", b"nothing", b"\xff", b"[" * 100_000])
def test_a_message_is_an_object(payload: bytes) -> None:
    with pytest.raises(Failed, match="a message that is none"):
        frames.message(payload)
