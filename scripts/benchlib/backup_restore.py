"""Backup, drill and digest against the same work by hand: one interleaved run, so that what else the machine does hits both alike."""

import os
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchlib.byhand import JOBS, ByHand, embedded
from benchlib.table import Pair, Report
from benchlib.watch import INTERVAL, Failed, Watched, run, timed
from benchlib.world import BACKUP, DRILL, Say, database_size, settle
from dr.app import App
from dr.demo.world import World
from dr.drivers.postgres.digest import Method
from dr.drivers.postgres.dump import schema_sql
from dr.drivers.postgres.objects import read_objects
from dr.drivers.postgres.proof import prove_database
from dr.drivers.postgres.session import reading
from dr.hosts.process import LocalRunner
from dr.units import show_size

WITHIN, FAST, MEMORY = 1.25, 0.6, 300 * 10**6
"""What is expected: a backup's and a drill's ratio, the fast digest's, bytes of `dr`'s own memory."""
_KEY = bytes(range(32))
_HASHED = "COPY through BLAKE3, 2 sessions"


@dataclass
class Measured:
    """Seconds by name, repetition by repetition; the memory of `dr`'s own processes; the seconds of a run's steps."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    watched: dict[str, list[Watched]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rows: int = 0
    text: int = 0
    """Bytes of COPY's text."""
    read: int = 0
    stored: tuple[int, int] = (0, 0)
    """One copy: ours, by hand."""

    def pair(self, what: str, ours: str, against: str, theirs: str, at_most: float = 0.0) -> Pair:
        return Pair(what, tuple(self.seconds[ours]), tuple(self.seconds[theirs]), against, at_most)


def measure(world: World, repetitions: int, say: Say) -> tuple[Measured, int]:
    """Raises Failed, from either side; ends every server it started but production."""
    found, size = Measured(), database_size(world)
    recipients = App.open(str(world.home)).inventory.organisation.keys.recipients
    by_hand = ByHand(world.home.parent / "by-hand", world.dsn, recipients)
    schema = _schema(world, world.home.parent)
    try:
        for number in range(1, repetitions + 1):
            say(f"repetition {number} of {repetitions}")
            _backups(world, by_hand, found)
            _restores(world, by_hand, found)
            _digests(world, by_hand, schema, found)
    finally:
        by_hand.remove_cluster()
    return found, size


def _backups(world: World, by_hand: ByHand, found: Measured) -> None:
    settle(world)
    facts = run_dr(world, BACKUP, found)["backup"]
    if facts["reused"]:
        raise Failed("the backup linked earlier parts, so that it did not do all of its work")
    settle(world)
    found.seconds["by hand: backup"].append(timed(by_hand.backup)[0])
    found.read, found.stored = facts["bytes"], (facts["stored"], by_hand.stored())


def _restores(world: World, by_hand: ByHand, found: Measured) -> None:
    settle(world)
    run_dr(world, DRILL, found)
    found.seconds["drill: until proven"].append(sum(found.steps[f"{DRILL}: {step}"][-1] for step in ("restore", "prove")))
    target = by_hand.fresh_cluster()
    settle(world)
    alone = timed(lambda: by_hand.restore(target))[0]
    found.seconds["by hand: restore"].append(alone)
    found.seconds["by hand: usable"].append(alone + timed(lambda: by_hand.finish(target))[0])
    by_hand.remove_cluster()


def _digests(world: World, by_hand: ByHand, schema: bytes, found: Measured) -> None:
    with reading(world.dsn) as connection:
        tables = [(table.sql, table.size) for table in read_objects(connection).tables]
    methods: tuple[Method, ...] = ("fast", "cryptographic")
    for method in methods:
        took, proof = timed(lambda method=method: _prove(world, method, schema))  # type: ignore[misc]
        found.seconds[f"digest: {method}"].append(took)
        found.rows = sum(table["rows"] for table in proof["tables"].values())
        took, found.text = timed(lambda: by_hand.hash_rows(tables))
        found.seconds[f"by hand: hash, beside {method}"].append(took)


