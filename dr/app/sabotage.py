"""The proof of verification: copies of a set are damaged in every way that we know, and verification must find and name each damage."""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from dr.app.home import App, whoami
from dr.app.mutants import CLASSES, Sabotage
from dr.app.sabotage_world import World
from dr.errors import Damaged, Refused
from dr.model.base import JsonObject
from dr.model.ports import StepContext
from dr.policy.chain import judge
from dr.stream.chain import holdings
from dr.stream.verify import verify_stored


@dataclass
class Tally:
    """One class of damage: how many mutants, how many were found, how many with the damaged object named."""

    name: str
    mutants: int = 0
    found: int = 0
    named: int = 0
    missed: list[str] = field(default_factory=list)
    """The seeds of those that passed, or whose object was not named."""


@dataclass
class Sabotaged:
    """What a sabotage showed."""

    set: str
    repository: str
    seed: int
    tallies: list[Tally]
    clean: int = 0
    alarms: list[str] = field(default_factory=list)
    """What was said of an undamaged set."""

    @property
    def mutants(self) -> int:
        return sum(one.mutants for one in self.tallies)

    @property
    def passed(self) -> bool:
        """Whether every mutant was found and named, and no clean set was blamed."""
        return bool(self.mutants) and not self.alarms and all(one.found == one.named == one.mutants for one in self.tallies)

    def to_facts(self) -> JsonObject:
        return {
            "set": self.set,
            "repository": self.repository,
            "seed": self.seed,
            "mutants": self.mutants,
            "found": sum(one.found for one in self.tallies),
            "named": sum(one.named for one in self.tallies),
            "clean": self.clean,
            "false_alarms": len(self.alarms),
            "passed": self.passed,
            "classes": [vars(one) for one in self.tallies],
        }


class _Quiet:
    """What of a step the verification of stored bytes needs: nobody watches, nobody stops it."""

    def check_stop(self) -> None:
        return None

    def progress(self, *_: object) -> None:
        return None


Examine = Callable[[World], list[str]]


def examine(world: World) -> list[str]:
    """What verification says: the chain of sets, then every stored byte of each. Empty: nothing is wrong."""
    verdicts = judge([holdings(world.system, world.repository, world.keys)], world.known())
    said = [f"{verdict.kind}: {verdict.message}" for verdict in verdicts if verdict.bad]
    ctx = cast("StepContext", _Quiet())
    for system, set_id in world.repository.sets(world.system):
        where = f"{world.repository.name}/{set_id}"
        try:
            found = verify_stored(system, set_id, world.repository, ctx, organisation=world.organisation, keys=world.keys)
            said += [f"damaged: {where}: {path}" for path in found.damaged]
        except Damaged as problem:
            said.append(f"damaged: {where}: {problem.message}")
    return said


def campaign(world: World, classes: Sequence[Sabotage], mutants: int, seed: int, look: Examine = examine) -> list[Tally]:
    """At least `mutants` mutants, spread evenly over the classes, each with a seed of its own; the world is as before when it is done."""
    tallies = []
    each = -(-mutants // len(classes))
    for number, kind in enumerate(classes):
        tally = Tally(kind.name)
        for repeat in range(each):
            own = f"{seed}:{number}:{repeat}"
            try:
                _one(world, kind, own, tally, look)
            finally:
                world.restore()
        tallies.append(tally)
    return tallies


def _one(world: World, kind: Sabotage, seed: str, tally: Tally, look: Examine) -> None:
    expected = kind.mutate(world, random.Random(seed))  # noqa: S311
    said = look(world)
    tally.mutants += 1
    tally.found += bool(said)
    named = any(expected in line for line in said)
    tally.named += named
    if not named:
        tally.missed.append(seed)


def clean_looks(world: World, count: int, look: Examine = examine) -> list[str]:
    """What is said of the undamaged world, in `count` looks; a set pruned rightly is no damage either, so every other look has one."""
    said: list[str] = []
    for number in range(count):
        if number % 2:
            world.bury(world.stone(world.other_id), world.keys)
            world.drop_other()
        said += look(world)
        world.restore()
    return said


def sabotage(app: App, set_id: str | None, repository: str | None, *, mutants: int, clean: int, seed: int) -> Sabotaged:
    """Damage copies of a set (the newest, unless one is named) in a private place, and see whether verification finds it.

    The real set is only read. Raises Refused if there is no undamaged copy, Damaged if the set itself is not what was signed.
    """
    copies = [c for c in app.copies() if not c.damaged and set_id in (None, c.set) and repository in (None, c.repository)]
    if not copies:
        raise Refused("there is no undamaged copy to try it on", hint="`dr backups list` shows the copies")
    copy = copies[0]
    source = app.services.repository(copy.repository)
    manifest, _, _ = app.services.sets.read_manifest(copy.system, copy.set, source)
    with tempfile.TemporaryDirectory(prefix="sabotage-", dir=app.state) as place:
        world = World(Path(place), manifest, source, app.services.keys, seed)
        tallies = campaign(world, CLASSES, mutants, seed)
        alarms = clean_looks(world, clean)
    done = Sabotaged(copy.set, copy.repository, seed, tallies, clean, alarms)
    facts = {key: value for key, value in done.to_facts().items() if key != "classes"}
    app.records.audit("verification.tried", f"{copy.repository}/{copy.set}", facts, actor=whoami(), at=app.clock.now())
    return done
