"""A stream that outlives its lines: what is written comes, once and in order, however often the line breaks."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import IO, cast

import pytest

from dr.errors import DrError, Failed, Unreachable
from dr.wire.lasting import MOST, Lasting
from dr.wire.lines import LONGEST, Line, Pipes
from dr.wire.link import Call, Link
from tests.support.patience import LONG


@dataclass
class Side:
    """One end, and the lines that wait for it."""

    lines: "SimpleQueue[Callable[[int], Line] | DrError]" = field(default_factory=SimpleQueue)
    stream: Lasting = field(init=False)

    def begin(self, line: Line, silence: float) -> Lasting:
        self.stream = Lasting(line, silence, self.renew)
        return self.stream

    def renew(self, taken: int) -> Line:
        found = self.lines.get(timeout=LONG)
        if isinstance(found, DrError):
            raise found
        return found(taken)


def line(taken: int = 0) -> tuple[Pipes, Pipes]:
    """Both ends of one."""
    (near_in, far_out), (far_in, near_out) = os.pipe(), os.pipe()
    return Pipes(near_in, near_out, taken), Pipes(far_in, far_out, taken)


@dataclass
class Network:
    """Two sides, and the line between them that may be cut."""

    one: Side
    other: Side
    now: tuple[Pipes, Pipes]
    cuts: int = 0

    def cut(self) -> None:
        """Both ends are told, and meet again over a new one."""
        self.cuts += 1
        meeting = _Meeting()
        before, self.now = self.now, meeting.ends
        self.one.lines.put(meeting.near)
        self.other.lines.put(meeting.far)
        for end in before:
            end.close()


class _Meeting:
    """A new line: each side says what it has, and learns what the other has."""

    def __init__(self) -> None:
        self.ends = line()
        self._said: dict[str, int] = {}
        self._both = threading.Barrier(2)

    def near(self, taken: int) -> Line:
        return self._meet("near", taken, self.ends[0], "far")

    def far(self, taken: int) -> Line:
        return self._meet("far", taken, self.ends[1], "near")

    def _meet(self, me: str, taken: int, end: Pipes, other: str) -> Line:
        self._said[me] = taken
        self._both.wait(LONG)
        end.taken = self._said[other]
        return end


@contextmanager
def network(silence: float = 30.0) -> Iterator[Network]:
    made = Network(Side(), Side(), line())
    made.one.begin(made.now[0], silence)
    made.other.begin(made.now[1], silence)
    try:
        yield made
    finally:
        for side in (made.one, made.other):
            side.lines.put(Unreachable("the test is over"))
            side.stream.end(0.0)


def read_all(stream: Lasting, length: int, during: Callable[[int], None] = lambda _: None) -> bytes:
    found = bytearray()
    while len(found) < length:
        found += stream.read1(LONGEST)
        during(len(found))
    return bytes(found)


def only_reads(stream: Lasting) -> None:
    """As a link does to which nothing is said: it sees the line break."""
    with pytest.raises(DrError):
        stream.read1()


def write_all(stream: Lasting, data: bytes, piece: int) -> threading.Thread:
    def write() -> None:
        for start in range(0, len(data), piece):
            stream.write(data[start : start + piece])

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("piece", [7, LONGEST])
def test_what_is_written_comes_once_and_in_order_over_lines_that_break(piece: int) -> None:
    """Five cuts, in the middle of frames and of bytes; nothing is missing, nothing comes twice."""
    data = bytes(os.urandom(1 << 10)) * (40 if piece == 7 else 3000)
    due = [len(data) * part // 6 for part in range(1, 6)]
    with network() as net:
        idle = threading.Thread(target=only_reads, args=(net.one.stream,), daemon=True)
        idle.start()  # each side reads, as a link does: that is who sees a line break

        def during(have: int) -> None:
            while due and have >= due[0]:
                due.pop(0)
                net.cut()

        writing = write_all(net.one.stream, data, piece)
        assert read_all(net.other.stream, len(data), during) == data
        writing.join(LONG)
        assert net.cuts == 5


def test_a_call_over_a_link_goes_on_over_the_next_line() -> None:
    """The link above notices nothing: the call is answered, and its callee was asked once."""
    asked: list[str] = []
    with network() as net:

        def serve(call: Call) -> dict[str, object]:
            asked.append(call.verb)
            net.cut()
            return {"got": len(call.inlet.read())}

        def serving(stream: Lasting) -> Link:
            both = cast("IO[bytes]", stream)
            return Link(both, both, serve=serve).start()

        one, other = serving(net.one.stream), serving(net.other.stream)
        with one.upload("send") as outlet:
            outlet.write(b"x" * 3_000_000)
        assert one.submit("more", {"a": 1}) == {"got": 7}
        assert asked == ["send", "more"]
        one.close()
        other.close()


def test_a_line_that_is_silent_is_left_for_another() -> None:
    """Nobody says that it broke: nothing comes, and so it is dead."""
    with network(silence=0.4) as net:
        frozen = net.now
        net.one.stream.write(b"before")
        assert read_all(net.other.stream, 6) == b"before"
        reading = write_all(net.other.stream, b"after", 5)
        held = os.pipe()  # what was one end is read by nobody any more, and says nothing
        for end, kept in zip(frozen, held, strict=True):
            os.dup2(kept, end.fileno())
        meeting = _Meeting()
        net.one.lines.put(meeting.near)
        net.other.lines.put(meeting.far)
        threading.Thread(target=only_reads, args=(net.other.stream,), daemon=True).start()
        assert read_all(net.one.stream, 5) == b"after"
        reading.join(LONG)


@pytest.mark.positive_control
def test_a_line_that_beats_is_kept() -> None:
    """The twin: nothing is written for many times the silence, and the line is the same."""
    with network(silence=0.4) as net:
        later = threading.Timer(1.2, lambda: net.one.stream.write(b"late"))
        later.start()
        threading.Thread(target=only_reads, args=(net.one.stream,), daemon=True).start()
        assert read_all(net.other.stream, 4) == b"late"
        assert net.other.lines.empty()


def test_what_nobody_takes_is_not_kept_without_bound() -> None:
    """Whoever writes waits, and is told when it is over."""
    caught: list[OSError] = []
    with network() as net:

        def write() -> None:
            try:
                while True:
                    net.one.stream.write(b"x" * LONGEST)
            except OSError as error:
                caught.append(error)

        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        writing.join(0.5)
        assert net.one.stream._held <= MOST + 2 * LONGEST
        assert not caught
        net.one.stream.end(0.0)
        writing.join(LONG)
    assert len(caught) == 1


def test_who_asks_on_and_on_and_takes_no_answer_is_left() -> None:
    """A standby that is somebody else's by now fills no memory with what never waits: signs of life, and room for more."""
    near, far = line()
    stream = Side().begin(near, 30.0)

    def take() -> None:
        while far.read() != b"":
            pass

    taking = threading.Thread(target=take, daemon=True)
    taking.start()
    reading = threading.Thread(target=only_reads, args=(stream,), daemon=True)
    reading.start()
    with pytest.raises(BrokenPipeError):
        for _ in range(2 * MOST // 64 + 1):
            stream.write(b"123456789")
    assert stream.over
    reading.join(LONG)
    far.close()
    taking.join(LONG)


def test_the_end_is_told() -> None:
    with network() as net:
        net.one.stream.end(LONG)
        with pytest.raises(Unreachable, match="the link ended"):
            net.other.stream.read1()
        with pytest.raises(BrokenPipeError):
            net.other.stream.write(b"x")


def test_the_end_is_told_over_a_line_that_is_found_only_then() -> None:
    """A cancel while the machine is sought again: what works there is told, and does not wait for half an hour."""
    (near, far), (found, other) = line(), line()
    side = Side()
    stream = side.begin(near, 30.0)
    reading = threading.Thread(target=only_reads, args=(stream,), daemon=True)
    reading.start()
    far.close()
    while not stream.away:
        reading.join(0.01)
    stream.end(0.0)
    side.lines.put(lambda _taken: found)
    reading.join(LONG)
    said = None
    while said is None:
        said = other.read()
    assert said == bytes([3]) + bytes(8)
    other.close()


def test_where_no_other_line_comes_it_is_over() -> None:
    with network() as net:
        net.other.lines.put(Unreachable("nobody came back"))
        for end in net.now:
            end.close()
        with pytest.raises(Unreachable, match="nobody came back"):
            net.other.stream.read1()


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH", b"\x01" + (LONGEST + 1).to_bytes(8), b"\x02" + (7).to_bytes(8)], ids=["words", "more than agreed", "taken"]
)
def test_whatever_a_stranger_says_ends_it(said: bytes) -> None:
    """Never a wait, never more memory than a frame."""
    near, far = line()
    stream = Side().begin(near, 30.0)
    far.write(said, LONG)
    with pytest.raises(Failed):
        stream.read1()
    far.close()


def test_a_side_that_has_less_than_it_said_is_not_believed() -> None:
    """A peer that was begun anew has lost what it took: nothing goes on as if it had not."""
    with network() as net:
        net.one.stream.write(b"kept")
        assert read_all(net.other.stream, 4) == b"kept"
        net.one.lines.put(lambda _taken: line(taken=99)[0])
        for end in net.now:
            end.close()
        with pytest.raises(Failed, match="lost what it had taken"):
            net.one.stream.read1()


def test_a_line_that_was_closed_reads_nothing_of_what_has_its_number_now() -> None:
    """Whoever ends the stream closes the line under its reader; the number may be a database's connection by then."""
    near, far = line()
    number = near.fileno()
    near.close()
    reading, writing = os.pipe()
    os.write(writing, b"another's")
    try:
        os.set_blocking(reading, False)
        assert reading == number, "the number was not given out again, so that this shows nothing"
        assert near.read() == b""
        assert os.read(reading, 100) == b"another's"
    finally:
        far.close()
        os.close(reading)
        os.close(writing)
