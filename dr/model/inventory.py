"""What is protected, where, by whom and how well: the inventory, as the organisation writes it.

Entries of a kind (sources, repositories, hosts) keep their own parameters under `with`; the kind's own file says what they are.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from dr.model.base import Duration, JsonObject, Seconds, Slug, StrictModel
from dr.model.forecast import Declared, Unmeasured
from dr.model.incident import IncidentRules
from dr.model.notices import Absence, NoticeRules, QuietHours
from dr.model.opening import Day, OpeningHours
from dr.model.outage import OutageRules
from dr.model.redundancy import Detection, RedundancyEntry
from dr.model.suppression import SuppressionTemplates
from dr.model.third_party import ThirdParty


class SecretRef(StrictModel):
    """Where a secret is kept (`!secret {file: ...}`); never the secret. Exactly one is set."""

    file: str | None = None
    env: str | None = None
    credential: str | None = None

    @property
    def place(self) -> str:
        """Where a person finds it, in words."""
        kept = {"the file": self.file, "the environment variable": self.env, "the credential": self.credential}
        return next((f"{kind} {name}" for kind, name in kept.items() if name is not None), "")

    def __str__(self) -> str:
        return "********"


class Keys(StrictModel):
    """Paths (below the home) and recipients. Two recipients or more: the drill key's, and the escrow key's, which is kept offline."""

    recipients: tuple[str, ...] = Field(min_length=2)
    """age public keys (`age1...`) that every set is encrypted to."""
    identity: SecretRef | None = None
    """The drill key: an age identity; only where drills run."""
    signing: SecretRef
    """The Ed25519 private key (PEM) that signs manifests, evidence and markers."""
    trusted: tuple[str, ...] = Field(min_length=1)
    """Paths of Ed25519 public keys (PEM) whose signatures are believed; relative to the home."""


class Organisation(StrictModel):
    name: str = Field(min_length=1)
    zone: str = "UTC"
    """IANA zone in which people read times and nights are counted."""
    keys: Keys


class Office(StrictModel):
    """A site with people. What offices share decides which of them a loss takes with it."""

    title: str
    main: bool = False
    zone: str | None = None
    """IANA zone of its clock; the organisation's where none is written."""
    hours: OpeningHours = None
    """When people are on duty there: `["Mon-Fri 08:00-17:00"]`, on its own clock; always where none are written."""
    capacity: int | None = Field(default=None, ge=0)
    """How many units of load it can carry; no bound where none is written."""
    building: Slug | None = None
    """Offices in one building are lost together."""
    depends: tuple[Slug, ...] = ()
    """What it shares with others (`[provider-lakeland, power-east]`): whoever shares what a lost office depends on is affected too."""


class Duty(StrictModel):
    """A responsibility that somebody must always hold."""

    title: str = Field(min_length=1)
    office: Slug
    """Who holds it in normal times."""
    needs: tuple[Slug, ...] = ()
    """Skills; an office has what its people have together."""
    load: int = Field(default=1, ge=0)
    """How much of an office's capacity it takes."""
    succession: tuple[Slug, ...] = ()
    """Offices in the order in which they are asked; then all others that have the skills, the least loaded first."""
    accept_within: Duration | None = None
    """How long an office that is asked may be silent before the next one is; failover's where none is written."""


class Failover(StrictModel):
    """How duties move when an office is lost."""

    stores: tuple[Slug, ...] = ()
    """The repositories in which claims of duties are kept: most of them must answer before a duty moves. None written: one, `claim_stores`
    says which. Whoever moves them to others carries the folder duties/ along."""
    confirm: int = Field(default=2, ge=1, le=2)
    """How many people confirm a loss where the main office is silent."""
    accept_within: Duration = Seconds(900)
    """How long an office that is asked may be silent before the next one is."""
    ask_again: Duration = Seconds(1800)
    """When all refused or were silent: after how long they are asked again."""


class Contact(StrictModel):
    """A person who can be told something. A channel is an Apprise URL, kept as a secret since it bears credentials."""

    name: str
    office: Slug | None = None
    groups: tuple[Slug, ...] = ()
    skills: tuple[Slug, ...] = ()
    """What duties may need."""
    channels: tuple[SecretRef, ...] = Field(min_length=1)
    zone: str | None = None
    """Where they are, if not where their office is: their quiet hours and absences are on that clock."""
    quiet: QuietHours | None = None
    away: tuple[Absence, ...] = ()
    deputy: Slug | None = None
    """Another contact, who is told in their place while they are away, and after them when they do not answer."""
    logins: tuple[str, ...] = ()
    """The logins by which they type here: whoever else answers for their office is named to its people. None: nobody can tell."""


HostRole = Literal["production", "standby", "repository", "office"]


class HostEntry(StrictModel):
    kind: Slug
    role: HostRole
    with_: JsonObject = Field(default_factory=dict, alias="with")


class RepositoryEntry(StrictModel):
    kind: Slug
    tier: Slug
    with_: JsonObject = Field(default_factory=dict, alias="with")


