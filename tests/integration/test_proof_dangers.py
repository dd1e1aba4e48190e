"""A PASS that was not earned: what a proof must not excuse, and must not leave unsaid."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.checks import content_equals_source
from dr.drivers.files.listing import Listing
from dr.drivers.postgres import proof
from dr.drivers.postgres.connect import Dsn, connect
from dr.errors import Refused
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.host_files import Site
from tests.support.pg_world import MemorySet, request, step_for
from tests.support.postgres import server
from tests.support.proof_databases import bench
from tests.support.proof_restored import CheckContext, System

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    with server(Path(tmp_path_factory.mktemp("proofs")), major=18) as found:
        yield found


# ---------------------------------------------------------------- files


@pytest.fixture
def stirred(tmp_path: Path) -> Site:
    """A file came to its top folder while it was read; the folder `quiet` was not touched."""
    site = Site(tmp_path)
    (site.root / "quiet" / "deep").mkdir(parents=True)
    (site.root / "quiet" / "deep" / "file").write_text("x")
    site.during = (site.root / "new").touch
    site.capture()
    site.restore()
    return site


def test_a_change_at_the_top_excuses_nothing_below(stirred: Site) -> None:
    """A stranger's file in a folder that was proven untouched is a difference, whatever happened elsewhere meanwhile."""
    (stirred.restored / "quiet" / "deep" / "planted.php").write_text("x")
    (stirred.restored / "quiet" / "strange").mkdir()
    (stirred.restored / "quiet" / "strange" / "inner").write_text("x")
    result = stirred.check()
    assert not result.passed
    assert sum(one.kind == "extra" for one in result.differences) == 3


def test_what_came_while_its_folder_was_read_is_still_excused(stirred: Site) -> None:
    """Whether tar caught it is chance; it is listed as not proven."""
    (stirred.restored / "came").mkdir()
    (stirred.restored / "came" / "inner").write_text("x")
    result = stirred.check()
    assert result.passed, result.summary
    assert {one.kind for one in result.unproven} == {"changed"}


def test_a_list_of_files_of_another_format_is_said_as_such(stirred: Site) -> None:
    """It cannot be compared, which is another thing than a difference."""
    facts = stirred.written.whole["site-00"][0].described["content"]
    with pytest.raises(Refused) as caught:
        Listing.from_facts({**facts, "format": 2})
    assert str(caught.value) == (
        "the set's list of files was made by another digest version (2; this dr makes 1)\n"
        "   HINT: check it with the release of dr that made the backup, or drill a set that this release made"
    )


# ---------------------------------------------------------------- databases


@pytest.fixture
def system(dsn: Dsn, tmp_path: Path) -> System:
    return System(bench(dsn, tmp_path, "hmis").make("CREATE TABLE client (id int)"), CheckContext(), tmp_path)


@pytest.mark.parametrize(("artifact", "key"), [("db-00", "proof"), ("db-globals", "globals")])
def test_a_proof_of_another_version_is_said_as_such(system: System, artifact: str, key: str) -> None:
    """An upgrade of dr must not make every older set look changed: databases and roles alike."""
    restored = system.restored()
    mine = next(reader for reader in restored.set.artifacts() if reader.artifact.name == artifact).index.content[key]
    with pytest.raises(Refused) as caught:
        proof.compare({**mine, "version": mine["version"] + 1}, mine)
    assert str(caught.value) == (
        f"the set's proof was made by another digest version ({mine['version'] + 1}; this dr makes {mine['version']})\n"
        "   HINT: check it with the release of dr that made the backup, or drill a set that this release made"
    )


def test_a_database_that_is_in_no_backup_is_listed_by_the_proof(dsn: Dsn, tmp_path: Path) -> None:
    """'Every database equal' must not pass over one that takes no connections: the evidence names it as not proven."""
    with connect(dsn) as connection:
        connection.execute("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    try:
        kept = MemorySet()
        SOURCE = PostgresLogicalSource()
        SOURCE.capture(request(PostgresLogical()), kept.as_writer(), step_for(dsn, tmp_path).as_context())
    finally:
        with connect(dsn) as connection:
            connection.execute("DROP DATABASE closed")
    content = kept.whole["database-globals"][0].described["content"]
    assert content["undumped"] == {"closed": "it takes no connections"}


def test_what_the_set_says_is_undumped_is_in_the_result(system: System) -> None:
    """Named, among what is not proven."""
    restored = system.restored()
    reader = next(reader for reader in restored.set.artifacts() if reader.artifact.name == "db-globals")
    reader.index.content["undumped"] = {"closed": "it takes no connections"}
    result = content_equals_source.CHECK.run(content_equals_source.Params(), restored, system.context.asked())
    assert result.passed, result.summary
    assert ("database", "closed", "in no backup: it takes no connections") in [(u.kind, u.name, u.detail) for u in result.unproven]


class Looking(threading.Thread):
    """Notes every name that shows up in the temporary folder."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.002):
            self.seen |= {path.name for path in Path(tempfile.gettempdir()).glob("dr-check-*")}


def test_what_a_check_writes_lies_in_the_steps_staging(system: System) -> None:
    """The text of the roles holds the source's password hashes: where the engine sweeps after a kill, not in the temporary folder."""
    restored = system.restored()
    looking = Looking()
    looking.start()
    assert content_equals_source.CHECK.run(content_equals_source.Params(), restored, system.context.asked()).passed
    looking.over.set()
    looking.join()
    assert len(system.context.staged) == 1
    assert looking.seen == set()
