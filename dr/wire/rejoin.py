"""A link to work on another machine that goes on while the line is cut: the line is sought again, and the work taken up where it is.

The work is a *unit* of the `dr` there, named by run and step. Whoever knows its token may take it up: the token is made of the run and the
organisation's key, so that the same controller's next process knows it too, and it crosses inside ssh only, never as a word of a command.
"""

import contextlib
import json
import os
import secrets
import select
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, cast

from dr import __version__
from dr.clock import iso
from dr.errors import Failed, Refused, Unreachable
from dr.model.base import JsonObject
from dr.units import show_duration, visible
from dr.wire import frames, openssh
from dr.wire.child import Child
from dr.wire.connection import FIRST, PROTOCOL, Connection
from dr.wire.frames import Kind
from dr.wire.lasting import Lasting
from dr.wire.lines import Pipes
from dr.wire.link import Call, Link
from dr.wire.openssh import Address
from dr.wire.spelled import understood

_FAREWELL = 3.0
"""Seconds for ssh to carry the last word and end by itself."""
_LOOK = 0.2
"""Seconds between two looks whether the step was stopped."""
_SOON, _LATER = 0.5, 10.0
"""Seconds between two tries to reach the machine again: at first, and at most."""


@dataclass(frozen=True)
class Unit:
    """Which work it is."""

    name: str
    """`<run>-<step>`."""
    run: str
    root: str
    """Of the standby that it works on."""
    token: str
    rejoin: float
    """Seconds for which a lost link is sought again, and for which the work there waits for it before it ends."""
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    """Of this process's link: another one of the same unit takes its place."""


class Seeking:
    """Makes the lines of one link. `said` is told, in words, when the machine is lost and when it is found again."""

    def __init__(self, address: Address, argv: Sequence[str], unit: Unit, now: Callable[[], datetime], said: Callable[[str], None]) -> None:
        """`argv`: what is started for each line."""
        self._address, self._argv, self.unit, self._now, self._said = address, argv, unit, now, said
        self.given_up = threading.Event()
        """Set by who wants no other line."""

    def first(self) -> Pipes:
        """Raises what `openssh.why` says where the machine is not reached; Refused for a `dr` of another kind, or another's unit."""
        return self._made(None)

    def again(self, taken: int) -> Pipes:
        """Raises Unreachable where the machine is not found in time, and at once what it says if the work is not there any more."""
        until, wait = time.monotonic() + self.unit.rejoin, _SOON
        if not self.given_up.is_set():
            self._said(f"the link to host '{self._address.host}' is lost; the work there goes on, and it is sought again")
        while not self.given_up.is_set():
            try:
                line = self._made(taken)
            except Unreachable:
                if time.monotonic() > until:
                    sought = show_duration(self.unit.rejoin)
                    raise Unreachable(f"the link broke, and for {sought} no other could be made") from None
                self.given_up.wait(min(wait, _LATER))
                wait *= 2
            except Failed as error:  # it was reached, and has nothing that could be taken up
                raise Unreachable(error.message.removeprefix(f"host '{self._address.host}': ")) from None
            else:
                self._said(f"the link to host '{self._address.host}' is back, and the work there was taken up where it is")
                return line
        raise Unreachable("the link was closed")

    def _made(self, taken: int | None) -> Pipes:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(FIRST, process.kill)
        watch.daemon = True
        watch.start()
        try:
            has = _count(self._greeted(process, process.stdin, process.stdout, taken))
            return Pipes(_taken_over(process.stdout), _taken_over(process.stdin), has, lambda: _end(process, _FAREWELL))
        except BaseException:
            _end(process, 0.0)
            raise
        finally:
            watch.cancel()

    def _started(self) -> Child:
        """A machine that has no room for a process just now may have some later: that is no end of the work over there."""
        try:
            return Child(self._argv)
        except OSError as error:
            raise Unreachable(f"ssh could not be started: {os.strerror(error.errno or 0)}") from None

    def _greeted(self, process: Child, into: IO[bytes], out: IO[bytes], taken: int | None) -> JsonObject:
        unit = self.unit
        named = {"name": unit.name, "run": unit.run, "root": unit.root, "token": unit.token, "epoch": unit.epoch}
        asked = {**named, "rejoin": unit.rejoin, "taken": taken}
        hello = {"protocol": PROTOCOL, "silence": self._address.silence, "now": iso(self._now()), "unit": asked}
        try:
            into.write(frames.pack(Kind.CALL, 1, dumped({"verb": "hello", "args": hello})))
            into.flush()
            told = _reply(out)
        except (OSError, ValueError):
            told = None
        if told is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise openssh.why(self._address, process.stderr_tail(), process.wait(5), "the link ended")
            raise Unreachable(f"host '{self._address.host}': the link was silent")
        return self._understood(told)

    def _understood(self, told: JsonObject) -> JsonObject:
        where = f"host '{self._address.host}'"
        if "error" in told:
            error = understood(told)
            raise type(error)(f"{where}: {error.message}", hint=error.hint)
        ok = told.get("ok")
        if not isinstance(ok, dict) or ok.get("protocol") != PROTOCOL:
            version = str(ok.get("version"))[:40] if isinstance(ok, dict) else "?"
            raise Refused(
                f"{where} has dr {visible(version)}, which does not understand this one ({__version__})",
                hint="install the same version there",
            )
        return ok


