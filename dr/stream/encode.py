"""One part: plain bytes, as one zstd frame, as one age file; and back, with a bound on what may come out."""

from __future__ import annotations

import hmac
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dr.errors import ConfigError, Damaged
from dr.model.backup import FORMAT
from dr.model.base import Sha256, canonical, sha256

if TYPE_CHECKING:
    from backports import zstd as zstd  # noqa: PLC0414  given on to whoever else speaks zstd
elif sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
"""zstd's. The manifest and the reuse rule name it."""
_WINDOW = 24
"""log2 of the memory a frame may ask for: no frame of ours needs more than its own 16 MiB."""


class Encoder:
    """Encodes for all recipients. Raises ConfigError for fewer than two, or for one that is not an age public key."""

    def __init__(self, recipients: tuple[str, ...], *, level: int = LEVEL) -> None:
        from pyrage import RecipientError, x25519

        if len(set(recipients)) < 2:
            raise ConfigError("a set needs two recipients or more", hint="name the drill key's and the escrow key's under keys.recipients")
        try:
            self._to = [x25519.Recipient.from_str(one) for one in recipients]
        except RecipientError:
            raise ConfigError("a recipient under keys.recipients is not an age public key", hint="it looks like age1...") from None
        self._options: dict[int, int] = {zstd.CompressionParameter.compression_level: level, zstd.CompressionParameter.checksum_flag: 1}
        self.compression = f"zstd-{level}"
        self.digest = encoding_digest(recipients, self.compression)

    def encode(self, plain: bytes | bytearray) -> bytes:
        from pyrage import encrypt

        return bytes(encrypt(zstd.compress(plain, options=self._options), self._to))


def encoding_digest(recipients: tuple[str, ...], compression: str) -> Sha256:
    """What must be equal for a stored part to serve again: format, recipients (in any order) and compression."""
    return sha256(canonical({"format": FORMAT, "recipients": sorted(recipients), "compression": compression}))


def plain_digest(key: bytes, plain: bytes | bytearray) -> str:
    """HMAC-SHA-256 of a part's plain bytes, as the index holds it."""
    return hmac.digest(key, plain, "sha256").hex()


class Decoder:
    """Decodes with any of some age identities (the text of an identity file). Raises ConfigError if there is none in it."""

    def __init__(self, identity: str) -> None:
        from pyrage import IdentityError, x25519

        lines = [line.strip() for line in identity.splitlines() if line.strip().startswith("AGE-SECRET-KEY-")]
        try:
            self._with = [x25519.Identity.from_str(line) for line in lines]
        except IdentityError:
            self._with = []
        if not self._with:
            raise ConfigError("the drill key is not an age identity", hint="it holds a line AGE-SECRET-KEY-1...")
        self.recipients = frozenset(str(one.to_public()) for one in self._with)
        """What must be encrypted to one of these to be read."""

    def each(self) -> Iterator[Decoder]:
        """One for each identity alone, in their order: whoever must say which key opened something tries them so."""
        for identity in self._with:
            yield Decoder(str(identity))

    def decode(self, stored: bytes, *, limit: int) -> bytes:
        """At most `limit` bytes. Raises Damaged for what is not ours, is broken, or would unpack to more."""
        from pyrage import DecryptError, decrypt

        try:
            frame = decrypt(stored, self._with)
        except DecryptError:
            raise Damaged("it cannot be decrypted with this key", hint="is the drill key one of the set's recipients?") from None
        return _unpack(frame, limit)


def _unpack(frame: bytes, limit: int) -> bytes:
    window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW}
    unpacker = zstd.ZstdDecompressor(options=window)
    try:
        plain = unpacker.decompress(frame, max_length=limit + 1)
    except zstd.ZstdError:
        raise Damaged("its zstd frame is broken") from None
    if len(plain) > limit:
        raise Damaged(f"it unpacks to more than the {limit} bytes that it may")
    if not unpacker.eof or unpacker.unused_data:
        raise Damaged("it is not exactly one zstd frame")
    return plain