class SourceEntry(StrictModel):
    """One thing of a system that is backed up. `host` names where it is read."""

    kind: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    host: Slug
    needle: bool = False
    """Whether `dr` may plant its signed row or file before each backup (a vendor's system may forbid a write)."""
    with_: JsonObject = Field(default_factory=dict, alias="with")


class Objective(StrictModel):
    """How soon the system must be back (`rto`), and how soon we mean it to be (`target`), in seconds."""

    rto: Duration
    target: Duration | None = None


class TierObjective(Objective):
    """An objective of the inventory, and the time that passes before a machine can begin: declared, since no drill measures it."""

    declared: dict[Slug, Duration] = Field(default_factory=dict)
    """Phase to how long it takes (`{decision: 15m, courier: 45m}`): counted against the rto beside what a drill measured. A phase that a
    step of the drill's runbook bears is measured, and not counted twice."""
    open: OpeningHours = None
    """When the place of this tier can be entered: `["Mon-Fri 09:00-17:00", "Sat 09:00-12:00"]`, in the organisation's zone."""
    holidays: tuple[Day, ...] = ()
    """Dates on which it is closed all day."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.holidays and self.open is None:
            raise ValueError("'holidays' close nothing where 'open' is not written; add open: [\"Mon-Fri 09:00-17:00\"]")
        if self.declared and sum(self.declared.values()) >= self.rto:
            raise ValueError(
                "what is declared takes all of the objective (rto); move the rto, or shorten what is declared: no drill could pass"
            )
        return self

    @property
    def unmeasured(self) -> Unmeasured | None:
        """None where nothing is declared."""
        declared = tuple(Declared(name=name, seconds=seconds) for name, seconds in self.declared.items())
        return Unmeasured(declared=declared, open=self.open, holidays=self.holidays) if declared or self.open is not None else None


class Objectives(StrictModel):
    rpo: Duration
    """How old the newest good copy may ever be."""
    tiers: dict[Slug, TierObjective]
    proof_valid: dict[Slug, Duration] = Field(default_factory=dict)
    """Tier to how long a proof, and a drill, stands for what is there now; 35 days for a tier that is not named."""


class RetentionPolicy(StrictModel):
    """Which copies a tier keeps. Rules are ORed; slots are cut in the organisation's zone."""

    keep_within: Duration | None = None
    """Counted back from the newest good copy, not from now: silence expires nothing."""
    keep_last: int = Field(default=0, ge=0)
    keep_daily: int = Field(default=0, ge=0)
    keep_weekly: int = Field(default=0, ge=0)
    keep_monthly: int = Field(default=0, ge=0)
    keep_yearly: int = Field(default=0, ge=0)
    requires_copy_in: Slug | None = None
    """A copy here stays until its twin in that tier is committed and intact."""
    expire_after: Duration | None = None
    """The privacy limit: older copies go even if a keep rule would hold them."""


class SystemRunbooks(StrictModel):
    nightly: Slug | None = None
    drill: dict[Slug, Slug] = Field(default_factory=dict)
    """Tier to runbook."""
    recover: Slug | None = None


class SystemEntry(StrictModel):
    title: str
    sources: dict[Slug, SourceEntry] = Field(min_length=1)
    objectives: Objectives
    retention: dict[Slug, RetentionPolicy]
    """Tier to policy; every tier that the system is copied to has one."""
    runbooks: SystemRunbooks = SystemRunbooks()
    suppression: SuppressionTemplates | None = None
    """How requests to be erased, or to be shared no longer, are replayed on what was restored; see `dr suppress`."""
    detection: Detection | None = None
    """How it is noticed that users cannot work with it; see `dr redundancy`."""


class Inventory(StrictModel):
    organisation: Organisation
    systems: dict[Slug, SystemEntry]
    hosts: dict[Slug, HostEntry]
    repositories: dict[Slug, RepositoryEntry]
    third_party: dict[Slug, ThirdParty] = Field(default_factory=dict)
    """Standbys that belong to somebody else, by their name under `hosts`: a set is restored there only under an agreement in force."""
    offices: dict[Slug, Office] = Field(default_factory=dict)
    contacts: dict[Slug, Contact] = Field(default_factory=dict)
    duties: dict[Slug, Duty] = Field(default_factory=dict)
    """What must always be in somebody's hands, the most important first."""
    failover: Failover = Failover()
    outages: OutageRules | None = None
    """Who is told of an outage, and how often; None: as `dr.policy.outages.rules_of` says."""
    incidents: IncidentRules | None = None
    """Who is told of an incident, and by when its report is owed; None: as `dr.policy.incident_words.rules_of` says."""
    notices: NoticeRules = NoticeRules()
    redundancy: dict[Slug, RedundancyEntry] = Field(default_factory=dict)
    """What there are two of, so that the loss of one half is noticed; see `dr redundancy`."""
    pings: dict[Slug, SecretRef] = Field(default_factory=dict)
    """Runbook to the URL (as Healthchecks takes it) that is told of each of its runs that passed, so that silence is noticed elsewhere."""
