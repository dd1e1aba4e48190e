"""`starts-up`: every restored database takes a connection and answers a query on its largest table, as an application's first would."""

import psycopg

from dr.checks.postgres import Server, servers
from dr.drivers.postgres.connect import Connection, connect
from dr.drivers.postgres.names import qualified, shown
from dr.errors import Unreachable
from dr.model.base import StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference

_LARGEST = """
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY pg_relation_size(c.oid) DESC, c.oid LIMIT 1
"""
_TIMEOUT = "60s"


class Params(StrictModel):
    pass


class StartsUp:
    """ports.Check."""

    kind = "starts-up"
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it has none
        started = ctx.clock.now()
        names: list[str] = []
        wrong: list[Difference] = []
        for server in servers(restored):
            for database in server.databases:
                ctx.check_stop()
                names.append(database)
                why = _trouble(server, database)
                wrong += [Difference(kind="database", name=shown(database), detail=why)] if why else []
        return CheckResult(
            check=self.kind,
            passed=bool(names) and not wrong,
            examined=len(names),
            summary=_summary(len(names), wrong),
            started=started,
            ended=ctx.clock.now(),
            user_level=True,
            differences=tuple(wrong),
        )


def _trouble(server: Server, database: str) -> str:
    """Why an application could not work with it; empty if it can."""
    try:
        with connect(server.dsn(database), application="dr starts-up") as connection:
            return _first_query(connection)
    except Unreachable:
        return "takes no connection"
    except psycopg.Error as error:
        return f"its largest table cannot be read (SQLSTATE {error.sqlstate})"


def _first_query(connection: Connection) -> str:
    connection.execute("SELECT set_config('statement_timeout', %s, false)", [_TIMEOUT])
    recovering = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if recovering is None or recovering[0]:
        return "is still in recovery"
    largest = connection.execute(_LARGEST).fetchone()
    if largest is not None:
        connection.execute(f"SELECT * FROM ONLY {qualified(*largest)} LIMIT 1".encode()).fetchall()
    return ""


def _summary(count: int, wrong: list[Difference]) -> str:
    if not count:
        return "no database was restored"
    if wrong:
        return f"{len(wrong)} of {count} databases: {wrong[0].name} {wrong[0].detail}"
    return f"{count} database{'s answer' if count != 1 else ' answers'} queries"


CHECK = StartsUp()
