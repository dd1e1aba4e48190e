"""What every check promises, whatever it looks at. A new check is one more case."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from dr.checks import content_equals_source, needle, site_files_equal, sql_assertion, starts_up
from dr.drivers.postgres.connect import Dsn
from dr.errors import DrError, Stopped
from dr.model.base import JsonObject
from dr.model.ports import Check, Restored, WritableHost
from dr.model.record import CheckResult
from dr.plugins import CHECKS
from tests.support.host_files import Site
from tests.support.postgres import server
from tests.support.proof_databases import bench
from tests.support.proof_restored import CheckContext, System, opened

pytestmark = [pytest.mark.contract, pytest.mark.integration]
SECRET = "Jane Q. Client"
MADE = f"""
CREATE TABLE client (id int PRIMARY KEY, name text); INSERT INTO client VALUES (1, '{SECRET}'), (2, 'x');
CREATE POLICY p ON client;
"""


@dataclass(frozen=True)
class Case:
    """A check, how it is asked, and how to bring about a restore that it must pass and one that it must fail."""

    check: Check
    good: Callable[["World"], Restored]
    bad: Callable[["World"], Restored]
    params: JsonObject
    proves: bool = False


@dataclass
class World:
    """What cases are made of: a private server, a folder, the step's context."""

    dsn: Dsn
    folder: Path
    context: CheckContext

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


def _good(world: World) -> Restored:
    return world.database().restored()


_COUNT: JsonObject = {"database": "hmis", "query": "SELECT count(*) FROM client", "expect": 2}
CASES = {
    "starts-up": Case(starts_up.CHECK, _good, World.without_the_database, {}),
    "content-equals-source": Case(content_equals_source.CHECK, _good, lambda w: w.spoiled("DROP POLICY p ON client"), {}, proves=True),
    "needle": Case(needle.CHECK, _good, lambda w: w.spoiled("DELETE FROM dr.needle"), {}),
    "site-files-equal": Case(site_files_equal.CHECK, World.site, World.spoiled_site, {}, proves=True),
    "sql-assertion": Case(sql_assertion.CHECK, _good, lambda w: w.spoiled("DELETE FROM client"), _COUNT),
}


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """A server that holds nothing but what this suite makes."""
    with server(Path(tmp_path_factory.mktemp("checks")), major=18) as dsn:
        yield dsn


@pytest.fixture
def world(private: Dsn, tmp_path: Path) -> World:
    return World(private, tmp_path, CheckContext())


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def _run(case: Case, restored: Restored, world: World) -> CheckResult:
    return case.check.run(case.check.params.from_facts(case.params), restored, world.context.asked())


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
    """Zero examined is FAIL, or the check says that it could not look."""
    nothing = Restored(host=cast("WritableHost", None), set=opened({}), places={})
    try:
        result = _run(case, nothing, world)
    except DrError:
        return
    assert (result.passed, result.examined) == (False, 0)


def test_a_stopped_step_ends_the_check(case: Case, world: World) -> None:
    """A cancelled drill is not kept waiting."""
    restored = case.good(world)
    world.context.stop.set()
    with pytest.raises(Stopped):
        _run(case, restored, world)


def test_every_registered_check_is_held_to_this() -> None:
    """A kind that is not in the suite has promised nothing."""
    assert set(CASES) == set(CHECKS)
