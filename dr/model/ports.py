"""The doors between the rooms: what an action is, and the Protocols that sources, repositories, hosts and checks fulfil.

An action, source or check receives a `StepContext` and reaches everything else through it; none of them imports another room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import IO, Any, Protocol

from dr.clock import Clock
from dr.model.backup import Artifact, ArtifactIndex, Copy, Manifest, PartCopy, PartRead, RepositoryIdentity, SetIndex, Tombstone
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, SetId, Sha256, SourceName, StepId, StrictModel, SystemName
from dr.model.chain import KnownCopy
from dr.model.inventory import Inventory, SecretRef, SourceEntry
from dr.model.record import (
    AuditEntry,
    AuditHead,
    CheckResult,
    Finding,
    HostState,
    Notice,
    ProductionFacts,
    RunRecord,
    ScrubCertificate,
    Severity,
    StepRecord,
)
from dr.model.runbook import Plan
from dr.model.summary import Baselines, ContentSummary, SetSummary, Shrinkage

# ---------------------------------------------------------------- actions


class Effect(Enum):
    """What an action does to the world; `--rehearse` and the reviewer read it."""

    READS = "reads"
    WRITES = "writes"
    DELETES = "deletes"
    TELLS = "tells"


@dataclass(frozen=True)
class Outcome:
    """What a step's action did. `facts` are small JSON facts, of the action's `facts` model."""

    changed: bool
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One verb of a runbook. `failpoints` are the points inside it, beside before-effect, after-effect and after-record of every verb."""

    kind: str
    params: type[StrictModel]
    facts: type[StrictModel]
    effect: Effect
    run: Callable[[Any, StepContext], Outcome]
    failpoints: tuple[str, ...] = ()
    rehearse: Callable[[Any, RehearseContext], Rehearsal] | None = None
    """Says what `run` would do, and writes nothing. Raises what `run` would be refused with. None: only its effect can be told."""


@dataclass(frozen=True)
class Rehearsal:
    """What a step would do. `facts`: as far as they can be foreseen, for the steps after it; `problems`: why it would not get through."""

    says: tuple[str, ...]
    facts: JsonObject = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class RehearseContext(Protocol):
    """What a rehearsal may reach: everything here refuses to write."""

    inventory: Inventory
    clock: Clock
    records: Records
    keys: Keyring
    sets: Sets

    def repository(self, name: RepositoryName) -> Repository: ...
    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]: ...
    def host_check(self, name: HostName) -> Sequence[tuple[bool, str]]:
        """As `dr hosts check` says it: for a standby the guard's decision."""
        ...

    def secret(self, ref: SecretRef) -> str: ...


# ---------------------------------------------------------------- processes


@dataclass(frozen=True)
class Completed:
    """A finished command. `stdout` and `stderr` are bounded tails; they may hold client data and go into no message as they are."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


class Process(Protocol):
    """A command that runs now. Its whole process group ends when the step is stopped or the tool dies."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    pid: int

    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...
    def stderr_tail(self) -> bytes: ...


