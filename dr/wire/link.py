"""A link: both sides call and are called at once, over one pair of streams. After a silence it is lost, and everybody is told."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, cast

from dr.errors import DrError, Failed, Unreachable
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.frames import Kind
from dr.wire.pipes import Inlet, Outlet, anew
from dr.wire.sender import Sender
from dr.wire.spelled import as_json, spelled, understood

SILENCE = 30.0
"""Seconds without a sign of life after which a link is dead."""
_AT_ONCE = 64
"""Calls that are answered at once: a peer that asks more is not ours."""


@dataclass
class Call:
    """One call as its callee sees it."""

    verb: str
    args: JsonObject
    inlet: Inlet
    """What the caller sends with it."""
    outlet: Outlet
    """What the caller reads before the reply."""

    def long_args(self, most: int) -> JsonObject:
        """What `submit` sent. Raises Failed where it is more than so many bytes."""
        return frames.message(self.inlet.all(most))

    def reply_long(self, reply: JsonObject) -> JsonObject:
        """The answer to `fetch`; what is left to say in the reply is nothing."""
        self.outlet.write(as_json(reply))
        return {}


@dataclass
class _Pending:
    """One call as its caller sees it."""

    inlet: Inlet
    outlet: Outlet
    over: threading.Event = field(default_factory=threading.Event)
    ok: JsonObject | None = None
    error: DrError | None = None


class Link:
    """`serve` answers a call (in a thread of its own), `noted` takes a note (in the reading thread: quickly), `lost` is told once."""

    def __init__(
        self,
        reader: IO[bytes],
        writer: IO[bytes],
        *,
        serve: Callable[[Call], JsonObject],
        noted: Callable[[str, JsonObject], None] = lambda _verb, _args: None,
        lost: Callable[[], None] = lambda: None,
        silence: float = SILENCE,
        first: float = 0.0,
    ) -> None:
        """`first`: seconds that the other side may take until its first sign of life, where it must be started first."""
        self.silence = silence
        self._first = max(first, silence)
        self.most = frames.MOST
        """Bytes of a message that are taken."""
        self._reader, self._sender = reader, Sender(writer)
        self._serve, self._noted, self._tell_lost = serve, noted, lost
        self._state = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._served: dict[int, Call] = {}
        self._seen = time.monotonic()
        self._met = False
        self._lost: DrError | None = None
        self._over = threading.Event()

    def start(self) -> "Link":
        """Begin to read and to beat: whoever serves must be ready by now."""
        for work in (self._read, self._beat, self._watch):
            threading.Thread(target=work, daemon=True).start()
        return self

    # ------------------------------------------------------------ calling

    def call(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """Ask, and wait for the answer. Raises what the other side raised, Unreachable if the link is lost."""
        return self._finish(self._begin(verb, args))

    def download(self, verb: str, args: JsonObject | None = None) -> Inlet:
        """Ask for bytes; what goes wrong there is raised from `read`. Whoever does not read them to their end closes it."""
        return self._begin(verb, args)[1].inlet

    def submit(self, verb: str, args: JsonObject) -> JsonObject:
        """As `call`, where what is said may be more than a message holds: it is read with `Call.long_args`."""
        begun = self._begin(verb, None)
        begun[1].outlet.write(as_json(args))
        self._send(Kind.UP_END, begun[0])
        return self._finish(begun)

    def fetch(self, verb: str, args: JsonObject | None = None, *, most: int) -> JsonObject:
        """As `call`, where the answer may be more than a message holds, but not than `most` bytes: it is given with `Call.reply_long`."""
        with contextlib.closing(self.download(verb, args)) as inlet:
            return frames.message(inlet.all(most))

    @contextlib.contextmanager
    def upload(self, verb: str, args: JsonObject | None = None) -> Iterator[Outlet]:
        """Send bytes with a call; it is answered when the block ends. A block that raises ends the call with nothing taken over."""
        number, pending = self._begin(verb, args)
        try:
            yield pending.outlet
        except BaseException as error:
            self._send(Kind.UP_END, number, as_json(spelled(error)))
            raise
        self._send(Kind.UP_END, number)
        self._finish((number, pending))

    def note(self, verb: str, args: JsonObject) -> None:
        """Tell without waiting. What cannot be told any more is not: the link's loss is raised where it matters."""
        with contextlib.suppress(DrError):
            self._send(Kind.NOTE, 0, as_json({"verb": verb, "args": args}))

    def close(self) -> None:
        """End it from this side."""
        self._lose(Unreachable("the link was closed"))

    @property
    def over(self) -> bool:
        """Whether it is lost or closed."""
        return self._over.is_set()

    @property
    def waiting(self) -> int:
        """Calls whose end has not come."""
        return len(self._pending)

    def wait(self) -> None:
        """Until it is lost or closed."""
        self._over.wait()

    def _begin(self, verb: str, args: JsonObject | None) -> tuple[int, _Pending]:
        number, said = next(self._numbers), _fitting(as_json({"verb": verb, "args": args or {}}))
        pending = _Pending(
            Inlet(lambda: self._send_quietly(Kind.DOWN_ROOM, number), lambda: self._unread(number)),
            Outlet(lambda data: self._send(Kind.UP, number, data)),
        )
        with self._state:
            if self._lost:
                raise anew(self._lost)
            self._pending[number] = pending
        self._send(Kind.CALL, number, said)
        return number, pending

    def _unread(self, number: int) -> None:
        """Amid anything, also where the state's lock is held: one step of the interpreter, and a frame that waits for nobody."""
        if self._pending.pop(number, None) is not None:
            self._sender.aside(Kind.STOP, number)

    def _finish(self, begun: tuple[int, _Pending]) -> JsonObject:
        _, pending = begun
        pending.over.wait()
        if pending.error:
            raise anew(pending.error)
        return pending.ok or {}

    # ------------------------------------------------------------ being called

    def _answer(self, number: int, call: Call) -> None:
        try:
            reply: JsonObject = {"ok": self._serve(call)}
        except BaseException as error:  # noqa: BLE001 - carried to the caller
            reply = spelled(error)
        with self._state:
            self._served.pop(number, None)
        try:
            self._send(Kind.REPLY, number, as_json(reply))
        except Failed as error:  # more than a frame holds
            self._send_quietly(Kind.REPLY, number, as_json(spelled(error)))
        except DrError:
            return

    # ------------------------------------------------------------ frames

    def _send(self, kind: Kind, number: int, payload: bytes | memoryview = b"") -> None:
        _fitting(payload)
        if self._lost:
            raise anew(self._lost)
        try:
            self._sender.send(kind, number, payload)
        except (OSError, ValueError):
            self._lose(Unreachable("the link broke"))
            raise anew(self._lost or Unreachable("the link broke")) from None

    def _send_quietly(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        with contextlib.suppress(DrError):
            self._send(kind, number, payload)

    def _read(self) -> None:
        why: DrError = Unreachable("the link ended")
        reader = cast("frames.Readable", self._reader)
        try:
            while (frame := frames.read(reader, self._sign_of_life, lambda: self.most)) is not None:
                self._take(*frame)
        except DrError as error:
            why = error
        except (OSError, ValueError):  # the stream was closed under us
            pass
        except Exception as error:  # noqa: BLE001 - whatever a stranger sends ends the link, and never only this thread
            why = Failed(f"the other side sent what is no message ({type(error).__name__})")
        self._lose(why)

    def _sign_of_life(self) -> None:
        self._seen, self._met = time.monotonic(), True

    def _take(self, kind: Kind, number: int, payload: bytes) -> None:
        match kind:
            case Kind.CALL:
                self._called(number, payload)
            case Kind.NOTE:
                told = frames.message(payload)
                self._noted(str(told.get("verb")), dict(told.get("args") or {}))
            case Kind.REPLY | Kind.DOWN | Kind.UP_ROOM:
                self._of_mine(kind, number, payload)
            case Kind.UP | Kind.UP_END | Kind.DOWN_ROOM | Kind.STOP:
                self._of_theirs(kind, number, payload)
            case Kind.BEAT:
                pass

    def _called(self, number: int, payload: bytes) -> None:
        asked = frames.message(payload)
        call = Call(
            str(asked.get("verb")),
            dict(asked.get("args") or {}),
            Inlet(lambda: self._send_quietly(Kind.UP_ROOM, number)),
            Outlet(lambda data: self._send(Kind.DOWN, number, data)),
        )
        with self._state:
            if len(self._served) >= _AT_ONCE:
                raise Failed("the other side asks more at once than anybody of ours")
            self._served[number] = call
        threading.Thread(target=self._answer, args=(number, call), daemon=True).start()

    def _of_mine(self, kind: Kind, number: int, payload: bytes) -> None:
        with self._state:
            pending = self._pending.get(number)
        if pending is None:
            return
        if kind is Kind.DOWN:
            pending.inlet.put(payload)
        elif kind is Kind.UP_ROOM:
            pending.outlet.more_room()
        else:
            told = frames.message(payload)
            self._settle(number, told.get("ok"), understood(told) if "error" in told else None)

    def _of_theirs(self, kind: Kind, number: int, payload: bytes) -> None:
        with self._state:
            call = self._served.get(number)
        if call is None:
            return
        if kind is Kind.UP:
            call.inlet.put(payload)
        elif kind is Kind.DOWN_ROOM:
            call.outlet.more_room()
        elif kind is Kind.STOP:
            call.outlet.end(Failed("nobody reads it any more"))
        else:
            call.inlet.end(understood(frames.message(payload)) if payload else None)

    def _settle(self, number: int, ok: object, error: DrError | None) -> None:
        with self._state:
            pending = self._pending.pop(number, None)
        if pending is None:
            return
        pending.ok, pending.error = (ok if isinstance(ok, dict) else {}), error
        pending.over.set()
        pending.inlet.end(error)
        pending.outlet.end(error or Failed("the other side took no more"))

    # ------------------------------------------------------------ life

    def _beat(self) -> None:
        while not self._over.wait(min(1.0, self.silence / 6)):  # soon, since the silence is agreed on only after we began
            self._send_quietly(Kind.BEAT, 0)

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self.silence / 6)):
            patience = self.silence if self._met else self._first
            if time.monotonic() - self._seen > patience:
                self._lose(Unreachable(f"the link was silent for {patience:g} s"))
            elif self._sender.stuck() > patience:
                self._lose(Unreachable(f"the other side took nothing for {patience:g} s"))

    def _lose(self, why: DrError) -> None:
        with self._state:
            if self._lost:
                return
            self._lost = why
            served, numbers = list(self._served.values()), list(self._pending)
        for number in numbers:
            self._settle(number, None, why)
        for call in served:
            call.inlet.end(why)
            call.outlet.end(why)
        self._over.set()
        self._tell_lost()


def _fitting(payload: bytes | memoryview) -> bytes | memoryview:
    if len(payload) > frames.MOST:
        raise Failed(f"a message of {len(payload)} bytes is more than the link carries")
    return payload
