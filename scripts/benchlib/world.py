"""A home with a database of the wanted size, in which the backup and the drill do nothing but what is compared."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dr.app import prepare_demo, stop_demo
from dr.demo.world import World, opened
from dr.drivers.postgres.connect import connect

PER_SCALE, EMPTY = 83_000_000, 15_000_000
"""Bytes of the invented HMIS for each unit of scale, and of one with nobody in it; a database comes out a little larger than was asked."""
BACKUP, VERIFY, DRILL = "bench-backup", "bench-verify", "bench-drill"
Say = Callable[[str], None]

RUNBOOKS = {
    BACKUP: """\
runbook: bench-backup
title: The backup alone
kind: backup
steps:
  - {id: backup, action: backup, with: {system: hmis, to: [online, vault]}}
""",
    VERIFY: """\
runbook: bench-verify
title: What a nightly does after its backup, without which no stored part serves again
kind: backup
steps:
  - {id: verify, action: verify, with: {system: hmis, tiers: [online, vault]}}
""",
    DRILL: """\
runbook: bench-drill
title: The drill, proof and scrub included
kind: drill
steps:
  - {id: select, action: select-backup, with: {system: hmis, tier: online, which: newest}}
  - id: restore
    phase: restore
    action: restore
    with: {system: hmis, set: "${steps.select.set}", from: "${steps.select.repository}", onto: standby}
  - id: prove
    phase: prove
    action: check
    with:
      host: standby
      system: hmis
      set: "${steps.select.set}"
      from: "${steps.select.repository}"
      checks: [starts-up, content-equals-source, needle]
always:
  - {action: scrub, only: drill, with: {host: standby}}
  - {action: report}
""",
}
_SYSTEMS = """\
systems:
  hmis:
    title: The invented HMIS, its database alone
    sources:
      database: {kind: postgres_logical, host: production, needle: true}
    objectives: {rpo: 24h, tiers: {online: {rto: 4h}, vault: {rto: 8h}}}
    retention: {online: {keep_within: 24h}, vault: {keep_within: 30d}}
"""
_FORGOTTEN = ("state", "evidence", "demo/fileserver", "demo/bank-vault", "demo/standby")
"""What an earlier bench left in a folder that was kept: every one begins with nothing backed up."""


def make_world(folder: Path, size: int, say: Say) -> World:
    """The home in `folder`, its production running. A database that is there already is used again; everything else begins anew."""
    home = folder / f"home-{size}"
    stop_demo(home)
    for name in _FORGOTTEN:
        shutil.rmtree(home / name, ignore_errors=True)
    prepare_demo(home, scale=max(0.005, (size - EMPTY) / PER_SCALE), say=say)
    (home / "inventory" / "systems.yaml").write_text(_SYSTEMS, encoding="utf-8")
    for other in (home / "runbooks").glob("*.yaml"):
        other.unlink()
    for name, text in RUNBOOKS.items():
        (home / "runbooks" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return opened(home)


def database_size(world: World) -> int:
    with connect(world.dsn) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def settle(world: World) -> None:
    """Before something is timed: what earlier work still has to write is written, so that nobody waits for somebody else's disk."""
    with connect(world.dsn) as connection:
        connection.execute("CHECKPOINT")
    os.sync()
