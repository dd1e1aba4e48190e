"""The base of every value, and the names, instants and quantities that the other words are made of."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, NewType, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from dr.units import parse_duration, parse_size

SystemName = NewType("SystemName", str)
HostName = NewType("HostName", str)
RepositoryName = NewType("RepositoryName", str)
TierName = NewType("TierName", str)
SourceName = NewType("SourceName", str)
OfficeName = NewType("OfficeName", str)
ContactName = NewType("ContactName", str)
AudienceName = NewType("AudienceName", str)
"""Who is told something: a contact, or a group of contacts."""
SetId = NewType("SetId", str)
"""`20261122T070000Z-7f3a9c`: when the set was begun (UTC), and six hex digits of its run and step; sorts by time."""
RunId = NewType("RunId", str)
StepId = NewType("StepId", str)
ByteCount = NewType("ByteCount", int)
Seconds = NewType("Seconds", float)
HostPath = NewType("HostPath", str)
"""A path on some host; only that host's handle may open it."""
Sha256 = NewType("Sha256", str)
"""64 lower-case hex digits."""

JsonValue = Any  # what json.loads may give; recursive aliases do not survive pydantic's schema for frozen facts
JsonObject = dict[str, Any]


def _seconds(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _bytes(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return value.astimezone(UTC)


Duration = Annotated[Seconds, BeforeValidator(_seconds)]
"""Seconds; written `4h` in YAML, stored as a number."""
Size = Annotated[ByteCount, BeforeValidator(_bytes)]
"""Bytes; written `10GiB` in YAML, stored as a number."""
Instant = Annotated[datetime, AfterValidator(_utc)]
"""An aware datetime, always UTC."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A name that is safe as a folder's, in a URL and on a command line."""


class StrictModel(BaseModel):
    """A frozen value that refuses unknown keys and loose types. From text, always through `from_json`, which keeps it strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls.model_validate_json(text)

    @classmethod
    def from_facts(cls, facts: JsonObject) -> Self:
        """From what `to_facts()` gave, or from parsed JSON or YAML."""
        return cls.model_validate_json(json.dumps(facts))

    def to_facts(self) -> JsonObject:
        """Plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)


def canonical(value: JsonValue) -> bytes:
    """The one spelling of a JSON value that is hashed and signed: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())
