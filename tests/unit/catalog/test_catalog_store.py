"""The store: opened by many at once, upgraded in one piece, and never mistaken for something else."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert
from sqlalchemy.exc import IntegrityError

import dr.catalog
from dr.catalog.audit import verify_chain
from dr.catalog.catalog import Catalog, open_catalog
from dr.catalog.schema import REVISIONS, copies, metadata
from dr.catalog.store import Store
from dr.clock import FixedClock
from dr.errors import Refused, Unreachable
from tests.support.catalog_copies import NOW, copy_of, manifest_at

pytestmark = pytest.mark.integration


def opened(path: Path) -> Catalog:
    return open_catalog(path, FixedClock(NOW))


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    """A column that only one of the two knows would fail on somebody's old catalog first."""
    opened(tmp_path / "catalog.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    script = ScriptDirectory(str(Path(dr.catalog.__file__).parent / "migrations"))
    assert tuple(r.revision for r in reversed(list(script.walk_revisions()))) == REVISIONS


def test_it_is_private_durable_and_in_wal_mode(tmp_path: Path) -> None:
    """Readers never wait for writers, and a power cut loses nothing that was recorded."""
    path = tmp_path / "state" / "catalog.db"
    with opened(path) as catalog:
        assert catalog.path == path
        assert path.stat().st_mode & 0o777 == 0o600
        with catalog._store.read() as connection:
            pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert pragmas == ["wal", 2, 1]


def test_a_newer_drs_catalog_is_refused(tmp_path: Path) -> None:
    """Writing into tables that we do not know would spoil them."""
    path = tmp_path / "catalog.db"
    opened(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(Refused) as refused:
        opened(path)
    assert str(refused.value) == (
        f"the catalog {path} has schema version 9999; this dr knows versions up to {REVISIONS[-1]}\n"
        "   HINT: a newer dr wrote it: install that version (or newer) on this machine too"
    )


def test_a_file_that_is_no_catalog_is_refused_and_not_touched(tmp_path: Path) -> None:
    """Somebody's spreadsheet or another program's database."""
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    raw = sqlite3.connect(other)
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    before = [text.read_bytes(), other.read_bytes()]
    for path in (text, other):
        with pytest.raises(Refused) as refused:
            opened(path)
        assert (
            str(refused.value)
            == f"{path} is not a catalog of dr\n   HINT: make it anew from the repositories, which keeps that file too: dr catalog rebuild"
        )
    assert [text.read_bytes(), other.read_bytes()] == before


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """Unreachable, with where."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unreachable) as failed:
        opened(tmp_path / "file" / "catalog.db")
    assert str(failed.value) == (
        f"the catalog {tmp_path / 'file' / 'catalog.db'} did not open: File exists\n   HINT: check the folder and its permissions"
    )


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Foreign keys are on, and a transaction is whole or nothing."""
    manifest = manifest_at(NOW)
    with opened(tmp_path / "catalog.db") as catalog:
        catalog.record_copy(copy_of(manifest), manifest, manifest.run)
        row = {
            "repository": "r",
            "tier": "t",
            "committed": NOW,
            "manifest_sha256": "x",
            "stored": 1,
            "level": "stored",
            "held": False,
            "run": "r",
        }
        with pytest.raises(IntegrityError), catalog._store.write() as connection:
            connection.execute(insert(copies).values(set_id=manifest.set, **row))
            connection.execute(insert(copies).values(set_id="no-such-set", **row))
        assert [c.repository for c in catalog.copies()] == ["online-disk"]


def test_an_upgrade_that_dies_leaves_the_version_before(tmp_path: Path) -> None:
    """All of it is one transaction: the next start begins again from a whole catalog."""
    path = tmp_path / "catalog.db"
    die_in_the_middle = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from dr.catalog.store import Store
store = Store(Path(sys.argv[1]))
@event.listens_for(store._engine, "before_cursor_execute")
def die(connection, cursor, statement, *rest):
    if "CREATE TABLE runs" in statement:
        os.kill(os.getpid(), signal.SIGKILL)
store.upgrade()
"""
    died = subprocess.run([sys.executable, "-c", die_in_the_middle, str(path)], check=False)
    assert died.returncode == -9
    assert Store(path).version() is None
    with opened(path) as catalog:
        assert catalog.copies() == []


WRITER = """
import sys
from pathlib import Path
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from tests.support.catalog_copies import NOW
with open_catalog(Path(sys.argv[1]), FixedClock(NOW)) as catalog:
    for number in range(10):
        catalog.audit("wrote", sys.argv[2], {"number": number}, actor="test", at=NOW)
"""


def test_processes_and_threads_write_at_once(tmp_path: Path) -> None:
    """Three processes make the same new catalog and write, four threads of this one too: every entry is there, the chain is whole."""
    path = tmp_path / "catalog.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"process {n}"]) for n in range(3)]
    with opened(path) as catalog, ThreadPoolExecutor(4) as pool:
        for n in range(20):
            pool.submit(catalog.audit, "wrote", f"thread {n}", {}, actor="test", at=NOW)
        assert [writer.wait(60) for writer in writers] == [0, 0, 0]
        pool.shutdown()
        assert catalog.audit_head().seq == 50
        assert verify_chain(catalog) is None


_HOLDER = """
import sys
from pathlib import Path
from dr.catalog.catalog import open_catalog
from dr.clock import SystemClock
with open_catalog(Path(sys.argv[1]), SystemClock()) as catalog:
    catalog.set_setting("of", "the lost one")
    print("holds", flush=True)
    sys.stdin.readline()
    catalog.set_setting("of", "the lost one, again")
    print("wrote", flush=True)
    sys.stdin.readline()
"""


def test_a_new_one_is_apart_from_a_lost_one_that_a_process_still_works_with(tmp_path: Path) -> None:
    """Its file was removed, its write-ahead log and that log's index were not: the new one must take nothing of them for its own."""
    path = tmp_path / "catalog.db"
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == "holds\n"
        path.unlink()
        with opened(path) as new:
            assert new.setting("of") is None
            new.set_setting("of", "the new one")
            holder.stdin.write("\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "wrote\n"
            assert new.setting("of") == "the new one"
            new.set_setting("more", "of the new one")
    finally:
        holder.communicate("\n")
    assert holder.returncode == 0
    with opened(path) as again:
        assert (again.setting("of"), again.setting("more")) == ("the new one", "of the new one")
