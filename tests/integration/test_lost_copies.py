"""A set that is gone from a tier without a prune comes back from its twin, where retention would still keep it there."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dr.actions import copy
from dr.errors import Damaged
from dr.model.backup import Hold
from dr.model.base import Seconds, SetId
from dr.model.inventory import RetentionPolicy
from dr.stream.holds import hold_path, write_hold
from tests.support.action_world import DAY, HMIS, ONLINE, VAULT, World

pytestmark = pytest.mark.integration
KEPT_THREE_DAYS = {
    "online": RetentionPolicy(keep_within=Seconds(3 * DAY), requires_copy_in="vault"),
    "vault": RetentionPolicy(keep_within=Seconds(30 * DAY), expire_after=Seconds(31 * DAY)),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, retention=KEPT_THREE_DAYS)
    yield made
    made.catalog.close()


def lose(world: World, repository: str, *sets: SetId) -> None:
    """Somebody's `rm -r`."""
    for set_id in sets:
        shutil.rmtree(world.folder(repository, set_id))


def nightly(world: World) -> tuple[SetId, list[dict[str, object]]]:
    """As runbooks/nightly.yaml has it, without its prune; what was brought back."""
    made = SetId(world.backup()["set"])
    world.verify("online", set_id=made)
    facts = world.copy()
    world.verify("vault", set_id=made)
    world.later(days=1)
    return made, facts["brought_back"]


def told(world: World) -> dict[str, str]:
    return {finding.key: finding.message for finding in world.catalog.open_findings()}


def test_a_set_that_was_lost_online_comes_back_from_the_vault_and_the_nightly_says_so(world: World) -> None:
    """24 h of online restores must not wait for tomorrow's backup, and nobody may take the loss for a prune."""
    first, second = world.night(), world.night()
    lose(world, "online", second)
    _, back = nightly(world)
    assert back == [{"set": second, "repository": "online", "from": "vault"}]
    assert second in world.stored(world.online)
    copy = world.known(ONLINE)[second]
    assert (copy.damaged, copy.level) == (False, "intact")
    notes = told(world)
    assert notes.pop("rolled-back:hmis").endswith("so nothing expires"), "it was the newest: a person looks before retention goes on"
    assert notes == {
        f"brought-back:hmis:online:{second}": f"the copy of {second} in online was gone without a prune; it was made again from vault"
    }
    events = [entry.event for entry in world.catalog.audit_of(f"online/{second}")]
    assert events[-2:] == ["copy.lost", "copy.committed"]
    assert nightly(world)[1] == []
    assert list(told(world)) == ["rolled-back:hmis"]
    world.verify("online", set_id=second)
    assert first in world.stored(world.online)


def test_what_retention_would_not_keep_there_stays_away(world: World) -> None:
    """Bringing it back would only have it deleted again; that it was lost is said all the same."""
    old = world.night()
    world.later(days=4)
    world.night()
    lose(world, "online", old)
    _, back = nightly(world)
    assert back == []
    assert old not in world.stored(world.online)
    assert set(told(world)) == {f"damaged:hmis:online:{old}"}


def test_what_was_pruned_is_not_brought_back(world: World) -> None:
    """A tombstone is no loss, even where the catalog was not told: the prune died before it could."""
    old = world.night()
    world.later(days=4)
    world.night()
    world.at["after-parts"] = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.prune()
    assert old not in world.stored(world.online)
    world.retention = {**KEPT_THREE_DAYS, "online": RetentionPolicy(keep_within=Seconds(30 * DAY))}
    assert world.copy()["brought_back"] == []
    assert old not in world.stored(world.online)


def test_a_held_set_comes_back_with_its_hold_whatever_its_age(world: World) -> None:
    """A hold protects the set, not a folder."""
    old = world.night()
    world.later(days=4)
    world.night()
    hold = Hold(name="h1", set=old, system=HMIS, reason="a court asked for it", by="ann", at=world.clock.now())
    for repository in (world.online, world.vault):
        repository.beside(HMIS, old, hold_path(hold), write_hold(hold, world.keys))
        world.catalog.hold(old, repository.name, True)
    lose(world, "online", old)
    assert [one["set"] for one in nightly(world)[1]] == [old]
    assert (world.folder("online", old) / hold_path(hold)).is_file()


def test_a_twin_that_is_damaged_brings_nothing_back_and_spoils_no_good_night(world: World) -> None:
    """Only what is what was signed; the loss stays red."""
    made = world.night()
    path = world.folder("vault", made) / "site-00/000000.zst.age"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    lose(world, "online", made)
    _, back = nightly(world)
    assert back == []
    assert made not in world.stored(world.online)
    assert f"damaged:hmis:online:{made}" in told(world)
    assert [copy.set for copy in world.catalog.copies(HMIS) if copy.repository == VAULT and copy.set != made]


def test_a_kill_after_it_was_made_again_leaves_no_false_alarm(world: World) -> None:
    """The next attempt finds it there, reads it back, and is content."""
    made = world.night()
    world.later(hours=1)
    second = world.night()
    lose(world, "online", made)
    with pytest.raises(Damaged):
        world.verify("online", set_id=made)
    world.at["after-publish"] = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.copy()
    del world.at["after-publish"]
    world.copy()
    assert world.stored(world.online) == [made, second]
    assert not world.known(ONLINE)[made].damaged
    assert list(told(world)) == [f"brought-back:hmis:online:{made}"], "it was lost: that is told, and no damage"
    world.verify("online", set_id=made)
    world.later(days=1)
    world.copy()
    assert told(world) == {}


@pytest.mark.positive_control
def test_without_the_tombstone_the_pruned_set_would_come_back(world: World) -> None:
    """What keeps a pruned set away is its signed trace."""
    old = world.night()
    world.later(days=4)
    world.night()
    world.at["after-parts"] = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.prune()
    shutil.rmtree(world.place / "online" / "tombstones")
    world.retention = {**KEPT_THREE_DAYS, "online": RetentionPolicy(keep_within=Seconds(30 * DAY))}
    assert [one["set"] for one in world.copy()["brought_back"]] == [old]


def interrupted_at(world: World, point: str, run: str) -> None:
    def stop() -> None:
        world.at.clear()
        raise KeyboardInterrupt

    world.at[point] = stop
    with pytest.raises(KeyboardInterrupt):
        world.step(copy.ACTION, run, **{"from": "online", "to": "vault", "set": "missing"})


@pytest.mark.parametrize("times", [1, 2])
def test_a_loss_is_told_by_the_run_that_was_killed_while_it_made_it_good(world: World, times: int) -> None:
    """What was published before the kill is there when the step runs again: it must not pass for never having been away."""
    world.night()
    second = world.night()
    lose(world, "online", second)
    third = SetId(world.backup()["set"])
    with suppress(Damaged):
        world.verify("online", set_id=third)
    interrupted_at(world, "after-publish", "nightly-1")
    for _ in range(times):  # the second time as if it had been killed once more, right before its end
        world.step(copy.ACTION, "nightly-1", **{"from": "online", "to": "vault", "set": "missing"})
    assert second in world.stored(world.online)
    told_by = {f.key: f.run for f in world.catalog.open_findings()}
    assert told_by[f"brought-back:hmis:online:{second}"] == "nightly-1"
    assert not world.known(ONLINE)[second].damaged
    world.later(days=1)
    world.copy()
    assert f"brought-back:hmis:online:{second}" not in told(world)
