"""One frame: kind, number of the call, length, payload."""

import json
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from dr.errors import Failed
from dr.model.base import JsonObject
from dr.wire.pipes import CHUNK

_HEAD = struct.Struct(">BII")
MOST = 4 * 2**20
"""Bytes of one message at most: a peer that announces more is not ours. What may be more than that crosses as bytes."""
GREETING = 64 * 1024
"""Bytes of one message at most until both sides know each other."""
_PIECE = 64 * 1024


class Readable(Protocol):
    """A binary stream that gives what has come, without waiting for all that was asked for."""

    def read1(self, size: int, /) -> bytes: ...


class Kind(IntEnum):
    """Who sends it is part of the meaning, so the two sides number their calls independently."""

    CALL = 1
    """From the caller: JSON `{verb, args}`."""
    REPLY = 2
    """From the callee: JSON `{ok}` or `{error, message, hint}`."""
    UP = 3
    """Bytes from the caller to the callee."""
    UP_END = 4
    UP_ROOM = 5
    """From the callee: one more UP may be sent."""
    DOWN = 6
    """Bytes from the callee to the caller; their end is the reply."""
    DOWN_ROOM = 7
    NOTE = 8
    """JSON `{verb, args}` that wants no reply."""
    BEAT = 9
    """A sign of life."""
    STOP = 10
    """From the caller: what comes down is not read any more."""


def pack(kind: Kind, call: int, payload: bytes | memoryview = b"") -> bytes:
    """The head of a frame and its payload in one piece, so that one write carries both."""
    return _HEAD.pack(kind, call, len(payload)) + payload


def read(
    stream: Readable, seen: Callable[[], None] = lambda: None, most: Callable[[], int] = lambda: MOST
) -> tuple[Kind, int, bytes] | None:
    """The next frame, or None at the end of the stream; `seen` is told of every piece that comes. Raises Failed for what is no frame.

    `most`: bytes of a message that are taken now.
    """
    head = _exactly(stream, _HEAD.size, seen)
    if head is None:
        return None
    kind, call, length = _HEAD.unpack(head)
    if kind not in set(Kind) or length > (CHUNK if kind in (Kind.UP, Kind.DOWN) else most()):
        raise Failed("the other side does not speak dr's language", hint="something there prints before dr does: see that login's profile")
    payload = _exactly(stream, length, seen)
    return None if payload is None else (Kind(kind), call, payload)


def message(payload: bytes) -> JsonObject:
    """Raises Failed if it is no JSON object."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failed("the other side sent a message that is none")
    return found


def _exactly(stream: Readable, length: int, seen: Callable[[], None]) -> bytes | None:
    """None where the stream ends before."""
    found = bytearray()
    while len(found) < length:
        block = stream.read1(min(_PIECE, length - len(found)))
        if not block:
            return None
        seen()
        found += block
    return bytes(found)
