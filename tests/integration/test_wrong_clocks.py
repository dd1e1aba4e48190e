"""A machine's clock two days off, either way, for one night: nothing is deleted by it, it is said, and it passes with the clock."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dr.model.base import JsonObject, Seconds, SetId
from dr.model.inventory import RetentionPolicy
from dr.policy.readiness import readiness
from dr.policy.retention import decide
from dr.policy.rpo import worst_gap
from tests.support.action_world import DAY, HMIS, ONLINE, VAULT, World

pytestmark = pytest.mark.integration
POLICY = {
    "online": RetentionPolicy(keep_within=DAY, requires_copy_in="vault"),
    "vault": RetentionPolicy(keep_within=Seconds(30 * DAY), expire_after=Seconds(31 * DAY)),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, retention=POLICY)
    yield made
    made.catalog.close()


def nightly(world: World) -> tuple[SetId, JsonObject]:
    """As runbooks/nightly.yaml has it, its prune not confirmed by anybody; then a day passes."""
    made = SetId(world.backup()["set"])
    world.verify("online", set_id=made)
    world.copy()
    world.verify("vault", set_id=made)
    pruned = world.prune(confirmed=False)
    world.later(days=1)
    return made, pruned


def off(world: World, **delta: float) -> tuple[SetId, JsonObject]:
    """A nightly by a clock that is off by so much, and is right again afterwards."""
    right = world.clock.now()
    world.later(**delta)
    made = nightly(world)
    world.clock.move_to(right + timedelta(days=1))
    return made


def looks(world: World) -> list[str]:
    """What `dr status` says of the tiers."""
    found = readiness(
        HMIS,
        world.inventory.systems["hmis"],
        world.catalog.copies(HMIS),
        [],
        world.catalog.open_findings(HMIS),
        [],
        world.clock.now(),
        None,
    )
    return [reason.text for tier in found.tiers for reason in tier.reasons] + [reason.text for reason in found.reasons]


def test_a_night_dated_ahead_freezes_expiry_until_its_date_has_come(world: World) -> None:
    """Otherwise the newest good copy would be one from the future, and everything before it expired."""
    first, _ = nightly(world)
    second, _ = nightly(world)
    ahead, pruned = off(world, days=2)
    assert [one["set"] for one in pruned["removed"]] in ([], [first])
    held = {name: set(world.stored(place)) for name, place in (("online", world.online), ("vault", world.vault))}
    assert {second, ahead} <= held["online"]

    assert "a copy is dated ahead of now: a clock is wrong" in looks(world)
    fourth, pruned = nightly(world)
    assert pruned["removed"] == []
    assert pruned["frozen"] == f"set {ahead} in vault is dated 24 hours ahead of now; check the clocks, nothing expires until then"
    assert {name: set(world.stored(place)) - {fourth} for name, place in (("online", world.online), ("vault", world.vault))} == held
    assert "retention:hmis:frozen" in world.findings()
    world.later(hours=-1)
    assert world.select("online")["set"] == fourth, "until its date has come the one dated ahead is not taken for the newest"
    world.later(hours=1)

    fifth, _ = nightly(world)
    sixth, pruned = nightly(world)
    assert pruned["frozen"] == ""
    assert "retention:hmis:frozen" not in world.findings()
    assert world.select("online")["set"] == sixth
    assert {fifth, sixth} <= set(world.stored(world.online))
    assert set(world.stored(world.vault)) == {first, second, ahead, fourth, fifth, sixth}
    world.verify("online", "vault")


def test_a_night_dated_behind_deletes_nothing_and_does_not_pass_for_the_newest(world: World) -> None:
    """Its set sorts before those that were made before it; the gap is told as long as the record shows it, never shorter."""
    first, _ = nightly(world)
    second, _ = nightly(world)
    third, _ = nightly(world)
    before = set(world.stored(world.online))
    behind, pruned = off(world, days=-2, minutes=7)
    assert pruned["removed"] == []
    assert "ahead of now" in pruned["frozen"]
    assert set(world.stored(world.online)) == before | {behind}
    assert first < behind < third
    fifth, pruned = nightly(world)
    assert pruned["frozen"] == ""
    assert world.select("online")["set"] == fifth
    assert world.known(VAULT)[behind].level == "intact"
    assert set(world.stored(world.vault)) == {first, second, third, behind, fifth}
    world.verify("online", "vault")
    assert not [key for key in world.findings() if key.startswith(("chain:", "damaged:", "rebuilt:"))]
    gap = worst_gap([copy.instant for copy in world.known(VAULT).values()], world.clock.now()).seconds
    assert gap is not None and gap >= timedelta(days=2).total_seconds()


def test_a_false_date_that_has_come_does_not_pass_for_the_newest_nor_hide_that_the_nightlies_fail(world: World) -> None:
    """A later set names it as its predecessor and is dated before it: what the chain says counts, not the date."""
    nightly(world)
    ahead, _ = off(world, days=2)
    after, _ = nightly(world)
    assert world.catalog.manifest(after).previous.set == ahead  # type: ignore[union-attr]
    world.later(hours=6)  # the false date has come, and no set was made since
    assert world.select("online")["set"] == after
    assert world.select("online", f"at {world.clock.now():%Y-%m-%dT%H:%M:%S}Z")["set"] == after
    entry, copies, now = world.inventory.systems["hmis"], world.catalog.copies(HMIS), world.clock.now()
    judged = readiness(HMIS, entry, copies, [], [], [], now, None)
    assert judged.rpo == pytest.approx(timedelta(hours=30).total_seconds(), abs=60)
    assert [tier.newest for tier in judged.tiers] == [after, after]
    assert not [text for text in looks(world) if "not verified" in text]
    lost_since = {c.repository: c for c in world.catalog.judged_copies({("hmis", "online")}, now, now)["hmis"]}
    assert {c.set for c in lost_since.values()} == {after}
    assert now - max(world.catalog.set_instants(HMIS)) == timedelta(hours=30)


def test_a_copy_made_again_counts_though_a_clock_ahead_had_dated_its_removal(world: World) -> None:
    """Else it lies there, nobody's, and passes for a repository that was put back to an earlier state."""
    first, _ = nightly(world)
    world.later(days=4)
    world.night()
    right = world.clock.now()
    world.later(days=2)
    assert [one["set"] for one in world.prune()["removed"]] == [first]
    world.clock.move_to(right + timedelta(hours=1))
    assert world.copy("online", first)["copied"] == [first]
    assert world.known(ONLINE)[first].level == "intact"
    world.verify("online", set_id=first)
    assert not [key for key in world.findings() if key.startswith("chain:")]


