"""Kind `files`: everything that a file is comes back, what changed meanwhile is said, and nothing names a client."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dr.drivers.files.listing import name_for
from dr.errors import Damaged, Failed, Refused, Stopped, Unreachable
from dr.sources import files
from tests.support.host_files import ORDINARY, Site, as_ordinary_user, as_root_would, build, reachable, with_socket
from tests.support.pg_world import KEY

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    build(made.root)
    as_root_would(made.root)
    return made


def test_everything_comes_back(site: Site) -> None:
    """Owners, modes, links, attributes, holes, names of every kind: the check finds all equal and all proven."""
    site.capture()
    site.restore()
    result = site.check()
    assert result.differences == ()
    assert result.unproven == ()
    assert result.passed and result.proves and result.examined == 37
    assert result.artifacts == ("site-00",)
    assert result.summary == "37 files and folders compared, all equal"
    assert site.host.rechecked == 1


def test_holes_stay_holes(site: Site) -> None:
    """80 MB of holes neither travel nor fill the standby."""
    site.capture()
    assert len(site.data()) < 5_000_000
    restored = site.restore() / "sparse"
    assert restored.stat().st_size == 80_000_000
    assert restored.stat().st_blocks * 512 < 1_000_000


def test_unchanged_files_are_unchanged_bytes(site: Site) -> None:
    """Reuse rests on it: the same tree is the same stream, whoever reads it and when."""
    site.capture()
    first = site.data()
    for folder, _, names in os.walk(site.root):
        for name in names:
            if os.path.isfile(os.path.join(folder, name)):
                with open(os.path.join(folder, name), "rb") as file:
                    file.read(1)  # moves the access time, or would
    site.capture()
    assert site.data() == first


def test_production_is_recorded_by_device_and_inode(site: Site) -> None:
    """The guard recognises the file set wherever it is mounted."""
    (facts,) = site.capture()
    at = site.root.stat()
    assert facts.paths == ({"path": str(site.root), "device": at.st_dev, "inode": at.st_ino},)
    assert site.written.whole["site-00"][0].described["identity"] == {"device": str(at.st_dev), "inode": str(at.st_ino)}


def test_the_needle_is_planted_atomically_and_is_part_of_the_set(site: Site) -> None:
    site.plant("token-1")
    site.plant("token-2")
    assert (site.root / ".dr-needle").read_text() == "token-2"
    assert (site.root / ".dr-needle").stat().st_mode & 0o777 == 0o644
    assert not (site.root / ".dr-needle.partial").exists()
    site.capture()
    assert (site.restore() / ".dr-needle").read_text() == "token-2"
    assert site.check().passed


def test_the_needle_is_refused_where_nothing_may_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    site = Site(tmp_path)
    site.root.mkdir(mode=0o755)

    def plant() -> None:
        with pytest.raises(Refused) as caught:
            site.plant("token")
        assert str(caught.value) == (
            "the needle of file set 'site' cannot be planted (Permission denied)\n"
            "   HINT: set `needle: false` for this source, or let dr write to its folder"
        )

    reachable(tmp_path)
    as_ordinary_user(plant)
    assert list(site.root.iterdir()) == []


def test_excluded_paths_are_left_out_and_nothing_else(site: Site) -> None:
    """tar and our own walk agree on what a pattern means, wildcards in names included."""
    site.exclude = ("folder/inner", "*.txt", "[brackets]*", "l?ng", "0*/far", "-r?")
    site.capture()
    restored = site.restore()
    assert site.check().differences == ()
    names = {entry.name for entry in restored.iterdir()}
    assert not names & {"plain.txt", "[brackets]*?\\", "-rf"}
    assert {"-rf", "plain.txt"} <= {entry.name for entry in site.root.iterdir()}
    assert (restored / "folder" / "same").exists()
    assert not (restored / "folder" / "inner").exists()


@pytest.mark.parametrize("pattern", ["", "/etc", "../x", "a/../b", "./x", "x/", "a\0b"])
def test_a_pattern_outside_the_file_set_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a path below the file set"):
        files.Params.from_facts({"path": "x", "exclude": [pattern]})


def test_a_socket_is_listed_and_not_backed_up(site: Site) -> None:
    with_socket(site.root / "socket")
    site.capture()
    restored = site.restore()
    assert not (restored / "socket").exists()
    result = site.check()
    assert result.passed
    assert [(one.kind, one.name) for one in result.unproven] == [("socket", name_for(b"socket", KEY))]
    assert site.step.findings == {"files:hmis:site:sockets": "1 sockets of 'site' are not backed up"}


def _grow(root: Path) -> None:
    with (root / "zz-growing").open("ab") as file:
        file.write(b"x" * 1000)


def _rewrite_with_old_times(root: Path) -> None:
    at = (root / "zz-growing").stat()
    with (root / "zz-growing").open("r+b") as file:
        file.write(b"y")
    os.utime(root / "zz-growing", ns=(at.st_atime_ns, at.st_mtime_ns))


def _remove(root: Path) -> None:
    (root / "zz-growing").unlink()


def _replace(root: Path) -> None:
    (root / "zz-new").write_bytes((root / "zz-growing").read_bytes())
    os.rename(root / "zz-new", root / "zz-growing")


def _appear(root: Path) -> None:
    (root / "zz-appeared").mkdir()
    (root / "zz-appeared" / "client name").write_text("x")


@pytest.mark.parametrize("change", [_grow, _rewrite_with_old_times, _remove, _replace, _appear])
def test_what_changes_while_it_is_read_is_noticed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """It is in the set as tar caught it, is counted in a finding, and proves nothing; everything else is proven."""
    site = Site(tmp_path)
    site.root.mkdir()
    (site.root / "aa-first").write_bytes(b"a" * 3_000_000)
    (site.root / "zz-growing").write_bytes(b"z" * 3_000_000)
    site.during = lambda: change(site.root)
    site.capture()
    assert list(site.step.findings) == ["files:hmis:site:changed"]
    message = site.step.findings["files:hmis:site:changed"]
    assert message.endswith("of 'site' changed while they were read; they are in the set, but prove nothing")
    assert "zz" not in message and "client" not in message
    site.restore()
    result = site.check()
    assert result.passed, result.differences
    assert {one.kind for one in result.unproven} == {"changed"}
    assert result.examined >= 1
    assert "client" not in result.model_dump_json()


@pytest.mark.positive_control
def test_a_quiet_tree_has_no_finding(site: Site) -> None:
    """The twin: without a change nothing is said, and earlier findings close."""
    site.capture()
    assert site.step.findings == {}
    assert site.step.records.closed == [("files:hmis:site:", ())]


def test_a_file_that_may_not_be_read_fails_the_backup(tmp_path: Path) -> None:
    """An incomplete file set is no backup, and the message names no file."""
    site = Site(tmp_path)
    site.root.mkdir()
    (site.root / "client letter").write_text("x")
    (site.root / "client letter").chmod(0)

    def capture() -> None:
        with pytest.raises(Failed) as caught:
            site.capture()
        assert "client" not in str(caught.value)
        assert "run dr as a user who may read all of it" in str(caught.value)
        assert site.written.void == ["site-00"]

    reachable(tmp_path)
    os.chown(site.root / "client letter", 0, 0)
    as_ordinary_user(capture)


def test_a_missing_folder_is_unreachable(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with pytest.raises(Unreachable) as caught:
        site.capture()
    assert str(caught.value) == (
        f"file set 'site': its folder {site.root} cannot be opened (No such file or directory)\n"
        "   HINT: is `path` of the source right, is it mounted, and may dr read it?"
    )


def test_a_stopped_capture_is_void(site: Site) -> None:
    site.during = site.step.stop.set
    with pytest.raises(Stopped):
        site.capture()
    assert site.written.void == ["site-00"]


def test_an_ordinary_user_can_back_up_and_drill(tmp_path: Path) -> None:
    """Without root: everything but owners is proven, and that they are not is listed."""
    reachable(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, ORDINARY, ORDINARY)

    def drill() -> None:
        site = Site(home)
        build(site.root)
        site.capture()
        site.restore()
        result = site.check()
        assert result.differences == (), result.differences
        assert result.passed
        assert {one.kind for one in result.unproven} == {"owner"}

    as_ordinary_user(drill)


def test_a_set_of_root_is_drilled_by_an_ordinary_user(site: Site) -> None:
    """Owners, privileged attributes and devices are listed as unproven; contents are proven all the same."""
    site.capture()
    reachable(site.home)
    os.chown(site.home, ORDINARY, ORDINARY)

    def drill() -> None:
        site.restore()
        result = site.check()
        assert result.differences == (), result.differences
        assert {one.kind for one in result.unproven} == {"owner", "device", "xattrs"}

    as_ordinary_user(drill)


def test_a_place_that_is_not_fresh_is_refused(site: Site) -> None:
    """A restore never unpacks over something."""
    site.capture()
    site.restore()
    with pytest.raises(Refused, match="is there already"):
        site.restore()


def test_a_truncated_artifact_fails_the_restore(site: Site) -> None:
    site.capture()
    sink = site.written.whole["site-00"][0]
    del sink.data[len(sink.data) // 2 :]
    with pytest.raises(Failed, match="was not unpacked whole"):
        site.restore()


def test_a_damaged_part_is_said_as_such(site: Site) -> None:
    """What the reader raises goes through, and nothing is left running."""
    site.capture()
    (reader,) = site.readers()

    class Broken:
        artifact, index = reader.artifact, reader.index

        def stream(self) -> object:
            raise Damaged("site-00/000000.zst.age: changed")

    with pytest.raises(Damaged, match="site-00/000000"):
        files.SOURCE.restore([Broken()], site.host, site.step.as_context())  # type: ignore[list-item, arg-type]


# ---------------------------------------------------------------- the check finds every difference


def _swap_contents(root: Path) -> None:
    _keeping_times(root / "plain.txt", lambda: (root / "plain.txt").write_text("jello"))


def _keeping_times(path: Path, act: Callable[[], object]) -> None:
    at = path.stat()
    act()
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))


def _unlinked(root: Path) -> None:
    at = (root / "folder").stat()
    (root / "folder" / "same").unlink()
    shutil.copy2(root / "plain.txt", root / "folder" / "same")
    os.chown(root / "folder" / "same", 0, 0)
    os.setxattr(root / "folder" / "same", "trusted.note", b"privileged")
    os.utime(root / "folder", ns=(at.st_atime_ns, at.st_mtime_ns))


def _extra(root: Path) -> None:
    _keeping_times(root / "folder", (root / "folder" / "extra").touch)


def _missing(root: Path) -> None:
    _keeping_times(root / "folder" / "inner", (root / "folder" / "inner" / "deep.bin").unlink)


def _relinked(root: Path) -> None:
    at = (root / "link").lstat()
    (root / "link").unlink()
    (root / "link").symlink_to("secret")
    os.chown(root / "link", at.st_uid, at.st_gid, follow_symlinks=False)
    os.utime(root / "link", ns=(at.st_atime_ns, at.st_mtime_ns), follow_symlinks=False)
    os.utime(root, ns=(at.st_atime_ns, 5))


DEEP = b"folder/inner/deep.bin"
CHANGES: dict[str, tuple[Callable[[Path], object], set[tuple[str, bytes, str]]]] = {
    "content": (_swap_contents, {("different", b"plain.txt", "content"), ("different", b"folder/same", "content")}),
    "mode": (lambda root: (root / "setuid").chmod(0o755), {("different", b"setuid", "mode")}),
    "owner": (lambda root: os.chown(root / "secret", 99, 2345), {("different", b"secret", "owner")}),
    "group": (lambda root: os.chown(root / "folder" / "inner", 0, 7), {("different", b"folder/inner", "group of users")}),
    "time": (lambda root: os.utime(root / "folder", ns=(1, 2)), {("different", b"folder", "mtime")}),
    "one nanosecond": (
        lambda root: os.utime(root / "folder" / "inner" / "deep.bin", ns=(1, 1_234_567_890_123_456_788)),
        {("different", DEEP, "mtime")},
    ),
    "size": (
        lambda root: _keeping_times(root / "sparse", lambda: os.truncate(root / "sparse", 80_000_001)),
        {("different", b"sparse", "size, content")},
    ),
    "attribute": (lambda root: os.setxattr(root / "folder", "user.note", b"other"), {("different", b"folder", "xattrs")}),
    "privileged": (
        lambda root: os.removexattr(root / "plain.txt", "trusted.note"),
        {("different", b"plain.txt", "privileged xattrs"), ("different", b"folder/same", "privileged xattrs")},
    ),
    "extra": (_extra, {("extra", b"folder/extra", "file")}),
    "missing": (_missing, {("missing", DEEP, "file")}),
    "hard link": (_unlinked, {("different", b"plain.txt", "hard links"), ("different", b"folder/same", "hard links")}),
    "link": (_relinked, {("different", b"link", "target"), ("different", b".", "mtime")}),
}


@pytest.mark.parametrize("what", list(CHANGES))
def test_every_difference_is_found_and_named_without_its_name(site: Site, what: str) -> None:
    """The proof's own proof: one thing changed after the restore turns the check red, and a keyed digest says which."""
    change, expected = CHANGES[what]
    site.capture()
    change(site.restore())
    result = site.check()
    assert not result.passed
    assert {(one.kind, one.name, one.detail) for one in result.differences} == {(k, name_for(p, KEY), d) for k, p, d in expected}
    assert "plain" not in result.model_dump_json() and "deep.bin" not in result.model_dump_json()


def test_a_set_without_files_proves_nothing(site: Site) -> None:
    """Zero examined is a failure, whatever else."""
    result = site.check()
    assert (result.passed, result.examined, result.summary) == (False, 0, "no file was compared")
