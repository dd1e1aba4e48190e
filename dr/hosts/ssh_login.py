"""How a machine across a network is described in the inventory, where it is reached, and by which keys it is known."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from dr.errors import NotProvablyStandby
from dr.hosts.postgres import HostPostgres
from dr.hosts.problem import ANEW
from dr.model.base import ByteCount, Duration, HostName, Seconds, Size
from dr.model.places import Folder, Place, Server
from dr.model.ports import HostRequest, Standing
from dr.model.swapping import PlacePath
from dr.wire import openssh
from dr.wire.login import Login


class SshHost(Login):
    """`with` of a host of kind ssh. `path` and what is under `postgres` are as on a local host, and mean that machine."""

    postgres: HostPostgres | None = None
    decrypt: Literal["controller", "standby"] = "controller"
    """Where the drill key is while a set is restored. `standby`: it is lent to that machine's memory, and encrypted bytes cross."""
    keep: Size = ByteCount(0)
    """Encrypted parts that the standby keeps for the next restore, at most; wants `decrypt: standby`."""
    rejoin: Duration = Field(default=Seconds(1800), ge=0, le=86400)
    """For how long a standby whose link was lost is sought again, while the work there goes on; then that ends. 0: it ends at once."""
    places: tuple[PlacePath, ...] = ()
    """As on a local host; where the login has a forced command, its `--place` must name them too."""

    @model_validator(mode="after")
    def _kept_where_decrypted(self) -> Self:
        if self.keep and self.decrypt != "standby":
            raise ValueError("'keep' wants `decrypt: standby`: what is decrypted on the controller is not kept on the standby")
        return self


def places(params: SshHost, _home: str) -> Sequence[Place]:
    """As `dr.hosts.local.places`, on that machine."""
    found: list[Place] = [Folder(("path",), params.path)] if params.path else []
    if params.postgres:
        found.append(Server(("postgres", "port"), params.postgres.host, params.postgres.port))
        if params.postgres.data_directory:
            found.append(Folder(("postgres", "data_directory"), params.postgres.data_directory))
    return found + [Folder(("places", number), place, swap=True) for number, place in enumerate(params.places)]


def address(request: HostRequest) -> openssh.Address:
    """Where and how it is reached."""
    given: SshHost = request.params
    return given.reached(request.name, request.home)


def fingerprints(request: HostRequest) -> tuple[str, ...]:
    """Of its host keys, as the known_hosts file has them. Raises Refused where it has none."""
    return openssh.fingerprints(address(request), lambda asked: request.runner.run(asked, check=False, timeout=20).stdout)


def require_other_key(name: HostName, known: Sequence[str], standing: Standing) -> None:
    """Raises NotProvablyStandby where the host is known by a key of production's: it is that machine, whatever it is called here."""
    for facts in standing.production:
        if set(facts.host_keys) & set(known):
            raise NotProvablyStandby(
                f"host '{name}' may not be written to: its SSH host key is that of production host '{facts.host}'",
                hint=f"does `address` name the standby? {ANEW[0].upper()}{ANEW[1:]}",
            )
