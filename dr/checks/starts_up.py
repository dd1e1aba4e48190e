"""`starts-up`: every restored database takes a connection and answers a query on its largest table, as an application's first would."""

import psycopg

from dr.checks.postgres import Server, first_query, servers
from dr.drivers.postgres.connect import connect
from dr.drivers.postgres.names import shown
from dr.errors import Unreachable
from dr.model.base import StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference


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
            return first_query(connection)
    except Unreachable:
        return "takes no connection"
    except psycopg.Error as error:
        return f"its largest table cannot be read (SQLSTATE {error.sqlstate})"


def _summary(count: int, wrong: list[Difference]) -> str:
    if not count:
        return "no database was restored"
    if wrong:
        return f"{len(wrong)} of {count} databases: {wrong[0].name} {wrong[0].detail}"
    return f"{count} database{'s answer' if count != 1 else ' answers'} queries"


CHECK = StartsUp()