@pytest.mark.positive_control
def test_by_its_date_alone_the_set_dated_ahead_would_be_the_newest(world: World) -> None:
    nightly(world)
    ahead, _ = off(world, days=2)
    nightly(world)
    world.later(hours=6)
    alone = [copy.model_copy(update={"not_after": None}) for copy in world.catalog.copies(HMIS)]
    judged = readiness(HMIS, world.inventory.systems["hmis"], alone, [], [], [], world.clock.now(), None)
    assert judged.rpo is not None and judged.rpo < timedelta(hours=24).total_seconds()
    assert [tier.newest for tier in judged.tiers] == [ahead, ahead]


@pytest.mark.positive_control
def test_with_a_patience_of_years_the_night_dated_ahead_expires_the_others(world: World) -> None:
    """The twin: what keeps them is that a copy from the future anchors nothing."""
    nightly(world)
    second, _ = nightly(world)
    ahead, _ = off(world, days=2)
    copies, now = world.catalog.copies(HMIS), world.clock.now()
    lax = decide(copies, POLICY, now, "America/Chicago", clock_tolerance=timedelta(days=999))
    strict = decide(copies, POLICY, now, "America/Chicago")
    assert second in {one.set for one in lax.decisions if not one.keep and one.tier == "online"}
    assert all(one.keep for one in strict.decisions) and strict.frozen
    assert ahead in {one.set for one in lax.decisions if one.keep}
