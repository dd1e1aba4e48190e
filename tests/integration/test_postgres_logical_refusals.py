"""What `postgres_logical` refuses, finds and says, on a real server."""

import contextlib
import re
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dr.clock import FixedClock
from dr.drivers.postgres import binaries, cluster, dump
from dr.drivers.postgres.connect import Dsn, connect
from dr.drivers.postgres.names import quoted
from dr.drivers.postgres.needle import KEPT, read_needles
from dr.errors import Damaged, Failed, Refused
from dr.hosts.process import LocalRunner
from dr.model.ports import Process
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.pg_world import MemoryReader, MemorySet, PgStep, request, standby, step_for
from tests.support.postgres import PASSWORD, server

pytestmark = pytest.mark.integration
SOURCE = PostgresLogicalSource()
LATER = "set 'needle: false' for this source"


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("refusals")), major=15, settings={"wal_level": "logical"}) as found:
        yield found


@contextlib.contextmanager
def database(dsn: Dsn, name: str, more: str = "") -> Iterator[Dsn]:
    with connect(dsn) as connection:
        connection.execute(f"CREATE DATABASE {quoted(name)} {more}".encode())
        try:
            yield dsn.at(name)
        finally:
            connection.execute(f"UPDATE pg_database SET datallowconn = true WHERE datname = '{name}'".encode())
            connection.execute(f"DROP DATABASE {quoted(name)} WITH (FORCE)".encode())


def run_sql(dsn: Dsn, *statements: str) -> None:
    with connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def plant(dsn: Dsn, root: Path, token: str) -> None:
    SOURCE.plant(request(PostgresLogical(), needle=token), step_for(dsn, root).as_context())


def captured(dsn: Dsn, root: Path) -> tuple[MemorySet, PgStep]:
    kept, step = MemorySet(), step_for(dsn, root)
    SOURCE.capture(request(PostgresLogical()), kept.as_writer(), step.as_context())
    return kept, step


# ---------------------------------------------------------------- the needle


def test_needles_are_planted_where_the_clients_are(dsn: Dsn, tmp_path: Path) -> None:
    """In every database but templates and `postgres`; repeated, it stays one row; the oldest go."""
    with database(dsn, "hmis") as hmis, database(dsn, "-d other") as other:
        for night in range(KEPT + 3):
            plant(dsn, tmp_path, f"night {night}")
        plant(dsn, tmp_path, f"night {KEPT + 2}")
        assert read_needles(hmis) == [f"night {night}" for night in range(KEPT + 2, 2, -1)]
        assert read_needles(other) == read_needles(hmis)
        assert read_needles(dsn) == read_needles(dsn.at("template1")) == []
        with connect(hmis) as connection:
            granted = connection.execute(
                "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND table_schema = 'dr'"
            )
            assert granted.fetchone() == (0,)


def test_postgres_bears_the_needle_if_it_is_the_only_one(dsn: Dsn, tmp_path: Path) -> None:
    """Some systems keep everything in the database `postgres`."""
    plant(dsn, tmp_path, "alone")
    assert read_needles(dsn) == ["alone"]
    run_sql(dsn, "DROP SCHEMA dr CASCADE")


REFUSING = {
    "published": (["CREATE PUBLICATION everything FOR ALL TABLES"], "publication 'everything' would send it to its subscribers"),
    "published-schema": (
        ["CREATE SCHEMA dr", "CREATE PUBLICATION ours FOR TABLES IN SCHEMA dr"],
        "publication 'ours' would send it to its subscribers",
    ),
    "read-only": (["ALTER DATABASE hmis SET default_transaction_read_only = on"], "it is read-only"),
    "foreign": (["CREATE SCHEMA dr", "CREATE TABLE dr.needle (haystack text)"], "its table dr.needle is not ours"),
}


