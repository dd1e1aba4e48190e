"""Looks at real things: listeners that die, addresses that are not ours, this machine's own disk; from here, and from another machine."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr import plugins
from dr.actions.detect_outages import AsksThere
from dr.actions.looking import LooksThere
from dr.clock import SystemClock
from dr.errors import Refused
from dr.hosts.process import LocalRunner
from dr.hosts.ssh import KIND
from dr.model.base import HostName, HostPath
from dr.model.inventory import SecretRef
from dr.model.ports import Looking
from dr.model.redundancy import KeptReading, Reading
from tests.support.host_world import World
from tests.support.ssh_hosts import request_of
from tests.support.ssh_world import Machine, machine

pytestmark = [pytest.mark.integration]
LOOKOUT = HostName("lookout")


@dataclass
class Listener:
    """Takes connections at an address of this machine, and remembers who came. `die` is sudden."""

    address: str
    came: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.create_server((self.address, 0))
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, peer = self.socket.accept()
                self.came.append(peer[0])
                link.close()

    def saw(self, peer: str) -> bool:
        """Whether it comes to see this one: who asks may be done before it is taken in."""
        until = time.monotonic() + 10
        while peer not in self.came and time.monotonic() < until:
            time.sleep(0.01)
        return peer in self.came

    def die(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def listen() -> Iterator[Any]:
    made: list[Listener] = []

    def at(address: str) -> Listener:
        made.append(Listener(address))
        return made[-1]

    yield at
    for one in made:
        with contextlib.suppress(OSError):
            one.die()


def looking(earlier: tuple[KeptReading, ...] = ()) -> Looking:
    stop = threading.Event()

    def secret(_: SecretRef) -> str:
        return "public"

    return Looking(LocalRunner(stop), SystemClock(), stop, HostPath("/"), secret, earlier)


def look(kind: str, earlier: tuple[KeptReading, ...] = (), **given: object) -> Reading:
    watch = plugins.REDUNDANCY[kind]
    return watch.look(watch.params.from_facts(given), looking(earlier))


def standing(reading: Reading) -> list[tuple[str, str]]:
    return [(half.name, half.state) for half in reading.halves]


def test_each_provider_is_asked_through_its_own_address(listen: Any) -> None:
    """Else the loss of one would be hidden by the other: the far end sees both addresses. An address that is gone is a half lost."""
    far = listen("127.0.0.1")
    providers = {"cable": {"source": "127.0.0.2"}, "fibre": {"source": "127.0.0.3"}}
    target = [{"host": "127.0.0.1", "port": far.port}]
    assert standing(look("uplinks", providers=providers, targets=target)) == [("cable", "whole"), ("fibre", "whole")]
    assert far.saw("127.0.0.2") and far.saw("127.0.0.3") and len(far.came) == 2
    gone = look("uplinks", providers={**providers, "fibre": {"source": "198.51.100.7"}}, targets=target)
    assert (gone.state, gone.halves[1].words) == ("degraded", "this machine has no 198.51.100.7")
    far.die()
    assert look("uplinks", providers=providers, targets=target).state == "lost"


@pytest.mark.positive_control
def test_without_its_own_address_a_lost_provider_would_look_well(listen: Any) -> None:
    """The guard is the binding: the same question sent by the default route gets its answer whatever became of the provider's address."""
    far = listen("127.0.0.1")
    providers = {"cable": {"source": "127.0.0.2"}, "fibre": {"interface": "lo"}}
    assert look("uplinks", providers=providers, targets=[{"host": "127.0.0.1", "port": far.port}]).state == "whole"
    assert far.saw("127.0.0.1")


def test_of_a_pair_the_router_that_dies_is_named(listen: Any) -> None:
    """The other carries on, and nobody in the offices notices."""
    left, right = listen("127.0.0.2"), listen("127.0.0.3")
    routers = {"left": {"host": "127.0.0.2", "port": left.port}, "right": {"host": "127.0.0.3", "port": right.port}}
    assert look("pair", routers=routers).state == "whole"
    right.die()
    reading = look("pair", routers=routers)
    assert (reading.state, standing(reading)) == ("degraded", [("left", "whole"), ("right", "lost")])
    left.die()
    assert look("pair", routers=routers).state == "lost"


