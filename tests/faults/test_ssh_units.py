"""Long work on a standby outlives its link: it is taken up where it is, done once, and forsaken by nobody for ever."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dr import plugins
from dr.drivers.postgres.connect import connect, dsn_of
from dr.errors import DrError, StandbyInUse, Stopped, Unreachable
from dr.hosts.ssh import KIND
from dr.hosts.turns import Turns
from dr.model.base import RunId
from dr.model.ports import HostRequest
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import OTHER, RUN
from tests.support.patience import LONG
from tests.support.pg_world import SET
from tests.support.ssh_drill import CANARY, Drill, ends, left, load, servers, until
from tests.support.ssh_hosts import writable
from tests.support.ssh_killed import MIDDLE, work_of
from tests.support.ssh_units import BACK, LOST, Counted, asked, unit

pytestmark = [pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
CHECK = plugins.CHECKS["content-equals-source"]
HERE = Path(__file__).parents[2]


def heals_later(drill: Drill, fault: str) -> None:
    getattr(drill.net, fault)()
    if fault == "swallow":
        threading.Timer(7.0, drill.net.heal).start()


@pytest.mark.parametrize("fault", ["cut", pytest.param("swallow", marks=pytest.mark.campaign)])
def test_a_restore_and_its_proof_go_on_over_the_next_link(drill: Drill, fault: str) -> None:
    """Cut in the middle of the bytes, and in the middle of the proof: each artifact was sent once, each table digested once."""
    counted, step = Counted(), drill.step()
    with writable(asked(drill, "restore"), drill.standing) as handle:
        worker = unit(drill)
        handle.claim(SET)
        drill.at["bytes"] = lambda: heals_later(drill, fault)
        place = handle.bring(SOURCE, counted.of(drill.system.handed(step)), step.as_context())
        handle.adopt(SET, {"database": place})
        assert sorted(counted.opened) == sorted(one.artifact.name for one in drill.system.readers)
        assert unit(drill) == worker
        drill.at["progress"] = lambda: heals_later(drill, fault)
        proof = drill.step()
        found = handle.prove(CHECK, CHECK.params(), drill.system.restored(handle), proof.as_context())
        assert found.passed, found
        assert unit(drill) == worker
    assert [said for said in step.said if said in (LOST, BACK)] == [LOST, BACK]
    assert proof.said.count("digest of public.clients") == 1
    until(lambda: not left(drill.there), "a unit that has ended is still there")
    assert servers(drill.there, drill.root) != []
    with writable(asked(drill, "scrub"), drill.standing) as handle:
        assert handle.scrub([CANARY]).found == 0


@pytest.mark.campaign
@pytest.mark.positive_control
def test_where_nothing_is_to_outlive_its_link_a_cut_ends_the_work(drill: Drill) -> None:
    """The twin: `rejoin: 0`, and the step is lost with its link."""
    step = drill.step()
    with writable(asked(drill, "restore", rejoin=0.0), drill.standing) as handle:
        handle.claim(SET)
        drill.at["bytes"] = drill.net.cut
        with pytest.raises(Unreachable, match="host 'standby' was lost: the link "):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    ends(drill)


# ---------------------------------------------------------------- two steps of one run at once


class Unheeded(Turns):
    """The guard switched off: nobody waits for anybody."""

    def take(self, request: HostRequest, run: RunId) -> Callable[[], None]:
        return lambda: None


@contextmanager
def beside(drill: Drill, turns: Turns) -> Iterator[list[str]]:
    """In the middle of the bytes another step of the run wants the standby; once it waits, here or there, the link is lost for a while."""
    said, failed, waits = list[str](), list[BaseException](), threading.Event()

    def heard(what: str) -> None:
        said.append(what)
        waits.set()

    def active() -> frozenset[RunId]:
        waits.set()  # it is about to wait for the standby, over there
        return frozenset()

    def other() -> None:
        try:
            with writable(replace(asked(drill, "look"), said=heard), replace(drill.standing, active=active), turns=turns) as handle:
                said.append(f"restored: {handle.holds(SET)}")
        except DrError as error:
            failed.append(error)

    thread = threading.Thread(target=other, daemon=True)

    def middle() -> None:
        thread.start()
        assert waits.wait(LONG), failed
        drill.net.swallow()
        threading.Timer(8.0, drill.net.heal).start()

    drill.at["bytes"] = middle
    yield said
    thread.join(LONG)
    assert failed == [] and not thread.is_alive()


@pytest.mark.campaign
def test_a_step_that_runs_at_the_same_time_waits_and_ends_nothing(drill: Drill) -> None:
    """The link is lost while it waits: what was begun goes on, and then the second has the standby."""
    turns, step = Turns(), drill.step()
    with beside(drill, turns) as said, writable(asked(drill, "restore"), drill.standing, turns=turns) as handle:
        worker = unit(drill)
        handle.claim(SET)
        place = handle.bring(SOURCE, drill.system.handed(step), step.as_context())
        handle.adopt(SET, {"database": place})
        assert unit(drill) == worker
    assert said == ["waiting for step 'restore' of this run, which works on host 'standby'", "restored: True"]
    with writable(asked(drill, "scrub"), drill.standing) as handle:
        assert handle.scrub([CANARY]).found == 0


@pytest.mark.campaign
@pytest.mark.positive_control
def test_a_step_that_does_not_wait_ends_what_another_does(drill: Drill) -> None:
    """The twin: over there a unit whose link is lost looks forsaken to the next step of its run."""
    turns, step = Unheeded(), drill.step()
    with beside(drill, turns), writable(asked(drill, "restore"), drill.standing, turns=turns) as handle:
        handle.claim(SET)
        with pytest.raises(Unreachable, match="the work there is gone"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    with writable(asked(drill, "scrub"), drill.standing) as handle:
        assert handle.scrub([CANARY]).found == 0


# ---------------------------------------------------------------- nobody comes back


@pytest.mark.campaign
def test_a_standby_that_is_not_found_again_is_said_and_its_work_has_ended(drill: Drill) -> None:
    """The time passes on both sides: the step fails, and over there nothing runs, nothing is locked."""
    step = drill.step()
    with writable(asked(drill, "restore", rejoin=3.0), drill.standing) as handle:
        handle.claim(SET)
        drill.at["bytes"] = drill.net.swallow
        with pytest.raises(Unreachable, match=r"host 'standby' was lost: the link broke, and for 3\.0 s no other could be made"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
        ends(drill)
    drill.net.heal()
    with writable(asked(drill, "restore"), drill.standing) as handle:
        handle.claim(SET)
        assert handle.scrub([CANARY]).found == 0


@pytest.mark.campaign
def test_a_standby_that_was_restarted_is_said_at_once(drill: Drill) -> None:
    """Nothing there to be taken up: nobody waits half an hour for it."""
    step = drill.step()

    def restart() -> None:
        drill.there.crash()
        drill.there.start()

    with writable(asked(drill, "restore"), drill.standing) as handle:
        handle.claim(SET)
        drill.at["bytes"] = lambda: threading.Thread(target=restart, daemon=True).start()
        with pytest.raises(Unreachable, match="the work there is gone: it was ended, or the machine was restarted"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    with writable(asked(drill, "restore"), drill.standing) as handle:
        handle.claim(SET)
        assert handle.scrub([CANARY]).found == 0


# ---------------------------------------------------------------- it is told to end


@pytest.mark.campaign
def test_a_stopped_step_ends_its_work_there_at_once(drill: Drill) -> None:
    """A cancel, its time limit, Ctrl-C: not after half an hour."""
    request = asked(drill, "restore")
    step = drill.step()
    step.stop = request.stop or step.stop
    with writable(request, drill.standing) as handle:
        handle.claim(SET)
        drill.at["bytes"] = step.stop.set
        with pytest.raises(Stopped, match="what was done on host 'standby' was ended: the step was stopped"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    ends(drill)


@contextmanager
def killed_in_the_middle(drill: Drill, step: str, folder: Path, moment: str = "bytes") -> Iterator[None]:
    """A controller of its own that restores, or proves, SIGKILLed in the middle."""
    (folder / "work").write_bytes(work_of(drill.world, drill.request, drill.system, step, moment))
    argv = [sys.executable, "-m", "tests.support.ssh_killed", str(folder / "work")]
    with subprocess.Popen(argv, cwd=HERE, stdout=subprocess.PIPE, text=True) as controller:
        try:
            assert controller.stdout is not None
            assert controller.stdout.readline().strip() == MIDDLE
        finally:
            controller.send_signal(signal.SIGKILL)
    yield


@pytest.mark.campaign
def test_the_scrub_of_a_run_ends_what_its_killed_controller_left_at_work(drill: Drill, tmp_path: Path) -> None:
    """Another step of the same run has the standby at once, and finds nobody at work beside it."""
    with killed_in_the_middle(drill, "restore", tmp_path):
        worker = unit(drill)
        with writable(asked(drill, "scrub"), drill.standing) as handle:
            assert worker not in drill.there.processes()
            assert handle.scrub([CANARY]).found == 0
            assert servers(drill.there, drill.root) == []
    ends(drill)


@pytest.mark.campaign
def test_another_run_waits_for_one_that_may_be_resumed_and_ends_one_that_is_over(drill: Drill, tmp_path: Path) -> None:
    """While the killed run is under way its work is its own; once it is over nobody comes back for it."""

    drill.world.active.add(RUN)
    with killed_in_the_middle(drill, "restore", tmp_path):
        worker = unit(drill)
        with pytest.raises(StandbyInUse):
            KIND.open_writable(asked(drill, "restore"), drill.standing, OTHER)
        assert worker in drill.there.processes()
        drill.world.active.clear()
        with writable(asked(drill, "restore"), drill.standing, OTHER) as handle:
            assert worker not in drill.there.processes()
            handle.claim(SET)
            assert handle.scrub([CANARY]).found == 0
    ends(drill)


# ---------------------------------------------------------------- the next process of a killed controller


@pytest.mark.campaign
def test_the_next_process_is_given_the_restore_that_a_killed_one_began(drill: Drill, tmp_path: Path) -> None:
    """No bytes are under way: what was sent is not sent again, nor loaded again, and what the work asks is asked of the one that lives."""
    with killed_in_the_middle(drill, "restore", tmp_path, "findings"):
        worker, counted = unit(drill), Counted()
        begun = Path(drill.root, "drills", RUN).stat()
        with writable(asked(drill, "restore"), drill.standing) as handle:
            assert unit(drill) == worker
            assert not handle.holds(SET)
            handle.require_space(2**60)  # it is there already
            handle.claim(SET)
            step = drill.step()
            place = handle.bring(SOURCE, counted.of(drill.system.handed(step)), step.as_context())
            assert set(counted.opened) < {one.artifact.name for one in drill.system.readers}
            assert os.path.samestat(Path(drill.root, "drills", RUN).stat(), begun)
            handle.adopt(SET, {"database": place})
            found = handle.prove(CHECK, CHECK.params(), drill.system.restored(handle), step.as_context())
            assert found.passed, found
            assert handle.scrub([CANARY]).found == 0
            assert unit(drill) == worker
    ends(drill)


@pytest.mark.campaign
@pytest.mark.positive_control
def test_what_lacked_bytes_of_the_killed_process_is_begun_anew(drill: Drill, tmp_path: Path) -> None:
    """The twin: killed while they flow, and every artifact is sent again, after the first try has ended."""
    with killed_in_the_middle(drill, "restore", tmp_path):
        worker, counted = unit(drill), Counted()
        with writable(asked(drill, "restore"), drill.standing) as handle:
            assert worker not in drill.there.processes()
            handle.claim(SET)
            step = drill.step()
            place = handle.bring(SOURCE, counted.of(drill.system.handed(step)), step.as_context())
            assert sorted(counted.opened) == sorted(one.artifact.name for one in drill.system.readers)
            handle.adopt(SET, {"database": place})
            assert handle.scrub([CANARY]).found == 0
    ends(drill)


@pytest.mark.campaign
def test_the_next_process_is_given_the_proof_that_a_killed_one_began(drill: Drill, tmp_path: Path) -> None:
    """The table is locked, so that it takes its time: one session waits for it before the kill, and after, and it is the same."""
    with writable(asked(drill, "restore"), drill.standing) as handle:
        place = load(handle, drill.system, drill.step())["database"]
    until(lambda: not left(drill.there))
    with connect(dsn_of(place)) as holding, connect(dsn_of(place)) as looking:
        holding.execute("BEGIN")
        holding.execute("LOCK TABLE public.clients IN ACCESS EXCLUSIVE MODE")

        def waiting() -> list[int]:
            rows = looking.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' ORDER BY pid").fetchall()
            return [row[0] for row in rows]

        (tmp_path / "work").write_bytes(work_of(drill.world, drill.request, drill.system, "prove", "never"))
        with subprocess.Popen([sys.executable, "-m", "tests.support.ssh_killed", str(tmp_path / "work")], cwd=HERE) as controller:
            until(waiting)
            controller.send_signal(signal.SIGKILL)
        worker, before = unit(drill), waiting()
        with writable(asked(drill, "prove"), drill.standing) as handle:
            step, found = drill.step(), []

            def prove() -> None:
                found.append(handle.prove(CHECK, CHECK.params(), drill.system.restored(handle), step.as_context()))

            proving = threading.Thread(target=prove, daemon=True)
            proving.start()
            proving.join(2.0)
            assert waiting() == before
            holding.execute("COMMIT")
            proving.join(LONG)
            assert [one.passed for one in found] == [True]
            assert unit(drill) == worker
    until(lambda: not left(drill.there))
    with writable(asked(drill, "scrub"), drill.standing) as handle:
        assert handle.scrub([CANARY]).found == 0
