"""Encrypted parts that a standby keeps from one restore to the next, so that only what changed crosses the network again.

They lie in `parts/` of the standby's root under the digest of their stored bytes, and stay when a drill is scrubbed: without the key, which
is never written there, they say nothing. What no set of the repository consists of any more goes; so does the least used over the limit.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path

from dr.hosts.places import KEPT

_NAME = re.compile(r"[0-9a-f]{64}")


class KeptParts:
    """`most`: bytes that may be kept; 0 for none."""

    def __init__(self, root: str, most: int) -> None:
        self._folder = Path(root) / KEPT
        self._most = most

    def get(self, digest: str) -> bytes | None:
        """The stored bytes of that digest; None where they are not kept. What is kept wrong is no longer kept."""
        if not _NAME.fullmatch(digest):
            return None
        file = self._folder / digest
        try:
            data = file.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != digest:
            file.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(file)  # used just now
        return data

    def put(self, digest: str, data: bytes) -> None:
        """Keep them; a full disk keeps nothing, and is no reason to fail."""
        if not self._most or not _NAME.fullmatch(digest) or hashlib.sha256(data).hexdigest() != digest:
            return
        partial = self._folder / f".{digest}.{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            partial.write_bytes(data)
            partial.rename(self._folder / digest)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def names(self) -> list[str]:
        """The digests of what is kept."""
        with contextlib.suppress(OSError):
            return sorted(entry.name for entry in self._folder.iterdir() if _NAME.fullmatch(entry.name))
        return []

    def tidy(self, wanted: Collection[str]) -> int:
        """Remove what is not wanted, what a crash left half, and the least recently used beyond the limit; how many went."""
        gone, kept = 0, []
        with contextlib.suppress(OSError):
            for entry in list(self._folder.iterdir()):
                at = entry.lstat()
                if entry.name in wanted:
                    kept.append((at.st_mtime, at.st_size, entry))
                else:
                    entry.unlink()
                    gone += 1
        total = 0
        for _, size, entry in sorted(kept, reverse=True):
            total += size
            if total > self._most:
                entry.unlink(missing_ok=True)
                gone += 1
        return gone

    def size(self) -> int:
        """Bytes kept."""
        with contextlib.suppress(OSError):
            return sum(entry.lstat().st_size for entry in self._folder.iterdir())
        return 0
