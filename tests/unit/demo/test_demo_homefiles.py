"""The demo's home: a real one, pointed at the demo's own places."""

import stat
from pathlib import Path

import pytest

from dr.demo import homefiles
from dr.demo.homefiles import Remembered
from dr.errors import Refused

pytestmark = pytest.mark.unit


def test_the_home_names_the_demos_places_and_ports(tmp_path: Path) -> None:
    """Nothing of the example's own places is left, or the demo would read /srv of the machine it runs on."""
    homefiles.make_home(tmp_path / "home")
    homefiles.write_hosts(tmp_path / "home", Remembered(5001, 5002))
    inventory = {path.name: path.read_text() for path in (tmp_path / "home" / "inventory").glob("*.yaml")}
    assert "path: demo/site" in inventory["systems.yaml"]
    assert "path: demo/fileserver" in inventory["repositories.yaml"]
    assert "path: demo/bank-vault" in inventory["repositories.yaml"]
    assert "port: 5001" in inventory["hosts.yaml"]
    assert "port: 5002" in inventory["hosts.yaml"]
    assert not [name for name, text in inventory.items() if "/srv/" in text]


def test_making_it_again_keeps_what_a_person_changed(tmp_path: Path) -> None:
    """The demo's home is there to be tried, so a second demo must not undo what somebody wrote."""
    homefiles.make_home(tmp_path)
    systems = tmp_path / "inventory" / "systems.yaml"
    systems.write_text(systems.read_text() + "# mine\n")
    homefiles.make_home(tmp_path)
    assert systems.read_text().endswith("# mine\n")


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    """`dr demo --at ~` must not scatter files into somebody's own folder."""
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(Refused):
        homefiles.make_home(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.odt"]


def test_secrets_are_private_made_once_and_not_in_the_inventory(tmp_path: Path) -> None:
    """Promise 7, for the demo's own passwords."""
    homefiles.make_home(tmp_path)
    homefiles.write_hosts(tmp_path, Remembered(5001, 5002))
    word = homefiles.secret(tmp_path, homefiles.PRODUCTION_PASSWORD)
    assert word == homefiles.secret(tmp_path, homefiles.PRODUCTION_PASSWORD)
    assert stat.S_IMODE((tmp_path / homefiles.PRODUCTION_PASSWORD).stat().st_mode) == 0o600
    assert not [path for path in (tmp_path / "inventory").iterdir() if word in path.read_text()]


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    """A second demo finds the first one's server."""
    (tmp_path / "demo").mkdir()
    assert homefiles.recall(tmp_path) == Remembered()
    homefiles.remember(tmp_path, Remembered(1, 2, 3, 0.5))
    assert homefiles.recall(tmp_path) == Remembered(1, 2, 3, 0.5)