class Runner(Protocol):
    """Where commands run. Argument lists only, never a shell string; secrets go by file or environment, never argv."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        unprivileged: bool = False,
        detached: bool = False,
    ) -> Completed:
        """Run to the end. Raises Failed (when `check`), Stopped, or Unreachable when the program is not there.

        `unprivileged`: as a user who is not root, as PostgreSQL's server programs want (no effect for one who is not root).
        `detached`: what it leaves running (a server) may outlive the step.
        """
        ...

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        unprivileged: bool = False,
    ) -> Process:
        """Start; `stdin` and `stdout` as subprocess takes them (PIPE, DEVNULL or a file descriptor)."""
        ...

    def kill_all(self) -> None:
        """End every process group that this runner started and that still lives (not the detached ones)."""
        ...


# ---------------------------------------------------------------- repositories (stored bytes; they see no plain text)


class Repository(Protocol):
    """Where sets live. Paths inside a set are `/`-separated and relative: `database-00/000000.zst.age`, `index.zst.age`."""

    name: RepositoryName
    tier: str

    def identity(self) -> RepositoryIdentity:
        """Of `dr-repository.json`. Raises Refused if it is another organisation's or a future format, Unreachable if absent."""
        ...

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        """Make an empty place a repository; an existing one of ours is returned as it is; anything else is Refused."""
        ...

    def begin(self, system: SystemName, set_id: SetId) -> SetUpload:
        """An invisible partial. What an earlier, crashed attempt under the same id left is removed first."""
        ...

    def sets(self, system: SystemName | None = None) -> list[tuple[SystemName, SetId]]:
        """Committed sets (manifest and signature present), oldest first."""
        ...

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        """The bytes of manifest.json and manifest.sig. Raises Damaged if absent."""
        ...

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        """Read one stored object. Raises Damaged (naming it) if it is missing or not a plain file."""
        ...

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        """Every path in the set, so that an extra one is noticed."""
        ...

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        """Publish a small file beside the manifest (a hold, the audit head), atomically."""
        ...

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        """Put these bytes, afresh and atomically, at every one of these places (set and path) of committed sets, which then share them.

        What lay there is replaced, never written into. The caller has compared the bytes with what was signed.
        """
        ...

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        """Remove a small file beside the manifest; absent is fine."""
        ...

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        """Tombstone, then the manifest (the set disappears), then the parts. False if the set was gone already. Idempotent.

        Calls `failpoint("after-tombstone")` and `failpoint("after-manifest")` between.
        """
        ...

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        """Their canonical bytes and signatures."""
        ...

    def sweep(self, older_than: datetime) -> list[str]:
        """Remove partials begun before an instant, and parts of sets whose manifest is gone; says what went."""
        ...

    def put_home(self, name: str, data: bytes) -> None:
        """Publish an encrypted object under `home/`, atomically."""
        ...

    def list_home(self) -> list[str]:
        """Every path below `home/`, sorted; what is being written is not among them."""
        ...

    def open_home(self, name: str) -> IO[bytes]:
        """Read one object below `home/`. Raises Damaged (naming it) if it is missing or not a plain file."""
        ...

    def remove_home(self, name: str) -> bool:
        """Remove an object, or a folder with all that is in it, below `home/`; False if nothing was there."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Held while a set is committed or removed here; waits."""
        ...

    def free(self) -> int | None:
        """Bytes free, None where it cannot be known."""
        ...


@dataclass(frozen=True)
class RepositoryKind:
    """How a kind of repository is registered. `open` touches nothing: the first operation finds out whether the place is there."""

    kind: str
    params: type[StrictModel]
    open: RepositoryOpener


class RepositoryOpener(Protocol):
    def __call__(self, name: RepositoryName, tier: str, params: Any, home: HostPath, organisation: str) -> Repository:
        """`params`: of the kind's own model; `home`: what relative paths in it are relative to; `organisation`: whose it must be."""
        ...


class SetUpload(Protocol):
    """A set being written to one repository."""

    def put(self, path: str, data: bytes) -> None:
        """Write one object durably (it is fsynced by commit at the latest)."""
        ...

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        """Reuse the stored bytes of an earlier set's object; False if that cannot be done here."""
        ...

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        """Everything else first and durable, `beside` files, then manifest and signature by atomic rename. Idempotent."""
        ...

    def abandon(self) -> None: ...


# ---------------------------------------------------------------- writing and reading a set (plain bytes on this side)


class ArtifactSink(Protocol):
    """Takes one tar stream, cuts and encodes it, and feeds every repository at once. `write` blocks while the parts are full."""

    name: str

    def write(self, data: bytes | memoryview) -> None: ...

    def describe(
        self, *, instant: datetime, identity: Mapping[str, str], content: JsonObject, summary: ContentSummary | None = None
    ) -> None:
        """Once, any time before the end: what it shows, what it was read from, and the proof material for the encrypted index.

        `summary`: its counts, which are kept in clear, so that the next night is compared with them.
        """
        ...


class SetWriter(Protocol):
    """Given to a source's `capture`. `key` is the HMAC key for every digest that goes into the index."""

    set: SetId
    key: bytes

    def artifact(self, name: str, *, kind: str, source: SourceName) -> AbstractContextManager[ArtifactSink]:
        """Open an artifact; it is whole when the block ends, and void if the block raises."""
        ...


