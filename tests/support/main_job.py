"""The main job on a small demo world, driven as a person drives it: the `dr` command, in a process of its own."""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import SystemClock
from dr.model.base import SystemName
from dr.model.record import AuditEntry
from tests.support.patience import LONG

SCALE = 0.01
"""About 3,000 rows and 1 MB of files."""
SEED = 20261122
KILLED = -9
HMIS = SystemName("hmis")
_MODULES = [
    "dr.app",
    "dr.cli.run",
    "dr.cli.runs",
    "dr.cli.progress",
    "dr.engine.durable",
    "dr.stream.sets",
    "dr.report.write",
    "dr.demo.world",
]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    words: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"dr {' '.join(self.words)} ended with {self.returncode}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True)
class Home:
    """A home and the command that works on it."""

    path: Path

    def dr(self, *words: str, env: Mapping[str, str] | None = None, expect: int | None = 0) -> Done:
        """Run `dr WORDS` in a process forked from one that has imported everything: the same process, but for the second of imports.

        Fails the test, with everything it printed, if its exit code is not `expect` (None: whatever).
        """
        with tempfile.TemporaryDirectory() as place:
            out, err = Path(place) / "out", Path(place) / "err"
            child = _fork_server().Process(target=_dr, args=(words, self.environment(env), str(self.path), str(out), str(err)))
            child.start()
            child.join(LONG)
            if child.is_alive():
                child.kill()
                child.join()
            assert child.exitcode is not None
            done = Done(words, child.exitcode, _text(out), _text(err))
        assert expect is None or done.returncode == expect, str(done)
        return done

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start `python -m dr WORDS` from nothing, as a shell does, to be signalled and waited for."""
        argv = [sys.executable, "-m", "dr", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            argv, env=self.environment(env), cwd=self.path, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        checkout = str(Path(__file__).parents[2])
        return {**os.environ, "DR_HOME": str(self.path), "PYTHONPATH": checkout, "NO_COLOR": "1", **(more or {})}

    def json(self, *words: str, expect: int | None = 0) -> Any:
        return json.loads(self.dr(*words, "--json", expect=expect).stdout)

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        with open_catalog(self.path / "state" / "catalog.db", SystemClock()) as catalog:
            yield catalog

    # ------------------------------------------------------------ what is there, from the disk itself

    def repository(self, name: str) -> Path:
        return self.path / "demo" / name

    def sets(self, repository: str) -> list[str]:
        """Committed sets, oldest first."""
        return sorted(p.parent.name for p in (self.repository(repository) / "sets" / "hmis").glob("2*/manifest.json"))

    def folder(self, repository: str, set_id: str) -> Path:
        return self.repository(repository) / "sets" / "hmis" / set_id

    def tombstones(self, repository: str) -> list[str]:
        """The sets that have one."""
        return sorted(str(json.loads(p.read_text())["set"]) for p in (self.repository(repository) / "tombstones").rglob("*.json"))

    def drills(self) -> list[str]:
        """What lies in the standby's folder of drills."""
        return sorted(p.name for p in (self.path / "demo" / "standby" / "drills").glob("*"))

    def staging(self) -> list[str]:
        return sorted(p.name for p in (self.path / "state" / "staging").glob("*"))

    # ------------------------------------------------------------ what is on record

    def levels(self) -> dict[tuple[str, str], str]:
        """(set, repository) to proof level, of every copy the catalog knows to exist."""
        with self.catalog() as catalog:
            return {(str(c.set), str(c.repository)): c.level for c in catalog.copies(HMIS)}

    def audit(self) -> list[AuditEntry]:
        with self.catalog() as catalog:
            return catalog.audit_entries(limit=100_000)

    def last_run(self, runbook: str) -> str:
        with self.catalog() as catalog:
            return str(catalog.runs(runbook=runbook, limit=1)[0].run)

    def facts(self, runbook: str, step: str) -> dict[str, Any]:
        """What a step of the last run of a runbook recorded."""
        with self.catalog() as catalog:
            run = catalog.runs(runbook=runbook, limit=1)[0].run
            return next(s.facts for s in catalog.steps(run) if s.step == step)

    def rewrite(self, file: str, old: str, new: str) -> None:
        """Edit a file of the home as a person would."""
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{file} has no '{old}'"
        path.write_text(text.replace(old, new))


def make_home(path: Path, scale: float = SCALE) -> Home:
    """A small demo world: production running, hosts enrolled, repositories ready, nothing backed up yet.

    `DR_TEST_SEED` makes another one of it, as scripts/campaign-kills does.
    """
    from dr.app import prepare_demo

    prepare_demo(path, scale=scale, seed=int(os.environ.get("DR_TEST_SEED", SEED)), say=lambda _: None)
    home = Home(path)
    for runbook, long in (("nightly", "wait: 5m"), ("nightly", "wait: 10m"), ("drill-online", "wait: 30s"), ("drill-vault", "wait: 30s")):
        home.rewrite(f"runbooks/{runbook}.yaml", long, "wait: 100ms")  # a person may wait for a repository to come back, a test not
    return home


@contextmanager
def demo_home(path: Path, scale: float = SCALE) -> Iterator[Home]:
    """`make_home`, whose servers end with the block."""
    from dr.app import stop_demo

    try:
        yield make_home(path, scale)
    finally:
        stop_demo(path)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@cache
def _fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_MODULES)
    return context


def _dr(words: tuple[str, ...], environment: dict[str, str], cwd: str, out: str, err: str) -> None:
    """In the forked process: become `dr WORDS`."""
    from dr.cli import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = ["dr", *words]
    main()
