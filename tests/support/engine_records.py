"""The part of `ports.Records` that the engine writes, in a small SQLite file of its own, so that it survives a kill."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from dr.model.base import JsonObject, RunId, SetId
from dr.model.record import AuditEntry, AuditHead, Finding, RunRecord, StepRecord
from dr.model.runbook import Plan

_TABLES = """
    CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, record TEXT, plan TEXT);
    CREATE TABLE IF NOT EXISTS steps (run TEXT, step TEXT, record TEXT, PRIMARY KEY (run, step));
    CREATE TABLE IF NOT EXISTS findings (key TEXT PRIMARY KEY, finding TEXT);
    CREATE TABLE IF NOT EXISTS pins (run TEXT, backup TEXT, PRIMARY KEY (run, backup));
    CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, entry TEXT);
"""


class EngineRecords:
    """Every write is durable and idempotent, as the catalog's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self._open()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_TABLES)

    def begin_run(self, run: RunRecord, plan: Plan) -> None:
        self._write("INSERT OR IGNORE INTO runs VALUES (?, ?, ?)", run.run, _text(run.to_facts()), _text(plan.to_facts()))

    def end_run(self, run: RunId, state: str, verdict: str | None, at: datetime) -> None:
        record = self.run(run)
        assert record is not None
        ended = {**record.to_facts(), "state": state, "verdict": verdict, "ended": at.isoformat()}
        self._write("UPDATE runs SET record = ? WHERE run = ?", _text(ended), run)

    def run(self, run: RunId) -> RunRecord | None:
        found = self._read("SELECT record FROM runs WHERE run = ?", run)
        return RunRecord.from_json(found[0]) if found else None

    def runs(self, *, limit: int = 50, **_: object) -> list[RunRecord]:
        return [RunRecord.from_json(text) for text in self._read("SELECT record FROM runs ORDER BY rowid DESC LIMIT ?", limit)]

    def record_step(self, step: StepRecord) -> None:
        self._write("INSERT OR REPLACE INTO steps VALUES (?, ?, ?)", step.run, step.step, _text(step.to_facts()))

    def steps(self, run: RunId) -> list[StepRecord]:
        return [StepRecord.from_json(text) for text in self._read("SELECT record FROM steps WHERE run = ? ORDER BY step", run)]

    def pin(self, set_id: SetId, run: RunId) -> None:
        self._write("INSERT OR IGNORE INTO pins VALUES (?, ?)", run, set_id)

    def unpin(self, run: RunId) -> None:
        self._write("DELETE FROM pins WHERE run = ?", run)

    def pins(self) -> list[str]:
        return self._read("SELECT backup FROM pins")

    def finding(self, finding: Finding) -> None:
        self._write("INSERT OR REPLACE INTO findings VALUES (?, ?)", finding.key, _text(finding.to_facts()))

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        for finding in self.open_findings():
            if finding.key.startswith(prefix) and finding.key not in keep:
                self._write("DELETE FROM findings WHERE key = ?", finding.key)

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        self._write("DELETE FROM findings WHERE key = ?", key)

    def open_findings(self, _system: object = None) -> list[Finding]:
        return [Finding.from_json(text) for text in self._read("SELECT finding FROM findings ORDER BY key")]

    def audit(self, event: str, subject: str, facts: JsonObject, *, actor: str, at: datetime) -> AuditHead:
        self._write(
            "INSERT INTO audit (entry) VALUES (?)",
            _text({"event": event, "subject": subject, "facts": facts, "actor": actor, "at": at.isoformat()}),
        )
        return AuditHead.from_facts({"seq": len(self.audited()), "hash": "0" * 64, "at": at.isoformat()})

    def audited(self) -> list[JsonObject]:
        return [json.loads(text) for text in self._read("SELECT entry FROM audit ORDER BY seq")]

    def audit_of(self, subject: str) -> list[AuditEntry]:
        nothing = {"seq": 0, "previous": "0" * 64, "hash": "0" * 64}
        return [AuditEntry.from_facts({**nothing, **entry}) for entry in self.audited() if entry["subject"] == subject]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)

    def _write(self, statement: str, *values: object) -> None:
        with closing(self._open()) as connection, connection:
            connection.execute(statement, values)

    def _read(self, statement: str, *values: object) -> list[str]:
        with closing(self._open()) as connection:
            return [row[0] for row in connection.execute(statement, values)]


def _text(facts: JsonObject) -> str:
    return json.dumps(facts)
