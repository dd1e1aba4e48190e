"""A server that was opened: it is production's, so nothing of the drill is left in its settings, and what is told to do by hand works."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.drivers.postgres import binaries, cluster
from dr.drivers.postgres.connect import connect, dsn_of, passfile_line, write_private
from dr.hosts.local import KIND
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject
from dr.model.ports import ServingHost
from tests.support.host_world import RUN, SET, make_world
from tests.support.postgres import free_port

pytestmark = pytest.mark.integration
HOW = {"listen": ["127.0.0.1"], "allow": [], "user": None, "password": None}
DRILLS = (
    *("logging_collector", "log_statement", "log_min_error_statement", "log_error_verbosity", "log_parameter_max_length_on_error"),
    *("archive_mode", "max_logical_replication_workers"),
)


class Restored:
    """A server as a restore leaves it, in a place that this run made production."""

    def __init__(self, home: Path) -> None:
        world = make_world(home)
        world.enrol()
        handle = world.open()
        place = Path(handle.claim(SET))
        for folder in ("log", "secret"):
            (place / folder).mkdir(mode=0o700)
        programs = str(Path(binaries.find("postgres", exactly=18)).parent)
        self.cluster = cluster.Cluster(str(place / "pgdata"), free_port(), programs, str(place / "log/postgres.log"))
        self.passfile = place / "secret/superuser.pgpass"
        write_private(self.passfile, passfile_line("127.0.0.1", self.cluster.port, "thrown away", user="postgres"))
        cluster.initialise(self.cluster, LocalRunner(), password="thrown away", sync=False)
        cluster.configure(self.cluster, {"max_locks_per_transaction": "256", "max_logical_replication_workers": "0"})
        self.once = self.settings()
        cluster.start(self.cluster, LocalRunner(), confined=True)
        at = {"host": "127.0.0.1", "port": self.cluster.port, "user": "postgres", "passfile": str(self.passfile)}
        self.told: JsonObject = {**at, "data_directory": self.cluster.data, "server_version": "18.0", "system_identifier": "77"}
        with connect(dsn_of(self.told)) as connection:
            connection.execute(b"ALTER SYSTEM SET extra_float_digits = 2")
        handle.adopt(SET, {"database": self.told})
        handle.enter_service(SET)
        assert KIND.serving is not None
        found = KIND.serving(world.request(), world.standing(), RUN)
        assert found is not None
        self.serving: ServingHost = found

    def settings(self) -> list[str]:
        """The names that stand in its file, of ours."""
        lines = (Path(self.cluster.data) / "postgresql.conf").read_text(encoding="utf-8").partition("# dr")[2].splitlines()
        return [line.partition(" = ")[0] for line in lines if " = " in line]

    def left(self, **how: object) -> list[str]:
        return list(self.serving.accept({**HOW, **how})["servers"][0]["by_hand"])


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Restored]:
    made = Restored(tmp_path)
    yield made
    cluster.stop(made.cluster.data)


def by_hand(line: str, **env: str) -> str:
    """What a person does: types what comes after the colon, into a shell that knows no program of PostgreSQL."""
    words = ["env", "-i", "PATH=/usr/bin:/bin", *(f"{key}={value}" for key, value in env.items()), "sh", "-c", line.partition(": ")[2]]
    done = subprocess.run(words, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_told_to_do_by_hand_works_as_it_stands(restored: Restored) -> None:
    """With the throwaway password and its file; as the very user that it names; after the machine was started anew."""
    statistics, start, settings = restored.left()
    by_hand(statistics)
    assert cluster.stop(restored.cluster.data)
    by_hand(start)
    with connect(dsn_of(restored.told)) as connection:
        counted = connection.execute(b"SELECT count(*) > 0 FROM pg_stats").fetchone()
    assert counted == (True,)
    assert "extra_float_digits" in settings
    assert restored.cluster.data in settings
    assert (" as root: " in start) == (os.geteuid() == 0)


def test_with_the_lost_productions_password_its_file_is_gone_and_the_command_asks(restored: Restored) -> None:
    statistics = restored.left(user="postgres", password="the old one")[0]
    assert not restored.passfile.exists()
    assert "PGPASSFILE" not in statistics
    assert "it asks for the password of postgres" in statistics
    by_hand(statistics, PGPASSWORD="the old one")


def test_nothing_of_the_drill_is_left_in_productions_settings_however_often_it_is_opened(restored: Restored) -> None:
    """An administrator who reads the log, or archives, is not to look for what a drill wrote."""
    assert len(restored.once) == len(set(restored.once)), "each is written once"
    assert any(name in DRILLS for name in restored.once)
    restored.left()
    restored.left(allow=["10.1.0.0/16"], listen=["127.0.0.1", "localhost"])
    assert sorted(restored.settings()) == [
        "listen_addresses",
        "max_locks_per_transaction",
        "password_encryption",
        "port",
        "unix_socket_directories",
    ]
    with connect(dsn_of(restored.told)) as connection:  # as the server reads its files; a session of ours has its own
        found = connection.execute(b"SELECT name FROM pg_file_settings WHERE NOT applied OR name = ANY(%s)", [list(DRILLS)]).fetchall()
    assert found == []
