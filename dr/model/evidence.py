"""The evidence that a run leaves: what was done, measured and found, in one signed value. No secrets, no client data."""

from typing import Literal

from pydantic import Field

from dr.model.backup import ProofLevel
from dr.model.base import Instant, JsonObject, RepositoryName, SetId, Sha256, StrictModel
from dr.model.record import (
    AuditHead,
    CheckResult,
    Comment,
    Finding,
    RpoMeasured,
    RtoMeasured,
    RunRecord,
    ScrubCertificate,
    StepRecord,
    Verdict,
)
from dr.model.runbook import Declaration


class Chosen(StrictModel):
    """Which backup was used, and how it was selected."""

    set: SetId
    tier: str
    repository: RepositoryName
    instant: Instant
    level: ProofLevel
    how: str
    manifest: Sha256 | None = None
    previous: Sha256 | None = None
    """The manifest before it in the system's chain."""
    made_by: str = ""
    plain: int = 0
    stored: int = 0
    witnessed: bool = False
    identity: dict[str, str] = Field(default_factory=dict)
    """What it was read from: system identifier, server version."""


class CopyFact(StrictModel):
    """One copy as the catalog knew it when the evidence was written."""

    set: SetId
    repository: RepositoryName
    tier: str
    instant: Instant
    level: ProofLevel
    damaged: bool


class Evidence(StrictModel):
    format: Literal[1] = 1
    organisation: str
    zone: str
    written: Instant
    tool: str
    run: RunRecord
    verdict: Verdict
    reasons: tuple[str, ...]
    """Everything that kept it from PASS; empty for PASS."""
    remarks: tuple[str, ...] = ()
    """What did not keep it from PASS and yet must be said: a target that was missed, a worst gap over the objective."""
    scope: JsonObject
    """The system, its sources and its objectives, as the inventory had them."""
    chosen: Chosen | None = None
    steps: tuple[StepRecord, ...]
    rto: RtoMeasured | None = None
    rpo: RpoMeasured | None = None
    """Of a drill the month's worst gap; of a recovery what was lost."""
    declaration: Declaration | None = None
    """Of a recovery: since when, why, by whom, and whether alone."""
    copies: tuple[CopyFact, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Those that were open when it was written."""
    comments: tuple[Comment, ...] = ()
    """What people noted on the run until it was written."""
    scrub: ScrubCertificate | None = None
    audit: AuditHead
    """The head of the audit chain when it was written: what came before it cannot be changed unnoticed."""


class Signed(StrictModel):
    """An evidence file: `signature` (base64, Ed25519) is over the canonical JSON of `evidence`."""

    evidence: JsonObject
    key: str
    """SHA-256 of the public key's raw bytes, so that an auditor knows which one to use."""
    signature: str
