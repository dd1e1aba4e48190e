"""`dr redundancy` by what is on record: a look that is too old, or that was never made, is not whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from dr.app import App
from dr.app.redundancy import not_known, things, unwatched
from dr.catalog.catalog import open_catalog
from dr.cli import cli
from dr.clock import FixedClock, SystemClock
from dr.config.init import init_home
from dr.errors import ConfigError
from dr.model.redundancy import Half, KeptReading, judged

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)
TWO = """\
redundancy:
  raid: {kind: mdraid, host: production, stale_after: 30m, title: the server's disks}
  power: {kind: ups-nut}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    init_home(place, "Harbor", "America/Chicago")
    (place / "inventory" / "redundancy.yaml").write_text(TWO)
    return place


def kept(home: Path, at: datetime, *halves: Half) -> None:
    with open_catalog(home / "state" / "catalog.db", SystemClock()) as catalog:
        catalog.record_reading(KeptReading(probe="raid", at=at, since=at, reading=judged(halves)))


def test_a_reading_is_whole_only_while_it_is_young(home: Path) -> None:
    """Half an hour after the last look nobody knows; nor where a clock that ran ahead dated it."""
    kept(home, NOW, Half(name="md0 sda1", state="whole"), Half(name="md0 sdb1", state="whole"))
    clock = FixedClock(NOW)
    app = App.open(str(home), clock=clock)
    for after, stands in (
        (timedelta(), "whole"),
        (timedelta(minutes=29), "whole"),
        (timedelta(minutes=31), "stale"),
        (-timedelta(hours=1), "stale"),
    ):
        clock.move_to(NOW + after)
        raid, power = things(app)
        assert (raid.stands, raid.whole, power.stands, power.whole) == (stands, stands == "whole", "never looked at", False)
    clock.move_to(NOW + timedelta(hours=3))
    assert not_known(app) == [
        "never looked at: power; whether one half is lost, nobody knows: dr run watch",
        "raid was last looked at 3 hours ago: how it stands now, nobody knows: dr redundancy --look",
    ]


def test_that_nothing_looks_by_itself_is_said(home: Path) -> None:
    """Until the schedule of the watch is switched on."""
    said = "nothing looks by itself: take the # from `schedule` in runbooks/watch.yaml, then: dr schedule install"
    assert unwatched(App.open(str(home))) == said
    book = home / "runbooks" / "watch.yaml"
    whole = book.read_text()
    book.write_text(whole.replace("# schedule:", "schedule:"))
    assert unwatched(App.open(str(home))) == ""
    book.write_text(whole)


def test_a_person_sees_which_half_is_lost(home: Path) -> None:
    """Each thing, its halves, since when; exit code 1, since not all of it is whole."""
    kept(home, datetime.now(UTC), Half(name="md0 sda1", state="whole"), Half(name="md0 sdb1", state="lost", words="removed"))
    done = CliRunner().invoke(cli, ["--home", str(home), "redundancy"])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[1].split()[:8] == ["raid", "mdraid", "production", "▲", "DEGRADED", "1", "of", "2"]
    assert "raid (the server's disks)" in lines
    assert "  ✖ md0 sdb1: lost, removed" in lines
    assert "▲ NEVER LOOKED AT" in lines[2]


def test_whole_is_said_in_small_letters_and_ends_well(home: Path) -> None:
    """Nothing to explain, nothing to do; exit code 0, for scripts."""
    kept(home, datetime.now(UTC), Half(name="md0 sda1", state="whole"), Half(name="md0 sdb1", state="whole"))
    done = CliRunner().invoke(cli, ["--home", str(home), "redundancy", "raid"])
    assert done.exit_code == 0
    assert done.output.splitlines()[1].split()[3:8] == ["●", "whole", "2", "of", "2"]


def test_a_name_that_is_none_is_told_with_those_that_are(home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        things(App.open(str(home)), ["riad"])
    assert str(caught.value) == "inventory/redundancy.yaml has no 'riad'\n   HINT: it has raid, power"
