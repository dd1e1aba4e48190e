"""Long work on a standby outlives its link: it is taken up where it is, done once, and forsaken by nobody for ever."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dr import plugins
from dr.drivers.postgres.connect import connect, dsn_of
from dr.errors import StandbyInUse, Stopped, Unreachable
from dr.hosts.ssh import KIND
from dr.model.base import StepId
from dr.model.ports import ArtifactReader, HostRequest
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import OTHER, RUN
from tests.support.patience import LONG
from tests.support.pg_world import SET
from tests.support.ssh_drill import CANARY, Drill, ends, left, load, servers, until
from tests.support.ssh_hosts import writable
from tests.support.ssh_killed import MIDDLE, work_of

pytestmark = [pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
CHECK = plugins.CHECKS["content-equals-source"]
HERE = Path(__file__).parents[2]
LOST = "the link to host 'standby' is lost; the work there goes on, and it is sought again"
BACK = "the link to host 'standby' is back, and the work there was taken up where it is"


def asked(drill: Drill, step: str, **login: object) -> HostRequest:
    """As the engine asks for a host: for a step, that may be told to stop."""
    request = drill.request
    params = request.params.model_copy(update=login) if login else request.params
    return replace(request, params=params, step=StepId(step), stop=threading.Event())


def unit(drill: Drill) -> int:
    """The process of the one that works there."""
    (found,) = [pid for pid in drill.there.processes() if b"dr\0agent" in words(pid) and parent(pid) not in drill.there.processes()]
    return found


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@dataclass
class Counted:
    """How often each artifact was asked for."""

    opened: list[str] = field(default_factory=list)

    def of(self, readers: Sequence[ArtifactReader]) -> list[ArtifactReader]:
        return [_Reader(one, self) for one in readers]  # type: ignore[misc]


@dataclass
class _Reader:
    reader: ArtifactReader
    counted: Counted

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    @contextmanager
    def stream(self) -> Iterator[object]:
        self.counted.opened.append(self.reader.artifact.name)
        with self.reader.stream() as stream:
            yield stream


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