def test_what_a_router_says_by_a_command_counts_too(listen: Any, tmp_path: Path) -> None:
    """Two masters: both answer, and the net is torn between them."""
    both = {name: listen("127.0.0.2") for name in ("left", "right")}
    routers = {name: {"host": "127.0.0.2", "port": one.port} for name, one in both.items()}
    said = tmp_path / "keepalived.data"
    said.write_text(" VRRP Instance = VI_1\n   State = MASTER\n")
    vrrp = {"by": "command", "commands": {name: ["cat", str(said)] for name in routers}}
    reading = look("pair", routers=routers, vrrp=vrrp)
    assert (reading.state, reading.failing[0].name) == ("degraded", "the shared address")


def test_this_machines_own_disk_has_room_until_it_fills() -> None:
    """`df` as it is here; and with readings of a week in which it filled so fast that it will be full tomorrow."""
    reading = look("disk-growth", paths=["/"], least="1B", least_percent=0.0)
    assert reading.state == "whole"
    now, free = datetime.now(UTC), reading.figures["free:/"]
    before = tuple(
        KeptReading(probe="disk", at=at, since=at, reading=Reading(state="unknown", figures={"free:/": free * (1 + hours / 24)}))
        for hours in range(1, 100, 6)
        for at in [now - timedelta(hours=hours)]
    )
    filling = look("disk-growth", before, paths=["/"], least="1B", least_percent=0.0)
    assert filling.state == "degraded"
    assert "full in " in filling.halves[0].words
    assert look("disk-growth", paths=["/no/such/place"]).state == "absent"


@pytest.mark.parametrize(
    ("kind", "given"),
    [("zfs", {}), ("lvm-mirror", {}), ("smart", {"devices": ["/dev/no-such-disk"]}), ("ups-nut", {}), ("ups-apc", {})],
)
def test_what_is_not_on_this_machine_is_never_whole(kind: str, given: dict[str, Any]) -> None:
    """Its program may not even be installed: that says so, by an error that the watch takes for unknown, or by a reading."""
    try:
        reading = look(kind, **given)
    except Exception as error:  # noqa: BLE001 - its words are what is asserted
        assert "there is no program" in str(error)
    else:
        assert reading.state in ("absent", "unknown"), reading


@pytest.fixture(scope="module")
def lookout() -> Iterator[Machine]:
    """A machine whose key is for looking, and for nothing else."""
    with machine("lookout", forced="") as made:
        made.forced = f'command="{made.program} agent --only watch",restrict'
        made.authorise()
        yield made


@pytest.fixture(scope="module")
def there(lookout: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    host = KIND.open(request_of(World(tmp_path_factory.mktemp("world")), LOOKOUT, lookout.login(), role="office"))
    yield host
    host.close()


def test_another_machine_looks_with_its_own_dr(there: Any, listen: Any) -> None:
    """The same kinds, asked there: a disk, a pair of routers, whether a system answers."""
    assert isinstance(there, LooksThere)
    assert isinstance(there, AsksThere)
    router, disk = plugins.REDUNDANCY["pair"], plugins.REDUNDANCY["disk-growth"]
    one, two = listen("127.0.0.2"), listen("127.0.0.2")
    pair = {"routers": {"left": {"host": "127.0.0.2", "port": one.port}, "right": {"host": "127.0.0.2", "port": two.port}}}
    assert there.look(router, router.params.from_facts(pair), looking()).state == "whole"
    two.die()
    assert there.look(router, router.params.from_facts(pair), looking()).state == "degraded"
    assert "free:/" in there.look(disk, disk.params.from_facts({"paths": ["/"]}), looking()).figures
    check: Any = plugins.CHECKS["tcp-answers"]
    answers = check.params.from_facts({"host": "127.0.0.2", "port": one.port})
    ctx: Any = looking()
    assert there.inquire(check, answers, ctx).passed
    one.die()
    assert not there.inquire(check, answers, ctx).passed


def test_a_lookouts_key_runs_no_program(there: Any) -> None:
    """Neither by name nor as a router's own command; nor is anything read but what a look reads."""
    pair = plugins.REDUNDANCY["pair"]
    routers = {"left": {"host": "127.0.0.2", "port": 1}, "right": {"host": "127.0.0.2", "port": 2}}
    asked = pair.params.from_facts({"routers": routers, "vrrp": {"by": "command", "commands": {"left": ["id"]}}})
    with pytest.raises(Refused, match="may not be asked for 'run'"):
        there.look(pair, asked, looking())
    for verb in ("run", "capture", "open", "facts"):
        with pytest.raises(Refused, match=f"may not be asked for '{verb}'"):
            there.ask(verb)
