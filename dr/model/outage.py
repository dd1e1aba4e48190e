"""What has failed, and what was said and done about it until it was over."""

from collections.abc import Callable, Sequence
from typing import Literal, NewType

from pydantic import Field

from dr.model.base import AudienceName, Duration, Instant, OfficeName, RunId, Seconds, StrictModel, SystemName

OutageId = NewType("OutageId", str)
"""`out-20261123T140500Z-7f3a`: when it was declared (UTC), and four hex digits."""
OutageSeverity = Literal["minor", "major"]
"""A major one reaches executive management at once."""
OutageState = Literal["proposed", "declared", "resolved", "reviewed", "dismissed"]
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
    severity: OutageSeverity | None = None
    """Of a declaration, and of an update that changes it."""
    to: str = ""
    """Whom it was assigned to."""


Decide = Callable[[Outage, Sequence[OutageEntry]], tuple[Outage, OutageEntry]]
"""From how an outage stands, and its entries, to how it stands after one more thing was done, and that one's entry."""


class Spans(StrictModel):
    """A length of time for each severity."""

    major: Duration = Field(gt=0)
    minor: Duration = Field(gt=0)

    def of(self, severity: OutageSeverity) -> Seconds:
        return self.major if severity == "major" else self.minor


class OutageRules(StrictModel):
    """Who hears of an outage, and how often: the organisation's promise to its own people."""

    major: tuple[AudienceName, ...] = Field(default=(AudienceName("management"), AudienceName("administrators")), min_length=1)
    """Who is told at once of a major one."""
    minor: tuple[AudienceName, ...] = Field(default=(AudienceName("administrators"),), min_length=1)
    hears: AudienceName = AudienceName("administrators")
    """Who hears at least so often (`cadence`) while it lasts, even when nothing changed."""
    cadence: Spans = Spans(major=Seconds(1800.0), minor=Seconds(7200.0))
    silence: Spans = Spans(major=Seconds(3600.0), minor=Seconds(4 * 3600.0))
    """How long an outage may go without a word from a person, until who has it in hand is asked for one."""

    def groups(self, severity: OutageSeverity) -> tuple[AudienceName, ...]:
        return self.major if severity == "major" else self.minor


class OutageStory(StrictModel):
    """What the notices of an outage may say. Times are the organisation's; no client's data belongs in any of it."""

    organisation: str
    outage: str
    exercise: bool
    severity: OutageSeverity
    about: str
    """`hmis`, or `Madison office`."""
    title: str
    """What that is, for somebody who does not know the name; may be empty."""
    what: str
    began: str
    """`14:05`; with its day where that is not today."""
    lasted: str
    at: str
    by: str
    """Who declared it."""
    assigned: str
    """Who has it in hand; empty: nobody yet."""
    doing: tuple[str, ...]
    """What is being done, a line each."""
    said: str
    """The words of this message's own occasion: an update, how it was resolved, what was noticed."""
    said_by: str
    said_at: str
    next: str
    """When they hear next at the latest; empty where nothing is promised."""
    objective: str
    """`4 h, until 18:05`; empty where there is none."""
    missed: bool
    """Whether that is over."""
