"""The main job on a small demo world, driven as a person drives it: the `dr` command in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import SystemClock
from dr.model.base import SystemName

SCALE = 0.01
"""About 3,000 rows."""
KILLED = -9


@dataclass(frozen=True)
class Home:
    """A home and the command that works on it."""

    path: Path

    def dr(self, *words: str, env: Mapping[str, str] | None = None, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run `dr WORDS`. Fails the test, with everything it printed, if its exit code is not `expect` (None: whatever)."""
        environment = {**os.environ, "DR_HOME": str(self.path), "NO_COLOR": "1", **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "dr", *words], env=environment, capture_output=True, text=True, timeout=300, check=False, cwd=self.path
        )
        assert expect is None or done.returncode == expect, f"dr {' '.join(words)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, expect: int | None = 0) -> Any:
        return json.loads(self.dr(*words, "--json", expect=expect).stdout)

    def catalog(self) -> Catalog:
        return open_catalog(self.path / "state" / "catalog.db", SystemClock())

    def sets(self, repository: str) -> list[str]:
        """Committed sets, from the disk itself."""
        return sorted(p.parent.name for p in (self.path / "demo" / repository / "sets" / "hmis").glob("2*/manifest.json"))

    def tombstones(self, repository: str) -> list[str]:
        return sorted(p.name for p in (self.path / "demo" / repository / "tombstones").rglob("*") if p.is_file())

    def levels(self) -> dict[tuple[str, str], str]:
        with self.catalog() as catalog:
            return {(str(c.set), str(c.repository)): c.level for c in catalog.copies(SystemName("hmis"))}


def make_home(path: Path, scale: float = SCALE) -> Home:
    """A small demo world: production running, hosts enrolled, repositories ready, nothing backed up yet."""
    from dr.app import prepare_demo

    prepare_demo(path, scale=scale, say=lambda _: None)
    return Home(path)
