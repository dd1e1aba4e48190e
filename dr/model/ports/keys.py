"""The keys of a home."""

from __future__ import annotations

from typing import Protocol


class Keyring(Protocol):
    """Keys of the home. Private ones are read when used and never leave."""

    recipients: tuple[str, ...]

    def digest_key(self) -> bytes: ...
    def identity(self) -> str:
        """The drill key's age identity, and those before it that were kept, a line each, the current one first.

        Raises Refused where this home has none (a backup host cannot read its own backups).
        """
        ...

    def sign(self, data: bytes) -> bytes: ...
    def verify(self, data: bytes, signature: bytes) -> None:
        """Raises Damaged if no trusted key made it."""
        ...
