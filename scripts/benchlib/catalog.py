"""The catalog with many systems in it: a real home, whose inventory names them all, and a copy of each night of each in both tiers."""

import hashlib
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from benchlib.table import Report
from benchlib.watch import run, timed
from benchlib.world import Say
from dr.app import App, init_home
from dr.catalog import schema
from dr.catalog.catalog import open_catalog
from dr.catalog.store import Store
from dr.clock import SystemClock
from dr.policy.retention import decide

STATUS, HELP = 1.0, 0.15
"""Seconds that are expected at most of `dr status` and `dr --help`."""
PER_FILE = 250
"""Systems in one file of the inventory."""
_TIERS = {"fileserver": "online", "bank-vault": "vault"}
_SYSTEM = """\
  {name}:
    title: System number {number}
    sources:
      database: {{kind: postgres_logical, host: production}}
    objectives: {{rpo: 26h, tiers: {{online: {{rto: 4h}}, vault: {{rto: 8h}}}}}}
    retention: {{online: {{keep_within: 40d}}, vault: {{keep_within: 40d}}}}
    runbooks: {{nightly: nightly, drill: {{online: drill-online, vault: drill-vault}}}}
"""
_PASSWORD = "production-postgres.password"  # noqa: S105 - where it is, not what it is
Row = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """One nightly of one system: its set, in two repositories."""

    system: str
    number: int
    back: int
    """How many nights ago; 0 is the last."""
    at: datetime

    @property
    def token(self) -> str:
        return hashlib.sha256(f"{self.system}/{self.back}".encode()).hexdigest()

    @property
    def set(self) -> str:
        return f"{self.at:%Y%m%dT%H%M%SZ}-{self.token[:6]}"

    @property
    def run(self) -> str:
        return f"nightly-{self.at:%Y%m%dT%H%M%SZ}-{self.token[:8]}"


def make_home(folder: Path, systems: int, nights: int, say: Say) -> Path:
    """The home in `folder`, made unless it is there from another time today."""
    home = folder / f"catalog-{systems}-{nights}-{datetime.now(UTC):%Y%m%d}"
    if (home / "made").exists():
        return home
    init_home(str(home), "An organisation with many systems", "America/Chicago")
    (home / "inventory" / "systems.yaml").unlink()
    names = [f"system-{number:05}" for number in range(systems)]
    for first in range(0, systems, PER_FILE):
        entries = (_SYSTEM.format(name=name, number=number) for number, name in list(enumerate(names))[first : first + PER_FILE])
        path = home / "inventory" / f"systems-{first // PER_FILE:03}.yaml"
        path.write_text("systems:\n" + "".join(entries), encoding="utf-8")
    for runbook in (home / "runbooks").glob("*.yaml"):
        runbook.write_text(runbook.read_text(encoding="utf-8").replace("default: hmis", f"default: {names[0]}"), encoding="utf-8")
    people = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")
    for secret in (*(f"notify-{who}.url" for who in people), _PASSWORD):
        (home / "keys" / secret).write_text("mailto://localhost\n", encoding="utf-8")
        (home / "keys" / secret).chmod(0o600)
    took, rows = timed(lambda: _fill(home / "state" / "catalog.db", names, nights))
    say(f"{rows:,} rows for {systems} systems and {nights} nights, written in {took:.0f} s")
    (home / "made").touch()
    return home


def _fill(path: Path, names: list[str], nights: int) -> int:
    open_catalog(path, SystemClock()).close()  # made and migrated
    store, now, count = Store(path), datetime.now(UTC).replace(microsecond=0), 0
    with store.write() as connection:
        for back in reversed(range(nights)):
            begun = [now - timedelta(days=back, hours=2, seconds=number % 3600) for number in range(len(names))]
            of_night = [Night(name, number, back, at) for number, (name, at) in enumerate(zip(names, begun, strict=True))]
            for table, rows in _rows(of_night):
                connection.execute(insert(table), rows)
                count += len(rows)
    store.close()
    return count


def _rows(of_night: list[Night]) -> Iterator[tuple[Table, list[Row]]]:
    yield schema.sets, [_set(night) for night in of_night]
    yield schema.copies, [_copy(night, repository) for night in of_night for repository in _TIERS]
    runs = [_run(night, night.run, "nightly", "backup", None) for night in of_night]
    steps = [_step(night.run, "backup", "backup", {"set": night.set}, night.at) for night in of_night]
    for night in of_night:
        if _drilled(night):
            for tier in _TIERS.values():
                name = night.run.replace("nightly", f"drill-{tier}")
                runs.append(_run(night, name, f"drill-{tier}", "drill", tier))
                steps.append(_step(name, "select", "select-backup", {"set": night.set}, night.at))
                steps.append(_step(name, "always-1-report", "report", {"rto_seconds": 600.0}, night.at))
    yield schema.runs, runs
    yield schema.steps, steps
    findings = [_finding(night) for night in of_night if night.back == 0 and night.number % 100 == 7]
    if findings:
        yield schema.findings, findings


def _drilled(night: Night) -> bool:
    """Once a week, not all on one day."""
    return night.back % 7 == night.number % 7


