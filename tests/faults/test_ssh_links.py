"""A drill over a network that breaks: it is said within the silence, what was done over there ends, and the next try goes through."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr import plugins
from dr.errors import StandbyInUse, Stopped, Unreachable
from dr.hosts.ssh import KIND, WritableSsh
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import OTHER, make_world
from tests.support.pg_world import SET
from tests.support.ssh_drill import CANARY, Captured, Drill, ends, goes_on, left, load, until
from tests.support.ssh_hosts import writable
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
CHECK = plugins.CHECKS["content-equals-source"]


@pytest.fixture(scope="module")
def loaded(there: Machine, net: Proxy, system: Captured, tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """Restored and adopted; only looked at."""
    place = tmp_path_factory.mktemp("loaded")
    made = Drill(there, net, system, make_world(place), place.name)
    KIND.enrol(made.request, made.standing)
    with writable(made.request, made.standing) as handle:
        load(handle, system, made.step())
    return made


# ---------------------------------------------------------------- the phases of a drill


def claim(drill: Drill, handle: WritableSsh) -> None:
    handle.claim(SET)


def bring(drill: Drill, handle: WritableSsh) -> None:
    step = drill.step()
    handle.bring(SOURCE, drill.system.handed(step), step.as_context())


def prove(drill: Drill, handle: WritableSsh) -> None:
    found = handle.prove(CHECK, CHECK.params(), drill.system.restored(handle), drill.step().as_context())
    assert found.passed, found


def scrub(drill: Drill, handle: WritableSsh) -> None:
    found = handle.scrub([CANARY])
    assert (found.canaries, found.found) == (1, 0)


@dataclass(frozen=True)
class Phase:
    work: Callable[[Drill, WritableSsh], None]
    moment: str
    """What of it happens in the middle."""
    prepared: bool = True
    """Whether a place must be claimed before."""


PHASES = {
    "claim": Phase(claim, "sign", prepared=False),
    "bring": Phase(bring, "bytes"),
    "scrub": Phase(scrub, "sign"),
}


def prepare(handle: WritableSsh, phase: Phase) -> None:
    if phase.prepared:
        place = handle.claim(SET)
        handle.runner().run(["sh", "-c", f'printf {CANARY.decode()} > "$0/letter"', place])


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("fault", ["cut", "swallow"])
def test_a_link_that_breaks_is_said_and_ends_the_work_there(drill: Drill, phase: str, fault: str) -> None:
    """Also where nobody is told that it broke."""
    here = PHASES[phase]
    with writable(drill.request, drill.standing) as handle:
        prepare(handle, here)
        drill.at[here.moment] = getattr(drill.net, fault)
        with pytest.raises(Unreachable) as caught:
            here.work(drill, handle)
    assert drill.at == {}, "it never came to the middle"
    assert caught.value.message.startswith("host 'standby' was lost: the link ")
    ends(drill)
    goes_on(drill)


@pytest.mark.parametrize("fault", ["cut", "swallow"])
def test_a_link_that_breaks_while_it_proves_leaves_what_was_restored(loaded: Drill, fault: str) -> None:
    """What was adopted stays, and is proven by the next try."""
    with writable(loaded.request, loaded.standing) as handle:
        loaded.at["progress"] = getattr(loaded.net, fault)
        with pytest.raises(Unreachable, match="host 'standby' was lost: the link"):
            prove(loaded, handle)
    loaded.net.heal()
    until(lambda: not left(loaded.there), "work goes on that nobody waits for")
    with writable(loaded.request, loaded.standing) as handle:
        assert handle.holds(SET)
        prove(loaded, handle)


@pytest.mark.positive_control
def test_over_a_slow_link_every_phase_is_done(drill: Drill) -> None:
    """1 Mbit/s, and a silence far below what the bytes take: slow is not dead. The twin of all of the above: nothing breaks."""
    with writable(drill.request, drill.standing) as handle:
        drill.net.slow(1_000_000)
        before = drill.net.passed
        load(handle, drill.system, drill.step())
        prove(drill, handle)
        scrub(drill, handle)
        assert drill.net.passed - before > 200_000
    ends(drill)


def test_a_stopped_step_ends_what_it_does_there(drill: Drill) -> None:
    """A person cancels, or its time is up."""
    step = drill.step()
    with writable(drill.request, drill.standing) as handle:
        handle.claim(SET)

        def stopped() -> None:
            step.stop.set()
            handle._session.close()  # as the engine does: it ends the step's processes, ssh among them

        drill.at["bytes"] = stopped
        with pytest.raises(Stopped, match="what was done on host 'standby' was ended: the step was stopped"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    ends(drill)
    goes_on(drill)


def test_a_frozen_sshd_is_a_dead_link(drill: Drill) -> None:
    """SIGSTOP to every sshd of the machine: its kernel still acknowledges every byte."""
    frozen: list[int] = []

    def freeze() -> None:
        for pid in drill.there.processes():
            if b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes()[:40]:
                os.kill(pid, signal.SIGSTOP)
                frozen.append(pid)

    try:
        with writable(drill.request, drill.standing) as handle:
            handle.claim(SET)
            drill.at["bytes"] = freeze
            with pytest.raises(Unreachable, match="host 'standby' was lost: the link "):
                bring(drill, handle)
        until(lambda: not left(drill.there), "the agent waits for a frozen sshd")
        with pytest.raises(Unreachable, match="does not answer"):
            KIND.open_writable(drill.request, drill.standing, OTHER)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    ends(drill)
    goes_on(drill)


def test_a_second_agent_waits_its_turn(drill: Drill) -> None:
    """One at a time on a standby; the first's end lets the next one in, and its loss does too."""
    with writable(drill.request, drill.standing) as handle:
        handle.claim(SET)
        drill.world.active.add(handle.run)
        with pytest.raises(StandbyInUse, match="another dr works on"):
            KIND.open_writable(drill.request, drill.standing, OTHER)
    drill.world.active.clear()
    with writable(drill.request, drill.standing, OTHER) as handle:
        handle.claim(SET)
