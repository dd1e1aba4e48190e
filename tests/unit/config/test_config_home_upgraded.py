"""`dr init` in a home that is there already: of an earlier version, or cut short."""

from pathlib import Path

import pytest

from dr.config.init import init_home

pytestmark = pytest.mark.unit


def test_a_home_of_an_earlier_version_stays_good(tmp_path: Path) -> None:
    """Its people have no skills: the example's duties beside them would stop every command of it, in the middle of an outage too."""
    home = tmp_path / "home"
    init_home(home, "Org", "UTC")
    for name in ("inventory/duties.yaml", "inventory/outages.yaml", "runbooks/outage.yaml"):
        (home / name).unlink()
    said = init_home(home, "Org", "UTC")
    assert said[0] == f"{home} is a home already; added: runbooks/outage.yaml."
    assert said[1].startswith("Not in its inventory/: duties.yaml, outages.yaml. It works without; ")
    assert not (home / "inventory" / "duties.yaml").exists()
    assert init_home(home, "Org", "UTC")[0] == f"{home} is a home already; nothing was changed."


def test_an_inventory_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = init_home(home, "Org", "UTC")
    for name in ("duties.yaml", "systems.yaml"):
        (home / "inventory" / name).unlink()
    assert init_home(home, "Org", "UTC") == first
    assert (home / "inventory" / "duties.yaml").exists()
