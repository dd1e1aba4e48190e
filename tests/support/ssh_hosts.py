"""Hosts of kind ssh in a world of the guard's tests: a request for a folder on a machine, and handles that are let go."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dr.clock import SystemClock
from dr.hosts.process import LocalRunner
from dr.hosts.ssh import WritableSsh
from dr.hosts.ssh_login import SshHost
from dr.hosts.turns import TURNS, Turns
from dr.model.base import HostName, HostPath, RunId
from dr.model.ports import HostRequest, Standing
from tests.support.host_world import RUN, STANDBY, World
from tests.support.ssh_world import Machine


def over_ssh(world: World, there: Machine, folder: str = "standby", **login: object) -> HostRequest:
    """The standby in this folder of that machine's user."""
    given = {"path": str(there.home / folder), "postgres": {"port": world.port}, **login}
    return request_of(world, STANDBY, there.login(**given))


def request_of(world: World, name: HostName, params: Mapping[str, object], role: str | None = None) -> HostRequest:
    """A host of kind ssh in this world."""
    return HostRequest(
        name=name,
        role=role or world.role,
        params=SshHost.from_facts(dict(params)),
        home=HostPath(str(world.home)),
        clock=SystemClock(),
        runner=LocalRunner(),
        secret=world.secret,
    )


@contextmanager
def writable(request: HostRequest, standing: Standing, run: RunId = RUN, turns: Turns = TURNS) -> Iterator[WritableSsh]:
    """A handle whose connection ends with the block."""
    made = WritableSsh(request, standing, run, turns)
    try:
        yield made
    finally:
        made.close()
