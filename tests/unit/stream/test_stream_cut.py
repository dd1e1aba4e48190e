"""The tar cutter: nothing is lost, nothing shifts, nothing is too big, and what is not tar is refused."""

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.errors import Failed
from dr.stream.cut import TarCutter
from tests.support.stream_tars import noise, tar_of

pytestmark = pytest.mark.unit

LIMIT, BIG = 32768, 8192
"""As the real ones, in the small."""

names = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="/\\"), min_size=1, max_size=180)
trees = st.dictionaries(names, st.integers(0, 40_000).map(lambda size: noise(size, size)), max_size=12)
forms = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def cut(stream: bytes, *, step: int = 10_000_000, limit: int = LIMIT, big: int = BIG) -> list[bytes]:
    cutter = TarCutter(limit=limit, big=big)
    parts = [bytes(part) for at in range(0, len(stream), step) for part in cutter.feed(stream[at : at + step])]
    return parts + [bytes(part) for part in cutter.finish()]


@given(trees, forms, st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_parts_joined_are_the_stream_and_never_too_big(files: dict[str, bytes], form: int, step: int) -> None:
    """Restoring with standard tools rests on it; and how the source happens to write its bytes must not move a cut."""
    stream = tar_of(files, form=form)
    parts = cut(stream, step=step)
    assert b"".join(parts) == stream
    assert all(0 < len(part) <= LIMIT for part in parts)
    assert parts == cut(stream)


def test_one_new_file_moves_few_parts() -> None:
    """Reuse would be worth nothing if a new file changed every later part."""
    files = {f"client-{i:05}": noise(700 + i % 900, i) for i in range(600)}
    before = set(cut(tar_of(files)))
    added = dict(sorted({**files, "client-00100a": noise(1000, 1)}.items()))
    after = cut(tar_of(added))
    assert len(before) > 60
    assert len([part for part in after if part not in before]) <= 4


@pytest.mark.positive_control
def test_cuts_by_size_alone_would_move_them_all() -> None:
    """The twin: with the members' own draw switched off (a big so big that it never falls), the new file changes every later part."""
    files = {f"client-{i:05}": noise(700 + i % 900, i) for i in range(600)}
    before = set(cut(tar_of(files), big=2**60))
    added = dict(sorted({**files, "client-00100a": noise(1000, 1)}.items()))
    after = cut(tar_of(added), big=2**60)
    assert len([part for part in after if part not in before]) > len(after) / 2


def test_a_big_file_has_parts_of_its_own_that_its_neighbours_cannot_change() -> None:
    """A table's dump that did not change is reused, whatever was written before it."""
    big = noise(100_000, 1)
    one = cut(tar_of({"a": b"1", "big": big, "z": b"2"}))
    other = cut(tar_of({"a": b"another", "a2": noise(3000, 2), "big": big, "z": b"3"}))
    assert len(set(one) & set(other)) == len(one) - 2
    assert all(LIMIT // 4 <= len(part) <= LIMIT for part in one[1:-2])
    assert sum(len(part) for part in one[1:-1]) == 512 + 100_352


def table(rows: int) -> list[bytes]:
    """As COPY writes them."""
    return [f"{number}\t{noise(8, number).hex()}\t2026-11-22\n".encode() for number in range(rows)]


def test_an_inserted_row_moves_no_later_cut() -> None:
    """Else one new client near the top of a table would be the whole table's bytes again, every night, over every link."""
    rows = table(8000)
    before = cut(tar_of({"table.dat": b"".join(rows)}))
    after = cut(tar_of({"table.dat": b"".join([*rows[:50], b"new\trow\t2026-11-23\n", *rows[50:]])}))
    assert len(before) > 8
    assert len(set(after) - set(before)) <= 2  # the one it is in, and the last, which bears the archive's own end
    assert all(part.endswith(b"\n") for part in before[:-2])


def moved(rows: list[bytes], begin: int, count: int) -> list[bytes]:
    """As PostgreSQL updates them: they leave their place, and their new state comes at the end."""
    return [*rows[:begin], *rows[begin + count :], *(row.replace(b"2026-11-22", b"2026-11-23") for row in rows[begin : begin + count])]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows[:2500], *table(600)[::-1], *rows[2500:]],
        lambda rows: [*rows[:2500], *table(5000)[::-1], *rows[2500:]],
        lambda rows: [*rows[:2500], *rows[2750:]],
        lambda rows: moved(rows, 2500, 250),
    ],
    ids=["600 rows inserted", "5000 rows inserted", "1 % deleted", "1 % updated"],
)
def test_cuts_come_together_again_however_many_rows_were_changed(change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The rows that were not touched are the same bytes in the same parts, but for a few parts about each change."""
    rows = table(25_000)
    before, after = (cut(tar_of({"table.dat": b"".join(one)})) for one in (rows, change(rows)))
    same = sum(len(row) for row in set(rows) & set(change(rows)))
    known = set(before)
    kept = sum(len(part) for part in after if part in known)
    assert same - kept < 0.15 * sum(map(len, before))


@pytest.mark.positive_control
def test_cut_at_a_fixed_size_it_would_move_them_all() -> None:
    """The twin: the same tables, cut where a part is full (which is what data without a line's end comes to)."""
    rows = [row.replace(b"\n", b" ") for row in table(8000)]
    before = cut(tar_of({"table.dat": b"".join(rows)}))
    after = cut(tar_of({"table.dat": b"".join([*rows[:50], b"new row 2026-11-23 ", *rows[50:]])}))
    assert len(set(after) - set(before)) >= len(before) - 1


@pytest.mark.parametrize("data", [b"\n" * 200_000, b"x\n" * 100_000, noise(100, 1) * 2000, b"\0" * 200_000])
def test_data_whose_lines_are_all_alike_is_cut_all_the_same(data: bytes) -> None:
    """No part is empty or too big, and nothing is lost, whatever the lines are."""
    stream = tar_of({"table.dat": data})
    parts = cut(stream)
    assert b"".join(parts) == stream
    assert all(0 < len(part) <= LIMIT for part in parts)


def test_empty_lines_do_not_draw_a_cut() -> None:
    """They are everywhere, in text and in bytes that are no rows: every part would be as small as it may be."""
    stream = tar_of({"text": b"\n".join(table(20_000))})
    parts = cut(stream)
    assert len(stream) / len(parts) > LIMIT * 0.4


def test_members_bigger_than_octal_can_say() -> None:
    """Base-256 and pax sizes above 8 GiB are read as they are: the member's end is not looked for too early."""
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        member = tarfile.TarInfo("huge")
        member.size = 9 * 2**30
        cutter = TarCutter(limit=2**20, big=2**18)
        list(cutter.feed(member.tobuf(form)))
        zeros = bytes(2**20)
        assert all(bytes(part[-512:]) == zeros[:512] for _ in range(20) for part in cutter.feed(zeros))
        with pytest.raises(Failed, match="before its tar archive does"):
            list(cutter.finish())


def test_links_devices_and_folders_have_no_data_whatever_their_size_says() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"a-{kind.decode()}")
            member.type, member.linkname, member.size = kind, "target", 12345
            archive.addfile(member)
    assert b"".join(cut(stream.getvalue())) == stream.getvalue()


@pytest.mark.parametrize("form", ["gnu", "pax"])
@pytest.mark.parametrize("sparse", [[], ["--sparse"]], ids=["plain", "sparse"])
def test_what_gnu_tar_writes(tmp_path: Path, form: str, sparse: list[str]) -> None:
    """Sparse files (old GNU maps of many blocks, pax 1.0), long names, hard links, hostile names."""
    _awkward(tmp_path / "in")
    command = ["tar", "-c", f"--format={form}", *sparse, "-C", str(tmp_path / "in"), "."]
    stream = subprocess.run(command, check=True, capture_output=True).stdout
    parts = cut(stream)
    assert b"".join(parts) == stream
    assert len(parts) > 3


def _awkward(place: Path) -> None:
    place.mkdir()
    with (place / "holes").open("wb") as file:
        for at in range(80):
            file.seek(at * 65536)
            file.write(b"x" * 5000)
    (place / ("long-" * 40)).write_bytes(noise(20_000, 3))
    (place / "new\nline \\ *'\"").write_text("1")
    (place / "hard").hardlink_to(place / "holes")
    (place / "soft").symlink_to("nowhere")


def refused(pieces: Iterable[bytes]) -> str:
    cutter = TarCutter()
    with pytest.raises(Failed) as problem:
        for piece in pieces:
            list(cutter.feed(piece))
        list(cutter.finish())
    return problem.value.message


def test_what_is_not_tar_is_refused() -> None:
    good = tar_of({"a": b"x" * 1000})
    assert refused([b"PGDMP" + bytes(5000)]) == "the stream is not a tar archive: a header's checksum does not fit, about byte 0"
    assert refused([]) == "the stream ends after 0 bytes, before its tar archive does"
    assert refused([good[:1500]]) == "the stream ends after 1500 bytes, before its tar archive does"
    assert refused([good[:2048]]) == "the stream ends after 2048 bytes, before its tar archive does"
    assert refused([good, b"more"]) == f"the stream goes on after the end of its tar archive, about byte {len(good)}"


def test_a_name_never_appears_in_an_error() -> None:
    """A file's name can name a client."""
    broken = bytearray(tar_of({"Jane-Doe": b"1"}))
    broken[124] = ord("9")
    assert "Jane" not in refused([bytes(broken)])
