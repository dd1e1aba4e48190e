"""Links: calls both ways, bytes both ways, errors by their class; a stranger gains nothing, and a loss is told to everybody."""

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr import errors
from dr.errors import DrError, Failed, NotProvablyStandby, Unreachable
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.frames import Kind
from dr.wire.link import Call
from dr.wire.pipes import CHUNK, WINDOW
from tests.support.patience import LONG
from tests.support.wire_pair import pair, stranger

pytestmark = pytest.mark.unit
ROW = "Jane Doe, born 1970-01-01"
TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DrError)]


def echo(call: Call) -> JsonObject:
    return {"verb": call.verb, "args": call.args}


def raising(error: BaseException) -> Callable[[Call], JsonObject]:
    def serve(_call: Call) -> JsonObject:
        raise error

    return serve


def sending(*blocks: bytes) -> Callable[[Call], JsonObject]:
    def serve(call: Call) -> JsonObject:
        for block in blocks:
            call.outlet.write(block)
        return {}

    return serve


class Held:
    """What a frame holds."""


def test_an_error_that_crossed_keeps_nothing_alive() -> None:
    """Else the frames that it went through, and the connection in them, live until somebody collects them: the next step is locked out."""

    def asked() -> "weakref.ref[Held]":
        held = Held()
        with contextlib.suppress(NotProvablyStandby):
            two.asking.call("claim")
        return weakref.ref(held)

    with pair(raising(NotProvablyStandby("no"))) as two:
        gc.disable()
        try:
            assert [asked()() for _ in range(3)] == [None] * 3
        finally:
            gc.enable()


# ---------------------------------------------------------------- between friends


def test_both_sides_ask_at_once() -> None:
    """An answer that needs a question back (a signature, say) is no deadlock."""

    def serve(call: Call) -> JsonObject:
        return {"back": two.answering.call("sign", call.args)}

    with pair(serve, asked=echo) as two:
        assert two.asking.call("claim", {"set": "s"}) == {"back": {"verb": "sign", "args": {"set": "s"}}}


def test_many_calls_are_answered_each_with_its_own() -> None:
    with pair(echo) as two:
        found: dict[int, JsonObject] = {}
        threads = [threading.Thread(target=lambda n=n: found.update({n: two.asking.call("n", {"n": n})})) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert {number: one["args"]["n"] for number, one in found.items()} == {number: number for number in range(20)}


BLOCKS = st.lists(st.binary(max_size=3000), max_size=6)


@given(BLOCKS, st.integers(1, 5000))
@settings(max_examples=25)
def test_bytes_go_up_as_they_were_written(blocks: list[bytes], size: int) -> None:
    """However they are read; the call is answered after them."""
    kept: list[bytes] = []

    def serve(call: Call) -> JsonObject:
        kept.append(b"".join(iter(lambda: call.inlet.read(size), b"")))
        return {}

    with pair(serve) as two, two.asking.upload("up") as outlet:
        for block in blocks:
            outlet.write(block)
    assert kept == [b"".join(blocks)]


@given(BLOCKS, st.integers(1, 5000))
@settings(max_examples=25)
def test_bytes_come_down_as_they_were_written(blocks: list[bytes], size: int) -> None:
    with pair(sending(*blocks)) as two:
        inlet = two.asking.download("down")
        assert b"".join(iter(lambda: inlet.read(size), b"")) == b"".join(blocks)


def test_more_than_the_window_flows() -> None:
    """Room is given back as it is taken up."""
    much = bytes(3 * WINDOW * CHUNK + 1)
    with pair(sending(much)) as two:
        assert two.asking.download("down").read() == much
    kept: list[int] = []

    def serve(call: Call) -> JsonObject:
        kept.append(len(call.inlet.read()))
        return {}

    with pair(serve) as two, two.asking.upload("up") as outlet:
        outlet.write(much)
    assert kept == [len(much)]


def test_an_upload_that_raises_is_taken_over_by_nobody() -> None:
    """A dump that breaks off in the middle must not pass for a whole one."""
    seen: list[DrError] = []

    def serve(call: Call) -> JsonObject:
        try:
            call.inlet.read()
        except DrError as error:
            seen.append(error)
            raise
        return {}

    with pair(serve) as two, pytest.raises(Failed, match="pg_dump broke off"), two.asking.upload("sink") as outlet:
        outlet.write(b"half")
        raise Failed("pg_dump broke off")
    assert [error.message for error in seen] == ["pg_dump broke off"] or seen == []


def test_who_takes_no_more_ends_the_writer() -> None:
    """A full repository is told to the dump that writes to it, not waited for; also where it writes on regardless."""
    with (
        pair(raising(Failed("the repository is full"))) as two,
        pytest.raises(Failed, match="is full"),
        two.asking.upload("sink") as outlet,
    ):
        for _ in range(4 * WINDOW):
            try:
                outlet.write(bytes(CHUNK))
            except Failed:
                continue


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("kind", TREE)
def test_an_error_crosses_as_what_it_is(kind: type[DrError]) -> None:
    """Its class decides on the exit code and on what is tried again."""
    with pair(raising(kind("what", hint="next"))) as two, pytest.raises(DrError) as caught:
        two.asking.call("any")
    assert (type(caught.value), caught.value.message, caught.value.hint) == (kind, "what", "next")


@pytest.mark.parametrize("error", [ValueError(ROW), KeyError(ROW), RuntimeError(ROW), AssertionError(ROW), SystemExit(ROW)])
def test_the_text_of_a_strangers_exception_never_crosses(error: BaseException) -> None:
    """It may hold a row: promise 7. Its name and place do."""
    with pair(raising(error)) as two, pytest.raises(Failed) as caught:
        two.asking.call("any")
    assert ROW not in str(caught.value)
    assert caught.value.message.startswith(f"dr broke there: {type(error).__name__} at dr.wire.link:")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"error": "SystemExit", "message": "m"}, Failed),
        ({"error": "EXIT_DONE", "message": "m"}, Failed),
        ({"error": "__builtins__", "message": "m"}, Failed),
        ({"error": None, "message": "m"}, Failed),
        ({"error": "NotProvablyStandby", "message": "m", "hint": None}, NotProvablyStandby),
    ],
)
def test_only_errors_of_the_tree_are_made_of_what_a_stranger_says(told: JsonObject, kind: type[DrError]) -> None:
    with stranger() as other:
        thread, caught = _asking(other.link.call)
        frames.read(other.hears)
        other.say(frames.pack(Kind.REPLY, 1, _json(told)))
        thread.join(LONG)
    assert [(type(error), error.message) for error in caught] == [(kind, "m")]


