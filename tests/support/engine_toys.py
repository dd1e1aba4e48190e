"""Small actions whose effects can be counted, and the services they run with. `python -m tests.support.engine_toys` is the tool."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from dr.actions import approve
from dr.clock import SystemClock
from dr.engine.failpoints import Failpoints
from dr.engine.runner import Engine
from dr.errors import ConfigError, DrError, Failed
from dr.hosts.process import LocalRunner
from dr.model.base import RunId, Sha256, StrictModel, sha256
from dr.model.inventory import Inventory, Keys, Organisation, SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import Action, Effect, Outcome, Records, Runner, StepContext, Telling
from dr.model.record import Progress, RunRecord
from dr.model.runbook import Plan
from tests.support.engine_records import EngineRecords
from tests.support.patience import LONG

INVENTORY_DIGEST = sha256(b"the inventory")
KEYS = Keys(recipients=("age1a", "age1b"), signing=SecretRef(file="s"), trusted=("t",))
INVENTORY = Inventory(organisation=Organisation(name="Toys", keys=KEYS), systems={}, hosts={}, repositories={})


def folder(ctx: StepContext) -> Path:
    """Where the toys of a run leave their traces: beside the state folder, named in the plan."""
    return Path(str(ctx.plan.parameters["folder"]))


def append(path: Path, line: str) -> None:
    """One short line in one write: whole or absent, whatever kills us."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (line + "\n").encode())
    os.close(descriptor)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


class NoteParams(StrictModel):
    name: str
    seconds: float = 0.0
    fails: int = 0
    """How many attempts fail before one succeeds."""
    after: str = ""
    """Something an earlier step left, to show that references arrive."""


class NoteFacts(StrictModel):
    name: str
    attempt: int
    after: str = ""


def note(params: NoteParams, ctx: StepContext) -> Outcome:
    """Write a name down, unless it stands there already: the effect that must happen exactly once."""
    place = folder(ctx)
    append(place / "tries", f"{params.name} {ctx.attempt} {time.time():.3f}")
    if params.seconds:
        ctx.stop.wait(params.seconds)
        ctx.check_stop()
    if ctx.attempt <= params.fails:
        raise Failed(f"'{params.name}' failed, as it was told to")
    new = params.name not in lines(place / "effects")
    ctx.failpoint("looked")
    if new:
        append(place / "effects", params.name)
    return Outcome(changed=new, facts={"name": params.name, "attempt": ctx.attempt, "after": params.after})


class MeetParams(StrictModel):
    me: str
    other: str


class Nothing(StrictModel):
    pass


def meet(params: MeetParams, ctx: StepContext) -> Outcome:
    """Done only if the other one is under way at the same time."""
    (folder(ctx) / f"{params.me}.here").touch()
    deadline = time.monotonic() + LONG
    while not (folder(ctx) / f"{params.other}.here").exists():
        if time.monotonic() > deadline:
            raise Failed(f"'{params.other}' never came")
        time.sleep(0.02)
    return Outcome(changed=False)


class SpawnParams(StrictModel):
    deaf: float = 0.0
    """Seconds for which it does not look up when it is told to stop."""


def spawn(params: SpawnParams, ctx: StepContext) -> Outcome:
    """Start a group of processes that would go on for a minute, and stay deaf for a while when told to stop."""
    place = folder(ctx)
    append(place / "spans", f"begin {ctx.attempt} {time.time():.3f}")
    script = f"sleep 61 & echo $! >> {place}/pids; echo $$ >> {place}/pids; wait"
    try:
        ctx.runner.run(["sh", "-c", script])
    finally:
        time.sleep(params.deaf)
        append(place / "spans", f"end {ctx.attempt} {time.time():.3f}")
    return Outcome(changed=True)


class CheckParams(StrictModel):
    verdict: str


class CheckFacts(StrictModel):
    verdict: str


