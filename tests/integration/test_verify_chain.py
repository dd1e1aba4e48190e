"""What verify makes of the chain, of a budget and of a key: findings that open and close, and a memory of what was read when."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dr.actions import verify
from dr.actions.sampling import Place, sample
from dr.errors import Damaged, Refused
from dr.model.backup import Part
from dr.model.base import ByteCount, JsonObject, RunId, SetId, canonical, sha256
from dr.model.inventory import RetentionPolicy
from dr.model.ports import StepContext
from dr.stream.decode import decode_set
from dr.stream.encode import Encoder
from dr.stream.layout import part_path, write_signature
from dr.stream.sets import StreamSets
from tests.support.action_world import HMIS, ONLINE, VAULT, ActionContext, World
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


def look(world: World, *tiers: str, **how: Any) -> JsonObject:
    return world.step(verify.ACTION, tiers=list(tiers or ("online", "vault")), **how)


def said(world: World) -> dict[str, str]:
    return {f.key: f.message for f in world.catalog.open_findings()}


def moved(world: World, repository: str, set_id: SetId) -> Path:
    aside = world.place / f"aside-{repository}-{set_id}"
    shutil.move(world.folder(repository, set_id), aside)
    return aside


# ---------------------------------------------------------------- the chain


def test_the_newest_set_gone_is_found_by_the_next_nightly_as_a_rollback(world: World) -> None:
    """The nightly has written a newer set by then; it asks about that one alone, so it goes on, and the finding turns status red."""
    world.night()
    second = world.night()
    moved(world, "vault", second)
    third = SetId(world.backup()["set"])
    facts = world.verify("vault", set_id=third)
    key = f"damaged:hmis:vault:{second}"
    assert said(world)[key].startswith(f"rolled-back: vault/{second}: it is missing without a tombstone, with the newest that was there")
    assert [one["set"] for one in facts["verified"]] == [third]
    assert world.known(VAULT)[second].damaged
    assert not world.known(ONLINE)[second].damaged
    assert [e.event for e in world.catalog.audit_of(f"vault/{second}")][-1] == "copy.lost"


def test_a_loss_is_mended_by_a_copy_from_the_other_tier(world: World) -> None:
    first = world.night()
    world.night()
    shutil.rmtree(world.folder("vault", first))
    with pytest.raises(Damaged, match="lost: vault/"):
        look(world)
    assert f"damaged:hmis:vault:{first}" in said(world)
    world.copy("vault", first)
    look(world, depth="all")
    assert list(said(world)) == [f"brought-back:hmis:vault:{first}"], "told, until the next night finds nothing lost"
    world.later(days=1)
    world.copy()
    assert said(world) == {}


def test_a_set_put_back_by_hand_counts_again_once_it_was_read(world: World) -> None:
    first = world.night()
    world.night()
    aside = moved(world, "vault", first)
    with pytest.raises(Damaged):
        look(world)
    shutil.move(aside, world.folder("vault", first))
    look(world, depth="all")
    assert (said(world), world.known(VAULT)[first].damaged) == ({}, False)


def test_swapped_sets_are_named_and_the_finding_closes_when_they_are_put_right(world: World) -> None:
    first, second = world.night(), world.night()

    def swap() -> None:
        aside = moved(world, "online", first)
        shutil.move(world.folder("online", second), world.folder("online", first))
        shutil.move(aside, world.folder("online", second))

    swap()
    with pytest.raises(Damaged, match="swapped"):
        look(world, "online")
    assert said(world)[f"chain:hmis:online:{first}"] == f"swapped: online/{first}: manifest.json: set {second} lies in its place"
    swap()
    look(world, "online", depth="all")
    assert (said(world), world.known(ONLINE)[first].damaged) == ({}, False)


def test_a_prune_is_no_loss_and_no_rollback(world: World) -> None:
    world.retention = {"online": RetentionPolicy(keep_last=1), "vault": RetentionPolicy(keep_last=1)}
    first, _ = world.night(), world.night()
    world.prune()
    assert first not in world.stored(world.online)
    look(world, depth="all")
    assert said(world) == {}


def test_a_pruned_set_that_is_back_is_said_and_pruned_again(world: World) -> None:
    """Its limit holds: what came back from an old image of the disk does not outlive it."""
    world.retention = {"online": RetentionPolicy(keep_last=1), "vault": RetentionPolicy(keep_last=1)}
    first = world.night()
    kept = world.place / "image"
    shutil.copytree(world.folder("vault", first), kept)
    world.night()
    world.prune()
    shutil.copytree(kept, world.folder("vault", first))
    with pytest.raises(Damaged, match="rolled-back"):
        look(world)
    assert "it was removed (" in said(world)[f"chain:hmis:vault:{first}"]
    world.later(minutes=1)
    world.prune()
    assert first not in world.stored(world.vault)
    world.later(minutes=1)
    look(world)
    assert said(world) == {}


def rolled_back(world: World) -> SetId:
    """The vault stands as of the night before: its newest set is gone. Gives back the set that the policy would let go of there."""
    world.retention = {"online": RetentionPolicy(keep_last=9), "vault": RetentionPolicy(keep_last=1)}
    oldest = world.night()
    world.night()
    moved(world, "vault", world.night())
    world.verify(set_id=SetId(world.backup()["set"]))
    return oldest


def test_after_a_rollback_nothing_expires_until_a_person_turns_it_on(world: World) -> None:
    """The disk's past may bring back old proofs and holds, or lack new ones: retention decides nothing by it."""
    oldest = rolled_back(world)
    outcome = world.prune()
    assert (outcome["removed"], oldest in world.stored(world.vault)) == ([], True)
    assert "expiry is off until a person turns it on (`dr retention --turn-on`)" in outcome["frozen"]
    message = said(world)["rolled-back:hmis"]
    assert message.startswith("vault or the catalog was put back to an earlier state (vault/") and message.endswith("so nothing expires")
    turned = [e.facts["because"].partition("/")[0] for e in world.catalog.audit_of("off") if e.event == "expiry.turned"]
    assert turned == ["vault"]


