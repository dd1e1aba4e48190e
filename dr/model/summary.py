"""What a set held, in counts: kept in clear beside the catalog's other facts, so that the next night is compared without a private key.

Names of databases and tables and counts are no client data; names of files are, so a file set is its counts alone.
"""

from typing import Literal

from pydantic import Field

from dr.model.base import ByteCount, JsonObject, SetId, SourceName, StrictModel, SystemName


class ContentSummary(StrictModel):
    """What a source says of one artifact that it read."""

    kind: Literal["database", "files"]
    name: str
    """The database, as it may be shown; the file set's source."""
    counts: dict[str, int]
    """Table to rows; `files` to how many there are."""
    schema_digest: str = ""
    """Changes when a definition does. Of two digests only those that the same tool's text gave can be compared."""
    schema_tool: str = ""
    beside: tuple[str, ...] = ()
    """Keyed digests of the folders beside a file set that no source covers."""
    parent: str = ""
    """The folder that a file set and what is beside it lie in: of the inventory, so it may be shown."""


class ArtifactSummary(StrictModel):
    source: SourceName
    bytes: ByteCount
    """Plain bytes of the artifact."""
    content: ContentSummary


class SetSummary(StrictModel):
    set: SetId
    system: SystemName
    artifacts: tuple[ArtifactSummary, ...]


class Shrinkage(StrictModel):
    """Why a set does not count as good, and who let it pass."""

    set: SetId
    causes: tuple[str, ...]
    accepted_by: str = ""
    reason: str = ""


class Baselines(StrictModel):
    """What a set is compared with. None: there is none yet."""

    good: SetSummary | None = None
    """The newest earlier set that does not count as shrunken."""
    proven: SetSummary | None = None
    """The newest one that a drill has proven, this one included."""
    known: SetSummary | None = None
    """The newest that a person accepted, else the first of all: what lay beside the file sets then is known."""


class Anomaly(StrictModel):
    """Something about the source that a person should look at."""

    key: str
    """Stable, of the kind and the place: `emptied:database:hmis`."""
    severity: Literal["info", "warning", "critical"]
    message: str
    hint: str = ""
    details: JsonObject = Field(default_factory=dict)

    @property
    def shrinks(self) -> bool:
        """Whether the set must not count as a good one until a person has accepted it."""
        return self.severity == "critical"
