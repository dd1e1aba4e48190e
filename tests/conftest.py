"""What every test may ask for: real servers, started once a run and thrown away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dr.drivers.postgres.connect import Dsn
from tests.support.postgres import server

# An example that took long on a busy machine says nothing about what it tests.
settings.register_profile("patient", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def pg18(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """An embedded PostgreSQL 18 for the whole run; tests make their own databases in it."""
    with server(Path(tmp_path_factory.mktemp("pg18")), major=18) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def pg15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """Debian's PostgreSQL 15 for the whole run."""
    with server(Path(tmp_path_factory.mktemp("pg15")), major=15) as dsn:
        yield dsn


@pytest.fixture(scope="session", params=[15, 18])
def pg(request: pytest.FixtureRequest) -> Dsn:
    """Each supported server that this machine has, in turn."""
    found: Dsn = request.getfixturevalue(f"pg{request.param}")
    return found
