"""A real set in a sabotage's private place, and looks at it with one detector switched off."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from dr.app.mutants import CLASSES, Sabotage
from dr.app.sabotage import Examine, Tally, campaign, examine
from dr.app.sabotage_world import World
from dr.model.backup import Manifest
from dr.model.base import RepositoryName, RunId, SetId, SystemName
from dr.model.ports import Keyring, Repository
from dr.repositories.directory import DirectoryRepository
from dr.stream.sets import StreamSets
from tests.support.stream_context import HMIS, NOW, StreamContext
from tests.support.stream_keys import TestKeys
from tests.support.stream_tars import filling, noise, tar_of

SET = SetId("20261122T070000Z-7f3a9c")


def a_set(place: Path) -> tuple[Manifest, Repository, TestKeys]:
    """A small committed set of two artifacts and several parts."""
    keys, ctx = TestKeys(), StreamContext()
    made = DirectoryRepository(RepositoryName("online"), "online", place, organisation="Harbor")
    made.initialise("Harbor", "id-online", NOW)
    sets = StreamSets("Harbor", keys, ctx.clock, {"dr": "test"})
    site = tar_of({f"file-{number}": noise(30_000, number) for number in range(5)} | {"big": noise(4 * 2**20, 9)})
    fill = filling({"site-00": site, "site-01": tar_of({"one": noise(9000, 3)})})
    written = sets.write(system=HMIS, set_id=SET, run=RunId("nightly-1"), created=NOW, to=[made], needle=None, fill=fill, ctx=ctx.step)
    return written.manifest, made, keys


def tried(world: World, names: Callable[[str], bool], *, seed: int = 7, each: int = 2, look: Examine = examine) -> list[Tally]:
    """The classes whose name is wanted, a few mutants each."""
    classes: list[Sabotage] = [one for one in CLASSES if names(one.name)]
    assert classes, "no class has that name"
    return campaign(world, classes, each * len(classes), seed, look)


class Blind:
    """A repository as verification sees it when it is blind to one thing; all else is the real repository's."""

    def __init__(self, world: World) -> None:
        self._world, self._real = world, world.repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class BlindToBytes(Blind):
    """Whatever lies in the place of a part, an index or a guide, the right bytes are read."""

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        import io

        world = self._world
        files = {world.manifest.set: world.subject, world.other_id: world.other, world.pruned_id: world.pruned}[set_id]
        bound = path in files and path not in ("manifest.json", "manifest.sig", "audit-head.json")
        return io.BytesIO(files[path]) if bound else self._real.open(system, set_id, path)


class BlindToExtras(Blind):
    """Nothing is listed but what belongs there."""

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        return [path for path in self._real.listing(system, set_id) if path in self._world.subject]


class Credulous:
    """Believes every signature."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)

    def verify(self, data: bytes, signature: bytes) -> None:
        return None


def looking_through(make: Callable[[World], object]) -> Examine:
    """`examine` with another repository in the real one's place."""

    def look(world: World) -> list[str]:
        real = world.repository
        world.repository = cast("Repository", make(world))
        try:
            return examine(world)
        finally:
            world.repository = real

    return look


def believing_all(world: World) -> list[str]:
    """`examine` with keys that believe every signature."""
    real = world.keys
    world.keys = cast("Keyring", Credulous(real))
    try:
        return examine(world)
    finally:
        world.keys = real
