"""Cuts a tar stream into parts that stay the same from one night to the next.

A member is its extension headers, its header, its data and their padding. A big one (4 MiB or more) starts a part of its own, is cut
after 4 to 16 MiB (8 on average) at the end of a line (a table's row) that its own bytes choose, so that changed rows move only the cuts
near them, and ends its last part. Small ones are gathered; whether there is a cut before one is decided by its own name and size,
so that one new file does not move every later cut. Joined in order, the parts are the stream, byte for byte.
"""

from collections.abc import Iterator
from hashlib import sha256

from dr.errors import Failed
from dr.model.backup import PART_LIMIT
from dr.stream import tarhead
from dr.stream.rows import RowSearch
from dr.stream.tarhead import BLOCK, NotTar, padded

BIG = 4 * 2**20
"""A member of at least this many bytes gets parts of its own; gathered parts are about as big on average."""


class TarCutter:
    """Takes the stream in pieces of any size; gives the parts as they fill. Holds one open part and one member's headers."""

    def __init__(self, *, limit: int = PART_LIMIT, big: int = BIG) -> None:
        self._limit = limit
        self._big = big
        self._part = bytearray()
        self._rows = RowSearch(limit)
        """Where to cut the open part, if it belongs to one big member."""
        self._head = bytearray()
        """Headers of the member that begins: extensions with their data, then its own, then a sparse map."""
        self._want = BLOCK
        """How long `_head` must be before its newest block can be read."""
        self._block = 0
        """Where that newest block begins in `_head`."""
        self._known: dict[str, bytes] = {}
        """What the extension headers said of this member: `name`, `size`."""
        self._in_extension = False
        self._sparse = False
        self._left = 0
        """Bytes of the member's data and padding that are still to come."""
        self._alone = False
        """The open part belongs to one big member."""
        self._zeros = 0
        self.total = 0
        """Bytes taken so far."""

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytearray]:
        """Take the next bytes. Consume the iterator wholly before the next call. Raises Failed if the stream is not tar."""
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            if self._left:
                taken = min(self._left, len(view) - at)
                self._left -= taken
                yield from self._take(view[at : at + taken])
            elif self._zeros:
                taken = len(view) - at
                yield from self._end(view[at:])
            else:
                taken = min(self._want - len(self._head), len(view) - at)
                self._head += view[at : at + taken]
                if len(self._head) == self._want:
                    yield from self._read_head()
            at += taken
            self.total += taken

    def finish(self) -> Iterator[bytearray]:
        """The last part. Raises Failed if the stream has ended before its archive has (two blocks of zeros)."""
        if self._zeros < 2 * BLOCK:
            raise Failed(f"the stream ends after {self.total} bytes, before its tar archive does", hint=_HINT)
        if self._part:
            yield self._part
            self._part = bytearray()

    def _read_head(self) -> Iterator[bytearray]:
        try:
            if self._in_extension:
                self._read_extension()
                self._next_block()
                return
            block = bytes(self._head[self._block : self._block + BLOCK])
            if self._sparse:
                yield from self._member_or_map(tarhead.more_sparse(block, first=False))
            elif block == tarhead.ZERO:
                yield from self._take_head()
                self._zeros = BLOCK
            else:
                yield from self._read_header(block)
        except NotTar as problem:
            raise Failed(f"the stream is not a tar archive: {problem}, about byte {self.total}", hint=_HINT) from None

    def _read_header(self, block: bytes) -> Iterator[bytearray]:
        tarhead.check(block)
        size = tarhead.number(block[124:136])
        if tarhead.is_extension(block):
            if size > PART_LIMIT:
                raise NotTar("an extension header is absurdly long")
            self._in_extension = True
            self._want = len(self._head) + padded(size)
            if not size:
                self._read_extension()
                self._next_block()
            return
        self._known.setdefault("name", tarhead.name(block))
        self._known.setdefault("size", str(size).encode())
        if not tarhead.has_data(block):
            self._known["size"] = b"0"
        self._sparse = tarhead.more_sparse(block, first=True)
        yield from self._member_or_map(self._sparse)

    def _read_extension(self) -> None:
        block = self._head[self._block : self._block + BLOCK]
        data = bytes(self._head[self._block + BLOCK :][: tarhead.number(bytes(block[124:136]))])
        kind = bytes(block[156:157])
        if kind == b"L":
            self._known["name"] = data.rstrip(b"\0")
        elif kind in (b"x", b"X"):
            records = tarhead.pax(data)
            found = records.get(b"GNU.sparse.name") or records.get(b"path")
            if found:
                self._known["name"] = found
            if records.get(b"size", b"").isdigit():
                self._known["size"] = records[b"size"]
        self._in_extension = False

    def _next_block(self) -> None:
        self._block = len(self._head)
        self._want = self._block + BLOCK

    def _member_or_map(self, more: bool) -> Iterator[bytearray]:
        """The headers are complete, or one more block of a sparse map follows."""
        if more:
            self._next_block()
            return
        data = padded(int(self._known["size"]))
        total = len(self._head) + data
        big = total >= self._big
        if self._part and (big or self._alone or self._cuts(total)):
            yield self._part
            self._part = bytearray()
        self._alone = big
        self._rows.begin()
        self._left = data
        yield from self._take_head()

    def _cuts(self, total: int) -> bool:
        """Whether there is a cut before this small member: by itself as often as its size asks, or because the part would be too big."""
        if len(self._part) + total > self._limit:
            return True
        draw = int.from_bytes(sha256(self._known["name"]).digest()[:8], "big")
        return draw * self._big < total << 64

    def _take_head(self) -> Iterator[bytearray]:
        head, self._head = self._head, bytearray()
        self._block, self._want, self._sparse = 0, BLOCK, False
        self._known = {}
        yield from self._take(memoryview(head))

    def _take(self, view: memoryview) -> Iterator[bytearray]:
        while view:
            room = (self._rows.boundary if self._alone else self._limit) - len(self._part)
            if room:
                self._part += view[:room]
                view = view[room:]
            else:
                yield from self._full()

    def _full(self) -> Iterator[bytearray]:
        """More comes, and the part is as long as it may be, or as its rows are looked at."""
        at = self._rows.cut(self._part) if self._alone else self._limit
        if at is None:
            return
        rest = self._part[at:]
        del self._part[at:]
        yield self._part
        self._part = bytearray()
        self._rows.begin()
        yield from self._take(memoryview(rest))

    def _end(self, view: memoryview) -> Iterator[bytearray]:
        if view.tobytes().strip(b"\0"):
            raise Failed(f"the stream goes on after the end of its tar archive, about byte {self.total}", hint=_HINT)
        self._zeros += len(view)
        yield from self._take(view)


_HINT = "the program that made the stream failed, or another one wrote into it"
