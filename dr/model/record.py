"""What a run leaves: its steps, findings, check results, verdict."""

from typing import Literal

from pydantic import Field

from dr.model.base import (
    ByteCount,
    HostName,
    Instant,
    JsonObject,
    RepositoryName,
    RunId,
    Seconds,
    SetId,
    Sha256,
    StepId,
    StrictModel,
    SystemName,
)
from dr.model.forecast import Closed, Declared

Verdict = Literal["PASS", "FAIL", "INCOMPLETE"]
RunState = Literal["running", "done", "failed", "cancelled"]
StepState = Literal["running", "done", "failed", "skipped", "cancelled"]
Severity = Literal["info", "warning", "critical"]


class Failure(StrictModel):
    """Why a step failed: the error's class name, its exit code, its message and hint. Never a stack trace with data in it."""

    error: str
    exit_code: int
    message: str
    hint: str = ""


class StepRecord(StrictModel):
    run: RunId
    step: StepId
    section: Literal["steps", "on_failure", "always"]
    action: str
    state: StepState
    attempt: int
    started: Instant | None = None
    ended: Instant | None = None
    phase: str | None = None
    budget: Seconds | None = None
    resolved: JsonObject = Field(default_factory=dict)
    """`with` after its references were resolved."""
    facts: JsonObject = Field(default_factory=dict)
    changed: bool | None = None
    failure: Failure | None = None


class RunRecord(StrictModel):
    run: RunId
    runbook: str
    title: str
    kind: str
    system: SystemName | None = None
    tier: str | None = None
    state: RunState
    verdict: Verdict | None = None
    started: Instant
    """Recognition: the recovery clock starts here."""
    ended: Instant | None = None
    plan: Sha256
    parameters: JsonObject = Field(default_factory=dict)
    objective: JsonObject | None = None
    requested_by: str = ""


class Finding(StrictModel):
    """Something a run noticed. One `key` is one open finding however often it is seen; it closes when a run no longer finds it."""

    key: str
    """Stable: `<what>:<about>`, for example `missing-copy:hmis:vault:20261122T070000Z-7f3a9c`."""
    severity: Severity
    system: SystemName | None = None
    message: str
    hint: str = ""
    run: RunId | None = None
    step: StepId | None = None
    at: Instant


class Difference(StrictModel):
    """One thing that is not as it was on the source, by name; never by value."""

    kind: str
    """rows, table, schema, role, sequence, large-object, file, ..."""
    name: str
    detail: str = ""


class CheckResult(StrictModel):
    """What one check found on a restored system. `examined` counts what it looked at: zero is a FAIL, whatever `passed` says."""

    check: str
    passed: bool
    examined: int
    summary: str
    started: Instant
    ended: Instant
    user_level: bool = False
    """Whether a person using the system would have succeeded too: the first such success stops the recovery clock."""
    proves: bool = False
    """Whether it compares content with the source: `proven` needs at least one of these for every artifact."""
    artifacts: tuple[str, ...] = ()
    """The artifacts that it covered."""
    differences: tuple[Difference, ...] = ()
    unproven: tuple[Difference, ...] = ()
    """Listed by name as not digested, which is not a failure."""
    details: JsonObject = Field(default_factory=dict)
    """For the evidence: names, counts and keyed digests only."""


class ScrubCertificate(StrictModel):
    """Signed by the host handle that scrubbed."""

    host: HostName
    run: RunId
    at: Instant
    removed: tuple[str, ...]
    """What was removed: places, not their content's names."""
    files: int | None = None
    bytes: ByteCount | None = None
    """How many files that were, and what they held, as `ls -l` counts it; None in certificates of before it was counted."""
    searched: tuple[str, ...]
    """Where canaries were looked for afterwards."""
    canaries: int
    found: int
    signature: str = ""


