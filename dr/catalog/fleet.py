"""What readiness judges, of every system at once: a handful of statements, where asking for each of thousands took minutes.

Only what a judgement rests on is read: of a tier's copies the newest good one, the newest proven one, and all that are not good.
SQLite gives the other columns of the row that has the maximum.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, text

from dr.catalog.noun import Noun
from dr.catalog.sets import SHRUNKEN
from dr.model.backup import Copy
from dr.model.base import Seconds, StepId
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
_NAMED = _EXISTING.replace("FROM copies c CROSS JOIN sets s ON", "FROM sets s CROSS JOIN copies c ON")
"""Where few systems are asked for, by their sets: SQLite keeps to the order of a CROSS JOIN."""
_GOOD = "level <> 'stored' AND NOT damaged AND NOT shrunken AND instant <= :ahead"
_AGE_ORDER = "coalesce(not_after, instant) || (not_after IS NULL) || set_id || repository"
"""As `Copy.age_order`."""
_NEWEST = f"SELECT *, max({_AGE_ORDER}) FROM ({{}}) WHERE {{}} GROUP BY system, tier"
_OTHERS = f"SELECT * FROM ({{}}) WHERE NOT ({_GOOD})"
_RECENT = _EXISTING.format("c.set_id >= :since")
_OF_SYSTEMS = _NAMED.format("s.system IN :systems")
_IS_PROVEN = "c.level = 'proven' AND c.damaged_at IS NULL"
_PROVEN = _NEWEST.format(_EXISTING.format(_IS_PROVEN), "1")
_PROVEN_OF_SYSTEMS = _NEWEST.format(_NAMED.format(f"s.system IN :systems AND {_IS_PROVEN}"), "1")
_DAMAGED = _EXISTING.format("c.damaged_at IS NOT NULL")
_DRILLS = """
SELECT system, run, verdict, ended, json_extract(record, '$.tier') AS tier, max(ended || run),
       json_extract(plan, '$.rests_on') AS rests_on
  FROM runs
 WHERE kind = 'drill' AND ended IS NOT NULL AND system IS NOT NULL AND json_extract(record, '$.tier') IS NOT NULL {} GROUP BY 1, 5
"""
_TOLD = """
SELECT run, json_extract(record, '$.action') AS action, json_extract(record, '$.facts.rto_seconds') AS measured,
       coalesce(json_extract(record, '$.facts.rto_total'), json_extract(record, '$.facts.rto_seconds')) AS rto,
       json_extract(record, '$.facts.set') AS chosen, json_extract(record, '$.facts.waited') AS waited
  FROM steps WHERE run IN :runs AND json_extract(record, '$.action') IN ('select-backup', 'restore', 'report')
   AND json_extract(record, '$.facts') <> '{}' ORDER BY seq
"""
_NIGHTS = """
SELECT r.system, r.runbook, r.run, r.verdict, r.started, r.ended FROM runs r
  JOIN (SELECT run, max(started || run) FROM runs
         WHERE kind = 'backup' AND ended IS NOT NULL AND system IS NOT NULL {} GROUP BY system, runbook) n ON n.run = r.run
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
            found += _of_systems(connection, (_NEWEST.format(_OF_SYSTEMS, _GOOD), _OTHERS.format(_OF_SYSTEMS)), open_ones, given)
        return _by_system(found)

    def judged_copies_of(self, systems: Sequence[str], ahead: datetime) -> dict[str, list[Copy]]:
        """As `judged_copies`, of these systems only."""
        queries = (_NEWEST.format(_OF_SYSTEMS, _GOOD), _OTHERS.format(_OF_SYSTEMS), _PROVEN_OF_SYSTEMS)
        with self._store.read() as connection:
            return _by_system(_of_systems(connection, queries, systems, {"ahead": f"{ahead.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}))

    def last_drills(self, systems: Sequence[str] | None = None) -> dict[str, list[DrillFact]]:
        """By system (all, or these), the newest finished drill of each tier, as `drill_facts` tells it."""
        with self._store.read() as connection:
            drills = _about(connection, _DRILLS, systems)
            told = {(row["run"], row["action"]): row for row in _in_turns(connection, _TOLD, "runs", [drill["run"] for drill in drills])}
        found: dict[str, list[DrillFact]] = {}
        for drill in drills:
            measured, chosen = told.get((drill["run"], "report")), told.get((drill["run"], "select-backup"))
            restored = told.get((drill["run"], "restore"))
            fact = DrillFact(
                run=drill["run"],
                tier=drill["tier"],
                verdict=drill["verdict"] or "INCOMPLETE",
                ended=_instant(drill["ended"]),
                rto=Seconds(measured["rto"]) if measured and measured["rto"] is not None else None,
                measured=Seconds(measured["measured"]) if measured and measured["measured"] is not None else None,
                waited=Seconds(restored["waited"] or 0.0) if restored else Seconds(0.0),
                set=chosen["chosen"] if chosen else None,
                rests_on=json.loads(drill["rests_on"]) if drill["rests_on"] else {},
            )
            found.setdefault(drill["system"], []).append(fact)
        return found

    def last_nights(self, systems: Sequence[str] | None = None) -> dict[tuple[str, str], NightFact]:
        """By system (all, or these) and runbook, the newest backup run that is over, as `last_night` tells it, with its failed steps."""
        with self._store.read() as connection:
            nights = _about(connection, _NIGHTS, systems)
            failed: dict[str, list[StepId]] = {}
            for row in _in_turns(connection, _FAILED, "runs", [night["run"] for night in nights if night["verdict"] == "FAIL"]):
                failed.setdefault(row["run"], []).append(row["step"])
        return {
            (night["system"], night["runbook"]): NightFact(
                run=night["run"],
                verdict=night["verdict"] or "INCOMPLETE",
                began=_instant(night["started"]),
                ended=_instant(night["ended"]),
                failed=tuple(failed.get(night["run"], ())),
            )
            for night in nights
        }


def _about(connection: Connection, query: str, systems: Sequence[str] | None) -> list[RowMapping]:
    """Rows of all systems or of these; the query has a place (`{}`) for which."""
    if systems is None:
        return list(connection.execute(text(query.format(""))).mappings())
    return list(_in_turns(connection, query.format("AND system IN :systems"), "systems", systems))


def _of_systems(connection: Connection, queries: Sequence[str], systems: Sequence[str], given: Mapping[str, Any]) -> list[Copy]:
    return [_copy(row) for query in queries for row in _in_turns(connection, query, "systems", systems, given)]


def _by_system(found: Sequence[Copy]) -> dict[str, list[Copy]]:
    by_system: dict[str, list[Copy]] = {}
    for copy in {(copy.set, copy.repository): copy for copy in found}.values():
        by_system.setdefault(copy.system, []).append(copy)
    return by_system


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
