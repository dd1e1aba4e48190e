"""A file set takes its place: on one file system and across two, with something there and without, killed before everything it does."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dr.errors import Failed, Refused
from dr.hosts.production import Protected
from dr.hosts.renames import exchange, rename_new
from dr.hosts.swap import Grounds, Swap, stands_at, swappable
from dr.model.base import RunId
from dr.model.ports import Completed, Runner

pytestmark = pytest.mark.integration
RUN = RunId("recover-20261122T090000Z-ab12")
SHM = Path("/dev/shm")
NOBODYS = Protected({}, {}, {}, {})
WATCHED = {"open", "ctypes.dlsym", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "subprocess.Popen"}
"""What is done to a disk, as Python tells whoever listens; the second is a call of renameat2."""


class Programs:
    """A runner that a forked process can use too."""

    def run(self, argv: Sequence[str], *, check: bool = True, **_how: Any) -> Completed:
        done = subprocess.run(argv, capture_output=True, check=check)
        return Completed(tuple(argv), done.returncode, done.stdout, done.stderr)


class World:
    """What was restored in a run's place of a standby, and a place where something may stand already."""

    def __init__(self, top: Path, at: Path, *, old: bool = True) -> None:
        self.run_place, self.place = top / "standby" / "drills" / RUN, at / "hmis" / "site"
        self.restored = self.run_place / "site" / "site"
        self.restored.mkdir(parents=True)
        (top / "standby").chmod(0o700)
        self.place.parent.mkdir(parents=True)
        _fill(self.restored, "new")
        if old:
            self.place.mkdir()
            _fill(self.place, "old")
        self.new, self.old = _tree(self.restored), _tree(self.place)
        self.grounds = Grounds(str(top / "standby"), (str(self.place),), NOBODYS)
        self.kept = self.place.with_name(f"site.before-{RUN}")

    def swap(self, exchanging: Callable[[int, str, str], bool] = exchange) -> Swap:
        where = (str(self.restored), str(self.place), RUN, str(self.run_place))
        return Swap("site", *where, self.grounds, cast("Runner", Programs()), exchanging)

    def to_the_end(self, exchanging: Callable[[int, str, str], bool] = exchange) -> list[str]:
        states: list[str] = []
        while states[-1:] != ["done"]:
            states.append(self.swap(exchanging).step()["state"])
            assert len(states) < 6, states
        return states


def _fill(folder: Path, word: str) -> None:
    (folder / "uploads").mkdir(mode=0o750)
    (folder / "uploads" / "photo").write_text(word * 100)
    (folder / "index").write_text(word)
    (folder / "link").symlink_to("uploads/photo")
    (folder / "second").hardlink_to(folder / "index")
    (folder / "index").chmod(0o640)
    os.utime(folder / "index", ns=(1_600_000_000_000_000_000, 1_600_000_000_000_000_007))
    folder.chmod(0o751)


def _tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in it: kinds, modes, times and contents."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        at = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(at.st_mode) else b""
        target = str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(folder))] = (at.st_mode, at.st_uid, at.st_nlink, content, target, content and at.st_mtime_ns)
    return found


@pytest.fixture
def other() -> Iterator[Path]:
    """A folder on another file system than tmp_path's."""
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        yield Path(folder)


def cannot_exchange(_folder: int, _one: str, _other: str) -> bool:
    return False


def test_it_takes_the_place_of_what_stood_there_which_is_kept(tmp_path: Path) -> None:
    """The very tree, not a copy; and once more changes nothing."""
    world = World(tmp_path, tmp_path / "srv")
    inode = world.restored.stat().st_ino
    assert world.to_the_end() == ["beside", "swapped", "kept", "done"]
    assert (_tree(world.place), _tree(world.kept), world.place.stat().st_ino) == (world.new, world.old, inode)
    assert world.swap().step() == {"state": "done", "before": str(world.kept), "copied": False}
    assert not world.restored.exists()
    assert stands_at(str(world.run_place), "site", str(world.restored)) == str(world.place)
    assert sorted(path.name for path in world.place.parent.iterdir()) == sorted(["site", world.kept.name])


