"""A unit: work that outlives the connection it was begun over, in a process of its own, until it is done, ended or given up.

The process that ssh started hands its streams to the unit over a socket that this user alone may open, and waits for it to let them go; so
each new connection is only another pair of streams to the same work (`dr/wire/lasting`). Named by run and step, and there once: a second
controller of the same run and step, which knows the token, ends what the first had begun before it begins anew; any other is refused.
A unit without a connection waits as long as it was told to, then ends what it does, with all that it started.
"""

import contextlib
import hmac
import json
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import IO, cast

from dr.app.agent import units
from dr.app.agent.allowed import Allowed, plain
from dr.app.agent.answers import Answering, agreed, introduced
from dr.app.agent.units import Seat
from dr.errors import DrError, Failed, Refused, Unreachable
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.connection import FIRST
from dr.wire.frames import Kind
from dr.wire.lasting import Lasting, Pipes
from dr.wire.link import Link, spelled
from dr.wire.rejoin import dumped

_MOST = 128 * 1024
"""Bytes of one message at the socket."""
_LONGEST = 24 * 3600.0
"""Seconds for which a unit waits at most, whatever it is told."""
_REPLY = 5.0
"""Seconds for a new connection to take its first word."""
_TAKEN, _AGAIN = b"taken", b"again"


# ---------------------------------------------------------------- the process that ssh started


def attend(hello: JsonObject, reading: int, writing: int, allowed: Allowed) -> None:
    """Hand the streams to the unit that is asked for, begun now where there is none, and wait until it lets go of them."""
    try:
        name = plain(str(hello["unit"]["name"]))
        told = dumped({"hello": hello, "allowed": repr(allowed)})
        while not _handed(name, hello, told, (reading, writing), allowed):
            pass  # what another controller had begun has ended
    except DrError as error:
        _answer(writing, spelled(error))


def _handed(name: str, hello: JsonObject, told: bytes, streams: tuple[int, int], allowed: Allowed) -> bool:
    """Whether it took them; if not, it has ended meanwhile."""
    with _unit(name, hello, allowed) as control:
        socket.send_fds(control, [told], list(streams))
        try:
            taken = control.recv(64) == _TAKEN
        except TimeoutError:
            raise Failed("the work that was begun there does not answer") from None
        except ConnectionError:  # it ended just now
            taken = False
        if taken:
            for one in streams:
                os.close(one)
        control.settimeout(None if taken else FIRST)
        with contextlib.suppress(OSError):
            control.recv(1)  # until it lets go, or has ended
        return taken


def _unit(name: str, hello: JsonObject, allowed: Allowed) -> socket.socket:
    """The living one, or a new one. Raises Failed where the work that was to be taken up is not there any more."""
    with units.one_at_a_time() as above:
        found = units.connected(above / name)
        if found is None and hello["unit"].get("taken") is not None:
            raise Failed("the work there is gone: it was ended, or the machine was restarted")
        if found is None:
            _begun(units.made(above / name), hello, allowed)
            found = units.connected(above / name)
    if found is None:
        raise Failed("the work there could not be begun")
    return found


def _begun(seat: Seat, hello: JsonObject, allowed: Allowed) -> None:
    """In a process that is nobody's child and nobody's session: it does not end with ssh's."""
    child = os.fork()
    if child:
        seat.close()
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _without_others({seat.held, seat.listener.fileno()})
            Living(seat, hello, allowed).live()
    finally:
        os._exit(0)


def _without_others(kept: set[int]) -> None:
    """Nothing that the process that made us holds open stays open through us, its connection first."""
    for one in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if one not in kept:
            with contextlib.suppress(OSError):
                os.close(one)
    for standard in range(3):
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number
        os.set_inheritable(standard, True)


