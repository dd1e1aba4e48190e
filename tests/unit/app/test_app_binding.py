"""One state folder, one home: shared and copied ones are refused, moved and restored ones work on."""

import json
import shutil
from pathlib import Path

import pytest

from dr.app import init_home
from dr.app.binding import MARK, bind
from dr.app.home import App
from dr.errors import Refused

pytestmark = pytest.mark.unit


def make_home(place: Path) -> Path:
    (place / "state").mkdir(parents=True)
    (place / "inventory").mkdir()
    return place


def bound(home: Path) -> Path:
    bind(home)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return bound(make_home(tmp_path / "home"))


def named(home: Path) -> str:
    return str(json.loads((home / "state" / MARK).read_text())["home"])


def test_its_own_home_opens_it_again_and_again(home: Path) -> None:
    before = (home / "state" / MARK).read_bytes()
    bind(home)
    bind(home / ".." / home.name)
    assert (home / "state" / MARK).read_bytes() == before
    assert (home / "state" / MARK).stat().st_mode & 0o777 == 0o600


def test_a_link_to_anothers_state_is_refused(home: Path, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other")
    (other / "state").rmdir()
    (other / "state").symlink_to(home / "state")
    with pytest.raises(Refused) as caught:
        bind(other)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"{other}/state is the state of another home, {home}: two homes may not share one\n"
        f"   HINT: name that home (--home {home}), or give this one a state folder of its own: take the link {other}/state away"
    )
    bind(home)


def test_a_copy_beside_its_original_is_refused(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    with pytest.raises(Refused) as caught:
        bind(copy)
    assert str(caught.value) == (
        f"{copy} is a copy of the home {home}, which is still there: each would delete and scrub what the other counts on\n"
        f"   HINT: go on with that one (--home {home}); if this one is to go on instead, remove that one first, whole"
    )
    bind(home)
    shutil.rmtree(home)
    bind(copy)
    assert named(copy) == str(copy)


def test_a_home_that_was_moved_as_a_whole_works_on(home: Path, tmp_path: Path) -> None:
    """Also over a path that something else is at by now."""
    moved = home.rename(tmp_path / "elsewhere")
    home.mkdir()
    bind(moved)
    assert named(moved) == str(moved)
    bound(make_home(tmp_path / "home"))
    bind(moved)


def test_another_path_to_the_same_home_is_the_same_home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home)
    bind(tmp_path / "link")
    assert named(home) == str(home)


def test_a_state_on_another_disk_is_fine(tmp_path: Path) -> None:
    """A link by itself is no sharing."""
    home = make_home(tmp_path / "home")
    (home / "state").rename(tmp_path / "disk")
    (home / "state").symlink_to(tmp_path / "disk")
    bind(home)
    before = (tmp_path / "disk" / MARK).read_bytes()
    bind(home)
    assert (tmp_path / "disk" / MARK).read_bytes() == before


@pytest.mark.parametrize("spoilt", [b"{", b"[1]", b"\xff", b""])
def test_a_mark_that_cannot_be_read_is_refused_and_says_what_to_do(home: Path, spoilt: bytes) -> None:
    (home / "state" / MARK).write_bytes(spoilt)
    with pytest.raises(Refused) as caught:
        bind(home)
    assert caught.value.hint == "if no other home uses this folder, remove that file; the next command writes it anew"


def test_the_house_asks_before_it_touches_anything(tmp_path: Path) -> None:
    """Whatever is asked of a home, by whichever command; the original is not disturbed, and a moved one goes on."""
    home = tmp_path / "home"
    init_home(str(home), "Harbor", "America/Chicago")
    with App.open(str(home)).records as records:
        records.set_setting("who", "the first")
    shutil.copytree(home, tmp_path / "copy")
    with pytest.raises(Refused, match=f"{tmp_path}/copy is a copy of the home {home}"):
        App.open(str(tmp_path / "copy"))
    home.rename(tmp_path / "moved")
    with App.open(str(tmp_path / "moved")).records as records:
        assert records.setting("who") == "the first"


@pytest.mark.positive_control
def test_without_its_mark_a_copy_passes(home: Path, tmp_path: Path) -> None:
    """What refuses it is the mark: as when a home is brought back from a repository, which stores none."""
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns(MARK))
    bind(copy)
    assert named(copy) == str(copy)
