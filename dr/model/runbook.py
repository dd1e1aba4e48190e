"""A runbook as people write it, and the plan it is compiled to: frozen, hashed, the durable run's input."""

from typing import Literal

from pydantic import Field, model_validator

from dr.model.base import Duration, Instant, JsonObject, JsonValue, Seconds, Sha256, Slug, StrictModel, canonical, sha256
from dr.model.forecast import Unmeasured
from dr.model.inventory import Objective

RunKind = Literal["backup", "drill", "recovery", "maintenance", "outage", "failover"]
OnError = Literal["stop", "continue"]
Section = Literal["steps", "on_failure", "always"]


class Retry(StrictModel):
    """How often an attempt is made in all, and how long (durably) is waited between; the wait doubles up to `most`."""

    attempts: int = Field(default=1, ge=1, le=100)
    wait: Duration = Field(default=Seconds(30.0), ge=0)
    most: Duration = Seconds(600.0)


class When(StrictModel):
    """Equality only: the step runs if `value` (often a reference) equals `equals`."""

    value: JsonValue
    equals: JsonValue


class CheckRef(StrictModel):
    """A check as a step asks for it: its kind alone (`starts-up`), or `{check: sql-assertion, with: {...}}`."""

    check: Slug
    with_: JsonObject = Field(default_factory=dict, alias="with")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"check": value} if isinstance(value, str) else value


class Step(StrictModel):
    id: Slug | None = None
    """Without one: `<section>-<index>-<action>`; a step under `steps` needs one."""
    action: Slug
    with_: JsonObject = Field(default_factory=dict, alias="with")
    needs: tuple[Slug, ...] | None = None
    """None: after the step before it. A list (even an empty one) opens a parallel branch."""
    when: When | None = None
    only: Literal["drill", "recovery"] | None = None
    timeout: Duration | None = None
    retry: Retry = Retry()
    on_error: OnError = "stop"
    phase: Slug | None = None
    budget: Duration | None = None


class Parameter(StrictModel):
    default: JsonValue = None
    help: str = ""


class Runbook(StrictModel):
    runbook: Slug
    title: str
    kind: RunKind
    schedule: str | None = None
    """Five cron fields, in the organisation's zone."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    objective: Objective | None = None
    """May only tighten the inventory's."""
    steps: tuple[Step, ...] = Field(min_length=1)
    on_failure: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()


class PlannedStep(StrictModel):
    """A step with every default filled in; `with` may still hold `${steps.id.fact}`, resolved when it starts."""

    id: Slug
    section: Section
    action: Slug
    with_: JsonObject = Field(default_factory=dict, alias="with")
    needs: tuple[Slug, ...] = ()
    when: When | None = None
    timeout: Duration | None = None
    retry: Retry = Retry()
    on_error: OnError = "stop"
    phase: Slug | None = None
    budget: Duration | None = None


class LeftOut(StrictModel):
    """A step that this run does not have, because it is `only` for the other kind of run, or because who recovers acts alone."""

    id: Slug
    section: Section
    action: Slug
    why: str


class Declaration(StrictModel):
    """What a recovery is begun with: since when the failure is recognised, why, by whom, and with whose agreement."""

    declared: Instant
    """Recognition: the recovery clock starts here, and never pauses."""
    reason: str = Field(min_length=1)
    by: str
    alone: str = ""
    """Why no second person is asked before it is opened; empty: one must approve."""


class Plan(StrictModel):
    """The compiled runbook. Editing YAML never changes a run in flight, because the run carries this."""

    engine: int = 1
    """The engine's own format number."""
    runbook: Slug
    title: str
    kind: RunKind
    system: Slug | None = None
    tier: Slug | None = None
    """What a drill is judged by: the tier named by its select-backup step."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    objective: Objective | None = None
    unmeasured: Unmeasured | None = None
    """Of a drill: what the inventory declared for its tier."""
    steps: tuple[PlannedStep, ...]
    on_failure: tuple[PlannedStep, ...] = ()
    always: tuple[PlannedStep, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    declaration: Declaration | None = None
    """Of a recovery that is carried out; None for everything else."""
    inventory: Sha256
    """Of the inventory it was compiled against."""
    rests_on: dict[str, Sha256] = Field(default_factory=dict)
    """`runbook NAME` and `host NAME` to digests, as they were written then (`dr.model.written`); empty in plans of before that."""

    def digest(self) -> Sha256:
        """Of what is written: a plan from before a field was known has the digest that it had."""
        younger = {"rests_on": not self.rests_on, "unmeasured": self.unmeasured is None}
        return sha256(canonical({name: value for name, value in self.to_facts().items() if not younger.get(name, False)}))
