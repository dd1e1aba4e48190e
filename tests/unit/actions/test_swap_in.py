"""`swap-in`: only on a host that this recovery opened; each thing once, whoever is killed between; what is left is told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.actions import swap_in
from dr.app import failpoint_names
from dr.clock import FixedClock
from dr.errors import Failed, Refused
from dr.model.base import HostName, HostPath, JsonObject, RunId, StepId
from dr.model.ports import StepContext
from dr.model.record import ProductionFacts

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SITE, MAPS = "/srv/hmis/site", "/srv/hmis/maps"
STATES = ("beside", "swapped", "kept", "done")


class Killed(Exception):
    """The process is no more."""


@dataclass
class World:
    """A host in service, on which each file set comes to its place in four calls; and a list of what was done there."""

    opened: bool = True
    kind: str = "recovery"
    kill: str = ""
    answers: tuple[str, ...] = STATES
    refuses: str = ""
    did: list[tuple[str, str]] = field(default_factory=list)
    recorded: list[ProductionFacts] = field(default_factory=list)
    audited: list[tuple[str, str, JsonObject]] = field(default_factory=list)

    def swap_in(self, source: str, place: HostPath) -> JsonObject:
        if self.refuses:
            raise Refused(self.refuses, hint="make it")
        so_far = [state for one, state in self.did if one == source]
        state = self.answers[min(len(so_far), len(self.answers) - 1)]
        if state != "done":
            self.did.append((source, state))
        return {"state": state, "before": "/whatever/it/says", "copied": source == "maps"}

    def settled(self) -> JsonObject:
        paths = [{"path": path, "device": 1, "inode": 2} for path in ("/standby", SITE)]
        return {"set": "a-set", "since": NOW.isoformat(), "port": 6000, "paths": paths}

    def record_production(self, facts: ProductionFacts) -> None:
        self.recorded.append(facts)

    def steps(self, run: RunId) -> list[Any]:
        return [SimpleNamespace(action="restore", facts={"onto": "standby", "places": {"maps": {"path": "/standby/drills/x/site/maps"}}})]

    def context(self) -> StepContext:
        def failpoint(name: str) -> None:
            assert name in swap_in.ACTION.failpoints
            if name == self.kill:
                raise Killed

        facts = {
            "run": RunId("recover-1"),
            "step": StepId("swap-in"),
            "plan": SimpleNamespace(kind=self.kind, system="hmis"),
            "records": self,
            "clock": FixedClock(NOW),
            "serving_host": lambda _: self if self.opened else None,
            "failpoint": failpoint,
            "check_stop": lambda: None,
            "progress": lambda *_: None,
            "audit": lambda *told: self.audited.append(told),
        }
        return cast("StepContext", SimpleNamespace(**facts))

    def run(self, **places: str) -> Any:
        params = swap_in.Params.from_facts({"host": "standby", "places": places or {"site": SITE}})
        return swap_in.run(params, self.context())


def test_each_file_set_comes_to_its_place_and_what_is_left_is_told() -> None:
    """What the host says of names is not believed: they are made from what was asked."""
    world = World()
    done = world.run(site=SITE, maps=MAPS)
    assert done.changed
    kept = [f"{place}.before-recover-1" for place in (SITE, MAPS)]
    assert done.facts["swapped"] == [
        {"source": "site", "place": SITE, "before": kept[0], "copied": False},
        {"source": "maps", "place": MAPS, "before": kept[1], "copied": True},
    ]
    assert done.facts["by_hand"] == [
        f"what stood at {SITE} is kept on standby as {kept[0]}: look at it, then remove it",
        f"what stood at {MAPS} is kept on standby as {kept[1]}: look at it, then remove it",
        f"{MAPS} is a copy: what was restored of maps lies on standby in /standby/drills/x/site/maps too",
    ]
    assert [(event, subject) for event, subject, _ in world.audited] == [("files.swapped-in", "site"), ("files.swapped-in", "maps")]


def test_the_place_is_productions_from_then_on() -> None:
    """So that no standby is ever made of it, nor another file set put there."""
    world = World()
    world.run()
    (facts,) = world.recorded
    assert (facts.host, facts.system, [path["path"] for path in facts.paths]) == ("standby", "hmis", ["/standby", SITE])


@pytest.mark.parametrize("point", swap_in.ACTION.failpoints)
def test_a_run_that_was_killed_anywhere_goes_on_and_does_nothing_twice(point: str) -> None:
    world = World(kill=point)
    with pytest.raises(Killed):
        world.run()
    world.kill = ""
    assert world.run().facts["swapped"][0]["place"] == SITE
    assert [state for _, state in world.did] == ["beside", "swapped", "kept"]
    assert not world.run().changed


@pytest.mark.parametrize("world", [World(opened=False), World(kind="drill"), World(kind="maintenance")])
def test_before_it_is_opened_and_outside_of_a_recovery_nothing_takes_a_place(world: World) -> None:
    """What stands there is somebody's until then; a drill never touches it, whatever its runbook says."""
    with pytest.raises(Refused, match="no file set takes a place on 'standby': this run did not open it"):
        world.run()
    assert (world.did, world.recorded) == ([], [])


