"""The suppression journal: what must not come back with a restored backup, though the backup, made before, still holds it.

A person has the right to be forgotten, or takes back leave to share. Production does so at once; a backup made before knows nothing of it.
So each such request is an entry here, outside the protected database, and is replayed on what was restored before anybody is let in.
"""

from typing import Literal

from pydantic import Field

from dr.model.base import Duration, Instant, Seconds, Sha256, Slug, StrictModel, SystemName, canonical, sha256

SuppressionKind = Literal["erase", "unshare"]
NOTHING = Sha256("0" * 64)
"""What the first entry follows."""


class SuppressionTemplates(StrictModel):
    """How a system's requests are carried out in its database: SQL files of the home, with the one parameter `:key`."""

    source: Slug
    """The source whose server holds the database."""
    database: str | None = None
    """Needed where the source has more than one."""
    erase: str | None = None
    """The file whose statements erase what belongs to `:key`. Safe to repeat: it is run on every restore."""
    unshare: str | None = None
    margin: Duration = Field(default=Seconds(0.0), ge=0)
    """How long a request may take until production has carried it out: one that old, before the backup, is replayed too."""


class SuppressionEntry(StrictModel):
    """One request. The key is encrypted; who has no private key can only compare its HMAC."""

    seq: int = Field(ge=1)
    kind: SuppressionKind
    at: Instant
    by: str
    subject: Sha256
    """HMAC-SHA-256 of the key, under a key derived from the home's digest key: all that audit and evidence ever show of it."""
    sealed: str
    """The key, padded, encrypted to the organisation's recipients (age), in base64."""
    previous: Sha256

    @property
    def hash(self) -> Sha256:
        return sha256(canonical(self.to_facts()))


class SuppressionJournal(StrictModel):
    """Every entry since `base`, each bearing the hash of the one before it. Signed as a whole; in the home and in every repository."""

    organisation: str
    system: SystemName
    base_seq: int = Field(default=0, ge=0)
    """The last entry that was let go of, since no copy is older than it any more."""
    base_hash: Sha256 = NOTHING
    entries: tuple[SuppressionEntry, ...] = ()

    @property
    def seq(self) -> int:
        """The number of the last entry, gone or not."""
        return self.base_seq + len(self.entries)

    @property
    def head(self) -> Sha256:
        return self.entries[-1].hash if self.entries else self.base_hash

    def hash_at(self, seq: int) -> Sha256 | None:
        """The hash of the entry with this number; None for one that is not in it."""
        if seq == self.base_seq:
            return self.base_hash
        return self.entries[seq - self.base_seq - 1].hash if self.base_seq < seq <= self.seq else None

    def broken_at(self) -> int | None:
        """The number of the first entry that does not follow the one before it."""
        before = self.base_hash
        for number, entry in enumerate(self.entries, self.base_seq + 1):
            if (entry.seq, entry.previous) != (number, before):
                return number
            before = entry.hash
        return None