def _set(night: Night) -> Row:
    dice = random.Random(night.token)  # noqa: S311 - invented facts
    manifest = _manifest(night, [4_000_000 + dice.randrange(10**6) for _ in range(12)])
    return {
        "set_id": night.set,
        "system": night.system,
        "instant": night.at,
        "plain": manifest["artifacts"][0]["plain"],
        "previous": None,
        "run": night.run,
        "manifest": manifest,
    }


def _manifest(night: Night, sizes: list[int]) -> Row:
    at = night.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    named = {"organisation": "An organisation with many systems", "system": night.system, "set": night.set, "run": night.run}
    parts = [{"number": number, "size": size, "sha256": night.token} for number, size in enumerate(sizes)]
    artifact = {"name": "database-00", "kind": "postgres_logical", "source": "database", "plain": 200_000_000 + sizes[0], "parts": parts}
    sealed = {"size": 4000, "sha256": night.token}
    how = {"tools": {"dr": "0"}, "recipients": ["age1a", "age1b"], "compression": "zstd-3", "previous": None, "witnessed": False}
    return {"format": 1, **named, "created": at, "instant": at, **how, "artifacts": [{**artifact, "instant": at}], "index": sealed}


def _copy(night: Night, repository: str) -> Row:
    proven = _drilled(night)
    return {
        "set_id": night.set,
        "repository": repository,
        "tier": _TIERS[repository],
        "committed": night.at + timedelta(minutes=5),
        "manifest_sha256": night.token,
        "stored": 50_000_000,
        "level": "proven" if proven else "intact",
        "intact_at": night.at + timedelta(minutes=6),
        "proven_at": night.at + timedelta(minutes=30) if proven else None,
        "held": False,
        "run": night.run,
    }


def _run(night: Night, name: str, runbook: str, kind: str, tier: str | None) -> Row:
    ended = night.at + timedelta(minutes=10)
    columns: Row = {"run": name, "runbook": runbook, "kind": kind, "system": night.system, "state": "done", "verdict": "PASS"}
    written = {"started": night.at.isoformat(), "ended": ended.isoformat()}
    record = {**columns, **written, "title": "A run", "tier": tier, "plan": night.token}
    return {**columns, "started": night.at, "ended": ended, "record": record, "plan": _plan(night, runbook, kind, tier)}


def _plan(night: Night, runbook: str, kind: str, tier: str | None) -> Row:
    """As long as a real one; of before `rests_on` was known, so that no invented digest is compared with the home's."""
    steps = [{"id": f"step-{number}", "section": "steps", "action": "report", "with": {}} for number in range(8)]
    named = {"runbook": runbook, "title": "A run", "kind": kind, "system": night.system, "tier": tier}
    return {**named, "steps": steps, "inventory": night.token}


def _step(run_name: str, step: str, action: str, facts: Row, at: datetime) -> Row:
    section = "always" if step.startswith("always") else "steps"
    record = {"run": run_name, "step": step, "section": section, "action": action, "state": "done", "attempt": 1, "facts": facts}
    times = {"started": at.isoformat(), "ended": (at + timedelta(minutes=9)).isoformat()}
    return {"run": run_name, "step": step, "attempt": 1, "state": "done", "record": {**record, **times}}


def _finding(night: Night) -> Row:
    seen = {"first_seen": night.at, "last_seen": night.at}
    key = f"invented:{night.system}"
    return {
        "key": key,
        "severity": "warning",
        "system": night.system,
        "message": "an invented finding",
        "hint": "",
        "run": night.run,
        **seen,
    }


# ---------------------------------------------------------------- what takes how long


def measure(home: Path, systems: int, nights: int, repetitions: int) -> Report:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    size = (home / "state" / "catalog.db").stat().st_size
    title = f"{systems} systems, {nights} nights, {size / 1e6:.0f} MB of catalog; best of {repetitions}; {cores} cores, load {load:.1f}"
    one = f"system-{systems // 2:05}"
    figures = [_command(home, repetitions, ["--help"], HELP), _command(home, repetitions, ["status"], STATUS)]
    for words in (["status", one], ["backups", "list", one], ["runs", "list"], ["backups", "list"], ["check"]):
        figures.append(_command(home, repetitions, words))
    figures.append(_retention(home, repetitions))
    return Report(title, figures=figures)


def _command(home: Path, repetitions: int, words: list[str], at_most: float = 0.0) -> tuple[str, str, str]:
    env = {"DR_HOME": str(home), "NO_COLOR": "1"}
    best = min(run([sys.executable, "-m", "dr", *words], env, expect=(0, 1)).seconds for _ in range(repetitions))
    verdict = ("as expected" if best <= at_most else f"MISSED: {at_most} s expected") if at_most else ""
    return f"dr {' '.join(words)}", f"{best:.2f} s", verdict


def _retention(home: Path, repetitions: int) -> tuple[str, str, str]:
    """Every system's retention, decided from the catalog as the nightly's prune decides it; in this process."""
    app = App.open(str(home))
    zone, now = app.inventory.organisation.zone, app.clock.now()

    def every() -> int:
        systems = app.inventory.systems.items()
        return sum(len(decide(app.records.copies(app.system(name)), entry.retention, now, zone).decisions) for name, entry in systems)

    took = [timed(every) for _ in range(repetitions)]
    return "retention decided for every system", f"{min(t for t, _ in took):.2f} s", f"{took[0][1]:,} copies"
