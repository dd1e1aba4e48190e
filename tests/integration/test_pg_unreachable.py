"""What a server that cannot be used is told as: each cause in its own words, with what to do about it."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dr.drivers.postgres.connect import Dsn, connect
from dr.errors import Unreachable
from dr.model.inventory import SecretRef
from tests.support.postgres import PASSWORD, free_port, server

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("unreachable"))) as found:
        yield found


def said(dsn: Dsn) -> str:
    with pytest.raises(Unreachable) as caught:
        connect(dsn)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_a_server_that_is_stopped(dsn: Dsn) -> None:
    """It is started, not given another password."""
    port = free_port()
    assert said(replace(dsn, port=port)) == (
        f"nothing answers at 127.0.0.1:{port}, where PostgreSQL should be\n"
        "   HINT: start the server, or write its right address and port into inventory/hosts.yaml"
    )


def test_a_password_that_is_refused(dsn: Dsn) -> None:
    """The place of the password is named where it is known, and where it is written down otherwise."""
    wrong = replace(dsn, password="not-it")
    refused = f"PostgreSQL at 127.0.0.1:{dsn.port} refused the password of user 'postgres'\n   HINT: is it the right one? See "
    assert said(wrong) == refused + "the host's password in inventory/hosts.yaml"
    assert said(replace(wrong, password="")) == refused + "the host's password in inventory/hosts.yaml"
    assert said(replace(wrong, password_from=SecretRef(file="secrets/pg").place)) == refused + "the file secrets/pg"


def test_a_database_that_is_not_there(dsn: Dsn) -> None:
    """The server's own words are not passed on; the name that was asked for is."""
    assert said(dsn.at("gone")) == (
        f"PostgreSQL at 127.0.0.1:{dsn.port} has no database 'gone'\n   HINT: is it the right server? `psql -l` lists its databases"
    )


def test_something_else_that_listens(dsn: Dsn) -> None:
    """Whoever answers and is no PostgreSQL is none of the causes above."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        other.settimeout(10)
        threading.Thread(target=_accept_and_close, args=(other,), daemon=True).start()
        assert said(replace(dsn, port=port)).startswith(f"PostgreSQL at 127.0.0.1:{port} did not accept user 'postgres'")


@pytest.mark.parametrize(
    ("ref", "place"),
    [
        (SecretRef(file="secrets/pg"), "the file secrets/pg"),
        (SecretRef(env="PGPASS"), "the environment variable PGPASS"),
        (SecretRef(credential="pg"), "the credential pg"),
    ],
)
def test_where_a_secret_is_kept(ref: SecretRef, place: str) -> None:
    """Its place may be said; it may not."""
    assert (ref.place, str(ref)) == (place, "********")


def _accept_and_close(listener: socket.socket) -> None:
    listener.accept()[0].close()
