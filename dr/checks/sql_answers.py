"""`sql-answers`: a PostgreSQL of the inventory lets a user in over the network and answers a query on its largest table.

It asks as an application would, at the address, port and database that the inventory and the runbook name: nothing needs to be restored.
`probe` asks it of a system that was just opened.
"""

from typing import Any

import psycopg
from pydantic import model_validator

from dr.checks.network import NetworkHost, Seen, asked
from dr.checks.postgres import first_query
from dr.drivers.postgres.connect import Dsn, connect
from dr.drivers.postgres.names import shown
from dr.errors import Refused, Unreachable
from dr.model.base import HostName, StrictModel
from dr.model.inventory import SecretRef
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult

_DATABASES = "SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname"


class Params(StrictModel):
    host: HostName
    """The host of the inventory whose PostgreSQL is asked."""
    login_of: HostName
    """The host of the inventory whose user and password are given: its own, or after a recovery the lost production's."""
    database: str | None = None
    """One database; without it every one that the server has."""
    user: str | None = None
    """Another user than that host's, such as an application's own, with its `password`."""
    password: SecretRef | None = None
    address: NetworkHost | None = None
    """Where it is asked, if not at the address that the inventory has: by the name that users know, say."""

    @model_validator(mode="after")
    def _whose_password(self) -> "Params":
        if (self.user is None) != (self.password is None):
            raise ValueError("a user of its own comes with a password of its own; write both, or neither")
        return self


class SqlAnswers:
    """ports.Probe. `user_level`: an application would have got the same answer."""

    kind = "sql-answers"
    params: type[StrictModel] = Params

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it asks over the network
        return self.probe(params, ctx)

    def probe(self, params: Params, ctx: StepContext) -> CheckResult:
        dsn = _dsn(params, ctx)
        return asked(self.kind, f"{dsn.host}:{dsn.port}", lambda: _look(params, dsn, ctx), ctx, user_level=True)


def _dsn(params: Params, ctx: StepContext) -> Dsn:
    where, login = _settings(params.host, ctx), _settings(params.login_of, ctx)
    ref = params.password or login.password
    password, kept = (ctx.secret(ref), ref.place) if ref else ("", "")
    database = params.database or "postgres"
    asked = params.address or _address(params.host, ctx) or where.host
    return Dsn(asked, where.port, params.user or login.user, database, password, password_from=kept)


def _address(name: HostName, ctx: StepContext) -> str | None:
    """Of a host that is reached over the network: what its server calls 127.0.0.1 is not this machine."""
    return getattr(ctx.host(name).settings, "address", None)


def _settings(name: HostName, ctx: StepContext) -> Any:
    found = getattr(ctx.host(name).settings, "postgres", None)
    if found is None:
        raise Refused(f"host '{name}' has no 'postgres' settings", hint="give it port, user and password in the inventory")
    return found


def _look(params: Params, dsn: Dsn, ctx: StepContext) -> Seen:
    names = [params.database] if params.database else _databases(dsn)
    wrong = []
    for name in names:
        ctx.check_stop()
        why = _trouble(dsn.at(name))
        wrong += [f"database {shown(name)} {why}"] if why else []
    count = f"{len(names)} database{'s answer' if len(names) != 1 else ' answers'}"
    return "; ".join(wrong), f"{dsn.host}:{dsn.port} lets '{shown(dsn.user)}' in, and {count} queries", {"databases": len(names)}


def _databases(dsn: Dsn) -> list[str]:
    """As psql would find them: through `postgres`, which every server has that was not made without it."""
    with connect(dsn, application="dr sql-answers") as connection:
        return [str(name) for (name,) in connection.execute(_DATABASES).fetchall()]


def _trouble(dsn: Dsn) -> str:
    try:
        with connect(dsn, application="dr sql-answers") as connection:
            return first_query(connection)
    except Unreachable as error:
        return f"takes no connection: {error.message}"
    except psycopg.Error as error:
        return f"does not answer (SQLSTATE {error.sqlstate})"


CHECK = SqlAnswers()