@pytest.mark.positive_control
def test_once_a_person_turned_it_on_the_same_rollback_freezes_nothing(world: World) -> None:
    """The twin: it was the freeze that kept the oldest set, and what a person has decided stays, though the finding is still open."""
    oldest = rolled_back(world)
    world.prune()
    world.catalog.set_setting("expiry", "on")
    world.later(minutes=1)
    world.prune()
    assert oldest not in world.stored(world.vault)
    assert world.catalog.setting("expiry") == "on"
    world.later(minutes=1)
    assert world.prune()["removed"] == [], "what was gone and is let go of stops no night"


def test_a_set_whose_run_was_never_resumed_is_adopted_and_then_read_back(world: World) -> None:
    """Committed, never recorded: verify records it as a copy, and remembers its parts, so that it can become intact."""
    world.night()
    orphan = world.night()
    with world.catalog._store.write() as connection:
        for table in ("proofs", "copies", "parts"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE set_id = '{orphan}'")
    look(world, depth="sample")
    adopted = world.known(VAULT)[orphan]
    assert (adopted.level, adopted.damaged) == ("intact", False)
    assert [e.event for e in world.catalog.audit_of(f"vault/{orphan}")][-1] == "copy.found"
    assert said(world) == {}


def test_bytes_that_match_an_older_manifest_prove_nothing(world: World) -> None:
    """Rightly signed and whole, but not what was committed: its parts all match, and it does not become intact."""
    first = world.night()
    second = world.night()
    manifest, _, _ = world.sets.read_manifest(HMIS, first, world.online)
    stored = canonical(manifest.model_copy(update={"run": RunId("another")}).to_facts())
    (world.folder("online", first) / "manifest.json").write_bytes(stored)
    (world.folder("online", first) / "manifest.sig").write_bytes(write_signature(world.keys.sign(stored)))
    with pytest.raises(Damaged, match="rolled-back"):
        look(world, "online", depth="all")
    assert world.known(ONLINE)[first].damaged
    assert not world.known(ONLINE)[second].damaged


def test_one_repository_that_is_away_is_passed_over(world: World) -> None:
    """Nothing is known of it, so nothing is said of it."""
    made = world.night()
    (world.place / "vault").rename(world.place / "away")
    world.verify("online", set_id=made)
    assert said(world) == {}


# ---------------------------------------------------------------- sampling


class Ticking:
    """Every reading of a part takes a second."""

    def __init__(self, world: World) -> None:
        self._clock, self._told = world.clock, 0.0

    def now(self) -> object:
        return self._clock.now()

    def monotonic(self) -> float:
        self._told += 1.0
        return self._told


def test_a_budget_ends_the_sample_and_the_next_goes_on_where_it_ended(world: World) -> None:
    """Least recently read first: after enough nights every part of every set has had its turn."""
    for _ in range(3):
        world.backup()
        world.later(days=1)
    clock = world.clock
    total = len({(p.repository, p.origin, p.sha256) for name in (ONLINE, VAULT) for p in world.catalog.parts(HMIS, name)})
    read, nights = 0, 0
    while True:
        world.clock = Ticking(world)  # type: ignore[assignment]
        facts = look_with(world, clock, budget=2.5)
        read += facts["sampled"]
        nights += 1
        world.later(hours=1)
        if not facts["left"] or read >= total:
            break
    assert nights > 1
    assert read == total, "a part was read twice before another was read once"
    levels = {c.level for c in world.catalog.copies(HMIS)}
    assert levels == {"intact"}
    assert facts["oldest"] is not None


def look_with(world: World, clock: object, **how: Any) -> JsonObject:
    """One sample under a clock that ticks; the world's own stands again afterwards."""
    try:
        name = f"verify-{clock.now():%Y%m%dT%H%M%SZ}-1a2b"  # type: ignore[attr-defined]
        return world.step(verify.ACTION, name, tiers=["online", "vault"], depth="sample", **how)
    finally:
        world.clock = clock  # type: ignore[assignment]


def test_a_set_is_intact_only_when_the_last_of_its_parts_was_read(world: World) -> None:
    made = SetId(world.backup()["set"])
    clock = world.clock
    world.clock = Ticking(world)  # type: ignore[assignment]
    facts = look_with(world, clock, budget=0.5)
    assert (facts["sampled"], facts["verified"]) == (1, [])
    assert facts["left"] > 0
    assert world.known(ONLINE)[made].level == world.known(VAULT)[made].level == "stored"
    world.later(hours=1)
    world.clock = Ticking(world)  # type: ignore[assignment]
    look_with(world, clock, budget=float(facts["left"]))
    assert world.known(ONLINE)[made].level == world.known(VAULT)[made].level == "intact"
    instants = [c.intact_at for c in world.catalog.copies(HMIS) if c.intact_at]
    assert min(instants) == world.clock.now() - timedelta(hours=1), "a proof is as old as its oldest reading"


def test_what_was_read_before_the_commit_does_not_count(world: World) -> None:
    """A linked part brings its earlier reading with it; the set's own proof begins with its commit."""
    world.night()
    second = SetId(world.backup()["set"])
    reads = [r for r in world.catalog.part_reads(HMIS, ONLINE) if r.set == second]
    assert any(r.read_back is not None and r.read_back < world.known(ONLINE)[second].committed for r in reads)
    clock = world.clock
    world.clock = Ticking(world)  # type: ignore[assignment]
    look_with(world, clock, budget=0.5)
    assert world.known(ONLINE)[second].level == "stored"


def test_a_sample_finds_damage_and_marks_every_set_that_shares_it(world: World) -> None:
    first, second = world.night(), world.night()
    steady = max(world.folder("online", second).glob("site-00/*"), key=lambda path: path.stat().st_size)
    data = steady.read_bytes()
    with steady.open("r+b") as file:  # the bytes on disk, in every set that is linked to them
        file.write(bytes([data[0] ^ 1]))
    with pytest.raises(Damaged, match="changed"):
        look(world, depth="sample")
    assert world.known(ONLINE)[second].damaged
    assert world.known(ONLINE)[first].damaged
    assert not world.known(VAULT)[second].damaged


def test_a_sample_sees_what_is_missing_or_extra_in_any_set(world: World) -> None:
    """Whatever the budget: what is there is looked at every time, only the parts take turns."""
    first = world.night()
    world.night()
    (world.folder("online", first) / "notes.txt").write_text("extra")
    (world.folder("vault", first) / "RESTORE.md").unlink()
    with pytest.raises(Damaged) as found:
        look(world, depth="sample", budget=0.0)
    assert "notes.txt: extra" in found.value.message
    assert "RESTORE.md: missing" in found.value.message


@pytest.mark.positive_control
def test_control_without_the_look_at_the_rest_an_extra_passes(world: World) -> None:
    """The sample's turns alone read parts only."""
    first = world.night()
    (world.folder("online", first) / "notes.txt").write_text("extra")
    ctx = cast("StepContext", ActionContext(world, RunId("verify-1"), verify.ACTION))
    places = [Place(world.online, world.known(ONLINE)[first], world.sets.read_manifest(HMIS, first, world.online)[0])]
    assert sample(HMIS, places, None, ctx).damaged
    assert not sample(HMIS, places, None, ctx, rest=lambda *_: []).damaged


# ---------------------------------------------------------------- whole decode


def test_decoding_reads_everything_with_the_drill_key(world: World) -> None:
    made = world.night()
    facts = look(world, decode=True)
    assert {(one["set"], one["repository"]) for one in facts["decoded"]} == {(made, "online"), (made, "vault")}
    assert all(one["bytes"] > 5 * 2**20 for one in facts["decoded"])


def test_without_the_drill_key_decoding_is_refused_before_anything_is_read(world: World) -> None:
    world.night()
    world.keys = TestKeys(can_read=False)
    with pytest.raises(Refused, match="no drill key"):
        look(world, decode=True)


def test_a_drill_key_of_another_time_is_refused_and_blames_no_copy(world: World) -> None:
    made = world.night()
    world.keys = TestKeys()  # signs as before, with another drill key
    world.sets = StreamSets("Harbor", world.keys, world.clock, {"dr": "test"})
    with pytest.raises(Refused, match="none of the keys"):
        look(world, decode=True)
    assert not world.known(ONLINE)[made].damaged


def test_what_is_stored_as_signed_but_is_not_what_was_backed_up_is_found_by_decoding_only(world: World) -> None:
    """Every stored byte matches the manifest, and the key opens it: but one part holds other content than the index says."""
    made = world.night()
    manifest, _, _ = world.sets.read_manifest(HMIS, made, world.online)
    artifact = manifest.artifacts[0]
    stored = Encoder(world.keys.recipients).encode(b"something else")
    part = Part(number=0, size=ByteCount(len(stored)), sha256=sha256(stored))
    changed = artifact.model_copy(update={"parts": (part, *artifact.parts[1:])})
    path = world.folder("online", made) / part_path(artifact.name, 0)
    path.unlink()
    path.write_bytes(stored)
    signed = canonical(manifest.model_copy(update={"artifacts": (changed, *manifest.artifacts[1:])}).to_facts())
    (world.folder("online", made) / "manifest.json").write_bytes(signed)
    (world.folder("online", made) / "manifest.sig").write_bytes(write_signature(world.keys.sign(signed)))
    ctx = cast("StepContext", ActionContext(world, RunId("verify-1"), verify.ACTION))
    assert not world.sets.verify_stored(HMIS, made, world.online, ctx).damaged
    _, wrong = decode_set(world.sets.open(HMIS, made, world.online), ctx)
    assert wrong == [f"{part_path(artifact.name, 0)}: its content is not what the index says"]
