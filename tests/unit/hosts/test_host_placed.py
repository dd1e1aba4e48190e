"""Which machine production's facts are of: this one only where its data is seen to lie here."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr.hosts.identify import placed
from dr.hosts.production import machine, protected
from dr.model.base import HostName, JsonObject
from dr.model.record import ProductionFacts

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
SITE = {"path": "/srv/site", "device": 7, "inode": 8}


def facts(**said: object) -> ProductionFacts:
    return ProductionFacts(host=HostName("production"), recorded=NOW).model_copy(update=said)


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data directory with the system identifier 77."""
    (tmp_path / "data" / "global").mkdir(parents=True)
    (tmp_path / "data" / "global" / "pg_control").write_bytes((77).to_bytes(8, sys.byteorder) + bytes(100))
    return str(tmp_path / "data")


SERVER: JsonObject = {"port": 5432, "address": "127.0.0.1"}


@pytest.mark.parametrize("elsewhere", ["another's data here", "no such folder", "nothing told"])
def test_a_server_behind_a_forwarded_port_is_not_of_this_machine(data: str, elsewhere: str) -> None:
    """The standby's own machine would be the one that it is told apart from, and production's folders would protect nothing there."""
    said = {
        "another's data here": {"data_directory": data, "system_identifier": "78"},
        "no such folder": {"data_directory": f"{data}/none", "system_identifier": "77"},
        "nothing told": {"system_identifier": "77"},
    }[elsewhere]
    assert placed(facts(**SERVER, **said), remote=False).machine is None
    assert placed(facts(), remote=False).machine is None


@pytest.mark.positive_control
def test_what_lies_here_is_of_this_machine(data: str) -> None:
    mine = machine()
    assert mine is not None
    assert placed(facts(**SERVER, data_directory=data, system_identifier="77"), remote=False).machine == mine
    assert placed(facts(**SERVER, data_directory=data), remote=False).machine == mine
    assert placed(facts(paths=(SITE,)), remote=False).machine == mine


@pytest.mark.positive_control
def test_a_machine_that_was_reached_as_that_host_is_it(data: str) -> None:
    """Where its user may not look into the server's folder, as on most."""
    assert placed(facts(**SERVER), remote=True).machine == machine()
    assert placed(facts(), remote=True).machine == machine()
    assert placed(facts(**SERVER, data_directory=f"{data}/none", system_identifier="77"), remote=True).machine is None


def test_of_no_machine_it_protects_on_every_one() -> None:
    told = facts(**SERVER, data_directory="/var/lib/postgresql/18/main", host_keys=("SHA256:k",))
    unknown, another = protected([told], remote=True), protected([told.model_copy(update={"machine": "b" * 32})], remote=True)
    assert (list(unknown.paths), unknown.ports) == (["/var/lib/postgresql/18/main"], {5432: "production"})
    assert (another.paths, another.ports) == ({}, {})
