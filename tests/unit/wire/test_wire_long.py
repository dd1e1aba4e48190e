"""Long messages cross as bytes, up to what was agreed on; what nobody reads, or takes, keeps nobody waiting."""

import io
import struct
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from dr.errors import DrError, Failed
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.frames import Kind
from dr.wire.link import Call, Link
from dr.wire.pipes import CHUNK, WINDOW
from dr.wire.sender import Sender
from tests.support.patience import LONG
from tests.support.wire_pair import pair, stranger

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

pytestmark = pytest.mark.unit
MANY = 64 * 2**20


def patiently(done: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < LONG
        time.sleep(0.01)


def asking(link: Link) -> tuple[threading.Thread, list[DrError]]:
    """Somebody who calls with a message that no pipe holds."""
    caught: list[DrError] = []

    def ask() -> None:
        try:
            link.call("any", {"much": "x" * 2**20})
        except DrError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, caught


def echo(call: Call) -> JsonObject:
    return {"verb": call.verb, "args": call.args}


def long(call: Call) -> JsonObject:
    return {"files": len(call.long_args(MANY)["files"])}


def test_more_than_a_message_crosses_as_bytes() -> None:
    """What a file set's index says grows with its files."""
    files = {f"site/{number:07}": "0" * 64 for number in range(100_000)}
    with pair(long) as two:
        assert two.asking.submit("prove", {"files": files}) == {"files": len(files)}
    with pair(lambda call: call.reply_long({"files": files})) as two:
        assert two.asking.fetch("listing", most=MANY) == {"files": files}


def test_more_than_was_agreed_on_is_refused_on_either_side() -> None:
    files = {"files": ["x" * 1000] * 2000}
    with pair(lambda call: call.long_args(10**6)) as two, pytest.raises(Failed, match="more than 1000000 bytes as one message"):
        two.asking.submit("prove", files)
    with pair(lambda call: call.reply_long(files)) as two, pytest.raises(Failed, match="more than 1000000 bytes as one message"):
        two.asking.fetch("listing", most=10**6)


def test_what_does_not_fit_is_never_begun() -> None:
    """Else its call would wait for an answer that never comes, for as long as the link lives; and it ends nothing."""
    with pair(echo) as two:
        for _ in range(10):
            with pytest.raises(Failed, match="more than the link carries"):
                two.asking.call("any", {"much": "x" * frames.MOST})
        assert two.asking.call("any") == {"verb": "any", "args": {}}
        assert two.asking.waiting == 0


def test_until_both_know_each_other_a_message_is_short() -> None:
    lost = threading.Event()
    with stranger(lost=lost.set) as other:
        other.link.most = frames.GREETING
        other.say(struct.pack(">BII", Kind.NOTE, 0, frames.GREETING + 1))
        assert lost.wait(LONG)


@pytest.mark.positive_control
def test_afterwards_it_may_be_as_long_as_any() -> None:
    heard = threading.Event()
    with stranger(noted=lambda _verb, _args: heard.set()) as other:
        other.say(frames.pack(Kind.NOTE, 0, b'{"verb": "%s"}' % bytes(frames.GREETING).replace(b"\0", b"x")))
        assert heard.wait(LONG)


def endless(ended: list[str]) -> Callable[[Call], JsonObject]:
    def serve(call: Call) -> JsonObject:
        try:
            for _ in range(20 * WINDOW):
                call.outlet.write(bytes(CHUNK))
        except DrError as error:
            ended.append(error.message)
            raise
        return {}

    return serve


def test_what_is_not_read_to_its_end_keeps_nobody_writing() -> None:
    """Else each such read would hold a thread and its bytes there, and the 65th would end the link."""
    ended: list[str] = []
    with pair(endless(ended)) as two:
        for _ in range(100):
            inlet = two.asking.download("part")
            assert inlet.read(10) == bytes(10)
            inlet.close()
            with pytest.raises(Failed, match="not read to its end"):
                inlet.read(10)
        patiently(lambda: len(ended) == 100)
        assert two.asking.waiting == 0
        assert two.lost == []
    assert set(ended) == {"nobody reads it any more"}


@pytest.mark.positive_control
def test_left_open_they_would_end_the_link() -> None:
    with pair(endless([])) as two:
        kept = [two.asking.download("part") for _ in range(70)]
        patiently(lambda: "answering" in two.lost)
    assert kept


def test_a_peer_that_beats_but_takes_nothing_is_lost() -> None:
    """Its agent is stopped by a debugger, its disk is full: whoever writes to it would wait for ever, with every other call behind it."""
    lost = threading.Event()
    with stranger(silence=0.4, lost=lost.set) as other:
        thread, caught = asking(other.link)
        begun = time.monotonic()
        while not lost.wait(0.05) and time.monotonic() - begun < LONG:
            other.say(frames.pack(Kind.BEAT, 0))
        other.hears.close()  # as ssh's end closes it
        thread.join(LONG)
    assert [error.message for error in caught] == ["the other side took nothing for 0.4 s"]


class Slow(io.BytesIO):
    """Takes ten seconds for each piece, by the sender's clock."""

    now = 0.0

    def write(self, piece: "Buffer") -> int:
        self.waited.append(self.sender.stuck())
        self.now += 10
        self.waited.append(self.sender.stuck())
        return super().write(piece)

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []
        self.sender = Sender(self, lambda: self.now)


@pytest.mark.positive_control
def test_a_slow_peer_is_not_lost() -> None:
    """The twin: it takes a piece of a large message now and then, for longer in all than any silence."""
    slow = Slow()
    slow.sender.send(Kind.CALL, 1, bytes(2**20))
    assert slow.now > 160
    assert max(slow.waited) == 10
    assert slow.sender.stuck() == 0
    assert slow.getvalue() == frames.pack(Kind.CALL, 1, bytes(2**20))
