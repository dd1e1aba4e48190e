"""The standby dies in the middle, or the controller does, or its disk is full: what is left is known, and the next try goes through."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import DrError, Failed, Refused, Unreachable
from dr.hosts.ssh import KIND
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import OTHER, make_world
from tests.support.patience import LONG
from tests.support.pg_world import SET
from tests.support.ssh_drill import Captured, Drill, ends, goes_on, load, servers, until
from tests.support.ssh_hosts import writable
from tests.support.ssh_killed import MIDDLE, work_of
from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import Proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
HERE = Path(__file__).parents[2]


def test_a_standby_that_is_restarted_in_the_middle_is_claimed_anew(drill: Drill) -> None:
    """sshd, every command and the half-loaded PostgreSQL at once, as in a reboot; nothing had time to tidy up."""
    step, over = drill.step(), threading.Event()

    def crash() -> None:
        drill.there.crash()
        over.set()

    with writable(drill.request, drill.standing) as handle:
        handle.claim(SET)
        drill.at["bytes"] = crash
        with pytest.raises(Unreachable, match="host 'standby' was lost"):
            handle.bring(SOURCE, drill.system.handed(step), step.as_context())
    assert over.wait(LONG)
    assert servers(drill.there, drill.root) == []
    with pytest.raises(Unreachable, match="does not answer"):
        KIND.open_writable(drill.request, drill.standing, OTHER)
    drill.there.start()
    goes_on(drill)


def test_a_restored_server_that_died_with_its_machine_is_scrubbed(drill: Drill) -> None:
    """After the adoption: what was restored lies there in the clear, and its server is gone without a word."""
    with writable(drill.request, drill.standing) as handle:
        load(handle, drill.system, drill.step())
    assert servers(drill.there, drill.root) != []
    drill.there.crash()
    assert servers(drill.there, drill.root) == []
    drill.there.start()
    with writable(drill.request, drill.standing) as handle:
        assert handle.holds(SET)
        certificate = handle.scrub([])
    assert len(certificate.removed) == 1


def test_a_killed_controller_leaves_nobody_at_work_there(drill: Drill, tmp_path: Path) -> None:
    """SIGKILL while a dump flows: nothing of the drill runs on the standby a moment later, and the next drill may begin."""
    (tmp_path / "work").write_bytes(work_of(drill.world, drill.request, drill.system))
    argv = [sys.executable, "-m", "tests.support.ssh_killed", str(tmp_path / "work")]
    with subprocess.Popen(argv, cwd=HERE, stdout=subprocess.PIPE, text=True) as controller:
        try:
            assert controller.stdout is not None
            assert controller.stdout.readline().strip() == MIDDLE
            until(lambda: servers(drill.there, drill.root))
        finally:
            controller.send_signal(signal.SIGKILL)
    ends(drill)
    goes_on(drill)


# ---------------------------------------------------------------- disks


@pytest.fixture(scope="module")
def cramped() -> Iterator[Machine]:
    """A machine with two small disks: one of few bytes, one of few files."""
    with machine("cramped", disks={"bytes": "size=48M", "files": "size=400M,nr_inodes=600"}) as made:
        yield made


class _Direct(Proxy):
    """No proxy: the machine itself."""

    def __init__(self, port: int) -> None:
        self.port = port

    def heal(self) -> None:
        return None


@pytest.mark.parametrize("disk", ["bytes", "files"])
def test_a_full_disk_fails_the_restore_and_is_tidied(cramped: Machine, system: Captured, tmp_path: Path, disk: str) -> None:
    """No space, or no inodes: the step fails and says so, nothing is adopted, and what was brought goes again."""
    drill = Drill(cramped, _Direct(cramped.port), system, make_world(tmp_path), f"{disk}/standby")
    KIND.enrol(drill.request, drill.standing)
    step = drill.step()
    with writable(drill.request, drill.standing) as handle:
        with pytest.raises(DrError) as caught:
            load(handle, system, step)
        assert isinstance(caught.value, Failed | Refused), caught.value
        assert not handle.holds(SET)
        assert servers(cramped, drill.root) == []
        assert handle.scrub([]).found == 0
    ends(drill)
    goes_on(drill)


def test_a_disk_that_is_too_small_is_said_before_anything_is_brought(cramped: Machine, tmp_path: Path, system: Captured) -> None:
    drill = Drill(cramped, _Direct(cramped.port), system, make_world(tmp_path), "bytes/other")
    KIND.enrol(drill.request, drill.standing)
    with writable(drill.request, drill.standing) as handle, pytest.raises(Refused, match=r"free in .* are needed"):
        handle.require_space(2**30)
    until(lambda: servers(cramped, drill.root) == [])
