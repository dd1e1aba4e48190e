"""Promise 4, on real files: any changed, missing, swapped or rolled-back object is found, and named; nothing else ever is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.app.mutants import CLASSES
from dr.app.sabotage import Examine, Sabotaged, campaign, clean_looks, examine
from dr.app.sabotage_world import World
from dr.model.backup import Manifest
from dr.model.ports import Repository
from tests.support.sabotage import BlindToBytes, BlindToExtras, a_set, believing_all, looking_through, tried
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration
SEED = 20261122


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Repository, TestKeys]:
    return a_set(tmp_path_factory.mktemp("sabotage") / "online")


@pytest.fixture
def world(stored: tuple[Manifest, Repository, TestKeys], tmp_path: Path) -> Iterator[World]:
    manifest, repository, keys = stored
    yield World(tmp_path, manifest, repository, keys, SEED)


def test_damage_of_every_class_is_found_and_the_object_named(world: World) -> None:
    """A sample of what `scripts/campaign-corruption` does a thousand times."""
    tallies = campaign(world, CLASSES, 60, SEED)
    assert [one for one in tallies if not one.mutants == one.found == one.named] == []
    assert sum(one.mutants for one in tallies) >= 60


def test_what_is_whole_raises_no_alarm(world: World) -> None:
    """Every other look is at a repository from which a set was pruned rightly."""
    assert clean_looks(world, 10) == []


def test_each_mutant_leaves_the_world_as_it_was(world: World) -> None:
    """Or the next one would be found for the wrong reason."""
    before = sorted((str(p.relative_to(world.folder)), p.read_bytes()) for p in world.folder.rglob("*") if p.is_file())
    campaign(world, CLASSES, len(CLASSES), SEED)
    assert sorted((str(p.relative_to(world.folder)), p.read_bytes()) for p in world.folder.rglob("*") if p.is_file()) == before
    assert examine(world) == []


def test_the_real_set_is_only_read(stored: tuple[Manifest, Repository, TestKeys], tmp_path: Path) -> None:
    manifest, repository, keys = stored
    names = repository.listing(manifest.system, manifest.set)
    before = {name: repository.open(manifest.system, manifest.set, name).read() for name in names}
    campaign(World(tmp_path, manifest, repository, keys, 3), CLASSES, len(CLASSES), 3)
    assert repository.listing(manifest.system, manifest.set) == names
    assert {name: repository.open(manifest.system, manifest.set, name).read() for name in names} == before


def test_the_same_seed_does_the_same_damage(world: World) -> None:
    """A seed that was printed is the way back to what was missed."""
    said: list[list[list[str]]] = []
    for _ in range(2):
        heard: list[list[str]] = []

        def look(world: World, heard: list[list[str]] = heard) -> list[str]:
            heard.append(examine(world))
            return heard[-1]

        tried(world, lambda name: name.startswith(("a flipped", "two parts", "an extra")), look=look)
        said.append(heard)
    assert said[0] == said[1]


def test_a_mutant_that_passes_turns_the_result_red(world: World) -> None:
    """`dr verify --sabotage` is a test of verification, so it must be able to fail: whoever sees nothing finds nothing."""
    tallies = tried(world, lambda name: name == "a flipped bit in part", look=lambda _: [])
    done = Sabotaged("a set", "a repository", SEED, tallies)
    assert (done.passed, tallies[0].found, tallies[0].missed) == (False, 0, ["7:0:0", "7:0:1"])


def test_a_false_alarm_turns_the_result_red(world: World) -> None:
    alarms = clean_looks(world, 2, look=lambda _: ["something"])
    tallies = tried(world, lambda name: name == "a flipped bit in part")
    assert not Sabotaged("a set", "a repository", SEED, tallies, 2, alarms).passed
    assert Sabotaged("a set", "a repository", SEED, tallies, 2, []).passed


# ---------------------------------------------------------------- the guards switched off: their classes pass

BOUND = ("part", "index", "guide")
"""What the manifest binds by its digest."""
CONTROLS: list[tuple[str, tuple[str, ...], Examine]] = [
    ("digests", tuple(f"a flipped bit in {what}" for what in BOUND), looking_through(BlindToBytes)),
    ("lengths", tuple(f"a {how} {what}" for how in ("cut short", "lengthened") for what in BOUND), looking_through(BlindToBytes)),
    ("swaps", ("two parts swapped", *(f"another set's {what}" for what in BOUND)), looking_through(BlindToBytes)),
    ("missing and links", tuple(f"a {how} {what}" for how in ("missing", "link for") for what in BOUND), looking_through(BlindToBytes)),
    ("extras", ("an extra object",), looking_through(BlindToExtras)),
]


@pytest.mark.positive_control
@pytest.mark.parametrize(("names", "blind"), [(names, blind) for _, names, blind in CONTROLS], ids=[name for name, _, _ in CONTROLS])
def test_control_with_the_detector_off_its_mutants_pass(world: World, names: tuple[str, ...], blind: Examine) -> None:
    assert all(one.found == one.mutants for one in tried(world, names.__contains__))
    assert all(one.found == 0 for one in tried(world, names.__contains__, look=blind))


@pytest.mark.positive_control
def test_control_keys_that_believe_everybody_let_a_foreign_signature_pass(world: World) -> None:
    wanted = ("signed with another key", "an older set gone")
    assert [one.found for one in tried(world, wanted.__contains__)] == [2, 2]
    assert [one.found for one in tried(world, wanted.__contains__, look=believing_all)] == [0, 2]


@pytest.mark.positive_control
def test_control_without_the_chain_sets_go_and_come_unseen(world: World) -> None:
    """Stored bytes alone say nothing of a set that is gone, is back, or is an older one of ours."""

    def without_the_chain(world: World) -> list[str]:
        return [line for line in examine(world) if line.startswith("damaged: ")]

    wanted = ("the newest set gone", "an older set gone", "a pruned set back again", "an older manifest under its id")
    assert [one.found for one in tried(world, wanted.__contains__)] == [2, 2, 2, 2]
    assert [one.found for one in tried(world, wanted.__contains__, look=without_the_chain)] == [0, 0, 0, 0]
