"""The engine's file and the private folders beside it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from dr.engine.staging import staging_folder, sweep
from dr.engine.store import open_store, under_way
from dr.errors import ConfigError
from dr.model.base import RunId, StepId

pytestmark = pytest.mark.unit
RUN, STEP = RunId("nightly-1"), StepId("backup")


def test_the_store_is_wal_durable_and_tells_the_time(tmp_path: Path) -> None:
    """WAL before the first launch, every commit on disk, and milliseconds also where SQLite is older than 3.42."""
    store = open_store(tmp_path)
    with store.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(sa.text("SELECT unixepoch('subsec') * 1000")).scalar_one() > 1.7e12
    store.dispose()


def test_the_engines_face_is_light() -> None:
    """Listing runs or asking for help must not wait a second for DBOS."""
    look = "import sys, dr.engine.runner, dr.engine.control; print(sorted({'dbos', 'sqlalchemy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_nothing_is_under_way_where_nothing_ever_ran(tmp_path: Path) -> None:
    """Asking does not make a file."""
    assert under_way(tmp_path / "state") == []
    assert not (tmp_path / "state").exists()


def test_staging_is_private_empty_and_gone_at_the_end(tmp_path: Path) -> None:
    """Promise 7: client data in the clear lies only in 0700 folders that end with the step."""
    stale = tmp_path / "staging" / RUN / STEP / "dump" / "old"
    stale.mkdir(parents=True)
    with staging_folder(tmp_path, RUN, STEP, "dump") as place:
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o700
        assert list(Path(place).iterdir()) == []
        (Path(place) / "table").write_bytes(b"rows")
    assert not (tmp_path / "staging" / RUN).exists()


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", ".hidden"])
def test_staging_stays_inside(tmp_path: Path, name: str) -> None:
    """A name cannot lead out of the folder."""
    with pytest.raises(ConfigError), staging_folder(tmp_path, RUN, STEP, name):
        pass


def test_what_a_crash_left_is_swept_but_not_what_lives(tmp_path: Path) -> None:
    """Staging of runs that are over goes at the next start; that of a run under way stays."""
    for run in ("dead-1", "living-1"):
        (tmp_path / "staging" / run / "backup").mkdir(parents=True)
    assert sweep(tmp_path, [RunId("living-1")]) == ["dead-1"]
    assert [entry.name for entry in (tmp_path / "staging").iterdir()] == ["living-1"]
