"""A machine over real sshd, a network to it that can break, and a small system to restore there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.drivers.postgres.connect import connect
from dr.hosts.ssh import KIND
from tests.support.host_world import make_world
from tests.support.postgres import server
from tests.support.receiver import receiving
from tests.support.ssh_drill import Captured, Drill, captured
from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import Proxy, proxy
from tests.support.told_home import Seen


@pytest.fixture
def heard() -> Iterator[tuple[str, Seen]]:
    """A receiver of notices, and what came there."""
    with receiving() as (url, seen):
        yield url, seen


@pytest.fixture(scope="module")
def there() -> Iterator[Machine]:
    with machine("standby") as made:
        yield made


@pytest.fixture(scope="module")
def net(there: Machine) -> Iterator[Proxy]:
    with proxy(there.port) as made:
        there.know(f"[127.0.0.1]:{there.port}", f"[127.0.0.1]:{made.port}")
        yield made


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    place = tmp_path_factory.mktemp("source")
    with server(place / "server", major=18) as dsn:
        with connect(dsn) as connection:
            connection.execute("CREATE TABLE public.clients AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 6000) g")
        return captured(dsn, place)


@pytest.fixture
def drill(there: Machine, net: Proxy, system: Captured, tmp_path: Path) -> Iterator[Drill]:
    made = Drill(there, net, system, make_world(tmp_path), tmp_path.name)
    KIND.enrol(made.request, made.standing)
    yield made
    net.heal()
