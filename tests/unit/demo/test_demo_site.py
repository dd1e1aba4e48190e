"""The demo's files are the same every time, and as odd as a real file server's."""

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from dr.demo.site import fill_site

pytestmark = pytest.mark.unit


def fingerprint(site: Path) -> dict[bytes, tuple[int, int, str]]:
    """Path to mode, time and digest (of the content, or of where a link leads)."""
    found = {}
    root = os.fsencode(site)
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            if stat.S_ISREG(facts.st_mode):
                with open(path, "rb") as content:
                    digest = sha256(content.read()).hexdigest()
            else:
                digest = os.readlink(path).decode() if stat.S_ISLNK(facts.st_mode) else ""
            found[os.path.relpath(path, root)] = (facts.st_mode, int(facts.st_mtime), digest)
    return found


def test_the_same_seed_gives_the_same_site(tmp_path: Path) -> None:
    """Two machines' demos show the same thing; another seed gives other bytes."""
    fill_site(tmp_path / "a", size=400_000)
    fill_site(tmp_path / "b", size=400_000)
    fill_site(tmp_path / "c", size=400_000, seed=7)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "c")


def test_filling_again_changes_nothing_and_mends_what_is_wrong(tmp_path: Path) -> None:
    """A demo that was interrupted is made whole by the next one, and a whole one is left alone."""
    fill_site(tmp_path, size=400_000)
    whole = fingerprint(tmp_path)
    fill_site(tmp_path, size=400_000)
    assert fingerprint(tmp_path) == whole
    (tmp_path / "etc" / "hmis.ini").write_text("half")
    (tmp_path / "bin" / "nightly-export").unlink()
    fill_site(tmp_path, size=400_000)
    assert fingerprint(tmp_path) == whole


def test_the_site_is_as_large_and_as_odd_as_promised(tmp_path: Path) -> None:
    """At least 200 files and 50 MB, and one of each thing that a copy gets wrong."""
    count, size = fill_site(tmp_path)
    plain = [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_symlink()]
    assert len(plain) >= count >= 200
    assert sum(p.stat().st_size for p in plain) >= size >= 50_000_000
    assert os.readlink(tmp_path / "current") == "templates"
    assert not (tmp_path / "uploads" / "gone.pdf").exists()
    assert list((tmp_path / "spool").iterdir()) == []
    sparse = (tmp_path / "spool-index.dat").stat()
    assert sparse.st_blocks * 512 < sparse.st_size == 8 * 2**20 + 4
    assert (tmp_path / "exports" / "services-latest.csv").stat().st_nlink == 2
    assert stat.S_IMODE((tmp_path / "etc" / "session.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "bin" / "nightly-export").stat().st_mode) == 0o755
    names = set(os.listdir(os.fsencode(tmp_path / "uploads" / "inbox")))
    assert {b"--checkpoint=1", b"line\nbreak.txt", b"latin-1 caf\xe9.txt"} <= names
