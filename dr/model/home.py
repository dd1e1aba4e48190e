"""A home as it is stored in a repository: `home/<name>/`, where a name is made like a set's id and sorts by time.

000000.zst.age ...            parts of one tar stream: the plain bytes as one zstd frame, that as one age file
manifest.json, manifest.sig   written last: a home without them does not exist
"""

from typing import Literal

from pydantic import Field

from dr.model.backup import Sealed
from dr.model.base import ByteCount, Instant, RunId, Sha256, StrictModel
from dr.model.record import AuditHead


class HomeManifest(StrictModel):
    """What a stored home consists of; signed. Not encrypted: on a bare machine it is read before there is any key."""

    format: Literal[1] = 1
    what: Literal["home"] = "home"
    """So that the signature of something else of ours can never serve for a home."""
    organisation: str
    name: str
    run: RunId
    created: Instant
    tool: str
    recipients: tuple[str, ...]
    """The age public keys whose owners can open it."""
    public: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hex of the Ed25519 public key that signed it. That it is the right one is said by a person, who compares its fingerprint."""
    plain: ByteCount
    """Bytes of the tar stream."""
    parts: tuple[Sealed, ...] = Field(min_length=1)
    audit: AuditHead
    """Where the audit chain stood."""


class HomeSeen(StrictModel):
    """One stored home, as `dr home list` shows it."""

    name: str
    created: Instant | None = None
    stored: ByteCount = ByteCount(0)
    key: Sha256 | None = None
    """The fingerprint of the key that signed it."""
    problem: str = ""
    """Why it cannot be used; empty when it is whole."""
