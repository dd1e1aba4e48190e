"""What can befall a stored set, as seeded changes to a set in a private place. Each says which object must be named when it is found."""

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dr.app.sabotage_world import World
from dr.model.base import SystemName, canonical
from dr.stream.layout import AUDIT_HEAD, GUIDE, INDEX, MANIFEST, SIGNATURE, write_signature

Mutate = Callable[[World, random.Random], str]
"""Changes the world; gives back what a finding must name: a set's place, or an object in it."""


@dataclass(frozen=True)
class Sabotage:
    """One class of damage."""

    name: str
    mutate: Mutate


def _part(world: World, rng: random.Random) -> str:
    return rng.choice(world.parts)


_OBJECTS: Mapping[str, Callable[[World, random.Random], str]] = {
    "part": _part,
    "index": lambda *_: INDEX,
    "guide": lambda *_: GUIDE,
    "manifest": lambda *_: MANIFEST,
    "signature": lambda *_: SIGNATURE,
    "audit head": lambda *_: AUDIT_HEAD,
}
_APPEAR_WITH_THE_SET = (MANIFEST, SIGNATURE)
"""Without one of them the set does not exist, so it is the set that is missed."""


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice([len(data) - 1, rng.randrange(1, len(data))])]


def _lengthen(data: bytes, rng: random.Random) -> bytes:
    return data + rng.choice([b"\n", b" ", b"\0", rng.randbytes(rng.randrange(1, 600)), data])


_CHANGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "a flipped bit in": _flip,
    "a cut short": _cut,
    "an emptied": lambda _, __: b"",
    "a lengthened": _lengthen,
}


def _changed(how: Callable[[bytes, random.Random], bytes], which: Callable[[World, random.Random], str]) -> Mutate:
    def mutate(world: World, rng: random.Random) -> str:
        path = which(world, rng)
        world.put(path, how(world.subject[path], rng))
        return world.place(path)

    return mutate


def _missing(which: Callable[[World, random.Random], str]) -> Mutate:
    def mutate(world: World, rng: random.Random) -> str:
        path = which(world, rng)
        world.delete(path)
        return world.place("" if path in _APPEAR_WITH_THE_SET else path)

    return mutate


def _linked(which: Callable[[World, random.Random], str]) -> Mutate:
    """A link to the very bytes that belong there, lying outside."""

    def mutate(world: World, rng: random.Random) -> str:
        path = which(world, rng)
        world.link(path)
        return world.place("" if path in _APPEAR_WITH_THE_SET else path)

    return mutate


# ---------------------------------------------------------------- things put in the wrong place


def _extra(world: World, rng: random.Random) -> str:
    folder = rng.choice(["", f"{world.parts[0].partition('/')[0]}/", "strange/"])
    path = f"{folder}{rng.choice(['999999.zst.age', 'notes.txt', '.hidden', 'manifest.json.bak'])}"
    if rng.random() < 0.3:
        world.link(path, to=world.folder / INDEX)
    else:
        world.put(path, rng.randbytes(rng.randrange(0, 100)))
    return world.place(path)


def _swapped_parts(world: World, rng: random.Random) -> str:
    one, other = rng.sample(world.parts if len(world.parts) > 1 else [*world.parts, INDEX], 2)
    world.put(one, world.subject[other])
    world.put(other, world.subject[one])
    return world.place(rng.choice([one, other]))


def _of_other_set(which: Callable[[World, random.Random], str]) -> Mutate:
    def mutate(world: World, rng: random.Random) -> str:
        path = which(world, rng)
        world.put(path, world.other[path])
        return world.place(path)

    return mutate


def _linked_folder(world: World, rng: random.Random) -> str:
    part = _part(world, rng)
    world.link_folder(part.partition("/")[0])
    return world.place(part)


def _whole_set_of(other: Callable[[World], Mapping[str, bytes]]) -> Mutate:
    def mutate(world: World, _: random.Random) -> str:
        for path in world.subject:
            world.delete(path)
        for path, data in other(world).items():
            world.put(path, data)
        return world.place(MANIFEST)

    return mutate


# ---------------------------------------------------------------- manifests and signatures


def _sign_with_another_key(world: World, _: random.Random) -> str:
    world.put(SIGNATURE, write_signature(world.stranger.sign(world.subject[MANIFEST])))
    return world.place(SIGNATURE)


