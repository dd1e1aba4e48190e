"""How far a restore of databases is: what was read of their dumps, and how large they have grown since.

Reading and loading follow one another, database by database, and each takes its time: both count, in bytes, against what the dump holds
and what the databases measured at the source. A restored one is smaller than a bloated source: it jumps at its end, and never falls back.
"""

import io
import time
from collections.abc import Callable, Mapping
from typing import IO, cast

from dr.model.ports import StepContext

EVERY = 2.0
"""Seconds between two looks: a stream is read in small pieces, and a look at the server costs a connection."""
Measure = Callable[[], int | None]
"""Bytes that the database has now; None where it does not say (it is not there yet)."""


class Meter:
    """One restore's. `sizes`: database to plain bytes of its dump, and bytes that it had on the source."""

    def __init__(self, ctx: StepContext, sizes: Mapping[str, tuple[int, int]], now: Callable[[], float] = time.monotonic) -> None:
        self._ctx, self._sizes, self._now = ctx, sizes, now
        self._total = max(1, sum(dump + grown for dump, grown in sizes.values()))
        self._done = 0
        self._looked = now()

    def reading(self, name: str, shown: str, stream: IO[bytes]) -> IO[bytes]:
        """The stream of a database's dump, counted as it is read."""

        def count(read: int) -> None:
            if self._due():
                self._say(f"reading {shown}", min(read, self._sizes[name][0]))

        return cast("IO[bytes]", _Counted(stream, count))

    def loading(self, name: str, shown: str, measure: Measure) -> Callable[[], None]:
        """A watch for the program that loads it: looks now and then how large the database has grown. Raises Stopped."""
        dump, most = self._sizes[name]

        def watch() -> None:
            self._ctx.check_stop()
            if self._due():
                self._say(f"loading {shown}", dump + min(most, measure() or 0))

        return watch

    def loaded(self, name: str) -> None:
        self._done += sum(self._sizes[name])

    def _due(self) -> bool:
        if self._now() - self._looked < EVERY:
            return False
        self._looked = self._now()
        return True

    def _say(self, what: str, of_this: int) -> None:
        self._ctx.progress(what, self._done + of_this, self._total, "bytes")


class _Counted(io.RawIOBase):
    """A stream that says how much of it was read."""

    def __init__(self, stream: IO[bytes], count: Callable[[int], None]) -> None:
        super().__init__()
        self._stream, self._count, self._read = stream, count, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if data:
            self._count(self._read)
        return data
