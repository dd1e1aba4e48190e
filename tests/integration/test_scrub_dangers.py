"""What a scrub must not leave, and what its certificate must not claim: programs that outlived their server, passwords, text in /tmp."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dr.drivers.postgres.connect import Dsn, tool_environment
from dr.errors import Failed, NotProvablyStandby
from dr.hosts.guard import collect, judge
from dr.hosts.local import target
from dr.hosts.production import protected
from dr.model.base import HostName
from tests.support.host_world import OTHER, RUN, SET, World, also, make_world
from tests.support.patience import LONG

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    made.enrol()
    return made


@contextmanager
def program(*argv: str, cwd: Path) -> Iterator["subprocess.Popen[bytes]"]:
    started = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        if started.stdout:
            started.stdout.close()


def test_a_program_of_the_restored_server_does_not_outlive_the_scrub(world: World) -> None:
    """What a restored function left running works in the data directory, as its server did, and goes with it."""
    handle = world.open()
    place = Path(handle.claim(SET))
    (place / "pgdata").mkdir()
    with program("sleep", "60", cwd=place / "pgdata") as left, program("sleep", "60", cwd=world.home) as stranger:
        handle.scrub([])
        assert left.wait(LONG) == -signal.SIGKILL
        assert stranger.poll() is None
    assert not place.exists()


READS = "import sys, time; held = open(sys.argv[1]); print('open', flush=True); time.sleep(60)"


def test_a_scrub_is_not_certified_while_somebody_holds_what_was_restored(world: World) -> None:
    """A removed file that a program still has open is not gone. Whose it is nobody knows, so it is said and not ended."""
    handle = world.open()
    place = Path(handle.claim(SET))
    (place / "site").mkdir()
    (place / "site" / "letter").write_text("dear client")
    with program(sys.executable, "-c", READS, str(place / "site" / "letter"), cwd=Path("/")) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == b"open\n"
        with pytest.raises(Failed) as caught:
            handle.scrub([])
        assert str(caught.value) == (f"1 program still uses what lies in {place}: process {reader.pid}\n   HINT: end it, then scrub again")
        assert (place / "site" / "letter").exists()
        assert reader.poll() is None
    handle.scrub([])
    assert not place.exists()


def test_a_port_that_somebody_else_has_keeps_no_client_data_there(world: World) -> None:
    """Taken in the middle of a restore: what this run brought is gone at once, nothing more is brought, and the stranger is left alone."""
    handle = world.open()
    place = Path(handle.claim(SET))
    (place / "site").mkdir()
    (place / "site" / "letter").write_text("dear client")
    with socket.create_server(("127.0.0.1", world.port)) as stranger:
        for act in (handle.recheck, handle.place, lambda: handle.claim(SET)):
            with pytest.raises(NotProvablyStandby, match=f"a server that dr did not start listens on port {world.port}"):
                act()
        certificate = world.open().scrub([b"dear client"])
        assert not place.exists()
        assert (certificate.removed, certificate.found) == ((str(place),), 0)
        socket.create_connection(("127.0.0.1", world.port)).close()
        stranger.accept()[0].close()
        with pytest.raises(NotProvablyStandby, match="a server that dr did not start"):
            world.open()  # nothing is left to be tidied, so the guard is as strict as ever


def test_a_port_that_somebody_else_has_lets_no_other_run_remove_anything(world: World) -> None:
    """What another run left is not this one's to tidy, and production's own port stays off limits to everybody."""
    place = Path(world.open(OTHER).claim(SET))
    with socket.create_server(("127.0.0.1", world.port)), pytest.raises(NotProvablyStandby, match="a server that dr did not start"):
        world.open()
    world.production.append(also(world, host=HostName("second"), port=world.port))
    with pytest.raises(NotProvablyStandby, match="is that of production host 'second'"):
        world.open(OTHER)
    assert place.exists()


@pytest.mark.positive_control
def test_judged_as_for_a_restore_the_data_would_stay(world: World) -> None:
    """The twin: it is the leave to tidy that lets the scrub through."""
    world.open().claim(SET)
    with socket.create_server(("127.0.0.1", world.port)):
        seen = collect(target(world.request()), world.standing())
    off_limits = protected(world.production)
    assert judge(seen, world.standing(), off_limits, tidying=RUN) == []
    assert judge(seen, world.standing(), off_limits) != []


DIES = """
import os, signal
from dr.drivers.postgres.connect import Dsn, tool_environment
with tool_environment(Dsn("127.0.0.1", 1, "u", password="only-for-this-test")) as env:
    assert "only-for-this-test" in open(env["PGPASSFILE"]).read()
    print(env["PGPASSFILE"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_tool_leaves_no_password_behind(tmp_path: Path) -> None:
    """Promise 7, with promise 1: the file that PostgreSQL's programs read a password from goes with its process, however that ends."""
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", DIES], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(tmp_path.rglob("*")) == []
    assert not Path(done.stdout.strip()).exists()


def test_the_password_is_found_by_the_programs(tmp_path: Path) -> None:
    """A private plain file, as libpq wants it."""
    with tool_environment(Dsn("127.0.0.1", 1, "u", password="a:b\\c")) as env:
        at = os.stat(env["PGPASSFILE"])
        assert (at.st_mode & 0o177777) == 0o100600
        read = subprocess.run(["cat", env["PGPASSFILE"]], capture_output=True, text=True, check=True).stdout
    assert read == "*:*:*:*:a\\:b\\\\c\n"
    assert tempfile.gettempdir()
