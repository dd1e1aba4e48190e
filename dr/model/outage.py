"""What has failed, and what was said and done about it until it was over."""

from typing import Literal, NewType

from dr.model.base import Instant, OfficeName, RunId, StrictModel, SystemName

OutageId = NewType("OutageId", str)
"""`outage-20261123T140500Z-7f3a`: when it was declared (UTC), and four hex digits."""
OutageSeverity = Literal["minor", "major"]
"""A major one reaches executive management at once."""
OutageState = Literal["proposed", "declared", "resolved", "reviewed"]
OutageAct = Literal["proposed", "declared", "updated", "assigned", "resolved", "reviewed", "dismissed"]


class Outage(StrictModel):
    """A system, or an office with all its duties, that people cannot use. How it stands now; what happened are its entries."""

    id: OutageId
    system: SystemName | None = None
    office: OfficeName | None = None
    """Exactly one of the two."""
    severity: OutageSeverity
    what: str
    """In the declarer's words; no client's data belongs here."""
    state: OutageState
    exercise: bool = False
    began: Instant
    """When it was recognised: the recovery clock's start."""
    by: str
    assigned: str = ""
    """Who has it in hand now."""
    run: RunId | None = None
    """The run that keeps people told while it lasts."""
    ended: Instant | None = None

    @property
    def about(self) -> str:
        return str(self.system or self.office)


class OutageEntry(StrictModel):
    """One thing that was done about it. `key` is stable, so that a repeated act is one entry."""

    outage: OutageId
    key: str
    act: OutageAct
    by: str
    at: Instant
    text: str = ""