def test_what_a_stranger_says_moves_no_cursor() -> None:
    """His words end in a terminal."""
    with stranger() as other:
        thread, caught = _asking(other.link.call)
        frames.read(other.hears)
        other.say(frames.pack(Kind.REPLY, 1, _json({"error": "Failed", "message": "\x1b[2J" + "x" * 9000, "hint": "\x1b]0;t\x07"})))
        thread.join(LONG)
    assert caught[0].message.startswith("\\u001b[2Jxxx")
    assert len(caught[0].message) < 4100
    assert caught[0].hint == "\\u001b]0;t\\u0007"


# ---------------------------------------------------------------- strangers and losses


def _json(value: JsonObject) -> bytes:
    import json

    return json.dumps(value).encode()


def _asking(call: Callable[[str], JsonObject]) -> tuple[threading.Thread, list[DrError]]:
    caught: list[DrError] = []

    def ask() -> None:
        try:
            call("any")
        except DrError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, caught


CALL = b'{"verb": "v", "args": {}}'


def note(args: bytes) -> bytes:
    return frames.pack(Kind.NOTE, 0, b'{"verb": "v", "args": %s}' % args)


@pytest.mark.parametrize(
    "said",
    [
        b"Last login: Sun Nov 22\r\n",
        b"\x01\x00\x00\x00\x01\xff\xff\xff\xff",
        frames.pack(Kind.CALL, 1, b"no json"),
        frames.pack(Kind.CALL, 1, b'{"verb": 1, "args": 3}'),
        note(b"3"),
        note(b'"text"'),
        note(b"[1]"),
        frames.pack(Kind.NOTE, 0, b"{}") + b"garbage and more",
        b"".join(frames.pack(Kind.CALL, number, CALL) for number in range(200)),
        frames.pack(Kind.CALL, 1, CALL) + b"".join(frames.pack(Kind.UP, 1, b"x") for _ in range(WINDOW + 1)),
    ],
    ids=[
        "banner",
        "giant",
        "no json",
        "no arguments",
        "number",
        "text",
        "list",
        "then garbage",
        "a flood of calls",
        "more than the window",
    ],
)
def test_whatever_a_stranger_says_ends_the_link_and_nobody_waits(said: bytes) -> None:
    """Every call under way raises, and so does every later one."""
    never = threading.Event()
    lost = threading.Event()

    def serve(_call: Call) -> JsonObject:
        never.wait(LONG)
        return {}

    with stranger(serve, lost=lost.set) as other:
        thread, caught = _asking(other.link.call)
        other.say(said)
        thread.join(LONG)
        assert lost.wait(LONG)
        assert len(caught) == 1
        assert "silent" not in caught[0].message  # nor was it for want of a sign of life
        with pytest.raises(type(caught[0])):
            other.link.call("later")
        never.set()


