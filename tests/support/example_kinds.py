"""The real actions, with stand-ins that take what the example inventory gives the other kinds: for checking the example files alone."""

from dr.actions import backup, check, command, copy, notify, prune, report, restore, scrub, select_backup, verify
from dr.config.kinds import Kinds
from dr.model.base import HostPath, StrictModel
from dr.model.inventory import SecretRef


class Nothing(StrictModel):
    pass


class Place(StrictModel):
    path: HostPath


class Postgres(StrictModel):
    host: str = "127.0.0.1"
    port: int
    user: str = "postgres"
    password: SecretRef | None = None


class Local(StrictModel):
    path: HostPath | None = None
    postgres: Postgres | None = None


_MODULES = (backup, check, command, copy, notify, prune, report, restore, scrub, select_backup, verify)

EXAMPLE_KINDS = Kinds(
    actions={module.ACTION.kind: module.ACTION for module in _MODULES},
    sources={"postgres_logical": Nothing, "files": Place},
    repositories={"directory": Place},
    hosts={"local": Local},
    checks=dict.fromkeys(("starts-up", "content-equals-source", "needle", "site-files-equal"), Nothing),
)
