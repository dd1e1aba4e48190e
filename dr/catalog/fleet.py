"""What readiness judges, of every system at once: a handful of statements, where asking for each of thousands took minutes.

Only what a judgement rests on is read: of a tier's copies the newest good one, the newest proven one, and all that are not good.
SQLite gives the other columns of the row that has the maximum.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, text

from dr.catalog.noun import Noun
from dr.catalog.sets import SHRUNKEN
from dr.model.backup import Copy
from dr.model.base import Seconds
from dr.model.readiness import DrillFact, NightFact

_EXISTING = f"""
SELECT s.set_id, s.system, s.instant,
       (SELECT min(l.instant) FROM sets l WHERE l.previous = s.set_id AND l.system = s.system AND l.instant < s.instant) AS not_after,
       c.repository, c.tier, c.committed, c.manifest_sha256 AS manifest, c.stored, c.level, c.proven_at,
       c.intact_at, c.held, c.damaged_at IS NOT NULL AS damaged,
       h.accepted_at IS NULL AND (h.at IS NOT NULL OR coalesce(s.plain < b.plain * {SHRUNKEN}, 0)) AS shrunken
  FROM copies c CROSS JOIN sets s ON s.set_id = c.set_id
  LEFT JOIN sets b ON b.set_id = s.previous LEFT JOIN shrinkages h ON h.set_id = s.set_id
 WHERE c.removed_at IS NULL AND {{}}
"""
_GOOD = "level <> 'stored' AND NOT damaged AND NOT shrunken AND instant <= :ahead"
_AGE_ORDER = "coalesce(not_after, instant) || (not_after IS NULL) || set_id || repository"
"""As `Copy.age_order`."""
_NEWEST = f"SELECT *, max({_AGE_ORDER}) FROM ({_EXISTING}) WHERE {{}} GROUP BY system, tier"
_OTHERS = f"SELECT * FROM ({_EXISTING}) WHERE NOT ({_GOOD})"
_RECENT = "c.set_id >= :since"
_OF_SYSTEMS = "s.system IN :systems"
_PROVEN = _NEWEST.format("c.level = 'proven' AND c.damaged_at IS NULL", "1")
_DAMAGED = _EXISTING.format("c.damaged_at IS NOT NULL")
_DRILLS = """
SELECT system, run, verdict, ended, json_extract(record, '$.tier') AS tier, max(ended || run) FROM runs
 WHERE kind = 'drill' AND ended IS NOT NULL AND system IS NOT NULL AND json_extract(record, '$.tier') IS NOT NULL GROUP BY 1, 5
"""
_TOLD = """
SELECT run, json_extract(record, '$.action') AS action, json_extract(record, '$.facts.rto_seconds') AS rto,
       json_extract(record, '$.facts.set') AS chosen
  FROM steps WHERE run IN :runs AND json_extract(record, '$.action') IN ('select-backup', 'report') ORDER BY seq
"""
_NIGHTS = """
SELECT r.system, r.runbook, r.run, r.verdict, r.started, r.ended FROM runs r
  JOIN (SELECT run, max(started || run) FROM runs
         WHERE kind = 'backup' AND ended IS NOT NULL AND system IS NOT NULL GROUP BY system, runbook) n ON n.run = r.run
