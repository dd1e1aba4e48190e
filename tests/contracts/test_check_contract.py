"""What every check promises, whatever it looks at. A new check is one more case."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dr.checks import (
    content_equals_source,
    http_answers,
    needle,
    newest_row_age,
    row_count_change,
    site_files_equal,
    sql_answers,
    sql_assertion,
    starts_up,
    tcp_answers,
    tls_expiry,
)
from dr.clock import FixedClock
from dr.drivers.postgres.connect import Dsn
from dr.errors import DrError, Stopped
from dr.model.base import ByteCount, HostPath, JsonObject, SetId, SourceName, SystemName
from dr.model.ports import Check, Probe, Restored, WritableHost
from dr.model.record import CheckResult
from dr.model.summary import ArtifactSummary, Baselines, ContentSummary, SetSummary
from dr.plugins import CHECKS
from tests.support.host_files import Site
from tests.support.postgres import free_port, server
from tests.support.proof_databases import bench
from tests.support.proof_restored import CheckContext, System, opened
from tests.support.web import DAY, Page, authority, issued, web

pytestmark = [pytest.mark.contract, pytest.mark.integration]
SECRET = "Jane Q. Client"
MADE = f"""
CREATE TABLE client (id int PRIMARY KEY, name text, changed timestamptz DEFAULT '2026-11-22 06:00+00');
INSERT INTO client VALUES (1, '{SECRET}'), (2, 'x');
CREATE POLICY p ON client;
"""


@dataclass(frozen=True)
class Case:
    """A check, how it is asked, and how to bring about a restore that it must pass and one that it must fail."""

    check: Check
    good: Callable[["World"], Restored]
    bad: Callable[["World"], Restored]
    params: Callable[["World"], JsonObject]
    proves: bool = False


@dataclass
class World:
    """What cases are made of: a private server, a folder, the step's context."""

    dsn: Dsn
    folder: Path
    context: CheckContext
    servers: ExitStack
    port: int
    """Where a web server is, if a case starts one; it says the client's name."""

    def database(self) -> System:
        return System(bench(self.dsn, self.folder, "hmis").make(MADE), self.context, self.folder)

    def spoiled(self, script: str) -> Restored:
        """A restore in which something was changed afterwards."""
        system = self.database()
        restored = system.restored()
        system.server.execute(script)
        return restored

    def site(self) -> Restored:
        """A file set whose file's name and content are a client's."""
        site = Site(self.folder / "files")
        site.root.mkdir(parents=True)
        (site.root / SECRET).write_text(SECRET)
        site.capture()
        site.restore()
        contents = {name: sink.described["content"] for name, (sink, _, _) in site.written.whole.items()}
        return Restored(cast("WritableHost", None), opened(contents, kind="files", source="site"), site.places)

    def spoiled_site(self) -> Restored:
        restored = self.site()
        (Path(restored.places["site"]["path"]) / SECRET).write_text("x" * len(SECRET))
        return restored

    def without_the_database(self) -> Restored:
        system = self.database()
        restored = system.restored()
        system.server.drop()
        return restored

    def counted(self, rows: int) -> Restored:
        """A restore whose table had so many rows in the set before."""
        content = ContentSummary(kind="database", name="hmis", counts={"public.client": rows})
        artifact = ArtifactSummary(source=SourceName("db"), bytes=ByteCount(1), content=content)
        before = SetSummary(set=SetId("20261121T070000Z-000000"), system=SystemName("hmis"), artifacts=(artifact,))
        self.context.records.known = Baselines(good=before)
        return self.database().restored()

    def served(self, *, let_in: bool = True) -> Restored:
        """Nothing restored, but a PostgreSQL of the inventory that answers whoever has the right password."""
        dsn = self.database().server.dsn
        self.context.servers["standby"] = dsn if let_in else replace(dsn, password="another")
        return NOTHING

    def web(self, *, status: int = 200, **certificate: Any) -> Restored:
        """Nothing restored, but a server that answers at `port`, over TLS if a certificate is described."""
        (self.folder / "ca.pem").write_bytes(authority().pem)
        chain = issued(self.folder, "localhost", **certificate) if certificate else None
        self.servers.enter_context(web({"/": Page(f"Welcome, {SECRET}", status)}, port=self.port, certificate=chain))
        return NOTHING


NOTHING = Restored(host=cast("WritableHost", None), set=opened({}), places={})


def _good(world: World) -> Restored:
    return world.database().restored()


def _none(_world: World) -> JsonObject:
    return {}


def _count(_world: World) -> JsonObject:
    return {"database": "hmis", "query": "SELECT count(*) FROM client", "expect": 2}