class ProductionFacts(StrictModel):
    """How a production host is recognised: recorded at enrolment, refreshed at every backup. A standby must match none of it."""

    host: HostName
    system: SystemName | None = None
    recorded: Instant
    data_directory: str | None = None
    device: int | None = None
    inode: int | None = None
    port: int | None = None
    address: str | None = None
    system_identifier: str | None = None
    paths: tuple[JsonObject, ...] = ()
    """Other protected places (file sets): `{path, device, inode}`."""
    machine: str | None = None
    """The machine it was read on (a digest of its machine-id); its paths, devices and loopback ports mean something there only."""
    host_keys: tuple[str, ...] = ()
    """SHA-256 fingerprints of the SSH host keys that it is known by; empty for a host that is no SSH host."""


class HostState(StrictModel):
    """A standing fact about a standby: whether it holds drill data, and whose."""

    host: HostName
    state: Literal["clean", "claimed", "adopted", "in-service"]
    run: RunId | None = None
    set: SetId | None = None
    since: Instant


class AuditEntry(StrictModel):
    """One link: `hash` is SHA-256 over the canonical entry without it, which includes `previous`."""

    seq: int
    at: Instant
    actor: str
    event: str
    subject: str
    facts: JsonObject = Field(default_factory=dict)
    previous: Sha256
    hash: Sha256


class Comment(StrictModel):
    """A person's note on a run: what they saw, did or decided."""

    by: str
    at: Instant
    text: str


class Still(StrictModel):
    """A time in which nothing of a run went on."""

    began: Instant
    ended: Instant
    why: str
    """`paused by ANNA`, `nobody carried it`."""

    @property
    def seconds(self) -> Seconds:
        return Seconds((self.ended - self.began).total_seconds())


class AuditHead(StrictModel):
    seq: int
    hash: Sha256
    at: Instant


class Decision(StrictModel):
    """What retention decides for one copy, and by which rule."""

    set: SetId
    repository: RepositoryName
    tier: str
    keep: bool
    rule: str
    reason: str
    loud: bool = False
    """A kept copy past its privacy limit, a frozen expiry: becomes a finding."""


class RetentionOutcome(StrictModel):
    decisions: tuple[Decision, ...]
    frozen: str = ""
    """Why nothing at all may expire now; empty when expiry is allowed."""
    needs_person: str = ""
    """Why a person must confirm before anything is deleted; empty when not."""


class RtoMeasured(StrictModel):
    seconds: Seconds
    """As the clock measured it."""
    objective: Seconds | None
    target: Seconds | None
    within: bool | None
    """Whether `total` is within the objective."""
    declared: tuple[Declared, ...] = ()
    """Of a drill: what would come on top and no machine measures, as the inventory declared it when the drill began."""
    closed: Closed | None = None
    """Of a drill: how much longer it takes at the worst hour of the week. Outside `within`: the drill is not to blame for it."""
    still: tuple[Still, ...] = ()
    """When, inside `seconds`, the run lay still."""

    @property
    def total(self) -> Seconds:
        """Measured and declared."""
        return Seconds(self.seconds + sum(one.seconds for one in self.declared))


class RpoMeasured(StrictModel):
    seconds: Seconds
    objective: Seconds | None
    within: bool | None
    what: str
    """In words, how it was counted."""


class Progress(StrictModel):
    """A sign of life from a running step, for the person who watches."""

    run: RunId
    step: StepId
    at: Instant
    event: Literal["run-started", "started", "working", "waiting", "done", "failed", "skipped", "retry-later", "retry", "late", "run-ended"]
    what: str = ""
    hint: str = ""
    """Of a failure: what to do next."""
    done: int | None = None
    total: int | None = None
    unit: Literal["bytes", "items", ""] = ""
    elapsed: float | None = None
    budget: float | None = None
    deadline: Instant | None = None
    """The moment at which a drill's objective is missed, while its clock runs."""
    back: Instant | None = None
    """When a user will be able to work again, as far as can be seen at this rate."""
    late: bool = False
    """Whether that is too late."""
