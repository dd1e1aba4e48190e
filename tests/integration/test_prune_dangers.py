"""What is decided by the catalog, when the catalog and the disks have come apart."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.actions import prune
from dr.catalog.catalog import open_catalog
from dr.model.backup import Tombstone
from dr.model.base import RunId, Seconds, canonical
from dr.model.inventory import RetentionPolicy
from dr.stream.layout import write_signature
from tests.support.action_world import DAY, HMIS, ONLINE, World
from tests.support.stream_keys import TestKeys

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


def test_the_last_proven_copy_stays_when_a_newer_one_is_gone_from_the_disk(world: World) -> None:
    """What the catalog says is not enough: a folder that somebody removed protects nothing."""
    world.retention = {"online": RetentionPolicy(keep_within=DAY)}
    older, newer, newest = world.night(), world.night(), world.night()
    world.prove(older, ONLINE)
    world.prove(newer, ONLINE)
    shutil.rmtree(world.folder("online", newer))
    world.prune()
    assert older in world.stored(world.online)
    assert newest in world.stored(world.online)
    assert world.known(ONLINE)[newer].damaged
    assert f"damaged:hmis:online:{newer}" in world.findings()


@pytest.mark.positive_control
def test_control_an_older_proven_copy_goes_when_the_newer_one_is_there(world: World) -> None:
    world.retention = {"online": RetentionPolicy(keep_within=DAY)}
    older, newer, _ = world.night(), world.night(), world.night()
    world.prove(older, ONLINE)
    world.prove(newer, ONLINE)
    world.prune()
    assert older not in world.stored(world.online)
    assert newer in world.stored(world.online)


def test_an_online_copy_stays_when_its_vault_twin_is_gone_from_the_disk(world: World) -> None:
    world.retention = {
        "online": RetentionPolicy(keep_last=1, requires_copy_in="vault"),
        "vault": RetentionPolicy(keep_within=Seconds(30 * DAY)),
    }
    first, _ = world.night(), world.night()
    shutil.rmtree(world.folder("vault", first))
    world.prune()
    assert first in world.stored(world.online)


def test_a_set_whose_run_died_before_it_was_recorded_is_found_by_the_next_prune(world: World) -> None:
    """Nobody resumes that run; the set would outlive every privacy limit and be chosen by nobody."""
    world.at["between-commits"] = die
    with pytest.raises(Killed):
        world.backup()
    world.at.clear()
    world.later(days=1)
    (lost,) = world.stored(world.online)
    assert world.known(ONLINE) == {}
    world.prune()
    assert world.known(ONLINE)[lost].level == "stored"
    world.verify("online", set_id=lost)
    assert world.known(ONLINE)[lost].level == "intact"


def test_a_prune_that_died_before_its_record_is_recorded_by_the_next_as_a_prune(world: World) -> None:
    """The tombstone says that it was no loss."""
    world.retention = {"online": RetentionPolicy(keep_last=1)}
    first, _ = world.night(), world.night()
    world.at["after-parts"] = die
    with pytest.raises(Killed):
        world.prune()
    world.at.clear()
    world.retention = {"online": RetentionPolicy(keep_last=9)}
    world.prune()
    assert first not in world.known(ONLINE)
    assert not [f for f in world.findings() if f.startswith("damaged:")]


def test_a_policy_that_shrank_while_expiry_was_off_still_needs_a_person(world: World) -> None:
    """The brake compares with the last policy that was carried out, not with one that nothing was deleted by."""
    world.retention = {"online": RetentionPolicy(keep_last=30)}
    sets = [world.night() for _ in range(3)]
    world.prune(confirmed=False)
    world.catalog.set_setting(prune.EXPIRY, "off")
    world.retention = {"online": RetentionPolicy(keep_last=2)}
    world.prune(confirmed=False)
    world.catalog.set_setting(prune.EXPIRY, "on")
    found = world.prune(confirmed=False)
    assert "shrank" in found["needs_person"]
    assert world.stored(world.online) == sets


def test_a_repository_that_left_the_inventory_stands_for_nothing(world: World) -> None:
    """That disk was carried away; its proven copy must not cost the one that is still here."""
    world.retention = {"online": RetentionPolicy(keep_within=DAY)}
    older, newer, _ = world.night(), world.night(), world.night()
    world.prove(older, ONLINE)
    world.prove(newer, ONLINE)
    world.named = ("vault",)
    assert [d for d in world.prune()["decisions"] if d["repository"] == "online"] == []
    assert {older, newer} <= set(world.stored(world.online))


def test_sets_of_runs_that_the_catalog_never_saw_turn_expiry_off(world: World) -> None:
    """The catalog was lost: its proofs too, so a new one may not decide what goes."""
    world.retention = {"online": RetentionPolicy(keep_last=1)}
    sets = [world.night() for _ in range(3)]
    world.catalog.close()
    for file in world.place.glob("catalog.db*"):
        file.unlink()
    world.catalog = open_catalog(world.place / "catalog.db", world.clock)
    sets.append(world.night())
    found = world.prune()
    assert found["frozen"]
    assert world.stored(world.online) == sets
    assert "rebuilt:hmis" in world.findings()


def test_a_tombstone_that_nobody_signed_hides_no_loss(world: World) -> None:
    first, _ = world.night(), world.night()
    shutil.rmtree(world.folder("online", first))
    traces = world.place / "online" / "tombstones" / "hmis"
    traces.mkdir(parents=True)
    copy = world.known(ONLINE)[first]
    forged = Tombstone(
        system=HMIS, set=first, manifest=copy.manifest, instant=copy.instant, removed=world.clock.now(), run=RunId("x"), rule="forged"
    )
    (traces / f"{first}.json").write_bytes(canonical(forged.to_facts()))
    (traces / f"{first}.sig").write_bytes(write_signature(TestKeys(seed="another").sign(canonical(forged.to_facts()))))
    world.prune()
    assert world.known(ONLINE)[first].damaged
