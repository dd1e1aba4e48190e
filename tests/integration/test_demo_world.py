"""The demo's world works at once, again, after a crash, and beside somebody who took its port."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.demo import world
from dr.drivers.postgres.cluster import postmaster
from dr.drivers.postgres.connect import connect
from dr.errors import Unreachable

pytestmark = pytest.mark.integration
TINY = 0.003


def rows(made: world.World) -> int:
    with connect(made.dsn) as connection:
        found = connection.execute('SELECT count(*) FROM public."Services"').fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    world.stop(tmp_path / "home")


def test_prepared_twice_it_is_the_same_world_a_day_later(home: Path) -> None:
    """`dr demo` works when run again: the same server, the same rows, another day's work; stopped, it starts again."""
    said: list[str] = []
    first = world.prepare(home, scale=TINY, say=said.append)
    before = rows(first)
    second = world.prepare(home, say=said.append)
    assert (second.known.production, second.known.standby) == (first.known.production, first.known.standby)
    assert before < rows(second) < before + 400
    assert len(said) == 4
    assert list(first.standby.iterdir()) == []
    later = rows(second)
    assert world.stop(home)
    assert not world.stop(home)
    with pytest.raises(Unreachable):
        connect(first.dsn)
    again = world.prepare(home, say=said.append)
    assert again.known.production == first.known.production
    assert rows(again) > later


def test_a_port_that_somebody_took_is_given_up(home: Path) -> None:
    """Another program on the remembered port must not keep the demo from starting; the inventory follows."""
    first = world.prepare(home, scale=TINY, say=lambda _: None)
    world.stop(home)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.known.production))
        other.listen()
        second = world.prepare(home, say=lambda _: None)
        assert second.known.production != first.known.production
        assert rows(second) > 0
    assert f"port: {second.known.production}" in (home / "inventory" / "hosts.yaml").read_text()


def test_an_interrupted_first_attempt_is_made_afresh(home: Path) -> None:
    """Half a cluster, left by a demo that was killed, does not stop the next one."""
    made = world.prepare(home, scale=TINY, say=lambda _: None)
    world.stop(home)
    (made.production / "ready").unlink()
    (made.production / "pgdata" / "global" / "pg_control").unlink()
    again = world.prepare(home, scale=TINY, say=lambda _: None)
    assert rows(again) > 0
    assert postmaster(again.cluster.data) is not None


def test_the_application_logs_in_with_the_password_of_its_file(home: Path) -> None:
    """After a recovery the application must get in again, so it must have got in before."""
    from dataclasses import replace

    made = world.prepare(home, scale=TINY, say=lambda _: None)
    word = (home / "keys" / "hmis-web.password").read_text().strip()
    with connect(replace(made.dsn, user="hmis_web", password=word)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("hmis_web",)
    with pytest.raises(Unreachable):
        connect(replace(made.dsn, user="hmis_web", password=word + "x"))
