"""The headers of a tar stream, as far as they are needed to know where a member ends and what it is called.

Understands ustar, GNU (long names, base-256 numbers, old sparse files) and pax (names and sizes, sparse 1.0). Pure.
"""

BLOCK = 512
ZERO = bytes(BLOCK)
_EXTENSIONS = b"xgLKX"
"""Headers that describe the member after them: pax local, global and Solaris; GNU long name and long link."""
_WITHOUT_DATA = b"123456"
"""Links, devices, folders and pipes: whatever their size field says, nothing follows."""


class NotTar(ValueError):
    """The bytes are not a header; the message says why, without any name from the stream."""


def padded(size: int) -> int:
    """Bytes that `size` bytes take up in a tar stream."""
    return -(-size // BLOCK) * BLOCK


def check(block: bytes) -> None:
    """Raises NotTar unless the header's checksum fits."""
    try:
        wanted = number(block[148:156])
    except NotTar:
        wanted = -1
    if sum(block[:148]) + 8 * 0x20 + sum(block[156:]) != wanted:
        raise NotTar("a header's checksum does not fit")


def number(field: bytes) -> int:
    """Octal digits, or GNU's base-256 for what does not fit."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise NotTar("a header holds a number that is not octal")
    return int(digits, 8)


def is_extension(block: bytes) -> bool:
    return block[156:157] in _as_set(_EXTENSIONS)


def has_data(block: bytes) -> bool:
    return block[156:157] not in _as_set(_WITHOUT_DATA)


def more_sparse(block: bytes, *, first: bool) -> bool:
    """Whether one more block of an old GNU sparse map follows this one."""
    if first:
        return block[156:157] == b"S" and block[482] != 0
    return block[504] != 0


def name(block: bytes) -> bytes:
    """As the header alone says it."""
    own = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + own if prefix else own


def pax(data: bytes) -> dict[bytes, bytes]:
    """The records of a pax header: `<length> <key>=<value>\\n`."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        length = int(data[at:space]) if space > at and data[at:space].isdigit() else 0
        record = data[space + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if at + length > len(data) or not equals or value[-1:] != b"\n":
            raise NotTar("a pax header is malformed")
        found[key] = value[:-1]
        at += length
    return found


def _as_set(letters: bytes) -> frozenset[bytes]:
    return _SETS[letters]


_SETS = {letters: frozenset(bytes([one]) for one in letters) for letters in (_EXTENSIONS, _WITHOUT_DATA)}