def check(params: CheckParams, ctx: StepContext) -> Outcome:
    return Outcome(changed=False, facts={"verdict": params.verdict})


def rude(params: Nothing, ctx: StepContext) -> Outcome:
    """Break with a message that holds what must not be told."""
    raise ValueError("row (Jane Doe, 1970-01-01) is wrong")


ACTIONS = (
    Action("note", NoteParams, NoteFacts, Effect.WRITES, note, ("looked",)),
    Action("meet", MeetParams, Nothing, Effect.READS, meet),
    Action("spawn", SpawnParams, Nothing, Effect.WRITES, spawn),
    Action("check", CheckParams, CheckFacts, Effect.READS, check),
    Action("rude", Nothing, Nothing, Effect.READS, rude),
    approve.ACTION,
)


class ToyNotifier:
    """Tells by a line in a file. To `nobody` it fails."""

    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        if telling.to == "nobody":
            raise Failed("the notice reached nobody")
        append(folder(ctx) / "told", json.dumps([telling.to, telling.template, telling.note, telling.question]))
        ctx.failpoint("after-send")
        who, subject = f"{ctx.run}:{ctx.step}", "a question"
        return Notice(
            id=who,
            to=telling.to,
            template=telling.template,
            subject=subject,
            body=telling.note,
            severity=telling.severity,
            state="delivered",
            created=ctx.clock.now(),
        )


@dataclass
class ToyServices:
    """`engine.services.Services` with the collaborators that toys need; the others are absent, and no toy asks for them."""

    state: Path
    inventory_digest: Sha256 = INVENTORY_DIGEST
    seen: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self.clock = SystemClock()
        self.kept = EngineRecords(self.state / "records.db")
        self.records = cast("Records", self.kept)
        self.inventory = INVENTORY
        self.notifier = ToyNotifier()
        self.keys = self.sets = self.reporter = None

    def runner(self, stop: threading.Event) -> Runner:
        return LocalRunner(stop)

    def action(self, kind: str) -> Action:
        found = {action.kind: action for action in ACTIONS}
        if kind not in found:
            raise ConfigError(f"there is no action '{kind}'")
        return found[kind]

    def watch(self, progress: Progress) -> None:
        self.seen.append(progress)


@contextmanager
def everyone_is_dead(_folder: Path, _slot: str) -> Iterator[bool]:
    yield True


def anything_goes(_state: Path) -> None:
    pass


def of_another_engine(_run: RunRecord) -> bool:
    return False


PERMISSIVE = {"if_dead": everyone_is_dead, "admit": anything_goes, "patience": (0.1,), "ours": of_another_engine}
"""For tests and their twins: `TOY_UNGUARDED` names the guards to leave out, or to make impatient; `ours`: every run is another engine's."""


def engine(state: Path, **options: object) -> Engine:
    services = ToyServices(state)
    failpoints = Failpoints.from_environment(ACTIONS)
    options |= {name: permissive for name, permissive in PERMISSIVE.items() if name in os.environ.get("TOY_UNGUARDED", "").split()}
    return Engine(services, state, failpoints, **options)  # type: ignore[arg-type]  # toys need less than a house has


def main(argv: list[str]) -> int:
    """`STATE run PLAN RUN...`, `STATE resume [RUN]`: one line of JSON for every run that ended."""
    state, verb, *rest = argv
    running = engine(Path(state))
    try:
        with running:
            if verb == "run":
                plan = Plan.from_json(Path(rest[0]).read_text())
                records = [running.run(plan, RunId(run), "tester") for run in rest[1:]]
            else:
                records = running.resume(RunId(rest[0]) if rest else None)
                running.wait_idle()
            for record in records:
                sys.stdout.write(json.dumps({"run": record.run, "state": record.state, "verdict": record.verdict}) + "\n")
    except DrError as error:
        sys.stderr.write(f"{error}\n")
        running.leave(error.exit_code)
    running.leave(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