class ArtifactReader(Protocol):
    """One artifact of an opened set: every part is checked against the signed manifest before a byte of it comes out."""

    @property
    def artifact(self) -> Artifact: ...
    @property
    def index(self) -> ArtifactIndex: ...

    def stream(self) -> AbstractContextManager[IO[bytes]]:
        """The tar stream. Raises Damaged, naming the part."""
        ...


class OpenSet(Protocol):
    """A set whose signature was checked and whose index was decrypted."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def index(self) -> SetIndex: ...
    @property
    def recipient(self) -> str:
        """The public half of the key that opened it and reads all of it."""
        ...

    @property
    def repository(self) -> RepositoryName: ...
    @property
    def tier(self) -> str: ...

    def artifacts(self) -> Sequence[ArtifactReader]: ...


# ---------------------------------------------------------------- hosts


class Host(Protocol):
    """A machine, to read from. Holds nothing that can write."""

    name: HostName
    role: str
    settings: StrictModel
    """The kind's own parameters (`with`)."""

    def runner(self) -> Runner: ...
    def facts(self) -> ProductionFacts:
        """What identifies it now: data directory, device, inode, port, protected paths. Raises Unreachable."""
        ...

    def path(self, path: HostPath) -> HostPath:
        """A path of the inventory as this host opens it: absolute, a relative one being below the home."""
        ...


class WritableHost(Host, Protocol):
    """A standby that passed the guard; made only by `StepContext.writable_host`. Checks itself again before each destructive act."""

    run: RunId

    def claim(self, set_id: SetId) -> HostPath:
        """A fresh, private (0700), claimed place of this run to load into; what this run loaded before and did not adopt is wiped."""
        ...

    def holds(self, set_id: SetId) -> bool:
        """Whether this run adopted that set here already."""
        ...

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        """Declare the claimed place whole: the signed adoption marker, last. `places`: source name to what its restore returned."""
        ...

    def place(self) -> HostPath:
        """The claimed or adopted place of this run. Raises Refused if there is none."""
        ...

    def places(self) -> JsonObject:
        """What `adopt` was told."""
        ...

    def recheck(self) -> None:
        """The guard once more: called right before a destructive command. Raises NotProvablyStandby."""
        ...

    def require_space(self, needed: int) -> None:
        """Raises Refused if the standby has less than `needed` bytes free."""
        ...

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        """Stop what runs there, remove every place that `dr` claimed or adopted, then look for canaries; Refused for foreign things."""
        ...


@dataclass(frozen=True)
class HostRequest:
    """Which host is opened. `params` is its kind's model; relative paths in it are below `home`; `runner` runs its commands."""

    name: HostName
    role: str
    params: Any
    home: HostPath
    clock: Clock
    runner: Runner
    secret: Callable[[SecretRef], str]


@dataclass(frozen=True)
class Standing:
    """What the guard judges a host by: whose standby it must be, how production is recognised, whose signatures count."""

    organisation: str
    keys: Keyring
    production: Sequence[ProductionFacts]
    """Every recorded one, of every host."""
    expected: Sequence[HostName] = ()
    """The inventory's production hosts: each must have been recorded, or nothing may be written anywhere."""
    active: Callable[[], Set[RunId]] = frozenset
    """Runs that live now, here or in another process: what they claimed is in use."""
    logs: Sequence[HostPath] = ()
    """The tool's own log folders, searched for canaries after a scrub."""


@dataclass(frozen=True)
class HostKind:
    """One kind of host. `open` reads; `open_writable` asks the guard first (NotProvablyStandby).

    `enrol` makes a standby's marker (None) or gives the facts of a production host, which the caller records; raises Refused, Unreachable.
    `check` is for `dr hosts check`: lines of (fine, what), never an exception. `foresee` says in such lines what `enrol` would do, and what
    speaks against it, and changes nothing; raises as `enrol` does where the host cannot be asked.
    """

    kind: str
    params: type[StrictModel]
    open: Callable[[HostRequest], Host]
    open_writable: Callable[[HostRequest, Standing, RunId], WritableHost]
    enrol: Callable[[HostRequest, Standing], ProductionFacts | None]
    check: Callable[[HostRequest, Standing], Sequence[tuple[bool, str]]]
    foresee: Callable[[HostRequest, Standing], Sequence[tuple[bool, str]]]


