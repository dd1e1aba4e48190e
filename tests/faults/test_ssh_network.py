"""A standby on a network of its own: the cable out, a black hole, 1 Mbit/s. What goes on there goes on, and lateness is said in time.

A network namespace and a veth pair, so that the kernel loses the packets; where none may be made, a proxy on the loopback, which is said.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dr.demo.world import opened
from dr.hosts.ssh import KIND
from dr.model.record import Finding
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import make_world
from tests.support.main_job import HMIS
from tests.support.pg_world import SET
from tests.support.ssh_drill import CANARY, Captured, Drill, DrillStep, ends, until
from tests.support.ssh_hosts import writable
from tests.support.ssh_net import machine_apart
from tests.support.ssh_spread import Spread, ended, nothing_is_left, spread_over
from tests.support.ssh_units import BACK, LOST, Counted, asked, unit
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Net

pytestmark = [pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
SIGNS_OF_LIFE = 30
"""Seconds within which a dead link is seen, where the inventory says nothing else."""
MANY = 16 * 2**20
"""Bytes of a file that wants two minutes at 1 Mbit/s."""


@pytest.fixture(scope="module")
def apart() -> Iterator[tuple[Machine, Net]]:
    with machine_apart("standby") as made:
        yield made


@pytest.fixture
def drill(apart: tuple[Machine, Net], system: Captured, tmp_path: Path) -> Iterator[Drill]:
    made = Drill(*apart, system, make_world(tmp_path), tmp_path.name)
    KIND.enrol(made.request, made.standing)
    yield made
    made.net.heal()


def restored_through(drill: Drill, fault: Callable[[], None], seen: list[float], **login: object) -> DrillStep:
    """Restore; in the middle of the bytes this happens, and is over once it is said. `seen`: seconds until then."""
    counted, step = Counted(), drill.step()

    def mend(since: float) -> None:
        until(lambda: LOST in step.said, "nobody saw it")
        seen.append(time.monotonic() - since)
        drill.net.heal()

    def happen() -> None:
        fault()
        threading.Thread(target=mend, args=(time.monotonic(),), daemon=True).start()

    with writable(asked(drill, "restore", **login), drill.standing) as handle:
        worker = unit(drill)
        handle.claim(SET)
        drill.at["bytes"] = happen
        place = handle.bring(SOURCE, counted.of(drill.system.handed(step)), step.as_context())
        handle.adopt(SET, {"database": place})
        assert unit(drill) == worker, "the work was begun anew"
        assert sorted(counted.opened) == sorted(one.artifact.name for one in drill.system.readers), "each artifact was sent once"
        assert handle.scrub([CANARY]).found == 0
    ends(drill)
    return step


def test_a_restore_goes_on_when_the_cable_was_out(drill: Drill) -> None:
    """`ip link set down` in the middle of the bytes, and up again: the same work goes on, over another connection."""
    step = restored_through(drill, drill.net.down, [])
    assert [said for said in step.said if said in (LOST, BACK)] == [LOST, BACK]


@pytest.mark.campaign
def test_a_black_hole_is_seen_by_the_missing_signs_of_life(drill: Drill) -> None:
    """Every packet vanishes and nobody is told: seen within half a minute, as the inventory has it by itself, and taken up after it."""
    seen: list[float] = []
    step = restored_through(drill, drill.net.swallow, seen, silence=float(SIGNS_OF_LIFE))
    assert [said for said in step.said if said in (LOST, BACK)] == [LOST, BACK]
    assert seen[0] < SIGNS_OF_LIFE + 1


@pytest.fixture(scope="module")
def spread(apart: tuple[Machine, Net], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    with spread_over(Path(tmp_path_factory.mktemp("spread")), *apart) as made:
        (opened(made.home.path).site / "scanned.bin").write_bytes(b"0123456789abcdef" * (MANY // 16))
        made.home.dr("run", "nightly")
        yield made


@pytest.mark.campaign
def test_a_drill_onto_another_network_passes(spread: Spread) -> None:
    """From end to end: nothing of it needs the standby's loopback, or a file, to be ours."""
    before = spread.net.passed
    done = spread.home.dr("drill", "hmis", "--tier", "online")
    assert "PASS" in done.stdout and spread.net.passed - before > MANY
    nothing_is_left(spread)


@pytest.mark.campaign
def test_a_drill_over_a_slow_network_goes_on_and_says_in_time_that_it_will_be_late(spread: Spread) -> None:
    """1 Mbit/s: two minutes of bytes, and one for all. It is foreseen before it is so; the network is mended, and the drill is in time."""
    for old, new in (("{rto: 4h, target: 3h}", "{rto: 1m, target: 1m}"), ("budget: 2h", "budget: 30s"), ("budget: 30m", "budget: 15s")):
        spread.home.rewrite("runbooks/drill-online.yaml", old, new)
    spread.net.slow(1e6)
    with spread.home.start("drill", "hmis", "--tier", "online") as drill:
        try:
            until(lambda: said_late(spread) or drill.poll() is not None, "it is not foreseen")
            (foreseen,) = said_late(spread)
        finally:
            spread.net.heal()
            printed = ended(drill)
    with spread.home.catalog() as catalog:
        began = catalog.runs(runbook="drill-online", limit=1)[0].started
    assert "will be missed by about" in foreseen.message and (foreseen.at - began).total_seconds() < 60
    assert drill.returncode == 0 and "PASS" in printed, printed
    nothing_is_left(spread)


def said_late(spread: Spread) -> list[Finding]:
    with spread.home.catalog() as catalog:
        return [found for found in catalog.open_findings(HMIS) if found.key.startswith("late:hmis:online:") and found.severity == "warning"]
