"""Promise 9: lose `dr`, restore with standard tools. RESTORE.md of a real night's set, pasted into bash as it is, into a new server."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.demo import world
from dr.drivers.postgres import binaries
from dr.drivers.postgres.connect import Dsn, connect, tool_environment
from tests.support.main_job import Home, demo_home
from tests.support.postgres import server

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.needs("age", "zstd", "tar", "bash", "diff", "find")]

TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'lists', 'dr') ORDER BY 1, 2"
DIGEST = "md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), ''))"
ABOUT = "%P %y %m %U %G %T@ %l\\n"
"""Of every file: path, type, mode, owner, group, time, and where a link leads."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("by-hand")) / "home") as made:
        made.dr("run", "nightly")
        yield made


@pytest.fixture(scope="module")
def restored(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dsn, Path]]:
    """The vault's copy, brought back by a person who has the escrow key, the text, and nothing of ours."""
    place = Path(tmp_path_factory.mktemp("new-machine"))
    [set_id] = home.sets("bank-vault")
    with server(place / "server", major=18) as fresh:
        done = follow(home.folder("bank-vault", set_id), home.path / "keys" / "escrow.agekey.MOVE-OFFLINE", fresh, place)
        assert done.returncode == 0, done.stderr
        yield fresh, place / "out"


def follow(folder: Path, key: Path, fresh: Dsn, place: Path) -> subprocess.CompletedProcess[str]:
    """Every block of the text, in order, in one shell; Python and `dr` are not on its PATH."""
    tools = place / "bin"
    tools.mkdir()
    for name in ("psql", "pg_restore"):
        (tools / name).symlink_to(binaries.find(name, exactly=18))
    script = "\n".join(re.findall(r"^```bash\n(.*?)^```", (folder / "RESTORE.md").read_text(), re.DOTALL | re.MULTILINE))
    with tool_environment(fresh) as environment:
        where = {"PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin", "KEY": str(key), "OUT": str(place / "out"), "HOME": str(place)}
        command = ["bash"]
        return subprocess.run(command, input=script, cwd=folder, env={**where, **environment}, text=True, capture_output=True, check=False)


def rows(dsn: Dsn) -> dict[str, tuple[int, str]]:
    """Of every table: how many rows, and a digest of their text in order."""
    found = {}
    with connect(dsn) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            query = f'SELECT count(*), {DIGEST} FROM "{schema}"."{table}" t'
            found[f"{schema}.{table}"] = connection.execute(query).fetchone()
    return found  # type: ignore[return-value]


def test_every_table_of_the_database_comes_back(home: Home, restored: tuple[Dsn, Path]) -> None:
    fresh, _ = restored
    expected = rows(world.opened(home.path).dsn)
    assert sum(count for count, _ in expected.values()) > 2000
    assert rows(fresh.at("hmis")) == expected


def test_roles_policies_and_large_objects_come_back(home: Home, restored: tuple[Dsn, Path]) -> None:
    fresh, _ = restored
    query = (
        "SELECT (SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'hmis%'),"
        " (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy),"
        " (SELECT array_agg(md5(lo_get(oid)) ORDER BY oid) FROM pg_largeobject_metadata)"
    )
    with connect(world.opened(home.path).dsn) as production, connect(fresh.at("hmis")) as new:
        expected = production.execute(query).fetchone()
        assert new.execute(query).fetchone() == expected
    assert expected is not None
    assert all(expected)


def test_every_file_comes_back(home: Home, restored: tuple[Dsn, Path]) -> None:
    """Contents by diff; owners, modes, times and links by their listing."""
    _, out = restored
    site = home.path / "demo" / "site"
    assert os.path.isdir(out / "site-00")
    compared = subprocess.run(["diff", "-r", "--no-dereference", site, out / "site-00"], capture_output=True, text=True, check=False)
    assert (compared.returncode, compared.stdout) == (0, "")
    assert listing(out / "site-00") == listing(site)


def listing(root: Path) -> list[bytes]:
    done = subprocess.run(["find", root, "-mindepth", "1", "-printf", ABOUT], capture_output=True, check=True)
    return sorted(done.stdout.splitlines())