def _age(_world: World) -> JsonObject:
    return {"database": "hmis", "table": "client", "column": "changed", "at_most": 86400}


def _change(_world: World) -> JsonObject:
    return {"database": "hmis", "smallest": 1}


def _page(world: World) -> JsonObject:
    return {"url": f"http://127.0.0.1:{world.port}/", "contains": "Welcome"}


def _port(world: World) -> JsonObject:
    return {"host": "127.0.0.1", "port": world.port}


def _server(world: World) -> JsonObject:
    return {"host": "standby", "login_of": "standby", "database": world.context.servers["standby"].database}


def _certificate(world: World) -> JsonObject:
    return {"host": "localhost", "port": world.port, "ca": "ca.pem", "at_least": 30 * 86400}


def _stale(world: World) -> Restored:
    return world.spoiled("UPDATE client SET changed = '2026-11-01 06:00+00'")


CASES = {
    "starts-up": Case(starts_up.CHECK, _good, World.without_the_database, _none),
    "content-equals-source": Case(content_equals_source.CHECK, _good, lambda w: w.spoiled("DROP POLICY p ON client"), _none, proves=True),
    "needle": Case(needle.CHECK, _good, lambda w: w.spoiled("DELETE FROM dr.needle"), _none),
    "site-files-equal": Case(site_files_equal.CHECK, World.site, World.spoiled_site, _none, proves=True),
    "sql-assertion": Case(sql_assertion.CHECK, _good, lambda w: w.spoiled("DELETE FROM client"), _count),
    "newest-row-age": Case(newest_row_age.CHECK, _good, _stale, _age),
    "row-count-change": Case(row_count_change.CHECK, lambda w: w.counted(2), lambda w: w.counted(3), _change),
    "http-answers": Case(http_answers.CHECK, World.web, lambda w: w.web(status=500), _page),
    "sql-answers": Case(sql_answers.CHECK, World.served, lambda w: w.served(let_in=False), _server),
    "tcp-answers": Case(tcp_answers.CHECK, World.web, lambda _: NOTHING, _port),
    "tls-expiry": Case(tls_expiry.CHECK, lambda w: w.web(until=90 * DAY), lambda w: w.web(until=9 * DAY), _certificate),
}


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """A server that holds nothing but what this suite makes."""
    with server(Path(tmp_path_factory.mktemp("checks")), major=18) as dsn:
        yield dsn


@pytest.fixture
def world(private: Dsn, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as servers:
        context = CheckContext(clock=FixedClock(datetime.now(UTC)), home=HostPath(str(tmp_path)))
        port = free_port()
        context.servers["standby"] = replace(private, port=port)
        yield World(private, tmp_path, context, servers, port)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def _run(case: Case, restored: Restored, world: World) -> CheckResult:
    return case.check.run(case.check.params.from_facts(case.params(world)), restored, world.context.asked())


def test_a_good_restore_passes_and_something_was_looked_at(case: Case, world: World) -> None:
    """A PASS says what it covered; a check that proves names its artifacts."""
    restored = case.good(world)
    result = _run(case, restored, world)
    assert (result.passed, result.differences) == (True, ()), result.summary
    assert result.examined > 0
    assert result.check == case.check.kind
    assert result.proves == case.proves
    assert set(result.artifacts) == ({a.name for a in restored.set.manifest.artifacts} if case.proves else set())
    assert CheckResult.from_facts(result.to_facts()) == result


def test_a_bad_restore_fails_and_is_named_without_client_data(case: Case, world: World) -> None:
    """Promise 7: what is wrong is named; no value of the database is in the result."""
    result = _run(case, case.bad(world), world)
    assert not result.passed
    assert result.differences
    assert SECRET not in str(result.to_facts())


def test_a_check_that_finds_nothing_to_look_at_never_passes(case: Case, world: World) -> None:
    """Zero examined is FAIL, or the check says that it could not look. To a check over the network, that nobody answers is found."""
    try:
        result = _run(case, NOTHING, world)
    except DrError:
        return
    assert (result.passed, result.examined) == (False, 1 if isinstance(case.check, Probe) else 0)


def test_a_stopped_step_ends_the_check(case: Case, world: World) -> None:
    """A cancelled drill is not kept waiting."""
    restored = case.good(world)
    world.context.stop.set()
    with pytest.raises(Stopped):
        _run(case, restored, world)


def test_every_registered_check_is_held_to_this() -> None:
    """A kind that is not in the suite has promised nothing."""
    assert set(CASES) == set(CHECKS)
