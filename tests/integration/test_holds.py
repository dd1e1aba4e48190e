"""Promise 3: a held copy is never deleted, whatever became of the catalog, and whenever the hold came."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.actions.holding import read_back_holds, remember, remembered
from dr.catalog.catalog import open_catalog
from dr.model.backup import Hold
from dr.model.base import RunId, SetId
from dr.model.inventory import RetentionPolicy
from dr.stream.holds import hold_path, read_holds, write_hold
from tests.support.action_world import DAY, HMIS, ONLINE, VAULT, World
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration
POLICY = RetentionPolicy(keep_within=DAY, keep_last=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Five nights; retention would let the first three go."""
    made = World(tmp_path, retention={"online": POLICY, "vault": POLICY})
    for _ in range(5):
        made.night()
    return made


def hold(world: World, set_id: SetId, *, name: str = "h1", days: int | None = None) -> Hold:
    now = world.clock.now()
    until = now + timedelta(days=days) if days else None
    return Hold(system=HMIS, set=set_id, name=name, by="ann", at=now, reason="records request", until=until)


def settle(world: World) -> list[str]:
    repositories = [world.online, world.vault]
    now = world.clock.now()
    return read_back_holds(HMIS, repositories, records=world.catalog, keys=world.keys, now=now, run=RunId("by-hand"))


def keep(world: World, one: Hold) -> list[str]:
    """As `dr backups hold` does it."""
    known, released = remembered(world.catalog, one.set)
    remember(world.catalog, one.set, [*known, one], released)
    return settle(world)


def files(world: World, set_id: SetId) -> list[bool]:
    """Whether a hold lies beside the manifest, online and in the vault."""
    return [any((world.folder(name, set_id) / "holds").glob("*")) for name in ("online", "vault")]


def test_a_held_set_stays_in_every_copy_until_it_is_released(world: World) -> None:
    """Held, it lies in every copy and outlives its policy; released, it goes."""
    oldest = world.stored(world.online)[0]
    assert keep(world, hold(world, oldest)) == []
    assert files(world, oldest) == [True, True]
    world.prune()
    assert oldest in world.stored(world.online)
    assert oldest in world.stored(world.vault)
    remember(world.catalog, oldest, [], ["h1"])
    world.prune()
    assert oldest not in world.stored(world.online) + world.stored(world.vault)


@pytest.mark.positive_control
def test_without_a_hold_the_same_set_goes(world: World) -> None:
    """The twin: it is the hold that kept it."""
    oldest = world.stored(world.online)[0]
    world.prune()
    assert oldest not in world.stored(world.online)


@pytest.mark.parametrize("comes", [True, pytest.param(False, marks=pytest.mark.positive_control)])
def test_a_hold_that_comes_while_a_prune_runs_wins(world: World, comes: bool) -> None:
    """Another process, whose catalog is not ours, holds a set that was decided to go and is not gone yet: it stays."""
    before = {name: world.stored(repository) for name, repository in (("online", world.online), ("vault", world.vault))}
    late = before["online"][0]
    one = hold(world, late)

    def hook() -> None:
        for repository in (world.online, world.vault):
            if comes and late in world.stored(repository):
                repository.beside(HMIS, late, hold_path(one), write_hold(one, world.keys))

    world.at["after-tombstone"] = hook
    world.prune()
    kept = [late in world.stored(world.online), late in world.stored(world.vault)]
    assert kept == ([True, True] if comes else [False, False])


def test_a_lost_catalog_learns_its_holds_from_the_repositories(world: World, tmp_path: Path) -> None:
    """Promise 9: the hold lies in the repository, signed; a new catalog reads it back before anything is decided."""
    oldest = world.stored(world.online)[0]
    keep(world, hold(world, oldest))
    known = world.catalog.copies(HMIS)
    manifests = {copy.set: world.catalog.manifest(copy.set) for copy in known}
    world.catalog = open_catalog(tmp_path / "new.db", world.clock)
    for copy in known:
        manifest = manifests[copy.set]
        assert manifest is not None
        world.catalog.record_copy(copy.model_copy(update={"held": False}), manifest, RunId("rebuild-1"))
    assert settle(world) == []
    assert {c.set for c in world.catalog.copies(HMIS) if c.held} == {oldest}
    assert [h.reason for h in remembered(world.catalog, oldest)[0]] == ["records request"]


def test_a_repository_that_is_away_makes_a_hold_incomplete(world: World) -> None:
    """Never silently partial: a finding names the copy, until the repository is back and holds it too."""
    oldest = world.stored(world.online)[0]
    away = world.place / "vault-away"
    (world.place / "vault").rename(away)
    (undone,) = keep(world, hold(world, oldest))
    assert undone.startswith(f"vault/{oldest}: ")
    assert world.findings() == [f"hold:hmis:{oldest}"]
    assert {c.repository for c in world.catalog.copies(HMIS) if c.held} == {ONLINE, VAULT}
    away.rename(world.place / "vault")
    assert settle(world) == []
    assert (files(world, oldest), world.findings()) == ([True, True], [])


def test_what_was_released_does_not_come_back_with_a_repository(world: World) -> None:
    """A repository that was away at the release still has the file: it is withdrawn, not read back."""
    oldest = world.stored(world.online)[0]
    keep(world, hold(world, oldest))
    away = world.place / "vault-away"
    (world.place / "vault").rename(away)
    remember(world.catalog, oldest, [], ["h1"])
    assert len(settle(world)) == 1
    assert {c.repository for c in world.catalog.copies(HMIS) if c.held} == {VAULT}
    away.rename(world.place / "vault")
    assert settle(world) == []
    assert (files(world, oldest), [c for c in world.catalog.copies(HMIS) if c.held]) == ([False, False], [])


def test_a_hold_lapses_after_its_day(world: World) -> None:
    """`--until`: it stands until then, and is withdrawn after."""
    oldest = world.stored(world.online)[0]
    keep(world, hold(world, oldest, days=2))
    assert world.known(ONLINE)[oldest].held
    world.later(days=3)
    settle(world)
    assert not world.known(ONLINE)[oldest].held
    assert files(world, oldest) == [False, False]


def test_a_hold_that_nobody_of_ours_signed_keeps_the_set_and_is_told(world: World) -> None:
    """What cannot be believed errs on the side of keeping: forged, moved from another set, or garbage."""
    first, second, third = world.stored(world.online)[:3]
    moved = write_hold(hold(world, second), world.keys)
    forged = write_hold(hold(world, second), TestKeys(seed="b"))
    for set_id, data in ((first, moved), (second, forged), (third, b"{}")):
        world.online.beside(HMIS, set_id, "holds/x.json", data)
        assert read_holds(HMIS, set_id, world.online, world.keys, world.clock.now()).strange == ["holds/x.json"]
    world.prune()
    assert [s in world.stored(world.online) for s in (first, second, third)] == [True, True, True]
    assert [s in world.stored(world.vault) for s in (first, second, third)] == [False, False, False]
    assert [key for key in world.findings() if key.endswith(":strange")] == [f"hold:hmis:{s}:strange" for s in (first, second, third)]


def test_a_copy_that_is_made_later_is_held_too(world: World) -> None:
    """A hold is on the set: the copy that a tier gets afterwards bears it, and the next prune knows."""
    made = SetId(world.backup(to=("online",))["set"])
    world.verify("online")
    keep(world, hold(world, made))
    world.copy()
    settle(world)
    assert files(world, made) == [True, True]
    assert world.known(VAULT)[made].held
