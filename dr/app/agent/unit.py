"""A unit: work that outlives the connection it was begun over, in a process of its own, until it is done, ended or given up.

The process that ssh started hands its streams to the unit over a socket that this user alone may open, and waits for it to let them go; so
each new connection is only another pair of streams to the same work (`dr/wire/lasting`). Named by run and step, and there once: the next
process of a killed controller, which knows the token, takes up what goes on without bytes from the one before it (`works`), and else ends
it before it begins anew; anybody else is refused.
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

from dr.app.agent import units
from dr.app.agent.allowed import Allowed
from dr.app.agent.answers import LAST
from dr.app.agent.epoch import Epoch
from dr.app.agent.greeting import asked_for
from dr.app.agent.units import Seat
from dr.app.agent.works import Works
from dr.errors import DrError, Failed, Refused, Unreachable
from dr.model.base import JsonObject
from dr.units import show_duration
from dr.wire import frames
from dr.wire.connection import FIRST
from dr.wire.frames import Kind
from dr.wire.lines import Pipes
from dr.wire.rejoin import dumped
from dr.wire.spelled import as_json, spelled

_MOST = 128 * 1024
"""Bytes of one message at the socket."""
_ANSWER = 5.0
"""Seconds for whoever comes to the socket to say what for."""
_TAKEN, _AGAIN = b"taken", b"again"


# ---------------------------------------------------------------- the process that ssh started


def attend(hello: JsonObject, reading: int, writing: int, allowed: Allowed) -> None:
    """Hand the streams to the unit that is asked for, begun now where there is none, and wait until it lets go of them."""
    try:
        name = asked_for(hello, allowed)
        told = dumped({"hello": hello, "allowed": repr(allowed)})
        while not _handed(name, hello, told, (reading, writing), allowed):
            pass  # what another controller had begun has ended
    except DrError as error:
        _answer(writing, as_json(spelled(error)))


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
            _let_go(list(streams))
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


def _let_go(streams: list[int]) -> None:
    """Each once, whoever comes here again."""
    while streams:
        os.close(streams.pop())


def _answer(writing: int, reply: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(writing, frames.pack(Kind.REPLY, 1, reply))


# ---------------------------------------------------------------- the unit itself


class Living:
    """One unit, for its life. `_epoch`: the controller's process that it works for now."""

    def __init__(self, seat: Seat, hello: JsonObject, allowed: Allowed) -> None:
        self._seat, self._allowed = seat, allowed
        self._stop = threading.Event()
        self._works = Works(self._end)
        self._epoch = Epoch(hello, allowed, self._stop, self._works)
        self._began = time.monotonic()
        self._displaced: list[socket.socket] = []
        """Whoever waits for our end, to begin anew."""

    def live(self) -> None:
        """Until the work is over, and all that it started."""
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            self._serve()
            self._stop.set()
            self._works.wait(LAST)
            self._epoch.answering.last()
        finally:
            shutil.rmtree(self._seat.folder, ignore_errors=True)

    def _serve(self) -> None:
        """One process of the controller after another, until nobody takes the place of the last."""
        while True:
            epoch = self._epoch
            with contextlib.suppress(Unreachable):
                epoch.run()
            if epoch is self._epoch:
                return

    def _receive(self) -> None:
        while True:
            control, _ = self._seat.listener.accept()
            control.settimeout(_ANSWER)
            found: list[int] = []
            try:
                told, found, _, _ = socket.recv_fds(control, _MOST, 2, socket.MSG_CMSG_CLOEXEC)
                self._heard(control, json.loads(told), found)
            except (OSError, ValueError, KeyError, TypeError):  # whoever asked is gone, or is none of ours
                _let_go(found)
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
        refusal = self._refusal(unit, told)
        if refusal is not None:
            control.send(_TAKEN)
            _answer(found[1], as_json(spelled(refusal)))
            _let_go(found)
            control.close()
        elif unit["epoch"] == self._epoch.unit["epoch"] or self._taken_over(told["hello"]):
            control.send(_TAKEN)
            self._epoch.offer(Pipes(found[0], found[1], int(unit.get("taken") or 0), control.close))
            found.clear()  # they are the line's
        else:  # what was begun before ends first: whoever asks waits for that, at the socket that ends with us
            control.send(_AGAIN)
            self._displaced.append(control)
            _let_go(found)
            self._end()

    def _refusal(self, unit: JsonObject, told: JsonObject) -> Refused | None:
        if not hmac.compare_digest(str(unit["token"]), str(self._epoch.unit["token"])):
            ends = f"it ends by itself {show_duration(self._epoch.rejoin)} after its link is lost"
            return Refused("the work there is another controller's", hint=f"which dr else uses this login? {ends}")
        if told["allowed"] != repr(self._allowed):
            return Refused("the work there was begun by a login that may do something else", hint="was its authorized_keys changed?")
        ours, again = unit["epoch"] == self._epoch.unit["epoch"], unit.get("taken") is not None
        if again is not (ours and self._epoch.begun):
            return Refused("what was begun there was taken up by another process since", hint="look for it: dr runs list")
        return None

    def _taken_over(self, hello: JsonObject) -> bool:
        """Whether the next process of the controller takes up what the one before it had begun; not where nothing of it could go on."""
        if not (self._epoch.answering.idle and self._works.goes_on):
            return False
        before, self._epoch = self._epoch, Epoch(hello, self._allowed, self._stop, self._works)
        before.close()
        return True

    def _end(self) -> None:
        self._epoch.close()

    def _about(self) -> JsonObject:
        now, epoch = time.monotonic(), self._epoch
        root = os.path.realpath(str(epoch.unit["root"]))
        told = {"name": epoch.unit["name"], "run": epoch.unit["run"], "root": root, "pid": os.getpid()}
        return {**told, "since": now - self._began, "away": now - epoch.lost if epoch.lost else None, "rejoin": epoch.rejoin}
