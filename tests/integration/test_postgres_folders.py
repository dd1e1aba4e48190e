"""A data directory of any name: PostgreSQL's own pg_ctl hands paths to a shell, we hand it none."""

from pathlib import Path

import pytest

from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Dsn, connect
from tests.support.postgres import PASSWORD, server

pytestmark = pytest.mark.integration
FOLDER = "-rf $(touch injected) `touch injected` 'it''s' \"q\" \\ é"


def test_a_data_directory_of_any_name_is_served_and_stopped(tmp_path: Path) -> None:
    """No word of it is run, and its server is found again by its own record."""
    with server(tmp_path / FOLDER) as dsn:
        assert isinstance(dsn, Dsn)
        assert dsn.password == PASSWORD
        with connect(dsn) as connection:
            found = connection.execute("SHOW data_directory").fetchone()
        assert found == (str(tmp_path / FOLDER / "pgdata"),)
        assert cluster.postmaster(str(tmp_path / FOLDER / "pgdata"))
    assert cluster.postmaster(str(tmp_path / FOLDER / "pgdata")) is None
    assert list(tmp_path.rglob("injected")) == []
    assert not Path("injected").exists()