def _resigned_by_a_stranger(world: World, rng: random.Random) -> str:
    """The part was changed, and the manifest made to fit: only the key is wrong."""
    part = _part(world, rng)
    data = _flip(world.subject[part], rng)
    world.put(part, data)
    world.seal(world.with_part(part, data), world.stranger)
    return world.place(MANIFEST)


def _older_manifest(world: World, rng: random.Random) -> str:
    """Of ours, rightly signed, and everything it binds is there: but it is not the one that was committed last under this id."""
    part = _part(world, rng)
    data = rng.randbytes(len(world.subject[part]))
    world.put(part, data)
    world.seal(world.with_part(part, data), world.keys)
    return world.place(MANIFEST)


def _of_another_system(world: World, _: random.Random) -> str:
    world.seal(world.manifest.model_copy(update={"system": SystemName("another-system")}), world.keys)
    return world.place(MANIFEST)


def _of_another_organisation(world: World, _: random.Random) -> str:
    world.seal(world.manifest.model_copy(update={"organisation": "Somebody Else"}), world.keys)
    return world.place(MANIFEST)


# ---------------------------------------------------------------- whole sets that go and come


def _newest_gone(world: World, _: random.Random) -> str:
    shutil.rmtree(world.folder)
    return world.place()


def _older_gone(world: World, _: random.Random) -> str:
    shutil.rmtree(world.other_folder)
    return world.other_place()


def _gone_with_a_forged_tombstone(world: World, _: random.Random) -> str:
    shutil.rmtree(world.folder)
    world.bury(world.stone(), world.stranger)
    return world.place()


def _gone_with_a_tombstone_of_other_bytes(world: World, _: random.Random) -> str:
    shutil.rmtree(world.other_folder)
    world.bury(world.stone(world.other_id, manifest="ab" * 32), world.keys)
    return world.other_place()


def _gone_with_a_tombstone_of_another_set(world: World, _: random.Random) -> str:
    shutil.rmtree(world.other_folder)
    stored = canonical(world.stone(world.pruned_id).to_facts())
    world.bury_bytes(world.other_id, stored, write_signature(world.keys.sign(stored)))
    return world.other_place()


def _altered_tombstone(world: World, rng: random.Random) -> str:
    stored = canonical(world.stone(world.other_id).to_facts())
    shutil.rmtree(world.other_folder)
    world.bury_bytes(world.other_id, _flip(stored, rng), write_signature(world.keys.sign(stored)))
    return world.other_place()


def _pruned_set_back(world: World, _: random.Random) -> str:
    world.add(world.pruned_id, world.pruned)
    return world.pruned_place()


CLASSES: tuple[Sabotage, ...] = (
    *(Sabotage(f"{how} {what}", _changed(change, which)) for how, change in _CHANGES.items() for what, which in _OBJECTS.items()),
    *(Sabotage(f"a missing {what}", _missing(which)) for what, which in _OBJECTS.items()),
    *(Sabotage(f"a link for {what}", _linked(which)) for what, which in _OBJECTS.items()),
    Sabotage("a link for a folder of parts", _linked_folder),
    Sabotage("an extra object", _extra),
    Sabotage("two parts swapped", _swapped_parts),
    *(Sabotage(f"another set's {what}", _of_other_set(which)) for what, which in _OBJECTS.items()),
    Sabotage("another set in its place", _whole_set_of(lambda world: world.other)),
    Sabotage("a pruned set in its place", _whole_set_of(lambda world: world.pruned)),
    Sabotage("signed with another key", _sign_with_another_key),
    Sabotage("changed and signed with another key", _resigned_by_a_stranger),
    Sabotage("an older manifest under its id", _older_manifest),
    Sabotage("another system's manifest", _of_another_system),
    Sabotage("another organisation's manifest", _of_another_organisation),
    Sabotage("the newest set gone", _newest_gone),
    Sabotage("an older set gone", _older_gone),
    Sabotage("gone, with a forged tombstone", _gone_with_a_forged_tombstone),
    Sabotage("gone, with other bytes' tombstone", _gone_with_a_tombstone_of_other_bytes),
    Sabotage("gone, with another set's tombstone", _gone_with_a_tombstone_of_another_set),
    Sabotage("gone, with an altered tombstone", _altered_tombstone),
    Sabotage("a pruned set back again", _pruned_set_back),
)
