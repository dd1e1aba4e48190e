"""The backup where a tier could cost the other one its copy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import DrError
from tests.support.action_world import ONLINE, World

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


class Killed(BaseException):
    """The process died."""


def die() -> None:
    raise Killed


def test_a_vault_that_is_away_does_not_cost_the_online_copy(world: World) -> None:
    """Each tier commits on its own; the missing copy is a finding, and `copy` makes it when the vault is back."""
    (world.place / "vault").rename(world.place / "away")
    made = world.backup()
    assert (made["copies"], list(made["failed"])) == (["online"], ["vault"])
    assert world.findings() == [f"missing-copy:hmis:vault:{made['set']}"]
    (world.place / "away").rename(world.place / "vault")
    assert world.copy()["copied"] == [made["set"]]
    assert world.findings() == []


def test_a_vault_that_went_away_in_a_crash_does_not_fail_the_resumed_backup(world: World) -> None:
    """The online copy that the first attempt published is adopted; nothing is read again."""
    world.at["between-commits"] = die
    with pytest.raises(Killed):
        world.backup("nightly-1")
    world.at.clear()
    (world.place / "vault").rename(world.place / "away")
    made = world.backup("nightly-1")
    assert (made["adopted"], made["copies"], list(made["failed"])) == (True, ["online"], ["vault"])
    assert world.source.read == 1


def test_with_no_repository_at_all_the_backup_fails(world: World) -> None:
    (world.place / "vault").rename(world.place / "away")
    (world.place / "online").rename(world.place / "away-too")
    with pytest.raises(DrError):
        world.backup()


def test_a_vault_that_goes_away_while_a_resumed_backup_copies_costs_its_own_copy_only(world: World) -> None:
    """Whatever stops the copy to one tier, the other one's is on record."""
    world.at["between-commits"] = die
    with pytest.raises(Killed):
        world.backup("nightly-1")
    world.at.clear()
    vault = world.place / "vault" / "sets"
    if vault.exists():
        shutil.rmtree(vault)
    vault.symlink_to(world.place / "nowhere")
    made = world.backup("nightly-1")
    assert (made["adopted"], made["copies"], list(made["failed"])) == (True, ["online"], ["vault"])
    assert made["set"] in world.known(ONLINE)
