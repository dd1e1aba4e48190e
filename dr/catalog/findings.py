"""Findings: one open row for each key, however often it is seen."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from dr.catalog.noun import Noun
from dr.catalog.schema import findings
from dr.model.base import RunId, SystemName
from dr.model.record import Finding

_SHADES = {"critical": 0, "warning": 1, "info": 2}


class FindingRecords(Noun):
    def finding(self, finding: Finding) -> None:
        """Open it, or renew the open one under its key. One that was closed later than it was seen stays closed."""
        with self._store.write() as connection:
            if _closed_since(connection, finding):
                return
            seen = {name: getattr(finding, name) for name in ("severity", "system", "message", "hint", "run", "step")}
            opened = (findings.c.key == finding.key) & findings.c.closed_at.is_(None)
            last = connection.execute(select(findings.c.last_seen).where(opened)).scalar()
            if last is None:
                connection.execute(insert(findings).values(key=finding.key, first_seen=finding.at, last_seen=finding.at, **seen))
            elif last <= finding.at:
                connection.execute(update(findings).where(opened).values(last_seen=finding.at, **seen))

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        """Close the open findings whose key starts with `prefix`, is not in `keep` and was not seen after `at`."""
        self._close(at, run, func.substr(findings.c.key, 1, len(prefix)) == prefix, findings.c.key.not_in(list(keep)))

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        """Close the open finding of that very key, if it was not seen after `at`."""
        self._close(at, run, findings.c.key == key)

    def _close(self, at: datetime, run: RunId, *those: ColumnElement[bool]) -> None:
        open_then = (findings.c.closed_at.is_(None), findings.c.last_seen <= at)
        with self._store.write() as connection:
            connection.execute(update(findings).where(*open_then, *those).values(closed_at=at, closed_run=run))

    def open_findings(self, system: SystemName | None = None) -> list[Finding]:
        """Gravest first; `at` is when it was first seen. With `system`, that system's and those that are no system's own."""
        query = select(findings).where(findings.c.closed_at.is_(None)).order_by(findings.c.first_seen, findings.c.id)
        if system is not None:
            query = query.where((findings.c.system == system) | findings.c.system.is_(None))
        with self._store.read() as connection:
            found = [_finding(row) for row in connection.execute(query)]
        return sorted(found, key=lambda f: _SHADES[f.severity])


def _closed_since(connection: Connection, finding: Finding) -> bool:
    """A step that is repeated after a crash must not reopen what was closed in between."""
    closed = connection.execute(select(func.max(findings.c.closed_at)).where(findings.c.key == finding.key, findings.c.run == finding.run))
    at = closed.scalar()
    return at is not None and at > finding.at


def _finding(row: Row[tuple[object, ...]]) -> Finding:
    values = row._mapping
    names = ("key", "severity", "system", "message", "hint", "run", "step")
    return Finding(at=values["first_seen"], **{name: values[name] for name in names})
