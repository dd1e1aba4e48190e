"""A server that was opened: it is production's, so nothing of the drill is left in its settings, and what is told to do by hand works."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from dr.drivers.postgres import binaries, cluster
from dr.drivers.postgres.connect import connect, dsn_of, passfile_line, write_private
from dr.errors import Failed
from dr.hosts.alone import alone
from dr.hosts.local import KIND
from dr.hosts.process import LocalRunner
from dr.hosts.unit import Scope, put_in_force, unit_of
from dr.model.base import JsonObject
from dr.model.ports import Completed, Runner, ServingHost
from tests.support.host_world import RUN, SET, make_world
from tests.support.patience import LONG
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
    statistics, start, settings, _unit = restored.left()
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


def test_an_opened_server_listens_on_loopback_too_whatever_users_are_given(restored: Restored) -> None:
    """The next nightly reads it there, as the inventory has it; the command by hand works there too."""
    statistics = restored.left(listen=["127.0.0.2"], allow=["127.0.0.0/8"])[0]
    with connect(dsn_of(restored.told)) as connection:
        assert connection.execute(b"SHOW listen_addresses").fetchone() == ("127.0.0.2, 127.0.0.1",)
    by_hand(statistics)
    restored.left(listen=["0.0.0.0"], allow=["127.0.0.0/8"])
    with connect(dsn_of(restored.told)) as connection:
        assert connection.execute(b"SHOW listen_addresses").fetchone() == ("0.0.0.0",), "it is among them already"


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


def test_whoever_comes_while_another_dr_opens_it_stops_no_server(restored: Restored) -> None:
    """The one before may not know yet that its link is lost."""
    before = cluster.postmaster(restored.cluster.data)
    with alone(str(Path(restored.cluster.data).parent)), pytest.raises(Failed, match="another dr still works on what this run restored"):
        restored.left(listen=["localhost"])
    assert cluster.postmaster(restored.cluster.data) == before
    restored.left(listen=["localhost"])
    assert cluster.postmaster(restored.cluster.data) != before


@pytest.mark.needs("systemd-analyze")
def test_the_unit_that_is_written_starts_that_very_server_and_systemd_takes_it(restored: Restored) -> None:
    """With the programs, the data and the user that it was restored with; where nobody asked, nothing is put in force."""
    line = restored.left(unit="none", name="dr-hmis")[-1]
    (unit,) = Path(restored.cluster.data).parent.glob("*.service")
    assert unit.name == "dr-hmis-database.service"
    assert re.fullmatch(rf"or have systemd start it .*, as root: cp {unit} /etc/systemd/system/ && systemctl enable {unit.name}", line)
    assert not (Path("/etc/systemd/system") / unit.name).exists()
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = unit.read_text(encoding="utf-8")
    assert "thrown away" not in text and "pgpass" not in text
    assert ("User=" in text) == (os.geteuid() != 0)
    assert cluster.stop(restored.cluster.data)
    started = shlex.split(text.partition("ExecStart=")[2].partition("\n")[0])
    with subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + LONG
            while not cluster.answers(dsn_of(restored.told)):
                assert server.poll() is None and time.monotonic() < until
                time.sleep(0.05)
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0, "the unit's KillSignal ends it as it should"


@pytest.fixture
def served(tmp_path: Path) -> cluster.Cluster:
    """A server as a unit names it; nothing runs."""
    programs = str(Path(binaries.find("postgres", exactly=18)).parent)
    return cluster.Cluster(str(tmp_path / "pgdata"), 5432, programs, str(tmp_path / "log"))


def test_a_unit_is_put_in_force_where_that_is_asked_for_and_may_be(served: cluster.Cluster, tmp_path: Path) -> None:
    """In systemd's folder, again without harm; another's of that name stays, and what systemd did not take is told as a command."""
    folder, place = tmp_path / "units", str(tmp_path)
    for scope, target in (("system", "multi-user"), ("user", "default")):
        unit = unit_of(served, f"dr-{scope}", "somebody", cast("Scope", scope))
        assert unit is not None and f"WantedBy={target}.target" in unit.text
        for _ in range(2):
            told = put_in_force(unit, place, LocalRunner(), asked=cast("Scope", scope), into=folder, booted=False)
            assert told.startswith(f"{folder}/dr-{scope}.service is written, and not in force yet: systemctl ")
        assert (folder / unit.name).read_text() == unit.text
    (folder / "dr-user.service").write_text("[Service]\n")
    assert unit is not None
    told = put_in_force(unit, place, LocalRunner(), asked="user", into=folder, booted=False)
    assert "is somebody else's, so it was left alone" in told
    assert (folder / "dr-user.service").read_text() == "[Service]\n"


class Systemctl:
    """A machine that systemd runs, as far as one command goes."""

    def __init__(self, code: int) -> None:
        self.code, self.asked = code, list[Sequence[str]]()

    def run(self, argv: Sequence[str], **_how: object) -> Completed:
        self.asked.append(argv)
        return Completed(tuple(argv), self.code, b"", b"")


@pytest.mark.parametrize(("code", "said"), [(0, "dr-x.service starts this server with the machine"), (1, "and not in force yet")])
def test_what_systemd_says_of_a_unit_is_told_and_never_raised(served: cluster.Cluster, tmp_path: Path, code: int, said: str) -> None:
    """By then people work with that server."""
    systemctl, unit = Systemctl(code), unit_of(served, "dr-x", "somebody", "user")
    assert unit is not None
    assert said in put_in_force(unit, str(tmp_path), cast("Runner", systemctl), asked="user", into=tmp_path / "units", booted=True)
    assert systemctl.asked == [["systemctl", "--user", "enable", "dr-x.service"]]


def test_a_name_or_a_program_that_no_unit_can_hold_makes_none(served: cluster.Cluster) -> None:
    """A name comes over the wire: it names a file in systemd's folder."""
    unit = unit_of(served, "../../etc/cron.d/x", "somebody", "none")
    assert unit is not None and unit.name == "dr-postgresql.service"
    assert unit_of(replace(served, data="/srv/a\nUser=root"), "dr", "somebody", "none") is None


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("before", [None, ()])
def test_a_program_whose_path_has_blanks_is_started_and_no_other(
    served: cluster.Cluster, tmp_path: Path, before: Sequence[str] | None
) -> None:
    """Unquoted, the first word of it would be what the machine starts: as this user needs it, and as one who is not root does."""
    programs = tmp_path / "my pg ;x" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(f"{served.binaries}/postgres", programs / "postgres")
    unit = unit_of(replace(served, binaries=str(programs), data=f"{tmp_path}/a b%n$HOME"), "dr-x", "root", "none", before)
    assert unit is not None
    started = unit.text.partition("ExecStart=")[2].partition("\n")[0]
    assert shlex.split(started)[-3:] == [f"{programs}/postgres", "-D", f"{tmp_path}/a b%%n$$HOME"]
    (tmp_path / unit.name).write_text(unit.text)
    done = subprocess.run(["systemd-analyze", "verify", str(tmp_path / unit.name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
