"""What only a folder can do wrong: links, strangers, full disks, several processes."""

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from dr.errors import Damaged, DrError, Failed, Refused, Unreachable
from dr.model.backup import Tombstone, make_set_id
from dr.model.base import HostPath, RepositoryName, RunId, SystemName, sha256
from dr.repositories.directory import KIND, DirectoryParams, DirectoryRepository
from dr.repositories.directory_lock import locked
from dr.repositories.directory_upload import Place
from tests.support.stream_context import HMIS, NOW

pytestmark = pytest.mark.integration

SET = make_set_id(NOW, "aaaaaa")


def at(root: Path, *, min_free: int = 0) -> DirectoryRepository:
    return DirectoryRepository(RepositoryName("online"), "online", root, organisation="Harbor", min_free=min_free)


@pytest.fixture
def repository(tmp_path: Path) -> DirectoryRepository:
    made = at(tmp_path / "online")
    made.initialise("Harbor", "r-1", NOW)
    return made


def test_its_parameters_are_relative_to_the_home(tmp_path: Path) -> None:
    params = DirectoryParams.from_facts({"path": "backups/online"})
    assert params.min_free == 2**30
    made = KIND.open(RepositoryName("online"), "online", params, HostPath(str(tmp_path)), "Harbor")
    made.initialise("Harbor", "r-1", NOW)
    assert (tmp_path / "backups/online/dr-repository.json").is_file()


def said(act: object, kind: type[DrError]) -> str:
    with pytest.raises(kind) as problem:
        act()  # type: ignore[operator]
    return str(problem.value)


def test_what_is_not_ours_is_told_apart(tmp_path: Path) -> None:
    """Absent, empty (an unmounted place), somebody else's files."""
    place = tmp_path / "online"
    hint = "   HINT: if it is another disk or machine, mount it; if it was never made: `dr repositories init online`"
    assert said(at(place).sets, Unreachable) == f"repository 'online': {place} does not exist\n{hint}"
    place.mkdir()
    assert said(at(place).sets, Unreachable) == f"repository 'online': {place} is empty\n{hint}"
    (place / "thesis.doc").write_text("mine")
    assert said(at(place).sets, Refused) == (
        f"repository 'online': {place} is not a repository of dr\n"
        "   HINT: is it the right folder? `dr repositories init online` makes one in an empty or a new folder"
    )
    with pytest.raises(Refused, match="is not empty and not a repository"):
        at(place).initialise("Harbor", "r-1", NOW)
    assert [path.name for path in place.iterdir()] == ["thesis.doc"]


def test_a_future_repository_is_refused(repository: DirectoryRepository, tmp_path: Path) -> None:
    marker = tmp_path / "online/dr-repository.json"
    marker.write_text(marker.read_text().replace('"format":1', '"format":2'))
    assert said(repository.sets, Refused).endswith("has format 2; this dr knows format 1\n   HINT: use a newer dr")


@pytest.mark.parametrize("where", ["sets", "sets/hmis", f"sets/hmis/.partial-{SET}/site", "home", "tombstones"])
def test_nothing_is_written_through_a_link(repository: DirectoryRepository, tmp_path: Path, where: str) -> None:
    """Whoever can plant a link in a repository does not choose what we overwrite."""
    outside = tmp_path / "outside"
    outside.mkdir()
    upload = repository.begin(HMIS, SET) if ".partial" in where else None
    link = tmp_path / "online" / where
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    gone = Tombstone(system=HMIS, set=SET, manifest=sha256(b""), instant=NOW, removed=NOW, run=RunId("r"), rule="keep")
    with pytest.raises(Damaged):
        if upload is not None:
            upload.put("site/000000.zst.age", b"x")
        elif where == "home":
            repository.put_home("inventory.age", b"x")
        elif where == "tombstones":
            repository.remove(gone, b"s", failpoint=lambda _: None)
        else:
            repository.begin(HMIS, SET)
    assert list(outside.iterdir()) == []


