"""A network between us and a machine: the machine has a network namespace of its own, at the other end of a veth pair.

Where none may be made (an ordinary user, a kernel without it) it is the loopback with a proxy in between, and the test says so.
"""

import contextlib
import os
import secrets
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import Net, proxy

_SPACE = "dr-test-"
_FIRST = int(IPv4Address("198.18.0.0"))
"""Of 131,072 addresses that are for tests of networks (RFC 2544), four a pair."""


class Veth:
    """`Net`. What happens to it happens at both ends, so both ways. Raises OSError or CalledProcessError where it cannot be made."""

    def __init__(self) -> None:
        number = secrets.randbelow(2**15)
        self.port = 0
        self.space = f"{_SPACE}{os.getpid()}-{number:04x}"
        self._near, self._far = f"dr{number:04x}n", f"dr{number:04x}f"
        self.here, self.there = (str(IPv4Address(_FIRST + 4 * number + one)) for one in (1, 2))
        self._no_way = _no_way(number)
        _run("ip", "netns", "add", self.space)
        try:
            self._connect()
        except BaseException:
            self.remove()
            raise

    def _connect(self) -> None:
        _run("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.space)
        _run("ip", "address", "add", f"{self.here}/30", "dev", self._near)
        _run("ip", "route", "add", *self._no_way)
        _run("ip", "-n", self.space, "address", "add", f"{self.there}/30", "dev", self._far)
        _run("ip", "-n", self.space, "link", "set", "lo", "up")
        self._up()
        self.swallow()  # what a test will ask for must be there, or this is no network for it
        self.slow(1e9)
        self.heal()

    @property
    def inside(self) -> tuple[str, ...]:
        """Words before a command that start it at the far end."""
        return ("ip", "netns", "exec", self.space)

    @property
    def passed(self) -> int:
        counted = Path("/sys/class/net", self._near, "statistics")
        return sum(int((counted / name).read_text()) for name in ("rx_bytes", "tx_bytes"))

    # ------------------------------------------------------------ what may happen to it

    def cut(self) -> None:
        _run("ss", "--kill", "--tcp", "dst", self.there)

    def swallow(self) -> None:
        self._discipline("replace", "blackhole")

    def down(self) -> None:
        _run("ip", "link", "set", self._near, "down")

    def slow(self, bits_per_second: float) -> None:
        self._discipline("replace", "tbf", "rate", f"{bits_per_second:.0f}bit", "burst", "16kb", "latency", "400ms")

    def heal(self) -> None:
        self._discipline("replace", "pfifo")
        self._up()

    def _up(self) -> None:
        _run("ip", "link", "set", self._near, "up")
        _run("ip", "-n", self.space, "link", "set", self._far, "up")

    def _discipline(self, change: str, *words: str) -> None:
        """What each end does with what is to leave by it."""
        _run("tc", "qdisc", change, "dev", self._near, "root", *words)
        _run("tc", "-n", self.space, "qdisc", change, "dev", self._far, "root", *words)

    def remove(self) -> None:
        for words in (("link", "delete", self._near), ("netns", "delete", self.space), ("route", "delete", *self._no_way)):
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("ip", *words)


def _no_way(number: int) -> tuple[str, ...]:
    """Of a pair whose cable is out: else what is for it would leave by the way to the world."""
    return ("unreachable", f"{IPv4Address(_FIRST + 4 * number)}/30", "metric", "4096")


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _sweep() -> None:
    """What test processes left that were killed; the other end goes with it."""
    for line in _run("ip", "netns", "list").splitlines():
        space = line.split()[0]
        if space.startswith(_SPACE) and not Path("/proc", space.split("-")[2]).exists():
            _run("ip", "netns", "delete", space)
            _run("ip", "route", "delete", *_no_way(int(space.split("-")[3], 16)))


def _made() -> Veth | None:
    try:
        _sweep()
        return Veth()
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip()
        warnings.warn(f"no network namespace here ({why}): the loopback stands for the network, with a proxy between", stacklevel=2)
        return None


@contextmanager
def machine_apart(name: str, *, forced: str | None = None) -> Iterator[tuple[Machine, Net]]:
    """A machine that is reached over a network of its own, gone at the end with it."""
    veth = _made()
    if veth is None:
        with machine(name, forced=forced) as there, proxy(there.port) as net:
            there.know(f"[{there.address}]:{net.port}")
            yield there, net
        return
    try:
        with machine(name, forced=forced, address=veth.there, inside=veth.inside) as there:
            veth.port = there.port
            yield there, veth
    finally:
        veth.remove()