# ---------------------------------------------------------------- sources


@dataclass(frozen=True)
class CaptureRequest:
    """What a source is asked to read. `needle`: the signed token to plant first, or None."""

    system: SystemName
    name: SourceName
    entry: SourceEntry
    params: Any
    needle: str | None


class Source(Protocol):
    """Reads one kind of thing into artifacts, and puts such artifacts back."""

    kind: str
    params: type[StrictModel]

    def plant(self, request: CaptureRequest, ctx: StepContext) -> None:
        """Plant the needle, committed before any snapshot. Refused on a published or read-only source."""
        ...

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        """Write the artifacts; gives back what identifies the production it read, for the guard. Findings go to `ctx.finding`."""
        ...

    def restore(self, artifacts: Sequence[ArtifactReader], host: WritableHost, ctx: StepContext) -> JsonObject:
        """Bring this source's artifacts up in `host.place()`; the facts by which checks reach it (ports, paths; a secret by its file)."""
        ...


# ---------------------------------------------------------------- checks


@dataclass(frozen=True)
class Restored:
    """What a check looks at: an adopted set on a host."""

    host: WritableHost
    set: OpenSet
    places: JsonObject
    """Source name to what its restore returned."""


class Check(Protocol):
    """A proof on a restored system. Never raises for what it finds; raises only when it could not look."""

    @property
    def kind(self) -> str: ...
    @property
    def params(self) -> type[StrictModel]: ...

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult: ...


# ---------------------------------------------------------------- keys


class Keyring(Protocol):
    """Keys of the home. Private ones are read when used and never leave."""

    recipients: tuple[str, ...]

    def digest_key(self) -> bytes: ...
    def identity(self) -> str:
        """The drill key's age identity, and those before it that were kept, a line each, the current one first.

        Raises Refused where this home has none (a backup host cannot read its own backups).
        """
        ...

    def sign(self, data: bytes) -> bytes: ...
    def verify(self, data: bytes, signature: bytes) -> None:
        """Raises Damaged if no trusted key made it."""
        ...


# ---------------------------------------------------------------- facts of record


