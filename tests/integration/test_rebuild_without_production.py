"""The catalog is lost and production is dead: what the stored homes know of it keeps the guard working."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dr.app.rebuild import Made, Old, rebuild
from dr.catalog.catalog import open_catalog
from dr.model.base import HostName
from dr.model.record import ProductionFacts
from tests.support.home_world import NIGHT, HomeWorld, tar_with

pytestmark = pytest.mark.integration

FACTS = ProductionFacts(host=HostName("production"), recorded=NIGHT, data_directory="/srv/pg", device=1, inode=2, port=5432)


@pytest.fixture
def world(tmp_path: Path) -> HomeWorld:
    """Whose catalog knew production when its home was stored, and is gone now."""
    made = HomeWorld(tmp_path)
    made.catalog.record_production(FACTS)
    made.night()
    return made


def lose_and_rebuild(world: HomeWorld) -> tuple[Made, Old]:
    world.catalog.close()
    for path in (world.home / "state").glob("catalog.db*"):
        path.unlink()
    return rebuild(world.home, world.clock, lambda _: None)


def production(world: HomeWorld) -> list[ProductionFacts]:
    with open_catalog(world.home / "state" / "catalog.db", world.clock) as records:
        return records.production()


def test_productions_facts_come_back_from_the_newest_stored_home(world: HomeWorld) -> None:
    """Nothing of it stays laid out, and it is said where they came from."""
    made, old = lose_and_rebuild(world)
    assert production(world) == [FACTS]
    assert "bank-vault" in old.origin or "fileserver" in old.origin
    assert not any("stored home" in problem for problem in made.problems)
    assert not (world.home / "state" / "rebuild-home").exists()


def test_a_home_that_was_stored_after_the_loss_hides_no_older_one(world: HomeWorld) -> None:
    """A night in between, with the new and empty catalog, stores a home that knows nothing of production."""
    world.catalog.close()
    for path in (world.home / "state").glob("catalog.db*"):
        path.unlink()
    world.catalog = open_catalog(world.home / "state" / "catalog.db", world.clock)
    world.night()
    lose_and_rebuild(world)
    assert production(world) == [FACTS]


def test_a_strangers_home_is_not_believed(world: HomeWorld) -> None:
    """It is newer and whole, but no trusted key signed it: it is named, passed over, and the older one counts."""
    world.plant(tar_with(**{"state/catalog.db": b"nothing"}), key=Ed25519PrivateKey.generate())
    made, _ = lose_and_rebuild(world)
    assert any("does not trust" in problem for problem in made.problems)
    assert production(world) == [FACTS]


def test_without_the_drill_key_it_is_said_and_nothing_is_made_up(world: HomeWorld) -> None:
    """The guard then refuses, as before."""
    (world.home / "keys" / "drill.agekey").unlink()
    made, old = lose_and_rebuild(world)
    assert production(world) == []
    assert old.origin == ""
    assert any("is not used" in problem for problem in made.problems)


@pytest.mark.positive_control
def test_a_catalog_that_still_knows_production_is_asked_first(world: HomeWorld) -> None:
    """The stored home is only for when there is nothing better."""
    world.catalog.close()
    _, old = rebuild(world.home, world.clock, lambda _: None)
    assert old.origin == ""
    assert production(world) == [FACTS]
