"""A stored home's tar: only plain files, each once, all of them below the place where it is laid out."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from dr.errors import Damaged
from dr.stream.homepack import unpack
from tests.support.tar_members import CONTENT, device, file, hard_link, link

pytestmark = pytest.mark.unit


def tar_of(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for one in members:
            archive.addfile(one, io.BytesIO(CONTENT) if one.isreg() else None)
    return out.getvalue()


@pytest.mark.parametrize(
    "member",
    [link("keys/out", "/etc/passwd"), hard_link("keys/out", "inventory/a.yaml"), device("keys/disk", 1, 3)],
    ids=["link", "hard-link", "device"],
)
def test_what_is_no_plain_file_is_never_laid_out(tmp_path: Path, member: tarfile.TarInfo) -> None:
    """A link is how a later file would leave the place."""
    with pytest.raises(Damaged, match="which is no plain file"):
        unpack([tar_of(file("inventory/a.yaml"), member)], tmp_path)


@pytest.mark.parametrize("name", ["/etc/cron.d/evil", "../evil", "inventory/../../evil", "./a.yaml"])
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    """Whoever signed it: a home is laid out below its place, or not at all."""
    (tmp_path / "home").mkdir()
    with pytest.raises(Damaged, match="which leads out of it"):
        unpack([tar_of(file(name))], tmp_path / "home")
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


def test_a_name_comes_once(tmp_path: Path) -> None:
    """A second inventory does not replace the first."""
    with pytest.raises(Damaged, match=r"'inventory/a\.yaml' twice"):
        unpack([tar_of(file("inventory/a.yaml"), file("inventory/a.yaml"))], tmp_path)


def test_what_is_no_tar_is_damage(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="is no tar stream"):
        unpack([os.urandom(2048)], tmp_path)


def test_what_is_plain_comes_out_private(tmp_path: Path) -> None:
    """The twin: the same members, honest."""
    assert unpack([tar_of(file("inventory/a.yaml"), file("keys/b"))], tmp_path) == ["inventory/a.yaml", "keys/b"]
    assert (tmp_path / "keys" / "b").read_bytes() == CONTENT
    assert (tmp_path / "keys" / "b").stat().st_mode & 0o777 == 0o600