class Records(Protocol):
    """The catalog, as actions use it. Every write is idempotent."""

    # sets, copies, proofs
    def record_copy(self, copy: Copy, manifest: Manifest, run: RunId) -> None: ...
    def raise_proof(self, set_id: SetId, repository: RepositoryName, level: str, at: datetime, run: RunId, detail: JsonObject) -> None:
        """Levels only rise; a fresh proof of the same level renews its age."""
        ...

    def mark_damaged(self, set_id: SetId, repository: RepositoryName, paths: Sequence[str], at: datetime, run: RunId) -> list[SetId]:
        """Also marks every set that shares the damaged parts' bytes in that repository; gives back all that were marked."""
        ...

    def record_removed(self, set_id: SetId, repository: RepositoryName, at: datetime, run: RunId, rule: str) -> None: ...
    def committed_by(self, run: RunId) -> list[tuple[SetId, RepositoryName]]:
        """The existing copies that a run made, oldest set first: what it did before it was killed too."""
        ...

    def removed_by(self, run: RunId) -> list[tuple[SetId, RepositoryName, str]]:
        """The copies that a run removed, and by which rule, oldest set first."""
        ...

    def copies(self, system: SystemName | None = None) -> list[Copy]:
        """Those that exist, newest first."""
        ...

    def manifest(self, set_id: SetId) -> Manifest | None: ...
    def newest(self, system: SystemName) -> Copy | None:
        """The newest committed set (any repository)."""
        ...

    def known_copies(self, system: SystemName) -> list[KnownCopy]:
        """Every copy that was ever recorded, removed ones too, in the order in which they were committed."""
        ...

    def set_instants(self, system: SystemName) -> list[datetime]:
        """When every set that was ever recorded was taken, removed ones too, oldest first."""
        ...

    def hold(self, set_id: SetId, repository: RepositoryName, held: bool) -> None:
        """Whether a person's hold is on this copy, which retention never overrides."""
        ...

    def pin(self, set_id: SetId, run: RunId) -> None: ...
    def unpin(self, run: RunId) -> None: ...
    def distinct_proven(self, system: SystemName) -> int:
        """Physical copies, proven and undamaged, across tiers: shared bytes count once."""
        ...

    # parts
    def record_parts(self, parts: Sequence[PartCopy]) -> None: ...
    def parts(self, system: SystemName, repository: RepositoryName, set_id: SetId | None = None) -> list[PartCopy]: ...
    def record_read_back(self, repository: RepositoryName, set_id: SetId, paths: Sequence[tuple[str, int]], at: datetime) -> None: ...
    def part_reads(self, system: SystemName, repository: RepositoryName) -> list[PartRead]:
        """When each part of every copy that exists was last read back; damaged ones too."""
        ...

    # what the sources held
    def record_summary(self, summary: SetSummary) -> None:
        """Before the set is committed, since nobody can read it out of an encrypted index later. The first one counts."""
        ...

    def summary(self, set_id: SetId) -> SetSummary | None: ...
    def baselines(self, system: SystemName, set_id: SetId) -> Baselines:
        """What the set is compared with."""
        ...

    def mark_shrunken(self, set_id: SetId, causes: Sequence[str], at: datetime, run: RunId) -> None:
        """Every copy of the set stops counting as good, until a person accepts it. What was accepted stays so."""
        ...

    def accept_shrunken(self, set_id: SetId, by: str, reason: str, at: datetime) -> None:
        """A person says that the set is as it should be: what it holds is normal from now on."""
        ...

    def shrinkage(self, set_id: SetId) -> Shrinkage | None: ...

    # what was noticed
    def finding(self, finding: Finding) -> None: ...
    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        """Close the open findings whose key starts with `prefix` and is not in `keep`."""
        ...

    def open_findings(self, system: SystemName | None = None) -> list[Finding]: ...

    # hosts
    def record_production(self, facts: ProductionFacts) -> None: ...
    def production(self) -> list[ProductionFacts]: ...
    def record_host(self, state: HostState) -> None: ...
    def hosts(self) -> list[HostState]: ...

    # runs
    def begin_run(self, run: RunRecord, plan: Plan) -> None: ...
    def end_run(self, run: RunId, state: str, verdict: str | None, at: datetime) -> None: ...
    def run(self, run: RunId) -> RunRecord | None: ...
    def plan(self, run: RunId) -> Plan | None: ...
    def runs(
        self, *, runbook: str | None = None, system: SystemName | None = None, kind: str | None = None, limit: int = 50
    ) -> list[RunRecord]:
        """Newest first."""
        ...

    def record_step(self, step: StepRecord) -> None: ...
    def steps(self, run: RunId) -> list[StepRecord]: ...

    # notices
    def owe(self, notice: Notice) -> Notice:
        """Into the ledger before it is sent; the same id again gives back what is there, `repeated` raised if it had been tried."""
        ...

    def record_delivery(self, notice: Notice) -> None: ...
    def notices(self, limit: int = 50) -> list[Notice]: ...

    # audit
    def audit(self, event: str, subject: str, facts: JsonObject, *, actor: str, at: datetime) -> AuditHead: ...
    def audit_head(self) -> AuditHead: ...
    def audit_hashes(self, numbers: Sequence[int]) -> dict[int, Sha256]:
        """Hashes of the entries with these numbers; one that the log does not have is left out."""
        ...

    def audit_of(self, subject: str) -> list[AuditEntry]:
        """What is on record about one subject (a run, a copy), oldest first."""
        ...

    # settings that a person turns (expiry, ...)
    def setting(self, key: str) -> str | None: ...
    def set_setting(self, key: str, value: str) -> None: ...

    # the catalog itself
    def snapshot(self, to: HostPath) -> None:
        """A whole and consistent copy of the catalog as a new file, though others write to it meanwhile."""
        ...


# ---------------------------------------------------------------- people


@dataclass(frozen=True)
class Telling:
    """A notice to be written: who, by which template, about what. The body is rendered from the run's own facts."""

    to: str
    template: str
    severity: Severity = "info"
    note: str = ""


class Notifier(Protocol):
    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        """Ledger first, then every channel; the state is never better than what was delivered."""
        ...


class Reporter(Protocol):
    def write(self, run: RunId, ctx: StepContext) -> JsonObject:
        """Write the evidence of a run (signed JSON, one HTML page); gives back `{json, html, sha256, verdict}`."""
        ...


