"""Small files of the home, written whole or not at all."""

from pathlib import Path

import pytest

from dr.disk import replace_file, write_new

pytestmark = pytest.mark.unit


def test_what_could_not_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """A disk that is full would otherwise be made fuller by every command that tries."""
    (tmp_path / "there" / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="there"):
        replace_file(tmp_path / "there", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_is_replaced_whole_and_a_new_one_never_takes_anothers_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_new(path, b"one")
    assert not write_new(path, b"two")
    assert path.read_bytes() == b"one"
    replace_file(path, b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
