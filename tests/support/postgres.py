"""Real PostgreSQL servers for tests: the embedded 18 and Debian's 15, thrown away at the end."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dr.drivers.postgres import binaries
from dr.drivers.postgres.cluster import Cluster, initialise, start, stop
from dr.drivers.postgres.connect import Dsn
from dr.hosts.process import LocalRunner

PASSWORD = "test-only-password"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, *, major: int = 18, user: str = "postgres", settings: dict[str, str] | None = None) -> Iterator[Dsn]:
    """A running server of the wanted major version in `folder`."""
    from dr.drivers.postgres.cluster import configure

    folder.mkdir(parents=True, exist_ok=True)
    tool = binaries.find("postgres", exactly=major)
    cluster = Cluster(str(folder / "pgdata"), free_port(), str(Path(tool).parent), str(folder / "postgres.log"), user)
    runner = LocalRunner()
    initialise(cluster, runner, password=PASSWORD)
    configure(cluster, {"fsync": "off", "shared_buffers": "'32MB'", "max_prepared_transactions": "4", **(settings or {})})
    start(cluster, runner)
    try:
        yield Dsn("127.0.0.1", cluster.port, user, "postgres", PASSWORD)
    finally:
        stop(cluster.data)