"""
_FAILED = "SELECT run, step FROM steps WHERE run IN :runs AND state = 'failed' ORDER BY seq"
_AT_ONCE = 500
"""Names in one statement."""


class FleetRecords(Noun):
    def has_copies(self) -> bool:
        """Whether any copy exists, of any system."""
        with self._store.read() as connection:
            return connection.execute(text("SELECT 1 FROM copies WHERE removed_at IS NULL LIMIT 1")).first() is not None

    def judged_copies(self, tiers: Collection[tuple[str, str]], ahead: datetime, since: datetime) -> dict[str, list[Copy]]:
        """By system, the existing copies that a judgement rests on; a good one is dated `ahead` at most. Not told: which run uses it.

        Where every tier (`tiers`: system and tier) has a good copy of a set begun after `since`, nothing older can be the newest one: of
        those systems only the proven and the damaged ones are looked for among the older.
        """
        given = {"ahead": f"{ahead.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", "since": f"{since.astimezone(UTC):%Y%m%dT%H%M%SZ}"}
        with self._store.read() as connection:
            recent = _read(connection, _NEWEST.format(_RECENT, _GOOD), given)
            found = [*recent, *_read(connection, _OTHERS.format(_RECENT), given), *_read(connection, _PROVEN), *_read(connection, _DAMAGED)]
            there = {(copy.system, copy.tier) for copy in recent}
            open_ones = sorted({system for system, tier in tiers if (system, tier) not in there})
            for query in (_NEWEST.format(_OF_SYSTEMS, _GOOD), _OTHERS.format(_OF_SYSTEMS)):
                found += [_copy(row) for row in _in_turns(connection, query, "systems", open_ones, given)]
        by_system: dict[str, list[Copy]] = {}
        for copy in {(copy.set, copy.repository): copy for copy in found}.values():
            by_system.setdefault(copy.system, []).append(copy)
        return by_system

    def last_drills(self) -> dict[str, list[DrillFact]]:
        """By system, the newest finished drill of each tier, as `drill_facts` tells it."""
        with self._store.read() as connection:
            drills = connection.execute(text(_DRILLS)).mappings().all()
            told = {(row["run"], row["action"]): row for row in _in_turns(connection, _TOLD, "runs", [drill["run"] for drill in drills])}
        found: dict[str, list[DrillFact]] = {}
        for drill in drills:
            measured, chosen = told.get((drill["run"], "report")), told.get((drill["run"], "select-backup"))
            fact = DrillFact(
                run=drill["run"],
                tier=drill["tier"],
                verdict=drill["verdict"] or "INCOMPLETE",
                ended=_instant(drill["ended"]),
                rto=Seconds(measured["rto"]) if measured and measured["rto"] is not None else None,
                set=chosen["chosen"] if chosen else None,
            )
            found.setdefault(drill["system"], []).append(fact)
        return found

    def last_nights(self) -> dict[tuple[str, str], NightFact]:
        """By system and runbook, the newest backup run that is over, as `last_night` tells it; of one that failed, the failed steps."""
        with self._store.read() as connection:
            nights = connection.execute(text(_NIGHTS)).mappings().all()
            failed = list(_in_turns(connection, _FAILED, "runs", [night["run"] for night in nights if night["verdict"] == "FAIL"]))
        return {
            (night["system"], night["runbook"]): NightFact(
                run=night["run"],
                verdict=night["verdict"] or "INCOMPLETE",
                began=_instant(night["started"]),
                ended=_instant(night["ended"]),
                failed=tuple(row["step"] for row in failed if row["run"] == night["run"]),
            )
            for night in nights
        }


def _read(connection: Connection, query: str, given: Mapping[str, Any] = MappingProxyType({})) -> list[Copy]:
    return [_copy(row) for row in connection.execute(text(query), _wanted(query, given)).mappings()]


def _wanted(query: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if f":{name}" in query}


def _in_turns(
    connection: Connection, query: str, listed: str, names: Sequence[str], given: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[RowMapping]:
    statement = text(query).bindparams(bindparam(listed, expanding=True))
    for first in range(0, len(names), _AT_ONCE):
        yield from connection.execute(statement, {listed: list(names[first : first + _AT_ONCE]), **_wanted(query, given)}).mappings()


def _copy(row: RowMapping) -> Copy:
    return Copy(
        set=row["set_id"],
        system=row["system"],
        repository=row["repository"],
        tier=row["tier"],
        instant=_instant(row["instant"]),
        not_after=_instant(row["not_after"]) if row["not_after"] else None,
        committed=_instant(row["committed"]),
        manifest=row["manifest"],
        stored=row["stored"],
        level=row["level"],
        proven_at=_instant(row["proven_at"]) if row["proven_at"] else None,
        intact_at=_instant(row["intact_at"]) if row["intact_at"] else None,
        damaged=bool(row["damaged"]),
        held=bool(row["held"]),
        shrunken=bool(row["shrunken"]),
    )


def _instant(stored: str) -> datetime:
    return datetime.fromisoformat(stored)
