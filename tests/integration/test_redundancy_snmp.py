"""Two routers asked by SNMP, each a real agent (net-snmp's snmpd) of this machine: what is learnt of the address that they share."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr import plugins
from dr.clock import SystemClock
from dr.hosts.process import LocalRunner
from dr.model.base import HostPath
from dr.model.ports import Looking
from dr.model.redundancy import Reading

pytestmark = [pytest.mark.integration, pytest.mark.needs("snmpwalk", "/usr/sbin/snmpd")]
COMMUNITY = "read only"
ODD = 'a"b\\c #d'
"""With all that a file of net-snmp's own would take for something else."""
MASTER, BACKUP, INITIALIZE = 3, 2, 1
LEFT, RIGHT = "127.0.0.2", "127.0.0.3"
_TOLD = """#!/bin/sh
# vrrpOperState of one virtual router (interface 4, group 7), as snmpd.conf(5) has `pass`: -g asks for a row, -n for the one behind it.
tree=.1.3.6.1.2.1.68.1.3.1.3
case "$1 $2" in
  "-g $tree.4.7" | "-n $tree" | "-n $tree.4") printf '%s\\ninteger\\n' "$tree.4.7" && cat "$(dirname "$0")/state" ;;
esac
"""


@dataclass
class Agent:
    """A router's."""

    place: Path
    process: "subprocess.Popen[bytes]"

    def plays(self, part: int) -> None:
        (self.place / "state").write_text(f"{part}\n")

    def die(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def agent(place: Path, address: str, port: int) -> Iterator[Agent]:
    place.mkdir()
    script = place / "told"
    script.write_text(_TOLD)
    script.chmod(0o755)
    (place / "snmpd.conf").write_text(f'rocommunity "{COMMUNITY}"\npass .1.3.6.1.2.1.68.1.3.1.3 {script}\n')
    words = [
        "/usr/sbin/snmpd",
        "-f",
        "-Lo",
        "-C",
        "-c",
        str(place / "snmpd.conf"),
        "-I",
        "-smux",
        "-x",
        str(place / "agentx"),
        f"udp:{address}:{port}",
    ]
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "MIBS": "", "SNMP_PERSISTENT_DIR": str(place)},
    )
    made = Agent(place, process)
    try:
        _until_it_listens(address, port)
        yield made
    finally:
        made.die()


def _until_it_listens(address: str, port: int) -> None:
    """As the kernel has it: whoever tried the port could be the one who keeps it from its agent."""
    place = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
    until = time.monotonic() + 20
    while place not in Path("/proc/net/udp").read_text(encoding="ascii"):
        assert time.monotonic() < until, "snmpd does not listen"
        time.sleep(0.01)


@dataclass
class Pair:
    left: Agent
    right: Agent
    tcp: dict[str, int]
    """Where each takes connections."""
    udp: int
    """Where both agents answer."""

    def look(self, community: str = COMMUNITY, *, port: int = 0, timeout: float = 5.0) -> Reading:
        stop = threading.Event()
        at = Looking(LocalRunner(stop), SystemClock(), stop, HostPath("/"), lambda _: community, ())
        routers = {"left": {"host": LEFT, "port": self.tcp["left"]}, "right": {"host": RIGHT, "port": self.tcp["right"]}}
        vrrp = {"by": "snmp", "community": {"file": "keys/snmp-community"}, "port": port or self.udp}
        watch = plugins.REDUNDANCY["pair"]
        return watch.look(watch.params.from_facts({"routers": routers, "vrrp": vrrp, "timeout": timeout}), at)


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Each router takes connections, too, by which it is known to be alive."""
    place = tmp_path_factory.mktemp("agents")
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.create_server((address, 0))) for address in (LEFT, RIGHT)]
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        udp = int(probe.getsockname()[1])
        probe.close()
        left, right = (stack.enter_context(agent(place / name, at, udp)) for name, at in (("left", LEFT), ("right", RIGHT)))
        yield Pair(left, right, {name: int(door.getsockname()[1]) for name, door in zip(("left", "right"), doors, strict=True)}, udp)


@pytest.mark.parametrize(
    ("left", "right", "state", "words"),
    [
        (MASTER, BACKUP, "whole", ""),
        (MASTER, INITIALIZE, "degraded", "initialize"),
        (BACKUP, BACKUP, "degraded", "no router carries it"),
        (MASTER, MASTER, "degraded", "two routers believe that they carry it: they do not hear each other"),
    ],
)
def test_what_two_agents_say_is_what_is_learnt(agents: Pair, left: int, right: int, state: str, words: str) -> None:
    agents.left.plays(left)
    agents.right.plays(right)
    reading = agents.look()
    assert reading.state == state
    assert words in {half.words for half in reading.failing} or not words


def test_an_agent_that_lets_nobody_in_is_not_known_to_be_well(agents: Pair) -> None:
    """A wrong community is not answered at all: unknown, never whole; and it stands in no message."""
    agents.left.plays(MASTER)
    agents.right.plays(BACKUP)
    reading = agents.look("public-of-somebody-else", timeout=0.4)
    assert reading.state == "unknown"
    assert {half.words for half in reading.failing} == {"it tells no virtual router"}


def test_a_community_goes_as_it_was_written(agents: Pair) -> None:
    """A quote or a backslash in it ends nothing and begins nothing in the file by which net-snmp has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind((LEFT, 0))
        agent.settimeout(20)
        agents.look(ODD, port=int(agent.getsockname()[1]), timeout=0.1)
        assert ODD.encode() in agent.recv(2000)


def test_an_agent_that_died_is_unknown_and_nothing_is_said_of_the_address(agents: Pair) -> None:
    """The router answers still, and may carry it: that its neighbour is only the backup is no outage."""
    agents.left.plays(BACKUP)
    agents.right.die()
    reading = agents.look(timeout=1.0)
    assert [(half.name, half.words) for half in reading.failing] == [("right vrrp", "it tells no virtual router")]
    assert reading.state == "unknown"