def _answer(writing: int, reply: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(writing, frames.pack(Kind.REPLY, 1, reply))


# ---------------------------------------------------------------- the unit itself


class Living:
    """One unit, for its life."""

    def __init__(self, seat: Seat, hello: JsonObject, allowed: Allowed) -> None:
        unit = hello["unit"]
        self._seat, self._unit, self._allowed = seat, unit, repr(allowed)
        self._rejoin = max(0.0, min(_LONGEST, float(unit["rejoin"])))
        self._silence = agreed(hello)
        self._answering = Answering(allowed)
        self._answering.answers.met(hello)
        self._offered: list[Pipes] = []
        self._changed = threading.Condition()
        self._met = False
        self._began, self._lost = time.monotonic(), time.monotonic()
        self._displaced: list[socket.socket] = []
        """Whoever waits for our end, to begin anew."""

    def live(self) -> None:
        """Until the work is over, and all that it started."""
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            lasting = Lasting(self._next(0), self._silence, self._next, lambda: bool(self._offered))
            streams, patience = cast("IO[bytes]", lasting), self._rejoin + self._silence + 2 * FIRST
            answering = self._answering
            answering.answers.link = Link(streams, streams, serve=answering.serve, lost=answering.stop.set, silence=patience)
            self._met = True
            answering.until_over()
        finally:
            shutil.rmtree(self._seat.folder, ignore_errors=True)

    # ------------------------------------------------------------ connections

    def _next(self, taken: int) -> Pipes:
        """The next connection. Raises Unreachable where none comes in time."""
        self._lost = time.monotonic()
        until = self._lost + (self._rejoin if self._met else FIRST)
        while True:
            line = self._newest(until)
            try:
                line.write(frames.pack(Kind.REPLY, 1, dumped({"ok": {**introduced(), "taken": taken}})), _REPLY)
            except OSError:
                line.close()
            else:
                self._lost = 0.0
                return line

    def _newest(self, until: float) -> Pipes:
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._offered), until - time.monotonic()):
                raise Unreachable("nobody came back to it in time")
            *older, newest = self._offered
            self._offered.clear()
        for one in older:
            one.close()
        return newest

    def _receive(self) -> None:
        while True:
            control, _ = self._seat.listener.accept()
            control.settimeout(_REPLY)
            try:
                told, found, _, _ = socket.recv_fds(control, _MOST, 2, socket.MSG_CMSG_CLOEXEC)
                self._heard(control, json.loads(told), found)
            except (OSError, ValueError, KeyError, TypeError):
                control.close()

    def _heard(self, control: socket.socket, told: JsonObject, found: list[int]) -> None:
        if told.get("about") or told.get("end"):
            if told.get("end"):
                self._end()
            control.send(dumped(self._about()))
            control.close()
        elif len(found) == 2:
            self._asked(control, told, found)

    def _asked(self, control: socket.socket, told: JsonObject, found: list[int]) -> None:
        """A controller, with its streams."""
        unit = told["hello"]["unit"]
        ours, again = unit["epoch"] == self._unit["epoch"], unit.get("taken") is not None
        refusal = self._refusal(unit, told)
        if refusal is None and not ours and not again:  # the same step, begun anew: what was begun before it ends first
            for one in found:
                os.close(one)
            self._displaced.append(control)
            control.send(_AGAIN)
            self._end()
            return
        if refusal is None and (not ours or again is not self._met):
            refusal = Refused("what was begun there was taken up by another process since", hint="look for it: dr runs list")
        control.send(_TAKEN)
        if refusal is not None:
            _answer(found[1], spelled(refusal))
            for one in found:
                os.close(one)
            control.close()
            return
        with self._changed:
            self._offered.append(Pipes(found[0], found[1], int(unit.get("taken") or 0), control.close))
            self._changed.notify_all()

    def _refusal(self, unit: JsonObject, told: JsonObject) -> Refused | None:
        if not hmac.compare_digest(str(unit["token"]), str(self._unit["token"])):
            return Refused("the work there is another controller's", hint="which dr else uses this login?")
        if told["allowed"] != self._allowed:
            return Refused(
                "the work there was begun by a login that may do something else", hint="its authorized_keys was changed meanwhile"
            )
        return None

    def _end(self) -> None:
        if self._met:
            self._answering.answers.link.close()

    def _about(self) -> JsonObject:
        now = time.monotonic()
        root = os.path.realpath(str(self._unit["root"]))
        told = {"name": self._unit["name"], "run": self._unit["run"], "root": root, "pid": os.getpid()}
        return {**told, "since": now - self._began, "away": now - self._lost if self._lost else None, "rejoin": self._rejoin}
