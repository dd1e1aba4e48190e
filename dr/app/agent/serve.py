"""The life of an agent: it answers until its link ends, and then everything that it started has ended too.

Where the first word asks for a unit it only hands its streams over to one, and waits (`unit`).
"""

import os
import sys
import threading
from typing import IO, cast

from dr.app.agent.allowed import Allowed
from dr.app.agent.answers import Answering
from dr.errors import DrError
from dr.model.base import JsonObject
from dr.wire import frames
from dr.wire.frames import Kind
from dr.wire.link import SILENCE, Link
from dr.wire.rejoin import Exactly


def serve(allowed: Allowed) -> None:
    """Answer on the standard streams until they end."""
    reading, writing = _streams()
    first = _first(reading)
    asked = _unit_of(first)
    if asked is not None:
        from dr.app.agent.unit import attend

        attend(asked, reading, writing, allowed)
    elif first is not None:
        _answer(_Again(frames.pack(*first), reading), os.fdopen(writing, "wb"), allowed)
    os._exit(0)  # a thread that waits for what no longer comes must not hold the process


def _answer(reader: "_Again", writer: IO[bytes], allowed: Allowed) -> None:
    answering = Answering(allowed, threading.Event())
    answering.answers.link = Link(cast("IO[bytes]", reader), writer, serve=answering.serve, lost=answering.stop.set)
    answering.answers.link.most = frames.GREETING
    answering.until_over()


def _first(reading: int) -> tuple[Kind, int, bytes] | None:
    """The first frame; None where none comes, or what comes is none."""
    try:
        return frames.read(Exactly(reading, SILENCE), most=lambda: frames.GREETING)
    except (DrError, OSError):
        return None


def _unit_of(frame: tuple[Kind, int, bytes] | None) -> JsonObject | None:
    """What a greeting that asks for a unit says; None for anything else."""
    if frame is None or frame[0] is not Kind.CALL:
        return None
    try:
        said = frames.message(frame[2])
    except DrError:
        return None
    args = said.get("args")
    return args if said.get("verb") == "hello" and isinstance(args, dict) and isinstance(args.get("unit"), dict) else None


class _Again:
    """A stream whose beginning was read already."""

    def __init__(self, begun: bytes, descriptor: int) -> None:
        self._begun, self._descriptor = begun, descriptor

    def read1(self, size: int, /) -> bytes:
        if self._begun:
            piece, self._begun = self._begun[:size], self._begun[size:]
            return piece
        return os.read(self._descriptor, size)


def _streams() -> tuple[int, int]:
    """Standard input and output for the link alone: what a library prints goes to standard error, and no child inherits them."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    return reading, writing
