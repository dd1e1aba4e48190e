"""Reading parts back within a budget: those that were read longest ago come first, across all sets, and what was read is remembered.

Parts that several sets share are read once, through one of those sets, another one each time. A set becomes `intact` when the last of
its parts has been read since it was committed, on whichever nights that was.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dr.actions.part_memory import remember_parts
from dr.errors import Damaged
from dr.model.backup import Copy, Manifest, Part, PartRead
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Keyring, Repository, StepContext
from dr.stream.layout import part_path
from dr.stream.stored import what_is_wrong
from dr.stream.verify import verify_rest

_REMEMBER_EVERY = 64
"""Parts between two records of what was read: a run that dies reads at most these again."""
Key = tuple[SetId, str, int]
Rest = Callable[[SystemName, SetId, Repository, Keyring, Manifest], list[str]]
"""What is wrong with all of a set but its parts' bytes."""


@dataclass(frozen=True)
class Place:
    """One set in one repository that may be read."""

    repository: Repository
    copy: Copy
    manifest: Manifest


@dataclass
class Sampled:
    """What a sample read and found. `damaged`: place to what is wrong there; `whole`: places of which every part is read, since when."""

    parts: int = 0
    bytes: int = 0
    left: int = 0
    """Parts that the budget did not reach."""
    oldest: datetime | None = None
    """When the part that was read longest ago was read; None if one never was."""
    damaged: dict[tuple[RepositoryName, SetId], list[str]] = field(default_factory=dict)
    whole: list[tuple[Place, datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class _Turn:
    """One part's bytes on disk, to be read through one of the sets that hold them."""

    place: Place
    artifact: str
    part: Part
    last: datetime | None

    @property
    def order(self) -> tuple[bool, float, SetId, str, int]:
        return (self.last is not None, self.last.timestamp() if self.last else 0.0, self.place.copy.set, self.artifact, self.part.number)


def sample(system: SystemName, places: Sequence[Place], budget: float | None, ctx: StepContext, *, rest: Rest = verify_rest) -> Sampled:
    """Read until the budget (seconds) is used, one part at least; None: everything once. `rest` looks at all but the parts."""
    for place in places:
        remember_parts(place.copy, place.manifest, ctx.records)
    turns = sorted(_turns(places, _reads(system, places, ctx), ctx.run), key=lambda turn: turn.order)
    done = Sampled()
    memory = _Memory(ctx)
    began = ctx.clock.monotonic()
    for number, turn in enumerate(turns):
        ctx.check_stop()
        if number and budget is not None and ctx.clock.monotonic() - began >= budget:
            done.left = len(turns) - number
            break
        _read(system, turn, done, memory)
        ctx.progress("reading parts back", number + 1, len(turns), "items")
    memory.flush()
    _conclude(system, places, done, ctx, rest)
    return done


def _read(system: SystemName, turn: _Turn, done: Sampled, memory: "_Memory") -> None:
    place, path = turn.place, part_path(turn.artifact, turn.part.number)
    cause = what_is_wrong(place.repository, system, place.copy.set, path, turn.part.size, turn.part.sha256)
    done.parts += 1
    done.bytes += turn.part.size
    if cause:
        done.damaged.setdefault((place.repository.name, place.copy.set), []).append(f"{path}: {cause}")
    else:
        memory.add(place, turn.artifact, turn.part.number)


class _Memory:
    """Parts that were read and matched, on their way to the catalog."""

    def __init__(self, ctx: StepContext) -> None:
        self._ctx = ctx
        self._read: dict[tuple[RepositoryName, SetId], list[tuple[str, int]]] = {}
        self._count = 0

    def add(self, place: Place, artifact: str, number: int) -> None:
        self._read.setdefault((place.repository.name, place.copy.set), []).append((artifact, number))
        self._count += 1
        if self._count % _REMEMBER_EVERY == 0:
            self.flush()

    def flush(self) -> None:
        for (repository, set_id), parts in self._read.items():
            self._ctx.records.record_read_back(repository, set_id, parts, self._ctx.clock.now())
        self._read.clear()


# ---------------------------------------------------------------- whose turn it is


def _reads(system: SystemName, places: Sequence[Place], ctx: StepContext) -> Mapping[RepositoryName, Mapping[Key, PartRead]]:
    names = {place.repository.name for place in places}
    return {name: {(r.set, r.artifact, r.number): r for r in ctx.records.part_reads(system, name)} for name in names}


def _turns(places: Sequence[Place], reads: Mapping[RepositoryName, Mapping[Key, PartRead]], seed: str) -> Iterator[_Turn]:
    """One turn for each part's bytes; through which set is drawn anew in each run, so that each set's own path has its turn."""
    holders: dict[tuple[str, str, str], list[_Turn]] = {}
    for place in places:
        known = reads[place.repository.name]
        for artifact in place.manifest.artifacts:
            for part in artifact.parts:
                read = known.get((place.copy.set, artifact.name, part.number))
                origin = read.origin if read else place.copy.set
                turn = _Turn(place, artifact.name, part, read.read_back if read else None)
                holders.setdefault((place.repository.name, origin, part.sha256), []).append(turn)
    draw = random.Random(seed)  # noqa: S311
    for _, turns in sorted(holders.items()):
        yield draw.choice(turns)


# ---------------------------------------------------------------- what follows


def _conclude(system: SystemName, places: Sequence[Place], done: Sampled, ctx: StepContext, rest: Rest) -> None:
    """Look at all but the parts in every set, and see which sets are now wholly read."""
    reads = _reads(system, places, ctx)
    every: list[datetime | None] = []
    for place in places:
        key = (place.repository.name, place.copy.set)
        wrong = _rest(system, place, ctx, rest)
        if wrong:
            done.damaged.setdefault(key, []).extend(wrong)
        known = reads[place.repository.name]
        own = [known.get((place.copy.set, a.name, p.number)) for a in place.manifest.artifacts for p in a.parts]
        instants = [read.read_back if read else None for read in own]
        every += instants
        since = min((at for at in instants if at is not None), default=None)
        if key not in done.damaged and since is not None and None not in instants and since >= place.copy.committed:
            done.whole.append((place, since))
    done.oldest = min((at for at in every if at is not None), default=None) if None not in every else None


def _rest(system: SystemName, place: Place, ctx: StepContext, rest: Rest) -> list[str]:
    try:
        return rest(system, place.copy.set, place.repository, ctx.keys, place.manifest)
    except Damaged as problem:
        return [problem.message]
