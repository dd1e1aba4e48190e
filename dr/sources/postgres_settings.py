"""What the PostgreSQL sources need of a host's settings, and how they reach its server."""

from pathlib import Path
from typing import Protocol, cast

from dr.drivers.postgres.connect import Dsn
from dr.errors import Refused
from dr.model.base import HostPath
from dr.model.inventory import SecretRef
from dr.model.ports import Host, StepContext


class PostgresSettings(Protocol):
    """A host's `postgres` settings."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> SecretRef | None: ...
    @property
    def binaries(self) -> HostPath | None: ...


def settings_of(host: Host) -> PostgresSettings:
    """Raises Refused if the inventory says nothing of PostgreSQL on that host."""
    found = getattr(host.settings, "postgres", None)
    if found is None:
        raise Refused(f"host '{host.name}' has no 'postgres' settings", hint="give it port, user and password in the inventory")
    return cast("PostgresSettings", found)


def folder_of_binaries(host: Host) -> str | None:
    """Where the inventory says that this host's PostgreSQL programs are; None if it does not."""
    folder = settings_of(host).binaries
    return None if folder is None else str(host.path(folder))


def dsn_of_host(settings: PostgresSettings, ctx: StepContext) -> Dsn:
    """The server as the inventory describes it; the password is read now."""
    secret = settings.password
    password, kept = (ctx.secret(secret), secret.place) if secret else ("", "")
    return Dsn(settings.host, settings.port, settings.user, "postgres", password, password_from=kept)


def is_local(settings: PostgresSettings) -> bool:
    """Whether paths that the server names are paths of this machine."""
    return settings.host in ("localhost", "127.0.0.1", "::1") or Path(settings.host).is_absolute()
