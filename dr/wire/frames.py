"""One frame: kind, number of the call, length, payload."""

import json
import struct
from enum import IntEnum
from typing import IO

from dr.errors import Failed
from dr.model.base import JsonObject

_HEAD = struct.Struct(">BII")
MOST = 64 * 2**20
"""Bytes of one payload at most: a peer that announces more is not ours."""


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


def pack(kind: Kind, call: int, payload: bytes | memoryview = b"") -> bytes:
    """The head of a frame and its payload in one piece, so that one write carries both."""
    return _HEAD.pack(kind, call, len(payload)) + payload


def read(stream: IO[bytes]) -> tuple[Kind, int, bytes] | None:
    """The next frame, or None at the end of the stream. Raises Failed for what is no frame."""
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    kind, call, length = _HEAD.unpack(head)
    if kind not in set(Kind) or length > MOST:
        raise Failed("the other side does not speak dr's language", hint="something there prints before dr does: see that login's profile")
    payload = _exactly(stream, length)
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


def _exactly(stream: IO[bytes], length: int) -> bytes | None:
    """None where the stream ends before."""
    found = bytearray()
    while len(found) < length:
        block = stream.read(length - len(found))
        if not block:
            return None
        found += block
    return bytes(found)
