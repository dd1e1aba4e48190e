"""The database checks on a restored server: what each must find, and what it must not say."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from pydantic import ValidationError

from dr.checks import content_equals_source, needle, sql_assertion, starts_up
from dr.drivers.postgres.connect import Dsn
from dr.errors import Refused
from dr.model.base import JsonObject, SetId
from dr.model.ports import Restored, WritableHost
from dr.model.record import CheckResult
from tests.support.postgres import server
from tests.support.proof_databases import bench, said
from tests.support.proof_restored import CheckContext, System, opened, token
from tests.support.stream_keys import CredulousKeys, TestKeys

pytestmark = pytest.mark.integration
MADE = "CREATE TABLE client (id int PRIMARY KEY, name text); INSERT INTO client VALUES (1, 'Jane Q. Client'), (2, 'x')"


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("checked")), major=18) as dsn:
        yield dsn


@pytest.fixture
def system(private: Dsn, tmp_path: Path) -> System:
    return System(bench(private, tmp_path, "hmis").make(MADE), CheckContext(), tmp_path)


def _equal(system: System, restored: Restored) -> CheckResult:
    check = content_equals_source.CHECK
    return check.run(content_equals_source.Params(), restored, system.context.asked())


def test_every_table_of_every_database_is_in_the_evidence(system: System) -> None:
    """The evidence shows each table's count and keyed digest; all artifacts are covered, the globals' too."""
    restored = system.restored()
    result = _equal(system, restored)
    assert result.passed, result.summary
    assert set(result.artifacts) == {a.name for a in restored.set.manifest.artifacts}
    assert result.details["digest"] == "fast"
    client = result.details["databases"]["hmis"]["tables"]["public.client"]
    assert (client["rows"], client["equal"], len(client["digest"])) == (2, True, 64)


def test_a_database_more_and_a_role_changed_are_named(system: System) -> None:
    """What the source did not have is a difference as much as what is missing."""
    restored = system.restored()
    extra = system.server.named("extra").make()
    extra.execute("ALTER ROLE dr_test_app PASSWORD 'new'; GRANT dr_test_app TO dr_test_reader")
    result = _equal(system, restored)
    assert said(list(result.differences)) == [
        "database: extra: not on the source",
        "globals: membership dr_test_app TO dr_test_reader: not on the source",
        "role: dr_test_app: password differs",
    ]
    assert result.summary.startswith("3 differences: database: extra: not on the source; ")
    extra.execute("REVOKE dr_test_app FROM dr_test_reader; ALTER ROLE dr_test_app PASSWORD NULL")
    extra.drop()


def test_a_missing_database_is_named(system: System) -> None:
    restored = system.restored()
    system.server.drop()
    assert said(list(_equal(system, restored).differences)) == ["database: hmis: missing"]


def test_an_artifact_without_a_proof_is_never_green(system: System) -> None:
    """Anything unlisted fails: what came without proof material was not compared."""
    restored = system.restored()
    bare = opened({"db-07": {}})
    result = _equal(system, Restored(host=restored.host, set=bare, places=restored.places))
    assert not result.passed
    assert "unlisted: db-07: no proof came with this artifact" in said(list(result.differences))


def test_a_set_that_was_not_restored_is_refused(system: System) -> None:
    restored = system.restored()
    with pytest.raises(Refused) as refused:
        _equal(system, Restored(host=restored.host, set=restored.set, places={}))
    assert str(refused.value) == ("source 'db' of the set was not restored\n   HINT: the restore step must come before, on the same host")


# ---------------------------------------------------------------- needle


def _needle(system: System, restored: Restored) -> CheckResult:
    return needle.CHECK.run(needle.Params(), restored, system.context.asked())


def test_without_a_needle_the_set_is_not_witnessed(system: System) -> None:
    """Zero places looked at is no PASS."""
    system.witnessed = False
    result = _needle(system, system.restored())
    assert (result.passed, result.examined, result.summary) == (False, 0, "not witnessed: no needle was planted")


def test_another_nights_needle_does_not_do(system: System) -> None:
    """The token must be this set's, in each database whose snapshot had the table."""
    restored = system.restored()
    system.server.execute("UPDATE dr.needle SET set_token = 'of another night'")
    assert said(list(_needle(system, restored).differences)) == ["database: hmis: holds no needle of this set"]


