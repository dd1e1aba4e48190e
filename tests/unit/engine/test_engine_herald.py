"""A run that will miss its objective tells people while it still goes: once, whatever foresaw it, killed and resumed included."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from dr import plugins
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.engine.context import Context
from dr.engine.failpoints import Failpoints
from dr.engine.herald import STEP, Herald, audience
from dr.engine.services import Services
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject, RunId
from dr.model.inventory import SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import Action, Runner
from dr.model.record import Progress
from dr.model.runbook import Plan
from tests.support.catalog_copies import HMIS, NOW
from tests.support.catalog_runs import inventory_of, plan_of, run_at, step_of
from tests.support.engine_plans import eventually
from tests.support.notices import notifier_of
from tests.support.receiver import receiving

pytestmark = pytest.mark.unit
RUN = RunId("drill-online-1")
STEPS = [
    {"id": "restore", "section": "steps", "action": "restore", "phase": "restore"},
    {"id": "prove", "section": "steps", "action": "check"},
]
FAILING = [{"id": "tell", "section": "on_failure", "action": "notify", "with": {"to": "administrators", "template": "drill-failed"}}]


def drill(kind: str = "drill", **more: object) -> Plan:
    facts: JsonObject = {**plan_of("drill-online", kind).to_facts(), "steps": STEPS, "on_failure": FAILING, "system": "hmis"}
    return Plan.from_facts({**facts, "tier": "online", "objective": {"rto": 14_400.0}, **more})


@dataclass
class House:
    """`engine.services.Services`, as far as a notice needs it."""

    records: Catalog
    clock: FixedClock
    state: Path
    url: str
    seen: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inventory = inventory_of({"anna": ["ANNA"]})
        self.keys = self.sets = self.reporter = None
        self.notifier = notifier_of(self.inventory, self.records, self.clock, self.secret, lambda ctx: ctx.failpoint("after-send"))

    def secret(self, _ref: SecretRef) -> str:
        return self.url

    def runner(self, stop: threading.Event) -> Runner:
        return LocalRunner(stop)

    def action(self, kind: str) -> Action:
        return plugins.ACTIONS[kind]

    def watch(self, progress: Progress) -> None:
        self.seen.append(progress)


@dataclass
class Late:
    """A drill that was recognised at NOW, and a process that carries it."""

    house: House
    received: list[dict[str, str]]
    plan: Plan

    def process(self, *working: Context) -> Herald:
        """As one that was just started: it remembers nothing of an earlier one."""
        herald = Herald(cast("Services", self.house), Failpoints(None), lambda _: working)
        herald.accompany(RUN, self.plan, "tester")
        return herald

    def restoring(self, tell: Callable[[str], None] = lambda _: None) -> Context:
        return Context(
            run=RUN,
            plan=self.plan,
            planned=self.plan.steps[0],
            attempt=1,
            facts={},
            requested_by="tester",
            services=cast("Services", self.house),
            failpoints=Failpoints(None),
            action=self.house.action("restore"),
            foretold=tell,
        )

    def at(self, **delta: float) -> None:
        self.house.clock.move_to(NOW + timedelta(**delta))

    def notices(self) -> list[Notice]:
        return self.house.records.notices()


@contextmanager
def late(place: Path, plan: Plan, url: str = "") -> Iterator[Late]:
    clock = FixedClock(NOW)
    with open_catalog(place / "catalog.db", clock) as catalog, receiving() as (own, received):
        catalog.begin_run(run_at(run=RUN, runbook="drill-online", kind=plan.kind, tier="online"), plan)
        yield Late(House(catalog, clock, place, url or own), received, plan)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Late]:
    with late(tmp_path, drill()) as made:
        yield made


def half_restored(world: Late, herald: Herald) -> Context:
    """80 minutes of four hours, and a quarter is done."""
    context = world.restoring(lambda said: herald.foretell(RUN, said))
    world.at(minutes=80)
    context.progress("loading", 250, 1000)
    return context


def test_people_are_told_before_the_breach_and_what_they_can_do(world: Late) -> None:
    """Two and a half hours before it is too late."""
    herald = world.process()
    half_restored(world, herald)
    herald.finish(RUN)
    (told,) = world.received
    assert (told["title"], told["type"]) == (
        "hmis: drill-online (online) will be too late for its objective",
        "warning",
    )
    assert "which ends Sun 22 Nov 2026, 10:00 CST, will be missed by about" in told["message"]
    assert f"dr runs watch {RUN}" in told["message"]
    (notice,) = world.notices()
    assert (notice.run, notice.step, notice.state) == (RUN, STEP, "delivered")


def test_it_is_told_once_a_run_killed_and_resumed_included(world: Late) -> None:
    """By a second step, by the rounds, and by the process that takes the run up: the ledger has it already."""
    for _ in range(3):
        herald = world.process()
        context = half_restored(world, herald)
        herald.finish(RUN)
        again = world.process(context)
        again.look(RUN)
        again.finish(RUN)
    assert len(world.received) == 1


@pytest.mark.positive_control
def test_what_will_be_in_time_tells_nobody(world: Late) -> None:
    """The twin: as far on after a tenth of the time."""
    herald = world.process()
    context = world.restoring(lambda said: herald.foretell(RUN, said))
    world.at(minutes=10)
    context.progress("loading", 250, 1000)
    herald.look(RUN)
    herald.finish(RUN)
    assert world.received == []
    assert world.notices() == []


@pytest.mark.positive_control
def test_a_ledger_that_forgets_would_tell_it_again(world: Late, tmp_path: Path) -> None:
    """The twin of telling it once: the same kill, and nothing on record of what was told."""
    herald = world.process()
    half_restored(world, herald)
    herald.finish(RUN)
    (tmp_path / "other").mkdir()
    with late(tmp_path / "other", drill(), world.house.url) as forgetful:
        herald = forgetful.process()
        half_restored(forgetful, herald)
        herald.finish(RUN)
    assert len(world.received) == 2


def test_a_step_that_says_nothing_more_is_late_all_the_same(world: Late) -> None:
    """It hangs: no sign of life comes, and the moment has passed."""
    heralds: list[Herald] = []
    heralds.append(world.process(world.restoring(lambda said: heralds[0].foretell(RUN, said))))
    world.at(hours=4, minutes=1)
    heralds[0].look(RUN)
    heralds[0].finish(RUN)
    assert "was missed at Sun 22 Nov 2026, 10:00 CST, in 'restore'" in world.received[0]["message"]


def test_while_a_person_is_waited_for_the_clock_is_looked_at(world: Late) -> None:
    """Nothing works: a question stands, or the run is paused. Once a check was reached the clock has stopped."""
    herald = world.process()
    world.at(hours=4, minutes=1)
    herald.look(RUN)
    herald.finish(RUN)
    assert len(world.received) == 1
    assert [p.event for p in world.house.seen] == ["late"]


def test_after_the_restore_the_clock_is_the_check_s(world: Late) -> None:
    world.house.records.record_step(step_of("restore", run=RUN))
    herald = world.process()
    world.at(hours=5)
    herald.look(RUN)
    herald.finish(RUN)
    assert world.received == []


def test_the_rounds_are_made_without_being_asked(world: Late) -> None:
    """Real time: the process looks at the clock of every run that it carries."""
    world.at(hours=5)
    world.process()
    assert eventually(lambda: world.house.seen)


def test_a_notice_that_reaches_nobody_is_a_grave_finding_and_stops_nothing(tmp_path: Path) -> None:
    with late(tmp_path, drill(), url="json://127.0.0.1:1/nobody") as world:
        herald = world.process()
        half_restored(world, herald)
        late_key, untold = f"late:hmis:online:{RUN}", f"late-untold:{RUN}:administrators"
        assert eventually(
            lambda: {f.key: f.severity for f in world.house.records.open_findings(HMIS)} == {late_key: "warning", untold: "critical"}
        )
        herald.finish(RUN)
        assert [f.key for f in world.house.records.open_findings(HMIS)] == [late_key], "the run is over: the ledger says it from now on"
        assert [one.state for one in world.notices()] == ["failed"]


def test_a_recovery_s_is_an_alarm(tmp_path: Path) -> None:
    with late(tmp_path, drill("recovery")) as world:
        herald = world.process()
        half_restored(world, herald)
        herald.finish(RUN)
        assert [one["type"] for one in world.received] == ["failure"]


def test_a_run_without_a_clock_is_left_alone(tmp_path: Path) -> None:
    with late(tmp_path, drill("backup")) as world:
        herald = world.process()
        world.at(hours=100)
        herald.look(RUN)
        herald.foretell(RUN, "never")
        herald.finish(RUN)
        assert world.received == []


def test_whom_the_runbook_tells_when_it_fails_is_told() -> None:
    """Each once; where it tells nobody then, whom it tells at its end; else the administrators."""

    def tells(section: str, *to: str) -> list[JsonObject]:
        return [{"id": f"n{i}", "section": section, "action": "notify", "with": {"to": one, "template": "x"}} for i, one in enumerate(to)]

    assert audience(drill(on_failure=tells("on_failure", "administrators", "board", "administrators"))) == ["administrators", "board"]
    assert audience(drill(on_failure=[], always=tells("always", "board"))) == ["board"]
    assert audience(drill(on_failure=[], always=tells("always", "${steps.x.y}"))) == ["administrators"]
    assert audience(drill(on_failure=[])) == ["administrators"]