@pytest.mark.parametrize("case", REFUSING)
def test_a_needle_is_refused_before_any_is_planted(dsn: Dsn, tmp_path: Path, case: str) -> None:
    """A published row would travel on, a read-only or foreign place is not ours to change; no other database gets one either."""
    statements, why = REFUSING[case]
    with database(dsn, "hmis") as hmis, database(dsn, "aaa") as first:
        run_sql(hmis, *statements)
        with pytest.raises(Refused) as caught:
            plant(dsn, tmp_path, "token")
        assert caught.value.message == f"no needle in database 'hmis': {why}"
        assert caught.value.hint.startswith(LATER)
        assert read_needles(first) == []


@pytest.mark.positive_control
def test_a_publication_of_named_tables_lets_the_needle_in(dsn: Dsn, tmp_path: Path) -> None:
    """The refusal is about what would be sent, not about publications."""
    with database(dsn, "hmis") as hmis:
        run_sql(hmis, "CREATE TABLE public.t (x int)", "CREATE PUBLICATION chosen FOR TABLE public.t")
        plant(dsn, tmp_path, "token")
        assert read_needles(hmis) == ["token"]


# ---------------------------------------------------------------- the capture


def test_a_database_that_takes_no_connections_is_a_finding(dsn: Dsn, tmp_path: Path) -> None:
    """It is in no backup; the night goes on, the finding stays until it is gone."""
    with database(dsn, "closed", "ALLOW_CONNECTIONS false"):
        kept, step = captured(dsn, tmp_path)
    assert step.findings == {
        "undumped-database:hmis:database:closed": "database 'closed' of host 'server' is in no backup: it takes no connections"
    }
    assert ("undumped-database:hmis:database:", ("undumped-database:hmis:database:closed",)) in step.records.closed
    assert [sink.described["content"].get("database") for sink, _, _ in kept.whole.values()] == ["postgres", "template1", None]


def test_a_clock_that_is_wrong_is_a_finding(dsn: Dsn, tmp_path: Path) -> None:
    """The instant is our clock's, so that RPO has one clock; a server that disagrees by more than 5 minutes is told of."""
    then = datetime(2020, 1, 1, tzinfo=UTC)
    kept, step = MemorySet(), step_for(dsn, tmp_path, FixedClock(then))
    SOURCE.capture(request(PostgresLogical()), kept.as_writer(), step.as_context())
    told = step.findings["clock-skew:hmis:database"]
    assert re.fullmatch(r"the clock of the server on host 'server' is \d+ d( \d+ h)? ahead of ours", told)
    assert {sink.described["instant"] for sink, _, _ in kept.whole.values()} == {then}


def test_a_user_who_cannot_read_everything_is_refused(dsn: Dsn, tmp_path: Path) -> None:
    """Row security and roles would be silently incomplete."""
    run_sql(dsn, "CREATE ROLE clerk LOGIN PASSWORD '" + PASSWORD + "'")
    with pytest.raises(Refused) as caught:
        captured(Dsn(dsn.host, dsn.port, "clerk"), tmp_path)
    assert str(caught.value) == (
        "user 'clerk' of host 'server' is no superuser: roles and all rows could not be read\n   HINT: use a superuser for this source"
    )
    run_sql(dsn, "DROP ROLE clerk")


def test_staging_is_sized_before_it_is_used(tmp_path: Path) -> None:
    """A dump that cannot fit is not begun."""
    with pytest.raises(Refused) as caught:
        dump.require_space(tmp_path, 2**60, "the dump of database 'hmis'")
    assert re.fullmatch(r"the dump of database 'hmis' may take 1048576.0 TiB of staging; .* are free", caught.value.message)
    dump.require_space(tmp_path, 1, "the dump of database 'hmis'")


