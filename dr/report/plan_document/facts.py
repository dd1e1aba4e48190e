"""What the document is made from: the files of the home, and what is on record. Gathered by `dr.app.plan_document`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dr.model.base import RunId, Sha256
from dr.model.duty import Board
from dr.model.inventory import Inventory
from dr.model.readiness import DrillFact, Readiness
from dr.model.record import AuditHead, Finding, ScrubCertificate
from dr.model.runbook import Runbook


@dataclass(frozen=True)
class Kinds:
    """Kind to what it is, in words, as its own file says it."""

    actions: Mapping[str, str]
    checks: Mapping[str, str]
    sources: Mapping[str, str]
    repositories: Mapping[str, str]
    redundancy: Mapping[str, str]


@dataclass(frozen=True)
class SystemSeen:
    """One system: how it stands, its finished drills (newest first), and the certificates that their wipes left."""

    readiness: Readiness
    drills: tuple[DrillFact, ...] = ()
    certificates: Mapping[RunId, ScrubCertificate] = field(default_factory=dict)
    """Drill to its certificate, for the newest drills; one that is not in it left none."""
    looked_for: tuple[RunId, ...] = ()
    """The drills of which a certificate was looked for."""


@dataclass(frozen=True)
class Watched:
    """One thing that there are two of, as the last look found it."""

    name: str
    stands: str
    whole: bool
    at: datetime | None


@dataclass(frozen=True)
class Way:
    """One channel of one contact."""

    contact: str
    kind: str
    """`mailto`, `ntfy`, ...; empty where it is not to be told."""
    valid: bool
    """Whether it is proven by a test that was acknowledged, recently enough."""


@dataclass(frozen=True)
class Detail:
    """What a step is given, and what else is to be known of it."""

    given: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    inventory: Inventory
    digest: Sha256
    """Of the inventory, as every run's plan bears it."""
    at: datetime
    tool: str
    books: Mapping[str, Runbook]
    kinds: Kinds
    systems: Mapping[str, SystemSeen]
    board: Board
    audit: AuditHead
    findings: tuple[Finding, ...] = ()
    """The open ones."""
    watched: tuple[Watched, ...] = ()
    ways: tuple[Way, ...] = ()
    fingerprints: tuple[str, ...] = ()
    """Of the public keys whose signatures are believed."""
    escrow_here: bool = False
    """Whether a private escrow key lies in the home."""
    unstarted: tuple[str, ...] = ()
    """What nothing begins by itself though it should be begun, in words."""
    office_rehearsed: datetime | None = None
    """When the loss of an office was last made out to have happened."""
    outage_rehearsed: datetime | None = None
    details: Mapping[str, Mapping[str, Detail]] = field(default_factory=dict)
    """Runbook to step to more of it."""
    internal: bool = False
    """Whether names, addresses and places may be told."""

    @property
    def zone(self) -> str:
        return self.inventory.organisation.zone