class Sets(Protocol):
    """Sets as plain bytes: writing to several repositories at once, reading from one, checking stored bytes."""

    def write(
        self,
        *,
        system: SystemName,
        set_id: SetId,
        run: RunId,
        created: datetime,
        to: Sequence[Repository],
        needle: str | None,
        fill: Callable[[SetWriter], None],
        ctx: StepContext,
    ) -> Written:
        """One read of the source feeds all of `to`. Each commits on its own; Failed only if none did."""
        ...

    def open(self, system: SystemName, set_id: SetId, repository: Repository) -> OpenSet:
        """Check the signature and decrypt the index. Raises Damaged or Refused."""
        ...

    def read_manifest(self, system: SystemName, set_id: SetId, repository: Repository) -> tuple[Manifest, bytes, bytes]:
        """Check the signature; needs no private key. The manifest and its stored bytes and signature."""
        ...

    def verify_stored(self, system: SystemName, set_id: SetId, repository: Repository, ctx: StepContext) -> Verified:
        """Read every stored byte and compare with the manifest; missing and extra objects are found. Needs no private key."""
        ...

    def copy(self, system: SystemName, set_id: SetId, source: Repository, to: Repository, ctx: StepContext) -> Manifest:
        """Copy a committed set, checking every byte on the way; the same manifest. Idempotent."""
        ...

    def mend(
        self, system: SystemName, set_id: SetId, to: Repository, twins: Sequence[Repository], manifest: Sha256, ctx: StepContext
    ) -> Mended:
        """Write afresh what is damaged of the copy in `to`, from `twins`, against the signed manifest of that digest. Idempotent."""
        ...


@dataclass(frozen=True)
class Written:
    manifest: Manifest
    manifest_sha256: str
    committed: Mapping[RepositoryName, datetime]
    failed: Mapping[RepositoryName, str]
    parts: Sequence[PartCopy]
    reused: int
    """Stored bytes that were linked, not written."""


@dataclass(frozen=True)
class Mended:
    """What became of a damaged copy: objects written afresh, and those that no other copy has intact (or that do not belong there)."""

    objects: Sequence[str]
    left: Sequence[str]


@dataclass(frozen=True)
class Verified:
    manifest: Manifest
    parts: int
    bytes: int
    damaged: Sequence[str]
    """Paths that are missing, changed or extra, each with its cause: `database-00/000003.zst.age: changed`."""


# ---------------------------------------------------------------- the step


class StepContext(Protocol):
    """Everything a step may reach. `stop` is set on time-out and cancel; a long loop calls `check_stop`."""

    run: RunId
    step: StepId
    attempt: int
    plan: Plan
    inventory: Inventory
    clock: Clock
    stop: threading.Event
    records: Records
    keys: Keyring
    sets: Sets
    notifier: Notifier
    reporter: Reporter
    runner: Runner
    """Commands on the controller."""
    requested_by: str
    home: HostPath
    """The home's folder on the controller."""
    answer: JsonObject | None
    """What a person answered, in a step that asks one: `{verdict, by, at, comment, asked, until}`; None in every other."""

    def check_stop(self) -> None:
        """Raises Stopped if the step was cancelled or timed out."""
        ...

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None: ...
    def failpoint(self, name: str) -> None:
        """`name` without the action's prefix; must be one that the action declares."""
        ...

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None: ...
    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None: ...
    def secret(self, ref: SecretRef) -> str: ...
    def staging(self, name: str) -> AbstractContextManager[HostPath]:
        """A private (0700) folder of this step on the controller, empty at the start, removed at the end, and swept after a crash."""
        ...

    def repository(self, name: RepositoryName) -> Repository: ...
    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]: ...
    def source(self, kind: str) -> Source: ...
    def check(self, kind: str) -> Check: ...
    def host(self, name: HostName) -> Host: ...
    def writable_host(self, name: HostName) -> WritableHost:
        """Raises NotProvablyStandby; the only way to a handle that can write."""
        ...

    def facts_of(self, step: StepId) -> JsonObject | None:
        """What an earlier step of this run recorded."""
        ...

    def active_runs(self) -> Iterator[RunId]: ...
