"""The chain of sets: what a repository holds, what is known elsewhere of what it should hold, and what follows from comparing the two."""

from typing import Literal

from pydantic import Field

from dr.model.backup import Previous, Tombstone
from dr.model.base import Instant, RepositoryName, RunId, SetId, Sha256, StrictModel, SystemName
from dr.model.record import AuditHead

ChainKind = Literal["intact", "pruned", "rolled-back", "swapped", "lost", "unknown", "altered", "foreign"]
"""What became of one set in one repository.

intact       it is the set that was committed there
pruned       it is gone, and a signed tombstone of this very set says why
rolled-back  it, or the whole repository, was put back to an earlier state
swapped      a set of ours, but in the place of another
lost         it is gone, and nothing says why
unknown      a set of ours that nobody recorded: a run died between committing and recording
altered      its manifest or signature is not what was committed
foreign      not signed by any key of ours
"""


class HeldSet(StrictModel):
    """What lies in the place of one set, as read from there."""

    set: SetId
    """The name of its place."""
    manifest: Sha256
    """Of the stored bytes, whatever they are."""
    signed: bool
    """Whether a trusted key signed these bytes, and they are a manifest."""
    says: SetId | None = None
    """Which set, system and organisation the manifest itself names; None where it cannot be believed."""
    system: SystemName | None = None
    organisation: str = ""
    run: RunId | None = None
    previous: Previous | None = None
    head: AuditHead | None = None
    """The head of the audit chain when the set was sealed; None where it cannot be believed."""


class Holdings(StrictModel):
    """One repository's sets of one system. Tombstones here were signed by a trusted key; `strangers` counts those that were not."""

    repository: RepositoryName
    sets: tuple[HeldSet, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    strangers: int = 0


class KnownCopy(StrictModel):
    """A copy that the catalog ever recorded: one that exists, or one that was removed."""

    set: SetId
    repository: RepositoryName
    manifest: Sha256
    committed: Instant
    previous: Previous | None = None
    """What the set's own manifest says came before it."""
    removed: Instant | None = None
    rule: str | None = None
    """Why it was removed."""


class Known(StrictModel):
    """What is known of one system's sets without asking the repositories."""

    organisation: str
    system: SystemName
    copies: tuple[KnownCopy, ...] = ()
    own: tuple[SetId, ...] = ()
    """Sets of runs that this very catalog saw: the audit head that they bear must be in its log."""
    heads: dict[int, Sha256] = Field(default_factory=dict)
    """The log's entries with the numbers that those heads have: number to hash; one that the log does not have is left out."""
    seen: dict[RepositoryName, Instant] = Field(default_factory=dict)
    """When each repository was last found to be whole."""


class ChainVerdict(StrictModel):
    """What became of one set in one repository, in words. `set` is None for what concerns the whole repository."""

    kind: ChainKind
    repository: RepositoryName
    set: SetId | None
    message: str
    hint: str = ""

    @property
    def bad(self) -> bool:
        return self.kind not in ("intact", "pruned", "unknown")