def test_where_nothing_stood_nothing_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "srv", old=False)
    assert world.to_the_end() == ["beside", "swapped", "done"]
    assert _tree(world.place) == world.new
    assert world.swap().step()["before"] is None


def test_onto_another_file_system_it_is_copied_whole_first(tmp_path: Path, other: Path) -> None:
    """Owners, modes, times, links and names of one file; what was restored stays where it is."""
    world = World(tmp_path, other)
    assert world.restored.stat().st_dev != other.stat().st_dev, "this test needs two file systems"
    assert world.to_the_end() == ["beside", "swapped", "kept", "done"]
    assert (_tree(world.place), _tree(world.kept), _tree(world.restored)) == (world.new, world.old, world.new)
    assert world.swap().step() == {"state": "done", "before": str(world.kept), "copied": True}


class _Slow(Programs):
    """Somebody else comes while the copy is made durable: as `dr runs resume` does, where a link was lost without a word."""

    def __init__(self, world: World) -> None:
        self._world, self.told = world, list[str]()

    def run(self, argv: Sequence[str], *, check: bool = True, **how: Any) -> Completed:
        if argv[0] == "sync":
            with pytest.raises(Failed, match="another dr still works on what this run restored"):
                self._world.swap().step()
            self.told.append("sync")
        return super().run(argv, check=check, **how)


def test_two_at_once_put_no_half_copied_tree_in_its_place(tmp_path: Path, other: Path) -> None:
    """The second would begin the copy anew under the first, which would give the empty folder its name, and the third swap that in."""
    world = World(tmp_path, other)
    slow = _Slow(world)
    assert replace(world.swap(), runner=cast("Runner", slow)).step()["state"] == "beside"
    assert slow.told == ["sync"]
    assert world.to_the_end() == ["swapped", "kept", "done"]
    assert _tree(world.place) == world.new


SCENES: dict[str, dict[str, Any]] = {
    "exchanged": {},
    "nothing there": {"old": False},
    "another file system": {"apart": True},
    "no exchange": {"exchanging": cannot_exchange},
}


@pytest.mark.parametrize("scene", list(SCENES))
def test_killed_before_everything_it_does_it_goes_on_and_one_whole_tree_stands_there(scene: str, tmp_path: Path, other: Path) -> None:
    """A process is killed (SIGKILL) before its n-th change of the disk, for every n; the next one finishes."""
    how = SCENES[scene]
    exchanging, old = how.get("exchanging", exchange), how.get("old", True)
    for number in range(1, 100):
        top = tmp_path / str(number)
        top.mkdir()
        world = World(top, (other if how.get("apart") else top) / f"srv-{number}", old=old)
        if not _killed(world, exchanging, number):
            break
        now = _tree(world.place)
        assert now in (world.old, world.new) or (exchanging is cannot_exchange and not now and _tree(world.kept) == world.old)
        world.to_the_end(exchanging)
        assert (_tree(world.place), _tree(world.kept)) == (world.new, world.old)
    assert 8 < number < 99, "it was killed often, and came to its end by itself at last"


def _killed(world: World, exchanging: Callable[[int, str, str], bool], number: int) -> bool:
    """Whether a process that was to be killed before its n-th change was; False: it was done before."""
    child = os.fork()
    if child:
        _, ended = os.waitpid(child, 0)
        assert ended in (0, signal.SIGKILL), f"it failed by itself: {ended}"
        return ended == signal.SIGKILL
    try:
        left = number

        def listen(event: str, _args: object) -> None:
            nonlocal left
            left -= event in WATCHED
            if event in WATCHED and left == 0:  # the kill is an event too
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(listen)
        world.to_the_end(exchanging)
    except BaseException:  # noqa: BLE001 - a child must not come back into the test
        os._exit(1)
    os._exit(0)