@pytest.mark.positive_control
def test_control_the_same_step_on_a_host_that_the_recovery_opened_is_carried_out() -> None:
    assert World().run().facts["swapped"]


@pytest.mark.parametrize("answers", [("beside",), ("swapped", "beside"), ("anything",)])
def test_a_host_that_never_comes_to_an_end_is_not_waited_for(answers: tuple[str, ...]) -> None:
    with pytest.raises(Failed, match="does not come to its place"):
        World(answers=answers).run()


@pytest.mark.parametrize(
    "places", [{}, {"site": "srv/site"}, {"site": "/etc"}, {"site": SITE, "maps": SITE}, {"site": SITE, "maps": f"{SITE}/maps"}]
)
def test_places_that_cannot_be_are_told_before_anything_runs(places: JsonObject) -> None:
    with pytest.raises(ValidationError):
        swap_in.Params.from_facts({"host": "standby", "places": places})


@pytest.mark.positive_control
def test_control_places_beside_one_another_are_taken() -> None:
    assert swap_in.Params.from_facts({"host": "standby", "places": {"site": SITE, "maps": f"{SITE}-maps"}}).places


def test_what_the_host_refuses_is_tried_again_since_no_other_run_could() -> None:
    """A refusal would end the run for good, with the system open and its files elsewhere."""
    world = World(refuses="the folder /srv/hmis is not there")
    with pytest.raises(Failed) as caught:
        world.run()
    assert not isinstance(caught.value, Refused)
    assert (caught.value.message, caught.value.hint) == ("the folder /srv/hmis is not there", "make it")
    world.refuses = ""
    assert world.run().changed


class Rehearsing:
    """A house that is only looked at."""

    def __init__(self, *lines: tuple[bool, str]) -> None:
        self.lines = lines
        self.inventory = SimpleNamespace(systems={"hmis": SimpleNamespace(sources={"site": None})})

    def swappable(self, host: HostName, places: list[HostPath]) -> Any:
        assert (host, places[:1]) == ("standby", [SITE])
        return self.lines


def test_a_rehearsal_says_what_would_stand_where_and_what_speaks_against_it() -> None:
    params = swap_in.Params.from_facts({"host": "standby", "places": {"site": SITE, "mpas": MAPS}})
    fine, wrong = (True, f"{SITE}: nothing stands there"), (False, f"{MAPS}: it is none of the host's `places`")
    found = swap_in.rehearse(params, cast("Any", Rehearsing(fine, wrong)))
    assert found.says[0] == f"would put file set 'site' at {SITE} on standby"
    assert fine[1] in found.says
    assert found.problems == ("there is no source 'mpas'", wrong[1])


def test_every_point_of_the_swap_is_among_those_that_are_shot() -> None:
    names = {name for name in failpoint_names() if name.startswith("swap-in.")}
    assert {f"swap-in.{point}" for point in swap_in.ACTION.failpoints} < names