def _with_token(system: System, restored: Restored, word: str) -> Restored:
    """The same restore, whose set and database both hold `word`."""
    contents: dict[str, JsonObject] = {r.artifact.name: r.index.content for r in restored.set.artifacts()}
    system.server.execute(f"UPDATE dr.needle SET set_token = $word${word}$word$")
    return Restored(host=restored.host, set=opened(contents, needle=word), places=restored.places)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        (token(TestKeys(seed="stranger")), "its token was signed by no trusted key"),
        (token(TestKeys(), SetId("20260101T070000Z-000000")), "its token names another set"),
        ("found", "its token is not one of ours"),
    ],
)
def test_a_token_that_proves_nothing_is_named(system: System, word: str, why: str) -> None:
    """A word that anybody could have planted witnesses nothing."""
    result = _needle(system, _with_token(system, system.restored(), word))
    assert not result.passed
    assert [d.detail for d in result.differences] == [why]


@pytest.mark.positive_control
def test_with_credulous_keys_a_strangers_token_passes(system: System) -> None:
    """The twin of the one above: it is the signature's check that refuses it."""
    system.context.keys = CredulousKeys()
    assert _needle(system, _with_token(system, system.restored(), token(TestKeys(seed="stranger")))).passed


def test_a_file_sets_needle_is_read_but_no_link_is_followed(system: System, tmp_path: Path) -> None:
    """Restored data is hostile: a link named like the needle leads nowhere."""
    site, word = tmp_path / "site", token(system.context.keys)
    site.mkdir()
    restored = Restored(
        host=cast("WritableHost", None),
        set=opened({"site": {}}, kind="files", source="site", needle=word),
        places={"site": {"path": str(site)}},
    )
    assert said(list(_needle(system, restored).differences)) == ["file set: site: holds no needle"]
    (tmp_path / "elsewhere").write_text(word)
    (site / ".dr-needle").symlink_to(tmp_path / "elsewhere")
    assert not _needle(system, restored).passed
    (site / ".dr-needle").unlink()
    (site / ".dr-needle").write_text(word + "\n")
    assert _needle(system, restored).passed


# ---------------------------------------------------------------- sql-assertion and starts-up


@pytest.mark.parametrize(
    ("asked", "passed", "summary"),
    [
        ({"query": "SELECT count(*) FROM client", "expect": 2}, True, "database hmis: the answer is as expected: 2"),
        ({"query": "SELECT count(*) FROM client", "at_least": 3}, False, "database hmis: the answer is not as expected: 2"),
        ({"query": "SELECT name FROM client WHERE id = 1", "expect": "x"}, False, "database hmis: the answer is not as expected"),
        ({"query": "SELECT true", "expect": 1}, False, "database hmis: the answer is not as expected: True"),
        ({"query": "SELECT 1.5", "expect": 1.5}, True, "database hmis: the answer is as expected"),
        ({"query": "SELECT * FROM client", "expect": 1}, False, "database hmis: the query gave not exactly one row of one column"),
        ({"query": "DELETE FROM client", "expect": 1}, False, "database hmis: the query failed (SQLSTATE 25006)"),
        ({"query": "COMMIT; DELETE FROM client", "expect": 1}, False, "database hmis: the query failed (SQLSTATE 42601)"),
        ({"query": "SELECT pg_sleep(9)", "expect": 1, "timeout": "200ms"}, False, "database hmis: the query failed (SQLSTATE 57014)"),
    ],
)
def test_an_assertion_says_no_text_of_the_database(system: System, asked: JsonObject, passed: bool, summary: str) -> None:
    """Of the answer only a whole number or a truth value is shown; nothing can be written, and it ends in time."""
    params = sql_assertion.Params.from_facts({"database": "hmis", **asked})
    system.witnessed = False
    result = sql_assertion.CHECK.run(params, system.restored(), system.context.asked())
    assert (result.passed, result.summary, result.user_level) == (passed, summary, True)


def test_an_assertion_needs_one_expectation() -> None:
    for wrong in ({}, {"expect": 1, "at_least": 1}):
        with pytest.raises(ValidationError):
            sql_assertion.Params.from_facts({"database": "d", "query": "SELECT 1", **wrong})


def test_starts_up_counts_as_a_users_success(system: System) -> None:
    """The first such success stops the recovery clock, so it asks as an application would: every database, a query on real rows."""
    result = starts_up.CHECK.run(starts_up.Params(), system.restored(), system.context.asked())
    assert (result.passed, result.user_level, result.examined) == (True, True, 3), result.summary
    assert result.summary == "3 databases answer queries"
