"""Two links that talk to each other over real pipes, or one and a stranger who says what he likes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader, BufferedWriter

from dr.model.base import JsonObject
from dr.wire.link import Call, Link


def pipe() -> tuple[BufferedReader, BufferedWriter]:
    """Its reading and its writing end."""
    out, into = os.pipe()
    return os.fdopen(out, "rb"), os.fdopen(into, "wb")


def nobody(call: Call) -> JsonObject:
    raise AssertionError(f"nobody asks for {call.verb} here")


@dataclass
class Pair:
    """`asking` calls, `answering` serves."""

    asking: Link
    answering: Link
    lost: list[str] = field(default_factory=list)


@contextmanager
def pair(serve: Callable[[Call], JsonObject], *, asked: Callable[[Call], JsonObject] = nobody, silence: float = 30.0) -> Iterator[Pair]:
    (first_in, second_out), (second_in, first_out) = pipe(), pipe()
    lost: list[str] = []
    first = Link(first_in, first_out, serve=asked, lost=lambda: lost.append("asking"), silence=silence)
    second = Link(second_in, second_out, serve=serve, lost=lambda: lost.append("answering"), silence=silence)
    made = Pair(first.start(), second.start(), lost)
    try:
        yield made
    finally:
        for out in (first_out, second_out):
            end(out)
        first.close()
        second.close()


@dataclass
class Stranger:
    """What a link hears is `says`, what it sends is `hears`."""

    link: Link
    says: BufferedWriter
    hears: BufferedReader

    def say(self, data: bytes) -> None:
        self.says.write(data)
        self.says.flush()


@contextmanager
def stranger(
    serve: Callable[[Call], JsonObject] = nobody,
    *,
    silence: float = 30.0,
    first: float = 0.0,
    lost: Callable[[], None] = lambda: None,
    noted: Callable[[str, JsonObject], None] = lambda _verb, _args: None,
) -> Iterator[Stranger]:
    (our_in, says), (hears, our_out) = pipe(), pipe()
    link = Link(our_in, our_out, serve=serve, silence=silence, first=first, lost=lost, noted=noted)
    try:
        yield Stranger(link.start(), says, hears)
    finally:
        end(says)
        link.close()
        end(our_out)


def end(out: BufferedWriter) -> None:
    """Close it, also where the link's thread or the test has."""
    with suppress(OSError, ValueError):
        out.close()
