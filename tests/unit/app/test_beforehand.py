"""Before a recovery begins: who still answers in production is told, at once, and nothing else comes of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr.app.beforehand import goes_on, lets_in, still_answering, unplaced
from dr.app.home import App
from dr.errors import Unreachable
from dr.model.base import HostName, HostPath, SystemName
from dr.model.runbook import Plan

pytestmark = pytest.mark.unit
HMIS = SystemName("hmis")


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A server that says this once it is connected to and, unless it is sshd's greeting, spoken to; None: it accepts and stays silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        link, _ = listener.accept()
        with link, suppress(OSError):
            if answer is None:
                over.wait(30)
            else:
                if not answer.startswith(b"SSH"):
                    assert link.recv(8) == bytes.fromhex("0000000804d2162f")
                link.sendall(answer)
            link.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        listener.close()


def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def app(**hosts: Any) -> App:
    """Of an inventory with these production hosts, each read by a source of its own, and a standby that is asked nothing."""
    params = {name: SimpleNamespace(**{"postgres": None, **one}) for name, one in hosts.items()}
    roles = {name: SimpleNamespace(role="production") for name in hosts} | {"standby": SimpleNamespace(role="standby")}
    sources = {name: SimpleNamespace(host=name) for name in (*hosts, "standby")}
    inventory = SimpleNamespace(systems={"hmis": SimpleNamespace(sources=sources)}, hosts=roles)
    services = SimpleNamespace(host_request=lambda name, _: (None, SimpleNamespace(params=params[name])))
    return cast("App", SimpleNamespace(inventory=inventory, services=services))


def server(port: int, host: str = "127.0.0.1") -> Any:
    return SimpleNamespace(host=host, port=port)


@pytest.mark.parametrize("letter", [b"S", b"N"])
def test_a_database_that_answers_is_told_with_what_it_means(letter: bytes) -> None:
    """Whoever works there while it is recovered elsewhere works for nothing."""
    with listening(letter) as port:
        (line,) = still_answering(app(production={"postgres": server(port)}), HMIS)
    lost = "who works there now loses what they enter from here on"
    assert line == f"production still answers, PostgreSQL at 127.0.0.1:{port} (host 'production'): {lost}"


def test_a_machine_of_which_only_sshd_answers_is_told_as_that() -> None:
    """Its database may be lost all the same; what it calls its loopback is looked for at its address."""
    with listening(b"SSH-2.0-OpenSSH\r\n") as port:
        remote = {"address": "127.0.0.1", "port": port, "postgres": server(closed(), "localhost")}
        (line,) = still_answering(app(production=remote), HMIS)
    assert line.startswith(
        f"the machine of host 'production' still answers, sshd at 127.0.0.1:{port}; whether its system does is not known"
    )


def test_who_does_not_answer_in_time_or_says_something_else_is_not_told() -> None:
    """Lost, hung, and another server on that port: a recovery is kept waiting by none of them."""
    with listening(None) as hung, listening(b"H") as other:
        hosts = {name: {"postgres": server(port)} for name, port in (("lost", closed()), ("hung", hung), ("other", other))}
        assert still_answering(app(**hosts), HMIS, within=0.3) == []


def moving(*steps: Any) -> Plan:
    """A way back, with these steps beside its own backup."""
    return cast("Plan", SimpleNamespace(steps=(SimpleNamespace(action="backup", with_={}), *steps)))


def test_a_way_back_says_who_could_go_on_working_at_the_old_place() -> None:
    """Its own backup reads that server, so it must answer until then, and nothing else stops it. Where a step does, nothing is said."""
    with listening(b"N") as port, listening(b"SSH-2.0-OpenSSH\r\n") as sshd:
        remote = {"address": "127.0.0.1", "port": sshd, "postgres": None}
        (line,) = goes_on(app(today={"postgres": server(port)}, files=remote), HMIS, moving())
    assert line.startswith(
        f"production still answers, PostgreSQL at 127.0.0.1:{port} (host 'today'), and no step stops it: what is entered"
    )
    stop = SimpleNamespace(action="service", with_={"host": "today", "do": "stop"})
    with listening(b"N") as port:
        assert goes_on(app(today={"postgres": server(port)}), HMIS, moving(stop)) == []
        assert still_answering(app(today={"postgres": server(port)}), HMIS), "it answers all the same"


def test_the_server_of_the_lost_production_is_told_for_as_long_as_it_answers() -> None:
    names = [HostName("old"), HostName("gone")]
    with listening(b"S") as port:
        hosts = app(old={"postgres": server(port)}, gone={"postgres": server(closed())})
        (line,) = lets_in(hosts, names, HostName("standby"), within=0.5)
    assert line.startswith(f"PostgreSQL on 'old' (127.0.0.1:{port}) still lets users in: what is entered there is lost; stop it now")


def swapping(host: str = "standby", place: str = "/srv/hmis/site") -> Plan:
    """A plan with one step that puts a file set in its place, and another that does not."""
    swap = SimpleNamespace(action="swap-in", with_={"host": host, "places": {"site": place}})
    opens = SimpleNamespace(action="open", with_={"host": host})
    return cast("Plan", SimpleNamespace(steps=(opens, swap)))


def placing(swappable: Any) -> App:
    """Of an inventory whose standby is asked by that function."""
    kind = SimpleNamespace(swappable=swappable)
    services = SimpleNamespace(host_request=lambda name, _: (kind, name), standing=lambda: "standing")
    return cast("App", SimpleNamespace(services=services))


def test_what_stands_in_the_way_of_a_file_set_is_told_while_there_is_time_to_mend_it() -> None:
    asked: list[Any] = []

    def swappable(*told: Any) -> list[tuple[bool, str]]:
        asked.append(told)
        return [(True, "/srv/hmis: fine"), (False, "/srv/hmis/site: the folder /srv/hmis is not there; make it: mkdir -p /srv/hmis")]

    told = unplaced(placing(swappable), swapping())
    assert told == ["on standby, /srv/hmis/site: the folder /srv/hmis is not there; make it: mkdir -p /srv/hmis"]
    assert asked == [("standby", "standing", [HostPath("/srv/hmis/site")])]


def test_a_standby_that_is_silent_or_not_reached_keeps_nobody_waiting() -> None:
    """The restore will say so; and what only the run knows is not asked."""
    over = threading.Event()

    def unreached(*_: Any) -> Any:
        raise Unreachable("no answer")

    def silent(*_: Any) -> Any:
        over.wait(30)
        return [(False, "too late")]

    assert unplaced(placing(unreached), swapping()) == []
    assert unplaced(placing(silent), swapping(), within=0.1) == []
    over.set()
    assert unplaced(placing(silent), swapping(host="${steps.select.host}")) == []
