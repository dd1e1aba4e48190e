"""What may have come into strangers' hands, and what was said and done about it. No client's data belongs in any of it."""

from collections.abc import Callable
from typing import Literal, NewType

from pydantic import Field

from dr.model.base import AudienceName, Duration, Instant, RepositoryName, SetId, Slug, StrictModel, SystemName

IncidentId = NewType("IncidentId", str)
"""`inc-20261123T140500Z-7f3a`: when it was opened (UTC), and four hex digits."""
ExposedKind = Literal["copy", "repository", "key", "host"]
IncidentState = Literal["open", "closed"]
IncidentAct = Literal["opened", "noted", "closed"]


class Exposed(StrictModel):
    """One thing that a stranger may have had."""

    kind: ExposedKind
    name: str
    """A set's id, a repository, `drill`, `escrow`, `signing` or an age public key, or a standby."""
    repository: RepositoryName | None = None
    """Of a copy: where it lay; None: wherever it lies."""
    recipients: tuple[str, ...] = ()
    """Of a key: the age public keys that it was when this was written; what a rotation changes later changes nothing here."""

    def __str__(self) -> str:
        if self.kind == "copy":
            return f"copy {self.name}" + (f" in {self.repository}" if self.repository else ", in every repository")
        return {"repository": "all of repository ", "key": "key ", "host": "standby "}[self.kind] + self.name


class Incident(StrictModel):
    """How it stands now; what happened are its entries."""

    id: IncidentId
    what: str
    """In the words of who opened it."""
    state: IncidentState
    exposed: tuple[Exposed, ...]
    since: Instant
    """From when on it may have been in strangers' hands; as `noticed` where nobody knows."""
    noticed: Instant
    opened: Instant
    by: str
    ended: Instant | None = None


class IncidentEntry(StrictModel):
    """One thing that was said or done about it. `key` is stable, so that a repeated act is one entry."""

    incident: IncidentId
    key: str
    act: IncidentAct
    by: str
    at: Instant
    text: str = ""
    exposed: tuple[Exposed, ...] = ()
    """What it adds to what was exposed."""


DecideIncident = Callable[[Incident], tuple[Incident, IncidentEntry]]
"""From how an incident stands to how it stands after one more thing was done, and that one's entry. Without effects."""


class KeptCopy(StrictModel):
    """A copy that was ever on record."""

    set: SetId
    system: SystemName
    repository: RepositoryName
    committed: Instant
    removed: Instant | None = None
    recipients: tuple[str, ...] = ()
    """The age public keys by whose private halves it is read; none where they are not known."""


class IncidentRules(StrictModel):
    """Who hears of an incident, and what the organisation has promised about it."""

    tell: tuple[AudienceName, ...] = Field(default=(AudienceName("administrators"),), min_length=1)
    """Who is told at once that one was opened."""
    duty: Slug | None = None
    """The duty whose holder owes the report: the people of the office that holds it are told as well."""
    report_within: Duration | None = Field(default=None, gt=0)
    """How long after it was noticed the report is owed at the latest, as your own rules and agreements say."""


class IncidentStory(StrictModel):
    """What the notice of an incident may say: its own words, names of copies, keys and places, and numbers of them."""

    organisation: str
    incident: str
    what: str
    noticed: str
    at: str
    by: str
    exposed: tuple[str, ...]
    """What may have been in strangers' hands, a line each."""
    added: bool
    """Whether this is about more that was exposed, of an incident that was told before."""
    readable: int
    """Copies and restores that could be read with what was exposed."""
    unreadable: int
    owed: str
    """By when the report is owed; empty where no deadline is written."""