class Watched(LocalRunner):
    """Remembers what was run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def start(self, argv: Sequence[str], **options: Any) -> Process:
        self.seen += [*argv, *(f"{key}={value}" for key, value in (options.get("env") or {}).items())]
        return super().start(argv, **options)


def test_no_secret_is_in_argv_or_environment(dsn: Dsn, tmp_path: Path) -> None:
    """Promise 7: the password goes by a private file."""
    step = step_for(dsn, tmp_path)
    watched = Watched()
    step.runner = watched
    SOURCE.capture(request(PostgresLogical()), MemorySet().as_writer(), step.as_context())
    assert any("pg_dump" in word for word in watched.seen)
    assert not any(PASSWORD in word for word in watched.seen)


# ---------------------------------------------------------------- the restore


@pytest.fixture(scope="module")
def kept(dsn: Dsn, tmp_path_factory: pytest.TempPathFactory) -> MemorySet:
    return captured(dsn, Path(tmp_path_factory.mktemp("kept")))[0]


def restore(kept: Sequence[Any], root: Path, **how: Any) -> None:
    with standby(root, **how) as host:
        try:
            SOURCE.restore(kept, host, PgStep(root, {}).as_context())
        finally:
            assert cluster.postmaster(f"{host.place()}/pgdata") is None, "a failed restore leaves no server running"


def test_a_set_without_its_roles_is_damaged(kept: MemorySet, tmp_path: Path) -> None:
    """Databases alone would come up without owners and rights."""
    with pytest.raises(Damaged) as caught:
        restore(kept.readers()[:-1], tmp_path)
    assert str(caught.value) == "the set holds no roles and tablespaces for this source\n   HINT: restore another set"


def test_a_set_without_a_database_is_damaged(kept: MemorySet, tmp_path: Path) -> None:
    """What the globals name must be there."""
    with pytest.raises(Damaged) as caught:
        restore(kept.readers()[1:], tmp_path)
    assert caught.value.message == "database-00: the set lacks this artifact, which its globals name"


def test_swapped_databases_are_damaged(kept: MemorySet, tmp_path: Path) -> None:
    """Promise 4: each tar says whose it is."""
    first, second, roles = (cast("MemoryReader", reader) for reader in kept.readers())
    swapped = [MemoryReader(first.artifact, first.index, second.data), MemoryReader(second.artifact, second.index, first.data), roles]
    with pytest.raises(Damaged) as caught:
        restore(swapped, tmp_path)
    assert caught.value.message == "database-01: it holds another database than the set's globals say"


def test_a_standby_that_is_too_full_is_refused(kept: MemorySet, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(Refused):
        restore(kept.readers(), tmp_path, free=1000)
    assert list((tmp_path / "place").iterdir()) == []


def test_a_place_that_holds_a_cluster_is_refused(kept: MemorySet, tmp_path: Path) -> None:
    """Promise 5: nothing is loaded over what is there."""
    with standby(tmp_path) as host, pytest.raises(Refused) as caught:
        (Path(host.place()) / "pgdata").mkdir()
        SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
    assert caught.value.message == f"{tmp_path}/place/pgdata exists already"


def test_a_port_in_use_is_refused(kept: MemorySet, tmp_path: Path) -> None:
    """Whoever listens there is not disturbed, and not mistaken for the restored server."""
    with standby(tmp_path) as host, socket.socket() as squatter:
        port = cast("Any", host.settings).postgres.port
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        with pytest.raises(Refused) as caught:
            SOURCE.restore(kept.readers(), host, PgStep(tmp_path, {}).as_context())
    assert caught.value.message == f"port {port} of the standby is in use"


def test_a_locale_provider_that_the_standby_lacks_is_named(dsn: Dsn, tmp_path: Path) -> None:
    """An ICU database cannot come up on a PostgreSQL without ICU: the failure says so, and leaves no server."""
    with database(dsn, "icu", "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8'"):
        readers = captured(dsn, tmp_path)[0].readers()
    folder = str(Path(binaries.find("postgres", exactly=18)).parent)
    with pytest.raises(Failed) as caught:
        restore(readers, tmp_path, binaries=folder)
    assert caught.value.message.startswith("database-00: database 'icu' was not restored: pg_restore: this PostgreSQL is built without ICU")
    assert caught.value.hint == "the source uses ICU collations: set 'binaries' of the standby to a PostgreSQL that has ICU"
