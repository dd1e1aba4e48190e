"""Where a big member is cut: at the end of a line (a table's row) that draws the cut with its own bytes.

Whatever was inserted, changed or removed before it, an untouched row draws as it did; so the cuts come together again a few parts after
a change, however many rows it was of. A row draws with a chance that grows with its length: a cut comes every quarter of the limit on
average, once a part is that long, whatever the rows' length. Pure.
"""

from itertools import repeat
from zlib import crc32

_DRAWS = 1 << 32
_SEED = 0x9E3779B9
"""What an empty line draws: not the nought that would always win."""
_MOST = 2**17
"""Lines that are looked at in one part at most: bounds what very short rows cost."""


class RowSearch:
    """Looks through one open part while it fills; it is asked whenever the part is `boundary` long."""

    def __init__(self, limit: int) -> None:
        self._limit, self._least = limit, limit // 4
        self._block = max(1, limit // 128)
        self.begin()

    def begin(self) -> None:
        """Another part."""
        self.boundary = self._least
        self._line = 0
        """Where the first line begins that was not looked at; none was found yet where it is 0."""
        self._looked, self._best, self._drawn = 0, self._limit, _DRAWS

    def cut(self, part: bytearray) -> int | None:
        """Where to cut it; None while it may still grow."""
        before, self.boundary = self.boundary, min(self.boundary + self._block, self._limit)
        if len(part) > self._least:
            found = self._look(part, before - self._block)
            if found is not None:
                return found
        return self._best if len(part) >= self._limit or self._looked >= _MOST else None

    def _look(self, part: bytearray, fresh: int) -> int | None:
        """In whole lines, most of it in C: the first one that draws a cut. Lines up to `fresh` were seen before."""
        end = part.rfind(b"\n", max(fresh, self._least, self._line)) + 1
        if not end:
            return None
        if not self._line:  # its beginning is another one after every other cut
            self._line = part.find(b"\n", max(fresh, self._least)) + 1
            self._best = self._line
        if self._line == end:
            return None
        with memoryview(part) as view:
            lines = bytes(view[self._line : end - 1]).split(b"\n")
        draws = list(map(crc32, lines, repeat(_SEED)))
        found = self._drawn_in(lines, draws)
        if found is None:
            self._remember(end, lines, draws)
        return found

    def _drawn_in(self, lines: list[bytes], draws: list[int]) -> int | None:
        longest = len(max(lines, key=len)) + 1
        if min(draws) * self._least >= longest * _DRAWS:
            return None
        at = self._line
        for line, draw in zip(lines, draws, strict=True):
            at += len(line) + 1
            if draw * self._least < (len(line) + 1) * _DRAWS:
                return at
        return None

    def _remember(self, end: int, lines: list[bytes], draws: list[int]) -> None:
        """None of them: the one that came nearest is remembered."""
        low = min(draws)
        if low < self._drawn:
            upto = draws.index(low) + 1
            self._best, self._drawn = self._line + sum(map(len, lines[:upto])) + upto, low
        self._looked += len(lines)
        self._line = end