def _count(told: JsonObject) -> int:
    """How many writes of ours it has. Raises Failed for what is no count."""
    has = told.get("taken") or 0
    if type(has) is not int:
        raise Failed("the other side does not speak dr's language")
    return has


def dumped(value: JsonObject) -> bytes:
    """As a message crosses."""
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def _reply(out: IO[bytes]) -> JsonObject | None:
    """The answer to the greeting; None where the stream ends before. Raises Failed for what is none."""
    while True:
        frame = frames.read(Exactly(out.fileno()), most=lambda: frames.GREETING)
        if frame is None:
            return None
        if frame[0] is Kind.REPLY:
            return frames.message(frame[2])
        if frame[0] is not Kind.BEAT:
            raise Failed(
                "the other side does not speak dr's language", hint="something there prints before dr does: see that login's profile"
            )


class Exactly:
    """Reads no byte more than it is asked for: what follows is another reader's. `wait`: seconds for each of them to come."""

    def __init__(self, descriptor: int, wait: float = FIRST) -> None:
        self._descriptor, self._wait = descriptor, wait

    def read1(self, size: int, /) -> bytes:
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN | select.POLLHUP)
        return os.read(self._descriptor, size) if waiting.poll(self._wait * 1000) else b""


def _taken_over(file: IO[bytes]) -> int:
    """The descriptor, without the file that had it."""
    with file:
        return os.dup(file.fileno())


def _end(process: Child, seconds: float) -> None:
    """Soon, and nobody waits for it: ssh may have a last word to carry."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()

    def end() -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()

    threading.Thread(target=end, daemon=True).start()


class Rejoined(Connection):
    """A connection whose line may break: what is asked over it waits meanwhile, and is answered once."""

    _fate = "ends by itself"

    def __init__(
        self,
        address: Address,
        seeking: Seeking,
        *,
        serve: Callable[[Call], JsonObject],
        noted: Callable[[str, JsonObject], None],
        stop: threading.Event,
    ) -> None:
        """`stop`: set, it is closed, and the other side told."""
        self.address = address
        lasting = Lasting(seeking.first(), address.silence, seeking.again)
        streams, patience = cast("IO[bytes]", lasting), address.silence + seeking.unit.rejoin + 2 * FIRST
        self.link = Link(streams, streams, serve=serve, noted=noted, silence=patience)
        self._closing = weakref.finalize(self, _close, self.link, lasting, seeking)
        self.link.start()
        threading.Thread(target=_heed, args=(stop, self.link, lasting, seeking), daemon=True).start()


def _heed(stop: threading.Event, link: Link, lasting: Lasting, seeking: Seeking) -> None:
    while not link.over:
        if stop.wait(_LOOK):
            _close(link, lasting, seeking)


def _close(link: Link, lasting: Lasting, seeking: Seeking) -> None:
    seeking.given_up.set()
    lasting.end(_FAREWELL)
    link.close()