def _prove(world: World, method: Method, schema: bytes) -> dict[str, Any]:
    stop = threading.Event()
    return prove_database(world.dsn, snapshot=None, key=_KEY, workers=JOBS, stop=stop, progress=_unseen, method=method, schema_sql=schema)


def _unseen(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def _schema(world: World, folder: Path) -> bytes:
    """Read once, before anything is timed: it is the same for both methods."""
    return schema_sql(world.dsn, folder, runner=LocalRunner(), pg_dump=f"{embedded()}/pg_dump", snapshot=None, watch=_nothing)


def _nothing() -> None:
    """Nothing stops it."""


def run_dr(world: World, runbook: str, found: Measured) -> dict[str, Any]:
    """`dr run RUNBOOK`, as a person types it, from the start of the process to its end; what each step recorded."""
    env = {"DR_HOME": str(world.home), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": ""}  # as installed: its modules are compiled once
    watched = run([sys.executable, "-m", "dr", "run", runbook, "--json"], env, foreign=[Path(embedded())])
    found.seconds[runbook].append(watched.seconds)
    found.watched[runbook].append(watched)
    with App.open(str(world.home)).records as records:
        steps = records.steps(records.runs(runbook=runbook, limit=1)[0].run)
    for step in steps:
        if step.started and step.ended:
            found.steps[f"{runbook}: {step.step}"].append((step.ended - step.started).total_seconds())
    return {step.step: step.facts for step in steps}


# ---------------------------------------------------------------- what came of it


def report(found: Measured, size: int, repetitions: int) -> Report:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    title = f"A database of {show_size(size)}, {found.rows:,} rows; {repetitions} repetitions, interleaved; {cores} cores, load {load:.1f}"
    pairs = [
        found.pair("backup to two tiers, digest included", BACKUP, "pg_dump, tar, zstd, age, two folders", "by hand: backup", WITHIN),
        found.pair("drill: restore, proof, scrub", DRILL, "pg_restore -j2 alone", "by hand: restore", WITHIN),
        found.pair("the same drill", DRILL, "pg_restore, statistics, durable", "by hand: usable"),
        found.pair("its steps until proven", "drill: until proven", "pg_restore, statistics, durable", "by hand: usable"),
        found.pair("digest, fast", "digest: fast", _HASHED, "by hand: hash, beside fast", FAST),
        found.pair("digest, cryptographic", "digest: cryptographic", _HASHED, "by hand: hash, beside cryptographic"),
    ]
    return Report(title, pairs, [*_memory(found), *_rates(found), *_steps(found)])


def _memory(found: Measured) -> list[tuple[str, str, str]]:
    lines = []
    for name, weighed in found.watched.items():
        most, resident = max(w.memory for w in weighed), max(w.resident for w in weighed)
        verdict = "as expected" if most < MEMORY else "MISSED"
        lines.append((f"{name}: memory of dr's own processes (PSS summed, every {INTERVAL} s)", f"{most / 1e6:.0f} MB", verdict))
        lines.append((f"{name}: resident high-water mark of the biggest of them", f"{resident / 1e6:.0f} MB", ""))
    return lines


def _rates(found: Measured) -> list[tuple[str, str, str]]:
    rate = {name: found.rows / min(found.seconds[name]) for name in ("digest: fast", "digest: cryptographic", "by hand: hash, beside fast")}
    return [
        *((f"{name}: best rate", f"{value / 1e6:.2f} million rows/s", "") for name, value in rate.items()),
        ("dump, as read", show_size(found.read), ""),
        ("stored, one copy: dr; by hand", f"{show_size(found.stored[0])}; {show_size(found.stored[1])}", ""),
    ]


def _steps(found: Measured) -> list[tuple[str, str, str]]:
    return [(f"step {name}, seconds", ", ".join(f"{s:.1f}" for s in seconds), "") for name, seconds in found.steps.items()]
