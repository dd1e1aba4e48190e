"""Which standby holds drill data, and what a scrub looks for after a restore that did not end: no false mark, and none missing."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.actions import restore
from dr.app import asked
from dr.errors import Damaged, Refused
from dr.model.base import HostName, JsonObject, RunId, SetId, StepId
from dr.model.record import HostState, StepRecord, StepState
from tests.support.action_world import ONLINE, World

pytestmark = pytest.mark.integration
DRILL = RunId("drill-online-20261122T070000Z-1a2b")
EARLIER = RunId("drill-online-20261121T070000Z-3c4d")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, needle=True)


def backed_up(world: World) -> SetId:
    return SetId(world.backup()["set"])


class Killed(BaseException):
    """The process ends here."""


def die() -> None:
    raise Killed


def restore_left(world: World, set_id: SetId, state: StepState, run: RunId = DRILL, facts: JsonObject | None = None) -> None:
    """A restore that was killed with all of it loaded, and what the engine has on record of its step."""
    world.at["after-load"] = die
    with pytest.raises(Killed):
        world.restore(set_id, ONLINE, run)
    del world.at["after-load"]
    record_restore(world, set_id, state, run, facts)


def record_restore(world: World, set_id: SetId, state: StepState, run: RunId = DRILL, facts: JsonObject | None = None) -> None:
    """What was asked; what it did only if it ended well."""
    world.catalog.record_step(
        StepRecord(
            run=run,
            step=StepId("restore"),
            section="steps",
            action="restore",
            state=state,
            attempt=1,
            resolved={"system": "hmis", "set": set_id, "from": "online", "onto": "standby"},
            facts=facts or {},
        )
    )


def needle_of(world: World, set_id: SetId) -> bytes:
    found = world.sets.open(world.known(ONLINE)[set_id].system, set_id, world.online).index.needle
    assert found
    return found.encode()


# ---------------------------------------------------------------- what a scrub looks for


@pytest.mark.parametrize("state", ["running", "failed", "cancelled"])
def test_a_scrub_after_an_unfinished_restore_looks_for_its_needle(world: World, state: StepState) -> None:
    """A restore that was killed or cancelled half-way had put data there all the same; it recorded no needle, so the set says it."""
    set_id = backed_up(world)
    restore_left(world, set_id, state)
    facts = world.scrub(run=DRILL)
    assert world.standby.looked_for == [needle_of(world, set_id)]
    assert facts["certificate"]["canaries"] == 1


def test_a_scrub_after_a_whole_restore_looks_for_the_recorded_needle_once(world: World) -> None:
    """What the step recorded is enough: the set need not be readable any more."""
    set_id = backed_up(world)
    restore_left(world, set_id, "done", facts={"needle": "the word"})
    world.scrub(run=DRILL)
    assert world.standby.looked_for == [b"the word"]


def test_a_scrub_also_looks_for_what_an_earlier_run_left(world: World) -> None:
    """It removes what a drill that never ended left on this standby, so it looks for that drill's words too."""
    set_id = backed_up(world)
    restore_left(world, set_id, "running", run=EARLIER)
    assert [(h.state, h.run) for h in world.catalog.hosts()] == [("claimed", EARLIER)]
    world.scrub(run=DRILL)
    assert world.standby.looked_for == [needle_of(world, set_id)]


def test_a_scrub_that_cannot_know_what_to_look_for_says_so(world: World) -> None:
    """The set is damaged and the restore never ended: nothing is looked for, which is a finding and said in words, never a clean zero."""
    set_id = backed_up(world)
    restore_left(world, set_id, "failed")
    (world.folder("online", set_id) / "manifest.sig").write_bytes(b"AAAA\n")
    facts = world.scrub(run=DRILL)
    assert world.standby.looked_for == []
    assert world.findings() == ["scrub:standby:blind"]
    said = asked._SAYERS["scrub"](facts, None, "UTC")  # type: ignore[arg-type]  # the run and the zone say nothing here
    assert said == ["standby scrubbed: 1 place removed; no marker of a backup was known, so nothing was looked for afterwards"]
    record_restore(world, set_id, "done", facts={"needle": "the word"})
    world.scrub(run=DRILL)
    assert world.findings() == []


def test_a_restore_that_was_refused_leaves_nothing_to_look_for(world: World) -> None:
    """It loaded nothing: a scrub after it is no blind one, though the set cannot be read."""
    set_id = backed_up(world)
    (world.folder("online", set_id) / "manifest.sig").write_bytes(b"AAAA\n")
    with pytest.raises(Damaged):
        world.restore(set_id, ONLINE, DRILL)
    record_restore(world, set_id, "failed")
    world.scrub(run=DRILL)
    assert "scrub:standby:blind" not in world.findings()


# ---------------------------------------------------------------- which standby holds data


def test_a_refused_claim_leaves_no_mark(world: World) -> None:
    """A standby that is in use by another run was not touched by this one: its record stays as it was."""
    set_id = backed_up(world)
    mark = HostState(host=HostName("standby"), state="clean", run=EARLIER, since=world.clock.now())
    world.catalog.record_host(mark)
    world.later(hours=1)
    world.standby.refuses = Refused("host 'standby' is in use by run other")
    with pytest.raises(Refused):
        world.restore(set_id, ONLINE, DRILL)
    assert world.catalog.hosts() == [mark]


@pytest.mark.parametrize("point", restore.ACTION.failpoints)
def test_a_restore_killed_at_any_point_leaves_no_unlisted_data(world: World, point: str) -> None:
    """Promise 1: whatever may lie on the standby is on record before the first byte of it is written."""
    set_id = backed_up(world)
    world.at[point] = die
    with pytest.raises(Killed):
        world.restore(set_id, ONLINE, DRILL)
    loaded = world.standby.loaded
    (listed,) = world.catalog.hosts() or [HostState(host=HostName("standby"), state="clean", since=world.clock.now())]
    assert listed.state != "clean" or not loaded
    assert loaded == (point not in ("after-claim",))


def test_a_standby_is_listed_since_it_was_claimed(world: World) -> None:
    """Since when data lies there: that it was adopted later changes nothing about that."""
    set_id = backed_up(world)
    begun = world.clock.now()
    world.at["after-load"] = lambda: world.later(minutes=30)
    world.restore(set_id, ONLINE, DRILL)
    assert world.clock.now() == begun + timedelta(minutes=30)
    assert [(h.state, h.run, h.since) for h in world.catalog.hosts()] == [("adopted", DRILL, begun)]
