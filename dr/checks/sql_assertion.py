"""`sql-assertion`: a query of the organisation's own gives the expected answer on a restored database, in a read-only transaction."""

import contextlib
from decimal import Decimal
from typing import Any

import psycopg
from pydantic import Field, model_validator

from dr.checks.postgres import Server, only_server
from dr.drivers.postgres.connect import Connection, connect
from dr.drivers.postgres.names import shown
from dr.model.base import Duration, Seconds, Slug, StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference

_SEARCH_PATH = """
SELECT set_config('search_path', coalesce((
  SELECT substr(entry, length('search_path=') + 1) FROM pg_db_role_setting s, unnest(s.setconfig) entry
   WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND s.setrole = 0
     AND entry LIKE 'search\\_path=%' ORDER BY s.setdatabase DESC LIMIT 1), '"$user", public'), false)
"""
Scalar = bool | int | float | str


class Params(StrictModel):
    """One query that gives one value. Exactly one of `expect` and `at_least` is given."""

    database: str
    query: str = Field(min_length=1)
    source: Slug | None = None
    """Which source of the system; needed only where there are several with such a database."""
    expect: Scalar | None = None
    at_least: int | float | None = None
    timeout: Duration = Seconds(60.0)

    @model_validator(mode="after")
    def _one_expectation(self) -> "Params":
        if (self.expect is None) == (self.at_least is None):
            raise ValueError("give either 'expect' or 'at_least'")
        return self


class SqlAssertion:
    """ports.Check. Says whether the answer matched; of the answer itself only a whole number or a truth value is shown."""

    kind = "sql-assertion"
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:
        started = ctx.clock.now()
        ctx.check_stop()
        server = only_server(self.kind, params.database, params.source, restored)
        wrong, said = _ask(params, server)
        name = shown(params.database)
        return CheckResult(
            check=self.kind,
            passed=not wrong,
            examined=1,
            summary=f"database {name}: {wrong or 'the answer is as expected'}{said}",
            started=started,
            ended=ctx.clock.now(),
            user_level=True,
            differences=(Difference(kind="assertion", name=name, detail=wrong + said),) if wrong else (),
        )


def _ask(params: Params, server: Server) -> tuple[str, str]:
    """What is wrong with the answer (empty: nothing), and the answer where it may be shown."""
    with contextlib.closing(connect(server.dsn(params.database), application="dr sql-assertion")) as connection:
        try:
            rows = _rows(connection, params)
        except psycopg.Error as error:
            return f"the query failed (SQLSTATE {error.sqlstate or 'unknown'})", ""
    if len(rows) != 1 or len(rows[0]) != 1:
        return "the query gave not exactly one row of one column", ""
    value = rows[0][0]
    return ("" if matches(value, params) else "the answer is not as expected"), f": {value}" if isinstance(value, bool | int) else ""


def _rows(connection: Connection, params: Params) -> list[tuple[Any, ...]]:
    connection.execute(_SEARCH_PATH)
    connection.execute("BEGIN READ ONLY")
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(round(params.timeout * 1000))])
    # Prepared, so that it is one statement: the server refuses several, and with them a COMMIT that would end the read-only transaction.
    return connection.execute(params.query.encode(), prepare=True).fetchmany(2)


def matches(value: object, params: Params) -> bool:
    """Whether the answer is what was asked for. A truth value is no number, and a text is none either."""
    if params.at_least is not None:
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value >= params.at_least
    expected = params.expect
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    if isinstance(value, Decimal) and isinstance(expected, float):
        return value == Decimal(str(expected))
    return isinstance(value, int | float | Decimal | str) and isinstance(value, str) == isinstance(expected, str) and value == expected


CHECK = SqlAssertion()
