"""`newest-row-age`: the newest row of a table was made shortly before the backup: it is no stale copy, and no clock ran wild.

Counted from the instant of the database's own snapshot, never from now, so that an old backup is not blamed for its age. Nothing that was
restored is run: the column must be stored, of a plain time type, in a table whose rows are here.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from pydantic import Field

from dr.checks.postgres import Server, only_server
from dr.drivers.postgres.connect import Connection, connect
from dr.drivers.postgres.names import shown
from dr.model.base import Duration, Seconds, Slug, StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference
from dr.units import show_duration

_COLUMN = """
SELECT c.oid::int8, c.relkind::text, a.attname::text, format_type(a.atttypid, NULL), a.attgenerated::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = %s AND c.relname = %s
"""
_ELSEWHERE = """
WITH RECURSIVE below(oid) AS (SELECT %s::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid)
SELECT EXISTS (SELECT FROM below JOIN pg_class c USING (oid) WHERE c.relkind = 'f')
"""
_IN_ZONE = ("timestamp without time zone", "date")
_TYPES = ("timestamp with time zone", *_IN_ZONE)


class Params(StrictModel):
    database: str
    schema_: str = Field(default="public", alias="schema")
    table: str
    column: str
    at_most: Duration = Field(gt=0)
    """How much older than the backup the newest row may be."""
    ahead: Duration = Field(default=Seconds(300.0), ge=0)
    """How far in the backup's future it may lie, for clocks that differ."""
    zone: str | None = None
    """In which a column without a zone is read; else the organisation's."""
    source: Slug | None = None
    """Which source of the system; needed only where there are several with such a database."""
    timeout: Duration = Field(default=Seconds(300.0), gt=0)

    @property
    def name(self) -> str:
        return shown(self.schema_, self.table, self.column)


@dataclass(frozen=True)
class _Found:
    """`seconds`: how much older than the backup; None where there is no row with a time, infinite where that is its value."""

    wrong: str = ""
    seconds: float | None = None


class NewestRowAge:
    """ports.Check."""

    kind = "newest-row-age"
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:
        started = ctx.clock.now()
        ctx.check_stop()
        server = only_server(self.kind, params.database, params.source, restored)
        found = _look(params, server, _instant(params, server, restored), params.zone or ctx.inventory.organisation.zone)
        wrong = found.wrong or _judge(params, found.seconds)
        about = f"{params.name} of database {shown(params.database)}"
        return CheckResult(
            check=self.kind,
            passed=not wrong,
            examined=0 if found.wrong else 1,
            summary=f"{about}: {wrong or f'the newest is {_aged(found.seconds or 0.0)} the backup'}",
            started=started,
            ended=ctx.clock.now(),
            differences=(Difference(kind="rows", name=about, detail=wrong),) if wrong else (),
        )


def _instant(params: Params, server: Server, restored: Restored) -> datetime:
    """Of the database's snapshot: what was written before it, and nothing that came after, is in the copy."""
    return next(
        (r.artifact.instant for r in server.artifacts if r.index.content.get("database") == params.database), restored.set.manifest.instant
    )


def _look(params: Params, server: Server, instant: datetime, zone: str) -> _Found:
    with contextlib.closing(connect(server.dsn(params.database), application="dr newest-row-age")) as connection:
        try:
            return _ask(params, connection, instant, zone)
        except psycopg.Error as error:
            return _Found(f"it cannot be read (SQLSTATE {error.sqlstate or 'unknown'})")


def _ask(params: Params, connection: Connection, instant: datetime, zone: str) -> _Found:
    connection.execute("BEGIN READ ONLY")
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(round(params.timeout * 1000))])
    row = connection.execute(_COLUMN, [params.column, params.schema_, params.table]).fetchone()
    wrong = _unfit(row, connection)
    if row is None or wrong:
        return _Found(wrong)
    newest = sql.SQL("SELECT max({0}) AS newest FROM {1}").format(
        sql.Identifier(params.column), sql.Identifier(params.schema_, params.table)
    )
    moment = sql.SQL("newest::timestamp AT TIME ZONE {0}" if row[3] in _IN_ZONE else "newest").format(sql.Literal(zone))
    epoch = sql.SQL("SELECT extract(epoch FROM {0})::float8 FROM ({1}) a").format(moment, newest)
    answer = connection.execute(epoch).fetchone()
    return _Found(seconds=None if answer is None or answer[0] is None else instant.timestamp() - answer[0])


def _unfit(row: tuple[Any, ...] | None, connection: Connection) -> str:
    """Why the column cannot be asked; empty if it can."""
    if row is None:
        return "there is no such table"
    oid, kind, column, type_, generated = row
    if column is None:
        return "there is no such column"
    if kind not in "rpm" or generated == "v":
        return "it is not stored in a table, so asking it would run what was restored"
    if type_ not in _TYPES:
        return "the column is no timestamp and no date"
    elsewhere = connection.execute(_ELSEWHERE, [oid]).fetchone()
    return "some of its rows are in a foreign table" if elsewhere is None or elsewhere[0] else ""


def _judge(params: Params, seconds: float | None) -> str:
    if seconds is None:
        return "there is no row with a time in it"
    if seconds < -params.ahead:
        return f"the newest is {_aged(seconds)} the backup, which cannot be (is a clock or the zone wrong?)"
    if seconds > params.at_most:
        return f"the newest is {_aged(seconds)} the backup, and it should be {show_duration(params.at_most)} at most"
    return ""


def _aged(seconds: float) -> str:
    """In whole hours where it is more than one: nobody's row is told by its minute."""
    apart = abs(seconds)
    if apart == float("inf"):
        return "infinitely later than" if seconds < 0 else "infinitely older than"
    about = "less than an hour" if apart < 3600 else "about " + show_duration(apart // 3600 * 3600)
    return f"{about} {'older' if seconds >= 0 else 'later'} than"


CHECK = NewestRowAge()
