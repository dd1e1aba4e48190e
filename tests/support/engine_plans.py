"""Plans and processes for the engine's tests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dr.model.base import JsonObject
from dr.model.runbook import Plan
from tests.support.engine_records import EngineRecords
from tests.support.engine_toys import INVENTORY_DIGEST, lines
from tests.support.patience import LONG

ROOT = Path(__file__).parents[2]


def step(name: str, action: str = "note", section: str = "steps", **more: Any) -> JsonObject:
    """A planned step; a `note` writes down its own id."""
    with_ = more.pop("with_", {"name": name} if action == "note" else {})
    return {"id": name, "section": section, "action": action, "with": with_, **more}


def make_plan(
    folder: Path,
    steps: Sequence[JsonObject],
    *,
    on_failure: Sequence[JsonObject] = (),
    always: Sequence[JsonObject] = (),
    kind: str = "backup",
) -> Plan:
    return Plan.from_facts(
        {
            "runbook": "toys",
            "title": "Toys",
            "kind": kind,
            "parameters": {"folder": str(folder)},
            "steps": list(steps),
            "on_failure": [{**one, "section": "on_failure"} for one in on_failure],
            "always": [{**one, "section": "always"} for one in always],
            "inventory": INVENTORY_DIGEST,
        }
    )


class Bench:
    """A home's state folder, with processes of the toy tool working on it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.state = place / "state"
        self.place.mkdir(parents=True, exist_ok=True)
        self.state.mkdir()

    @property
    def records(self) -> EngineRecords:
        return EngineRecords(self.state / "records.db")

    def write(self, plan: Plan) -> Path:
        path = self.place / "plan.json"
        path.write_text(json.dumps(plan.to_facts()))
        return path

    def start(self, *words: str, failpoint: str = "", log: Path | None = None, unguarded: str = "") -> "subprocess.Popen[str]":
        environ = {**os.environ, "DR_FAILPOINT": failpoint, "DR_FAILPOINT_LOG": str(log or ""), "TOY_UNGUARDED": unguarded}
        command = [sys.executable, "-m", "tests.support.engine_toys", str(self.state), *words]
        return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def call(self, *words: str, failpoint: str = "", log: Path | None = None, unguarded: str = "") -> "subprocess.CompletedProcess[str]":
        process = self.start(*words, failpoint=failpoint, log=log, unguarded=unguarded)
        out, err = process.communicate(timeout=LONG)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def effects(self) -> list[str]:
        return lines(self.place / "effects")

    def outcome(self, run: str) -> JsonObject:
        """All that an undisturbed run and a killed one must have in common: states, facts, verdict, effects."""
        record = self.records.run(run)  # type: ignore[arg-type]
        steps = {str(one.step): (one.state, one.attempt, one.facts) for one in self.records.steps(run)}  # type: ignore[arg-type]
        ended = (record.state, record.verdict) if record else None
        return {"ended": ended, "steps": steps, "effects": sorted(self.effects())}


def eventually(true: Callable[[], object], seconds: float = LONG) -> bool:
    """Wait until something holds; fails the test, or else is true, so that a test can assert it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)
    return True
