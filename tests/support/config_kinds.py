"""A small registry of kinds, as the wiring would hand it to `dr.config`: honest parameter models, actions that do nothing."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from dr.config.kinds import Kinds
from dr.model.base import (
    AudienceName,
    ByteCount,
    Duration,
    HostName,
    HostPath,
    Instant,
    JsonObject,
    RepositoryName,
    Seconds,
    SetId,
    Size,
    StrictModel,
    SystemName,
    TierName,
)
from dr.model.inventory import SecretRef
from dr.model.ports import Action, Effect, Outcome, StepContext
from dr.model.runbook import CheckRef


class Empty(StrictModel):
    pass


class Postgres(StrictModel):
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    password: SecretRef | None = None


class LocalHost(StrictModel):
    path: HostPath | None = None
    postgres: Postgres | None = None


class Directory(StrictModel):
    path: HostPath
    min_free: Size | None = None


class Files(StrictModel):
    path: HostPath


class BackupParams(StrictModel):
    system: SystemName
    to: tuple[TierName, ...] = Field(min_length=1)
    from_: TierName | None = Field(default=None, alias="from")


class BackupFacts(StrictModel):
    set: SetId
    bytes: ByteCount
    instant: Instant
    copies: tuple[RepositoryName, ...]


class SelectParams(StrictModel):
    system: SystemName
    tier: TierName
    which: str = "newest"


class SelectFacts(StrictModel):
    set: SetId
    repository: RepositoryName
    tier: TierName
    details: JsonObject


class RestoreParams(StrictModel):
    set: SetId
    from_: RepositoryName = Field(alias="from")
    onto: HostName
    database: str | None = None


class RestoreFacts(StrictModel):
    set: SetId
    bytes: ByteCount


class CheckParams(StrictModel):
    host: HostName
    checks: tuple[CheckRef, ...] = Field(min_length=1)


class SqlAssertion(StrictModel):
    sql: str
    at_least: int = 1


class MdRaid(StrictModel):
    arrays: tuple[Annotated[str, StringConstraints(pattern=r"^md\w+$")], ...] = ()


class TcpAnswers(StrictModel):
    host: str
    port: int


class NotifyParams(StrictModel):
    to: AudienceName
    template: str


class WaitParams(StrictModel):
    least: Duration = Seconds(1.0)
    most: Duration
    retries: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> "WaitParams":
        if self.least > self.most:
            raise ValueError("least is more than most; swap them")
        return self


class HostParams(StrictModel):
    host: HostName


def _nothing(_params: object, _ctx: StepContext) -> Outcome:
    return Outcome(changed=False)


def _action(kind: str, params: type[StrictModel], facts: type[StrictModel] = Empty) -> Action:
    return Action(kind=kind, params=params, facts=facts, effect=Effect.READS, run=_nothing)


_ACTIONS = (
    _action("backup", BackupParams, BackupFacts),
    _action("select-backup", SelectParams, SelectFacts),
    _action("restore", RestoreParams, RestoreFacts),
    _action("check", CheckParams),
    _action("notify", NotifyParams),
    _action("wait", WaitParams),
    _action("scrub", HostParams),
    _action("report", Empty),
)

KINDS = Kinds(
    actions={action.kind: action for action in _ACTIONS},
    sources={"postgres_logical": Empty, "files": Files},
    repositories={"directory": Directory},
    hosts={"local": LocalHost},
    checks={"starts-up": Empty, "content-equals-source": Empty, "sql-assertion": SqlAssertion, "tcp-answers": TcpAnswers},
    redundancy={"mdraid": MdRaid},
)
