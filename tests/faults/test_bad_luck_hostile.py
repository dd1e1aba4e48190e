"""A set that we signed ourselves, by mistake or by a thief's hand, whose file set would do harm: it stays in its place and is red."""

import os
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dr.errors import Failed
from tests.support.host_files import Site
from tests.support.tar_members import appended, device, file, folder, hard_link, hole, link

pytestmark = pytest.mark.fault

UNPACKED = "file set 'site' was not unpacked whole (tar ended with exit code 2)"
OUTSIDE = "{outside}"
"""In a member: the folder beside the standby, which nothing may touch."""

HOSTILE: Mapping[str, tuple[list[tarfile.TarInfo], str]] = {
    "a path that climbs out": ([file("./../../../outside/planted")], UNPACKED),
    "a path that climbs from within": ([file("./folder/../../../../outside/planted")], UNPACKED),
    "an absolute name": ([file(f"{OUTSIDE}/planted")], ""),
    "an absolute name of a file that is there": ([file(f"{OUTSIDE}/precious")], ""),
    "a link out, and a file through it": ([link("./way", OUTSIDE), file("./way/planted")], UNPACKED),
    "a relative link out, and a file through it": ([link("./way", "../../../outside"), file("./way/planted")], UNPACKED),
    "a chain of links, and a file through it": (
        [link("./one", "two"), link("./two", "three"), link("./three", OUTSIDE), file("./one/planted")],
        UNPACKED,
    ),
    "a link to a file, and a file of its name": ([link("./way", f"{OUTSIDE}/precious"), file("./way")], ""),
    "a hard link to a file outside": ([hard_link("./way", f"{OUTSIDE}/precious")], UNPACKED),
    "a hard link through a link": ([link("./way", OUTSIDE), hard_link("./got", "./way/precious"), file("./got")], UNPACKED),
    "a folder in a link's place": ([link("./way", OUTSIDE), folder("./way/")], UNPACKED),
    "a disk": ([device("./sda", 8, 0)], "" if os.geteuid() == 0 else UNPACKED),
    "a name twice": ([file("./plain.txt")], ""),
    "a terabyte of nothing": ([hole("./bomb", 2**40)], ""),
    "a link that leads out": ([link("./way", OUTSIDE)], ""),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "home")
    (made.root / "folder").mkdir(parents=True)
    (made.root / "plain.txt").write_text("hello")
    (tmp_path / "home" / "outside").mkdir()
    (tmp_path / "home" / "outside" / "precious").write_text("mine")
    (tmp_path / "home" / "outside").chmod(0o751)
    made.capture()
    yield made


def outside(site: Site) -> tuple[int, dict[str, tuple[bytes, int]]]:
    """All that may not change: modes, contents and how many names each file has."""
    folder = site.home / "outside"
    return folder.stat().st_mode, {p.name: (p.read_bytes(), p.stat().st_nlink) for p in folder.iterdir()}


def poison(site: Site, members: list[tarfile.TarInfo]) -> None:
    data = site.written.whole["site-00"][0].data
    data[:] = appended(bytes(data), members, {OUTSIDE: str(site.home / "outside")})


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_set_harms_nothing_and_is_red(site: Site, name: str) -> None:
    """Whatever its members say, nothing outside the claimed place is made, changed, linked or opened up; and it never passes."""
    members, refusal = HOSTILE[name]
    before = outside(site)
    poison(site, members)
    began = time.monotonic()
    if refusal:
        with pytest.raises(Failed) as problem:
            site.restore()
        assert problem.value.message == refusal
    else:
        site.restore()
        result = site.check()
        assert not result.passed
        assert result.differences
    assert outside(site) == before
    assert time.monotonic() - began < 10
    used = sum(p.lstat().st_blocks * 512 for p in (site.home / "place").rglob("*") if not p.is_symlink())
    assert used < 10 * 2**20


@pytest.mark.positive_control
def test_an_honest_set_passes(site: Site) -> None:
    """The twin: the same set with nothing added to it is green, so that it is the hostile member that is found."""
    poison(site, [])
    site.restore()
    assert site.check().passed


@pytest.mark.positive_control
@pytest.mark.needs("tar")
def test_a_tar_that_believes_names_writes_outside(site: Site) -> None:
    """The twin: the same bytes, unpacked by a tar that was told to believe names."""
    poison(site, [file(f"{OUTSIDE}/planted")])
    data = bytes(site.written.whole["site-00"][0].data)
    into = site.home / "into"
    into.mkdir()
    subprocess.run(["tar", "-x", "-P", "-f", "-", "-C", str(into)], input=data, check=True)
    assert (site.home / "outside" / "planted").exists()
