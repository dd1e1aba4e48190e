"""A damaged copy is mended from another one, and counts again only when it was read back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import Damaged
from dr.model.base import SetId
from tests.support.action_world import HMIS, ONLINE, VAULT, World

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


def spoil(world: World, repository: str, set_id: SetId, name: str = "site-00/000000.zst.age") -> Path:
    """In place, as a disk does it: every set that shares the bytes has them damaged too."""
    path = world.folder(repository, set_id) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(data)
    return path


def notice_damage(world: World, *tiers: str, set_id: SetId | None = None) -> None:
    with pytest.raises(Damaged):
        world.verify(*tiers, set_id=set_id)


@pytest.mark.parametrize(("bad", "good"), [("vault", "online"), ("online", "vault")])
def test_a_damaged_part_is_written_afresh_from_the_other_tier(world: World, bad: str, good: str) -> None:
    """The same step mends either tier; the copy is read back, its finding closed, and what was done is in the audit trail."""
    made = world.night()
    spoil(world, bad, made)
    notice_damage(world, bad)
    facts = world.copy()
    assert [(m["set"], m["repository"], m["objects"]) for m in facts["mended"]] == [(made, bad, 1)]
    assert not any(copy.damaged for copy in world.catalog.copies(HMIS))
    assert world.findings() == []
    assert [entry.event for entry in world.catalog.audit_of(f"{bad}/{made}")][-1] == "copy.mended"
    world.verify(bad, set_id=made)


def test_sets_that_share_the_damaged_bytes_are_mended_with_it_and_share_the_fresh_ones(world: World) -> None:
    """A hard link must not keep the damage alive in another night's set."""
    first, second = world.night(), world.night()
    path = spoil(world, "vault", first)
    assert path.samefile(world.folder("vault", second) / "site-00/000000.zst.age")
    before = path.stat().st_ino
    notice_damage(world, "vault", set_id=first)
    assert {c.set for c in world.catalog.copies(HMIS) if c.damaged} == {first, second}
    assert len(world.copy()["mended"]) == 2
    assert path.stat().st_ino != before
    assert path.samefile(world.folder("vault", second) / "site-00/000000.zst.age")
    assert not any(copy.damaged for copy in world.catalog.copies(HMIS))
    world.verify("vault", set_id=first)
    world.verify("vault", set_id=second)


@pytest.mark.parametrize("name", ["manifest.json", "index.zst.age", "audit-head.json"])
def test_whatever_belongs_to_the_set_is_mended(world: World, name: str) -> None:
    """Not the parts only."""
    made = world.night()
    spoil(world, "vault", made, name)
    notice_damage(world, "vault")
    world.copy()
    assert not world.known(VAULT)[made].damaged
    world.verify("vault", set_id=made)  # and the chain of sets is looked at again
    assert world.findings() == []


def test_a_missing_part_is_put_back(world: World) -> None:
    """Somebody's `rm` is damage too."""
    made = world.night()
    path = world.folder("vault", made) / "site-00/000000.zst.age"
    path.unlink()
    notice_damage(world, "vault")
    world.copy()
    assert path.is_file()
    assert not world.known(VAULT)[made].damaged


def test_without_an_intact_twin_it_stays_damaged_and_the_hint_does_not_promise_otherwise(world: World) -> None:
    """The same object damaged in both tiers: nobody has it any more."""
    made = world.night()
    for tier in ("online", "vault"):
        spoil(world, tier, made)
        notice_damage(world, tier)
    assert world.copy()["mended"] == []
    assert world.known(ONLINE)[made].damaged
    assert world.known(VAULT)[made].damaged
    hints = {finding.hint for finding in world.catalog.open_findings()}
    assert len(hints) == 1
    assert "no undamaged copy" in hints.pop()


def test_two_copies_damaged_in_different_places_mend_each_other(world: World) -> None:
    """Object by object: what one lacks the other has."""
    made = world.night()
    spoil(world, "online", made)
    spoil(world, "vault", made, "index.zst.age")
    notice_damage(world, "online", "vault")
    assert len(world.copy()["mended"]) == 2
    assert not any(copy.damaged for copy in world.catalog.copies(HMIS))


@pytest.mark.positive_control
def test_without_the_mending_the_copy_stays_damaged(world: World) -> None:
    """What is tested above is the work of `copy`, not of a second look."""
    made = world.night()
    spoil(world, "vault", made)
    notice_damage(world, "vault")
    notice_damage(world, "vault")
    assert world.known(VAULT)[made].damaged