@pytest.mark.parametrize("what", ["file", "link", "unnamed", "production's", "the root", "kept", "parent"])
def test_a_place_that_may_not_be_taken_is_left_as_it_is(what: str, tmp_path: Path) -> None:
    """Refused before anything moves; and the look beforehand says the same."""
    world = World(tmp_path, tmp_path / "srv", old=False)
    off_limits = NOBODYS
    match what:
        case "file":
            world.place.write_text("x")
        case "link":
            (tmp_path / "elsewhere").mkdir()
            world.place.symlink_to(tmp_path / "elsewhere")
        case "unnamed":
            world.grounds = Grounds(world.grounds.root, (), NOBODYS)
        case "production's":
            off_limits = Protected({}, {str(world.place): "production"}, {}, {})
        case "the root":
            world.place = tmp_path / "standby" / "site"
        case "kept":
            world.kept.mkdir()
        case "parent":
            world.place.parent.rmdir()
    allowed = (str(world.place),) if what != "unnamed" else ()
    world.grounds = Grounds(world.grounds.root, allowed, off_limits)
    with pytest.raises(Refused, match="is not put at"):
        world.swap().step()
    assert _tree(world.restored) == world.new
    (line,) = swappable(world.grounds, [str(world.place)])
    assert line[0] is (what == "kept"), "which name it would be kept by is known only to a run"


@pytest.mark.positive_control
def test_control_the_same_place_with_nothing_against_it_is_taken(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "srv")
    assert swappable(world.grounds, [str(world.place)]) == [
        (True, f"{world.place}: what stands there would be kept as {world.place}.before-RUN")
    ]
    assert world.swap().step()["state"] == "beside"


def test_where_there_is_no_room_nothing_is_copied(tmp_path: Path) -> None:
    """Told before the first byte; a file system of 64 KiB, mounted for this test alone."""
    script = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.integration.test_host_swap import World
from dr.errors import Refused
top = Path(sys.argv[2])
world = World(top, top / "small")
(world.restored / "large").write_bytes(b"x" * 200_000)
try:
    world.swap().step()
except Refused as refusal:
    print(refusal.message)
print(sorted(path.name for path in world.place.parent.iterdir()))
"""
    (tmp_path / "small").mkdir()
    here = str(Path(__file__).parents[2])
    inside = f'mount -t tmpfs -o size=64k none "{tmp_path}/small" && exec "$@"'
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh", sys.executable, "-c", script, here, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "there is no room for file set 'site'" in done.stdout
    assert done.stdout.endswith("['site']\n")


def test_whoever_moves_it_there_by_hand_after_a_refusal_has_done_what_this_would(tmp_path: Path) -> None:
    """A person under stress mends it in their own way: the next try finds it done, and stays out of it."""
    world = World(tmp_path, tmp_path / "srv", old=False)
    fine, world.grounds = world.grounds, Grounds(world.grounds.root, (), NOBODYS)
    with pytest.raises(Refused):
        world.swap().step()
    world.grounds = fine
    world.restored.rename(world.place)
    assert world.to_the_end() == ["done"]
    assert _tree(world.place) == world.new


def test_what_somebody_moved_away_meanwhile_is_not_taken_for_done(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "srv")
    world.swap().step()
    (world.place.parent / f".site.{RUN}").rename(tmp_path / "away")
    with pytest.raises(Failed, match="is neither where it was restored nor at"):
        world.swap().step()
    assert _tree(world.place) == world.old


def test_a_name_that_is_taken_is_not_replaced_by_a_rename(tmp_path: Path) -> None:
    """Not even by an empty folder, which rename(2) alone would silently do."""
    (tmp_path / "full").mkdir()
    (tmp_path / "empty").mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            rename_new(folder, "full", folder, "empty")
        rename_new(folder, "full", folder, "free")
        assert exchange(folder, "free", "empty")
    finally:
        os.close(folder)
