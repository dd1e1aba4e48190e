"""`row-count-change`: no table of the restored system has lost, or gained, more rows than its people expect, against an earlier set.

The rows are counted in what was restored; what they were is on record with the earlier set. Without one there is nothing to judge by, and
the check says so and does not pass. A table that is new has nothing to be compared with and is counted as such.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import psycopg
from pydantic import Field

from dr.checks.postgres import Server, servers
from dr.drivers.postgres.connect import connect
from dr.drivers.postgres.names import shown
from dr.drivers.postgres.objects import Table, read_objects
from dr.model.base import Duration, Seconds, Slug, StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference
from dr.model.summary import SetSummary

MOST = 1000
"""Differences that the evidence names; the summary counts all."""
_WORDS = {"previous": "the set before", "proven": "the last proven set"}


class Params(StrictModel):
    """Which tables, and how much each may change, in percent of what it had."""

    database: str | None = None
    """Else every database that was restored."""
    source: Slug | None = None
    tables: tuple[str, ...] = ()
    """As they are shown: `public.Client`; else every table."""
    down: float = Field(default=20.0, ge=0, le=100)
    up: float = Field(default=200.0, ge=0)
    smallest: int = Field(default=100, ge=1)
    """A table that had fewer rows is not judged, unless it has none left."""
    against: Literal["previous", "proven"] = "previous"
    timeout: Duration = Field(default=Seconds(600.0), gt=0)
    """For each table."""


@dataclass
class _Tally:
    """What came of the comparison so far."""

    compared: int = 0
    new: int = 0
    wrong: list[Difference] = field(default_factory=list)

    def differs(self, name: str, detail: str) -> None:
        self.wrong.append(Difference(kind="rows", name=name, detail=detail))


class RowCountChange:
    """ports.Check."""

    kind = "row-count-change"
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:
        started = ctx.clock.now()
        ctx.check_stop()
        before, tally = _baseline(params, restored, ctx), _Tally()
        for server in servers(restored) if before else ():
            if params.source in (None, server.source):
                _compare_server(params, server, before, tally, ctx)
        for name in params.tables if before else ():
            if not any(_wanted(params, database) and name in tables for (_, database), tables in _counts(before).items()):
                tally.differs(name, f"{_WORDS[params.against]} had no such table")
        return CheckResult(
            check=self.kind,
            passed=tally.compared > 0 and not tally.wrong,
            examined=tally.compared,
            summary=_summary(params, before, tally),
            started=started,
            ended=ctx.clock.now(),
            differences=tuple(tally.wrong[:MOST]),
            details={"against": before.set if before else "", "tables": tally.compared, "new": tally.new, "differences": len(tally.wrong)},
        )


def _baseline(params: Params, restored: Restored, ctx: StepContext) -> SetSummary | None:
    manifest = restored.set.manifest
    known = ctx.records.baselines(manifest.system, manifest.set)
    chosen = known.good if params.against == "previous" else known.proven
    return chosen if chosen is not None and chosen.set != manifest.set else None  # proven before, it would be compared with itself


def _counts(before: SetSummary | None) -> dict[tuple[str, str], dict[str, int]]:
    """Source and database (as it is shown) to its tables' rows."""
    artifacts = before.artifacts if before else ()
    return {(str(a.source), a.content.name): a.content.counts for a in artifacts if a.content.kind == "database"}


def _wanted(params: Params, database: str) -> bool:
    return params.database is None or shown(params.database) == database


def _compare_server(params: Params, server: Server, before: SetSummary | None, tally: _Tally, ctx: StepContext) -> None:
    known = {name: tables for (source, name), tables in _counts(before).items() if source == server.source and _wanted(params, name)}
    there = {shown(name): name for name in server.databases}
    for name, tables in known.items():
        wanted = {table: rows for table, rows in tables.items() if not params.tables or table in params.tables}
        if name not in there:
            tally.differs(name, f"the database is not there any more; it had {len(wanted)} tables")
            continue
        ctx.progress(f"counting the rows of {name}")
        try:
            now = dict(_rows(params, server, there[name], ctx))
        except psycopg.Error as error:
            tally.differs(name, f"its rows cannot be counted (SQLSTATE {error.sqlstate or 'unknown'})")
            continue
        tally.new += len(now.keys() - wanted.keys())
        for table, had in wanted.items():
            tally.compared += 1
            why = changed(had, now.get(table), params)
            if why:
                tally.differs(f"{name}: {table}", why)


def _rows(params: Params, server: Server, database: str, ctx: StepContext) -> Iterator[tuple[str, int]]:
    """Every wanted table with its rows, as the set's own proof counts them."""
    with contextlib.closing(connect(server.dsn(database), application="dr row-count-change")) as connection:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [str(round(params.timeout * 1000))])
        for table in read_objects(connection).tables:
            if not params.tables or table.shown in params.tables:
                ctx.check_stop()
                row = connection.execute(_count(table).encode()).fetchone()
                yield table.shown, int(row[0]) if row else 0


def _count(table: Table) -> str:
    return f"SELECT count(*) FROM ONLY {table.sql} {table.condition or ''}"


def changed(had: int, has: int | None, params: Params) -> str:
    """Why a table that went from one count to the other is not as expected; empty if it is. None: it is gone."""
    if has is None:
        return f"the table is gone; it had {had} rows"
    if had == 0 or (had < params.smallest and has > 0) or has == had:
        return ""
    share = 100.0 * abs(has - had) / had
    if has < had and share > params.down:
        return f"{had} rows before, {has} now: {share:.0f}% fewer, and at most {params.down:g}% are expected"
    if has > had and share > params.up:
        return f"{had} rows before, {has} now: {share:.0f}% more, and at most {params.up:g}% are expected"
    return ""


def _summary(params: Params, before: SetSummary | None, tally: _Tally) -> str:
    if before is None:
        return f"nothing to compare with yet: {_WORDS[params.against]} is not on record (another nightly makes one)"
    if tally.wrong:
        first = tally.wrong[0]
        more = f" (and {len(tally.wrong) - 1} more)" if len(tally.wrong) > 1 else ""
        return f"{first.name}: {first.detail}{more}"
    if not tally.compared:
        return f"no table was compared with {before.set}"
    return f"{tally.compared} tables have about the rows that they had in {before.set}" + (f"; {tally.new} new" if tally.new else "")


CHECK = RowCountChange()
