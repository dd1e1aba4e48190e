"""What asks over the network asks from the standby, where the restored system is; the files that it names lie in the home, far away."""

from pathlib import Path

import pytest

from dr.checks import tls_expiry
from dr.errors import Refused
from dr.hosts.ssh import KIND, WritableSsh
from dr.model.base import HostPath, SourceName
from dr.model.ports import Restored
from dr.model.record import CheckResult
from tests.support.host_world import NOW, SET, World, make_world
from tests.support.pg_world import MemoryReader, MemorySet
from tests.support.ssh_drill import Captured, DrillStep
from tests.support.ssh_hosts import over_ssh, writable
from tests.support.ssh_world import machine
from tests.support.web import authority, issued, web

pytestmark = pytest.mark.integration


def nothing() -> Captured:
    """A set of one empty artifact: these checks look at none."""
    kept = MemorySet()
    with kept.artifact("site-0", kind="files", source=SourceName("site")) as sink:
        sink.describe(instant=NOW, identity={}, content={})
    return Captured(tuple(reader for reader in kept.readers() if isinstance(reader, MemoryReader)))


def asked(handle: WritableSsh, world: World, port: int, ca: str | None) -> CheckResult:
    step = DrillStep(home=HostPath(str(world.home)))
    restored = nothing().opened()
    params = tls_expiry.Params(host="localhost", port=port, ca=ca)
    return handle.prove(tls_expiry.CHECK, params, Restored(host=handle, set=restored, places={}), step.as_context())


def test_an_authority_of_the_homes_own_is_believed_from_there_too(tmp_path: Path) -> None:
    """`ca` is relative to the home, wherever the check is carried out; without it the machine's own authorities know nobody of ours."""
    world = make_world(tmp_path)
    (world.home / "keys").mkdir(exist_ok=True)
    (world.home / "keys" / "ca.pem").write_bytes(authority().pem)
    with machine("standby") as there, web(certificate=issued(tmp_path, "localhost")) as site:
        request = over_ssh(world, there)
        KIND.enrol(request, world.standing())
        with writable(request, world.standing()) as handle:
            handle.claim(SET)
            assert asked(handle, world, site.port, "keys/ca.pem").passed
            stranger = asked(handle, world, site.port, None)
            assert not stranger.passed and "an authority that is not believed" in stranger.summary
            with pytest.raises(Refused) as missing:
                asked(handle, world, site.port, "keys/not-there.pem")
            handle.scrub([])
    assert missing.value.message == f"the file {world.home}/keys/not-there.pem, which a check names as `ca`, cannot be sent along"
