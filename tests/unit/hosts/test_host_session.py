"""What another machine says of its own loopback is told as that machine's: who reads it sits at another."""

import pytest

from dr.errors import Unreachable
from dr.hosts.session import over_there
from dr.model.base import HostName

pytestmark = pytest.mark.unit
STANDBY = HostName("standby")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nothing answers at 127.0.0.1:5432, where PostgreSQL should be", "nothing answers at 127.0.0.1:5432, where PostgreSQL should be"),
        ("host 'standby': nothing answers at 127.0.0.1:5432", "nothing answers at 127.0.0.1:5432"),
        (
            "PostgreSQL at localhost:5432 refused the password of user 'ann'",
            "PostgreSQL at localhost:5432 refused the password of user 'ann'",
        ),
    ],
)
def test_a_server_at_a_machines_loopback_is_told_with_its_machine(said: str, told: str) -> None:
    """At 03:00 `127.0.0.1` sends people to the controller's own server."""
    found = over_there(STANDBY, Unreachable(said, hint="start it"))
    assert (found.message, found.hint) == (f"on the machine of host 'standby', {told}", "start it")


@pytest.mark.parametrize("said", ["standby@127.0.0.1:22: no answer", "nothing answers at 10.1.0.7:5432, where PostgreSQL should be"])
def test_what_names_its_machine_is_left_as_it_is(said: str) -> None:
    error = Unreachable(said)
    assert over_there(STANDBY, error) is error