@pytest.mark.positive_control
def test_an_ordinary_write_would_follow_such_a_link(repository: DirectoryRepository, tmp_path: Path) -> None:
    """The twin: the same place, written to without the guard."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "online/home").symlink_to(outside)
    (tmp_path / "online/home/inventory.age").write_bytes(b"x")
    assert [path.name for path in outside.iterdir()] == ["inventory.age"]


def test_removing_a_set_empties_nothing_outside(repository: DirectoryRepository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("1")
    folder = tmp_path / "online/sets/hmis" / SET
    folder.mkdir(parents=True)
    (folder / "site").symlink_to(outside)
    gone = Tombstone(system=HMIS, set=SET, manifest=sha256(b""), instant=NOW, removed=NOW, run=RunId("r"), rule="keep")
    assert repository.remove(gone, b"s", failpoint=lambda _: None)
    assert (outside / "precious").read_text() == "1"
    assert not folder.exists()


def test_names_that_could_lead_out_are_refused(repository: DirectoryRepository) -> None:
    for system, set_id in ((SystemName("../x"), SET), (HMIS, make_set_id(NOW, "zzzzzz"))):
        with pytest.raises(Refused):
            repository.begin(system, set_id)


def test_a_sweep_takes_dead_partials_only(repository: DirectoryRepository) -> None:
    """A slow backup that still writes is not swept from under itself."""
    upload = repository.begin(HMIS, SET)
    later = NOW + timedelta(days=30)
    assert repository.sweep(later) == []
    os.close(upload._alive or -1)  # as the end of its process does
    assert repository.sweep(NOW) == []
    assert repository.sweep(later) == [f"sets/hmis/.partial-{SET}"]


def test_a_disk_that_is_nearly_full_takes_no_new_set(tmp_path: Path) -> None:
    nearly = at(tmp_path / "online", min_free=2**60)
    nearly.initialise("Harbor", "r-1", NOW)
    with pytest.raises(Failed, match=r"less than its min_free of 1048576.0 TiB"):
        nearly.begin(HMIS, SET)


FULL = """
import subprocess, sys
from pathlib import Path
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", sys.argv[1]], check=True)
from dr.errors import DrError
from tests.integration.test_format1_directory import HMIS, NOW, SET, at
repository = at(Path(sys.argv[1]) / "r")
repository.initialise("Harbor", "r-1", NOW)
upload = repository.begin(HMIS, SET)
try:
    upload.put("site/000000.zst.age", bytes(2**20))
except DrError as problem:
    print(type(problem).__name__, problem)
upload.abandon()
print(repository.begin(HMIS, SET).put("site/000000.zst.age", bytes(2**10)))
"""


@pytest.mark.fault
@pytest.mark.needs("unshare")
def test_a_full_disk_says_so_and_leaves_room_for_the_next(tmp_path: Path) -> None:
    """On a real file system that fills up."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "--", sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    hint = "   HINT: make room: `dr retention --dry-run` shows what could go"
    assert done.stdout == f"Failed repository 'online' at {tmp_path}/r is full\n{hint}\nNone\n", done.stderr


HOLD = """
import sys, time
from pathlib import Path
from tests.integration.test_format1_directory import at
with at(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_the_lock_works_between_processes(repository: DirectoryRepository, tmp_path: Path) -> None:
    """And is released by the death of its holder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "online")]
    impatient = at(tmp_path / "online")
    impatient.lock_wait = 0.1
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(Unreachable, match="is locked by another process"), impatient.locked():
            raise AssertionError("two are inside")
        holder.kill()
    with impatient.locked():
        pass


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from tests.integration.test_format1_directory import at
place = Path(sys.argv[1])
(place / "link").symlink_to(place / "online")
subprocess.run(["mount", "--bind", place / "online", place / "online"], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", place / "online"], check=True)
repository = at(place / "link")
repository.lock_wait = 0.5
with repository.locked():
    print("locked")
"""


def test_a_repository_mounted_read_only_is_locked_through_a_link_to_it_too(repository: DirectoryRepository, tmp_path: Path) -> None:
    """A restore from it would wait for ever: the folder is the lock there, and the link is not the folder."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "--", sys.executable, "-c", READ_ONLY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], timeout=60)
    assert done.stdout == "locked\n", done.stderr


class Shaky(Place):
    """A file server whose files never are the same twice."""

    @property
    def root(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._top))

    @root.setter
    def root(self, top: Path) -> None:
        self._top = top


def test_a_lock_that_is_never_the_same_file_is_waited_for_no_longer_than_any_other(tmp_path: Path) -> None:
    """Nobody waits for ever without a word."""
    with pytest.raises(Unreachable, match="the lock is never the file that was locked"), locked(Shaky(RepositoryName("r"), tmp_path), 0.2):
        raise AssertionError("nobody is inside")
