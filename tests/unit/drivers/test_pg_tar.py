"""A logical backup's tar streams: the same bytes for the same file, and nothing that lands elsewhere."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from dr.drivers.postgres.tar import TarWriter, extract_dump, read_globals
from dr.errors import Damaged

pytestmark = pytest.mark.unit
HINT = "its bytes are as they were signed, so it was written wrong or by another program; restore another set"


def never() -> None:
    """Nobody stops this."""


def written(folder: Path, name: str) -> bytes:
    out = bytearray()
    tar = TarWriter(out.extend)
    tar.file(f"dump/{name}", folder / name, never)
    tar.close()
    return bytes(out)


def dump_of(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        first = tarfile.TarInfo("database.json")
        first.size = 14
        archive.addfile(first, io.BytesIO(b'{"name": "it"}'))
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_a_files_times_and_owner_do_not_change_its_bytes(tmp_path: Path) -> None:
    """An unchanged table is an unchanged part, though pg_dump writes its file anew each night."""
    (tmp_path / "12.dat").write_bytes(b"row\n" * 1000)
    first = written(tmp_path, "12.dat")
    os.utime(tmp_path / "12.dat", (1, 1))
    (tmp_path / "12.dat").chmod(0o644)
    assert written(tmp_path, "12.dat") == first


def test_what_was_written_comes_out_again(tmp_path: Path) -> None:
    """Sizes on both sides of a block, and none at all."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    out = bytearray()
    tar = TarWriter(out.extend)
    tar.data("database.json", b'{"name": "it"}')
    for name, size in {"toc.dat": 511, "1.dat": 512, "2.dat": 513, "3.dat": 0}.items():
        (tmp_path / "in" / name).write_bytes(os.urandom(size))
        tar.file(f"dump/{name}", tmp_path / "in" / name, never)
    tar.close()
    assert extract_dump(io.BytesIO(bytes(out)), tmp_path / "out", never) == {"name": "it"}
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {p.name: p.read_bytes() for p in (tmp_path / "in").iterdir()}
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "out").iterdir()} == {0o600}


HOSTILE = [
    member("../escape"),
    member("dump/../../escape"),
    member("/etc/escape"),
    member("dump/sub/escape"),
    member("dump/.."),
    member("dump/link", tarfile.SYMTYPE, "/etc/passwd"),
    member("dump/link", tarfile.LNKTYPE, "database.json"),
    member("dump/fifo", tarfile.FIFOTYPE),
    member("dump/disk", tarfile.BLKTYPE),
    member("dump", tarfile.DIRTYPE),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda m: f"{m.name}-{m.type.decode()}")
def test_only_flat_plain_files_are_taken(tmp_path: Path, hostile: tarfile.TarInfo) -> None:
    """Restored data is hostile: a member that points elsewhere is damage, and nothing is written outside."""
    with pytest.raises(Damaged) as caught:
        extract_dump(dump_of((hostile, b""), (member("dump/toc.dat"), b"toc")), tmp_path, never)
    assert caught.value.hint == HINT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.positive_control
def test_pythons_own_extraction_would_write_outside(tmp_path: Path) -> None:
    """What the guard above is for."""
    inner = tmp_path / "inner"
    inner.mkdir()
    with tarfile.open(fileobj=dump_of((member("../escape"), b"x"))) as archive:
        archive.extractall(inner, filter="fully_trusted")
    assert (tmp_path / "escape").exists()


def test_a_name_twice_is_damage(tmp_path: Path) -> None:
    """A second table of contents cannot replace the first."""
    with pytest.raises(Damaged):
        extract_dump(dump_of((member("dump/toc.dat"), b"a"), (member("dump/toc.dat"), b"b")), tmp_path, never)


def test_a_dump_without_its_table_of_contents_is_damage(tmp_path: Path) -> None:
    """A dump that ended early is noticed before pg_restore sees it."""
    with pytest.raises(Damaged) as caught:
        extract_dump(dump_of((member("dump/1.dat"), b"a")), tmp_path, never)
    assert caught.value.message == "the artifact holds no whole dump: its table of contents is missing"


@pytest.mark.parametrize("kept", [0, 100, 512, 1024, 1600, 2048 + 100])
def test_a_stream_that_ends_early_is_damage(tmp_path: Path, kept: int) -> None:
    """Wherever it is cut."""
    whole = dump_of((member("dump/toc.dat"), b"x" * 700)).getvalue()
    with pytest.raises(Damaged):
        extract_dump(io.BytesIO(whole[:kept]), tmp_path, never)


def test_globals_hold_two_members(tmp_path: Path) -> None:
    """The cluster's description and its SQL; anything more is not ours."""
    out = bytearray()
    tar = TarWriter(out.extend)
    tar.data("cluster.json", b"{}")
    tar.data("globals.sql", b"SELECT 1;")
    assert read_globals(io.BytesIO(bytes(out) + bytes(1024))) == ({}, b"SELECT 1;")
    tar.data("more", b"")
    with pytest.raises(Damaged):
        read_globals(io.BytesIO(bytes(out) + bytes(1024)))


def test_a_file_that_shrinks_while_it_is_read_is_damage(tmp_path: Path) -> None:
    """What the head of a member promised must follow: a short file would shift everything behind it."""
    path = tmp_path / "1.dat"
    path.touch()
    os.truncate(path, 9 * 2**20)
    with pytest.raises(Damaged, match=r"a file of the dump lost .* bytes while it was read"):
        TarWriter(lambda _: None).file("dump/1.dat", path, lambda: os.truncate(path, 2**20))


def described_by(name: str, data: bytes) -> io.BytesIO:
    out = bytearray()
    tar = TarWriter(out.extend)
    tar.data(name, data)
    tar.data("dump/toc.dat", b"toc")
    tar.close()
    return io.BytesIO(bytes(out))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("dump/toc.dat", b"{}", "does not begin with database.json"),
        ("database.json", b"{", "database.json cannot be read"),
        ("database.json", b"[1]", "database.json cannot be read"),
        ("database.json", b'{"long": "' + b" " * 2**26 + b'"}', "absurdly long"),
    ],
    ids=["another-first", "no-json", "no-object", "long"],
)
def test_what_describes_nothing_is_damage(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    """The description is read into memory and believed: it comes first, is small, and is an object."""
    with pytest.raises(Damaged, match=why):
        extract_dump(described_by(name, data), tmp_path, never)


def test_a_broken_member_is_damage(tmp_path: Path) -> None:
    """A long name whose own header does not follow."""
    whole = bytearray(dump_of((member("dump/toc.dat"), b"toc"), (member("dump/" + "9" * 120 + ".dat"), b"x")).getvalue())
    behind = whole.index(b"dump/" + b"9" * 120) + 512
    whole[behind : behind + 512] = b"\xff" * 512
    with pytest.raises(Damaged, match="tar stream is broken"):
        extract_dump(io.BytesIO(bytes(whole)), tmp_path, never)