@pytest.mark.positive_control
def test_as_much_as_there_is_room_for_ends_nothing() -> None:
    never = threading.Event()

    def serve(_call: Call) -> JsonObject:
        never.wait(LONG)
        return {}

    with stranger(serve) as other:
        other.say(frames.pack(Kind.CALL, 1, CALL) + b"".join(frames.pack(Kind.UP, 1, b"x") for _ in range(WINDOW)))
        other.say(frames.pack(Kind.CALL, 2, CALL))
        never.set()
        kinds = [frames.read(other.hears) for _ in range(2)]
        assert {one[0] for one in kinds if one} <= {Kind.REPLY, Kind.BEAT}
        assert not other.link.over


def test_frames_of_calls_that_nobody_made_are_nothing() -> None:
    """Late answers, and room for what was never sent."""
    with stranger(echo) as other:
        for kind in (Kind.REPLY, Kind.DOWN, Kind.UP_ROOM, Kind.UP, Kind.UP_END, Kind.DOWN_ROOM, Kind.BEAT):
            other.say(frames.pack(kind, 77, b""))
        other.say(frames.pack(Kind.CALL, 5, CALL))
        while (frame := frames.read(other.hears)) and frame[0] is not Kind.REPLY:
            continue
        assert frame is not None
        assert frame[1] == 5


def test_a_frame_of_no_bytes_is_no_end() -> None:
    """A truncated artifact must not pass for a whole one."""
    kept: list[bytes] = []

    def serve(call: Call) -> JsonObject:
        kept.append(call.inlet.read())
        return {}

    with stranger(serve) as other:
        sent = [frames.pack(Kind.UP, 1, piece) for piece in (b"one", b"", b"two")]
        other.say(b"".join([frames.pack(Kind.CALL, 1, CALL), *sent, frames.pack(Kind.UP_END, 1)]))
        while (frame := frames.read(other.hears)) and frame[0] is not Kind.REPLY:
            continue
    assert kept == [b"onetwo"]


def test_a_cut_in_the_middle_of_bytes_is_raised_to_who_reads_and_who_writes() -> None:
    seen: list[DrError] = []
    read = threading.Event()

    def serve(call: Call) -> JsonObject:
        try:
            call.inlet.read()
        except DrError as error:
            seen.append(error)
        read.set()
        return {}

    with stranger(serve) as other:
        other.say(frames.pack(Kind.CALL, 1, CALL) + frames.pack(Kind.UP, 1, b"half"))
        other.says.close()
        assert read.wait(LONG)
        with pytest.raises(Unreachable, match="the link ended"), other.link.upload("up") as outlet:
            outlet.write(b"x")
    assert [error.message for error in seen] == ["the link ended"]


def test_a_silent_peer_is_lost() -> None:
    lost = threading.Event()
    with stranger(silence=0.2, lost=lost.set) as other:
        with pytest.raises(Unreachable, match=r"the link was silent for 0.2 s"):
            other.link.call("any")
        assert lost.is_set()


def test_a_peer_that_must_be_started_first_is_waited_for() -> None:
    """A busy machine takes its time to let us in; what has spoken once may not."""
    with stranger(silence=0.2, first=LONG) as other:
        thread, caught = _asking(other.link.call)
        thread.join(0.6)
        assert not caught
        other.say(frames.pack(Kind.BEAT, 0))
        thread.join(LONG)
    assert [error.message for error in caught] == ["the link was silent for 0.2 s"]


@pytest.mark.positive_control
def test_a_peer_that_beats_is_not_lost() -> None:
    """The twin: each side beats while it waits, so a long restore is no silence."""
    done = threading.Event()

    def serve(_call: Call) -> JsonObject:
        done.wait(1.0)
        return {}

    with pair(serve, silence=0.3) as two:
        assert two.asking.call("long") == {}
        assert two.lost == []


def test_a_note_that_cannot_be_told_hurts_nobody() -> None:
    with stranger() as other:
        other.link.close()
        other.link.note("progress", {"what": "x"})
        assert other.link.over


def test_more_than_a_frame_holds_is_an_error_and_not_a_hang() -> None:
    with pair(lambda _call: {"much": "x" * (frames.MOST + 1)}) as two, pytest.raises(Failed, match="more than the link carries"):
        two.asking.call("any")
