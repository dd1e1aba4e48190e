"""A year of nights on a real catalog and memory repositories, by a fake clock: some fail or shrink, and hostile callers try to delete."""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from dr.actions import prune
from dr.actions.prune import EXPIRY, carry_out
from dr.model.backup import Copy, Manifest, Previous, Tombstone, at_least
from dr.model.base import RepositoryName, RunId, Seconds, SetId, canonical, sha256
from dr.model.inventory import RetentionPolicy
from dr.model.ports import Repository, StepContext
from dr.model.record import Decision, RetentionOutcome
from dr.stream.layout import write_signature
from tests.support.action_world import HMIS, ONLINE, VAULT, ActionContext, World
from tests.support.catalog_copies import copy_of, manifest_at
from tests.support.stream_memory import MemoryRepository

CHICAGO = ZoneInfo("America/Chicago")
DAY, MONTH = 86400.0, 30 * 86400.0
POLICIES = {
    "online": RetentionPolicy(keep_within=Seconds(DAY), requires_copy_in="vault"),
    "vault": RetentionPolicy(keep_within=Seconds(MONTH), expire_after=Seconds(MONTH + DAY)),
}
Key = tuple[RepositoryName, SetId]


def key_of(copy: Copy) -> Key:
    return copy.repository, copy.set


def protected(copies: list[Copy]) -> dict[Key, str]:
    """What no prune may ever delete, found here by other code than the policy's own."""
    found: dict[Key, str] = {}
    for tier in {c.tier for c in copies}:
        own = [c for c in copies if c.tier == tier]
        found |= {key_of(c): "held or in use" for c in own if c.held or c.pinned_by}
        for level in ("proven", "intact"):
            for whole_only in (False, True):
                able = [c for c in own if not c.damaged and at_least(c.level, level) and not (whole_only and c.shrunken)]
                if able:
                    found[key_of(max(able, key=lambda c: c.instant))] = f"last {level}"
        good = [c for c in own if at_least(c.level, "intact") and not c.damaged and not c.shrunken]
        if not good:
            found |= {key_of(c): "no good copy in its tier" for c in own}
    return found


@dataclass
class Year:
    """`night` lives one day; `tried` and `succeeded` count deletions of protected copies by hostile callers."""

    place: Path
    seed: int
    carry: Callable[[RetentionOutcome, StepContext], object] = lambda outcome, ctx: carry_out(HMIS, outcome, ctx)
    every: int = 1
    """Nights between two rounds of attacks."""
    tried: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.world = World(self.place, retention=dict(POLICIES))
        for name in ("online", "vault"):
            repository = MemoryRepository(RepositoryName(name), name, organisation="Harbor")
            repository.initialise("Harbor", f"id-{name}", datetime(2026, 1, 1, tzinfo=UTC))
            setattr(self.world, name, repository)
        self.previous: Manifest | None = None

    @property
    def copies(self) -> list[Copy]:
        return self.world.catalog.copies(HMIS)

    def context(self) -> StepContext:
        return cast("StepContext", ActionContext(self.world, RunId("hostile"), prune.ACTION))

    # ------------------------------------------------------------ one night

    def night(self, day: date) -> None:
        """01:30 local: a backup, or none; then what was there is verified, drilled, damaged; then expiry. Raises AssertionError."""
        self.world.clock.move_to(datetime.combine(day, time(1, 30), CHICAGO).astimezone(UTC))
        if self.dice.random() < 0.1:
            self.counts["failed nights"] += 1
            return self._expire(day)
        manifest = self._publish()
        if self.dice.random() < 0.05:
            self.world.catalog.mark_shrunken(manifest.set, ["seeded"], self.world.clock.now(), RunId("year"))
            self.counts["shrunken"] += 1
        if day.weekday() == 6:
            self._prove(ONLINE)
        if day.day == 1:
            self._prove(VAULT)
        self._accident()
        return self._expire(day)

    def _publish(self) -> Manifest:
        now, world = self.world.clock.now(), self.world
        before = self.previous
        previous = Previous(set=before.set, manifest=sha256(canonical(before.to_facts()))) if before else None
        manifest = manifest_at(now, previous=previous).model_copy(update={"organisation": "Harbor"})
        stored = canonical(manifest.to_facts())
        lost = self.dice.choice(["online", "vault"]) if self.dice.random() < 0.06 else ""
        for repository in cast("list[MemoryRepository]", [world.online, world.vault]):
            if repository.name == lost:
                self.counts["missing copies"] += 1
                continue
            repository.begin(HMIS, manifest.set).commit(stored, write_signature(world.keys.sign(stored)), {})
            copy = copy_of(manifest, tier=repository.tier).model_copy(update={"repository": repository.name, "manifest": sha256(stored)})
            world.catalog.record_copy(
                copy.model_copy(update={"level": "stored", "intact_at": None, "committed": now}), manifest, RunId("year")
            )
            if self.dice.random() < 0.95:
                world.catalog.raise_proof(manifest.set, repository.name, "intact", now, RunId("year"), {})
        self.previous = manifest
        self.counts["sets"] += 1
        return manifest

    def _prove(self, where: RepositoryName) -> None:
        able = [c for c in self.copies if c.repository == where and not c.damaged]
        if able and self.dice.random() < 0.8:
            self.world.prove(able[0].set, where)
            self.counts["proofs"] += 1

    def _accident(self) -> None:
        if self.dice.random() < 0.02:
            copy = self.dice.choice(self.copies)
            self.world.catalog.mark_damaged(copy.set, copy.repository, ["manifest.json"], self.world.clock.now(), RunId("year"))
            self.counts["damaged"] += 1
        if self.dice.random() < 0.02:
            self._accept()

    def _accept(self) -> None:
        for copy in self.copies:
            if copy.shrunken:
                self.world.catalog.accept_shrunken(copy.set, "rosa", "archived", self.world.clock.now())

    def _expire(self, day: date) -> None:
        before = self.copies
        guarded = protected(before)
        facts = self.world.prune(confirmed=False)
        if facts["needs_person"]:
            assert self.copies == before, "half a tier went without a person"
            self.tried["half a tier, no person"] += sum(not d["keep"] for d in facts["decisions"])
            facts = self.world.prune(confirmed=True)
            self.counts["nights that needed a person"] += 1
        self.counts["deletions"] += len(facts["removed"])
        self._check(guarded, before)
        if day.toordinal() % self.every == 0:
            self._attack()
        if day.day == 15:
            self._shrink_the_policy()

    # ------------------------------------------------------------ what must hold every night

    def _check(self, guarded: dict[Key, str], before: list[Copy]) -> None:
        left = {key_of(c) for c in self.copies}
        assert not set(guarded) - left, {key: guarded[key] for key in set(guarded) - left}
        for repository in cast("list[MemoryRepository]", [self.world.online, self.world.vault]):
            there = {(repository.name, set_id) for _, set_id in repository.sets(HMIS)}
            assert there == {key for key in left if key[0] == repository.name}
        limit = self.world.clock.now() - timedelta(seconds=MONTH + DAY)
        for tier, within in ((ONLINE, DAY), (VAULT, MONTH)):
            good = [c for c in before if c.repository == tier and at_least(c.level, "intact") and not c.damaged and not c.shrunken]
            anchor = max((c.instant for c in good), default=None)
            young = [c for c in before if anchor and c.repository == tier and c.instant >= anchor - timedelta(seconds=within)]
            private = [c for c in young if tier == ONLINE or c.instant >= limit]
            assert all(key_of(c) in left for c in private), "younger than its tier keeps, and gone"
        old = {key_of(c) for c in self.copies if c.repository == VAULT and c.instant < limit}
        assert old <= set(guarded), "past the privacy limit, protected by nothing, and still there"

    # ------------------------------------------------------------ hostile callers

    def _attack(self) -> None:
        """Forged decisions against what is protected; true ones that have grown stale."""
        for key, why in protected(self.copies).items():
            self._try(f"forged: {why}", key)
        chosen = self.dice.choice(self.copies) if self.copies else None
        if chosen is not None:
            for what, change in self._changes().items():
                with change(chosen):
                    self._try(what, key_of(chosen))

    def _shrink_the_policy(self) -> None:
        """Somebody mistypes the limits: without a person's word nothing may go."""
        before = self.copies
        self.world.retention = {tier: RetentionPolicy(keep_last=1) for tier in POLICIES}
        facts = self.world.prune(confirmed=False)
        self.world.retention = dict(POLICIES)
        self.tried["shrunken policy"] += sum(not d["keep"] for d in facts["decisions"])
        self.succeeded["shrunken policy"] += len(before) - len(self.copies)

    def _changes(self) -> dict[str, Callable[[Copy], AbstractContextManager[None]]]:
        return {"held since": self._held, "in use since": self._in_use, "expiry off": self._expiry_off, "clock behind": self._clock_behind}

    def _try(self, what: str, key: Key) -> None:
        repository, set_id = key
        forged = Decision(set=set_id, repository=repository, tier=str(repository), keep=False, rule="forged", reason="a hostile caller")
        self.tried[what] += 1
        self.carry(RetentionOutcome(decisions=(forged,)), self.context())
        if key not in {key_of(c) for c in self.copies}:
            self.succeeded[what] += 1

    @contextmanager
    def _held(self, copy: Copy) -> Iterator[None]:
        self.world.catalog.hold(copy.set, copy.repository, True)
        yield
        self.world.catalog.hold(copy.set, copy.repository, False)

    @contextmanager
    def _in_use(self, copy: Copy) -> Iterator[None]:
        run = RunId(next(r.run for r in self.world.catalog.runs(limit=1)))
        self.world.catalog.pin(copy.set, run)
        yield
        self.world.catalog.unpin(run)

    @contextmanager
    def _expiry_off(self, _: Copy) -> Iterator[None]:
        self.world.catalog.set_setting(EXPIRY, "off")
        yield
        self.world.catalog.set_setting(EXPIRY, "on")

    @contextmanager
    def _clock_behind(self, _: Copy) -> Iterator[None]:
        """Ours, so that what was just made is dated ahead."""
        now = self.world.clock.now()
        newest = max(c.instant for c in self.copies)
        self.world.clock.move_to(newest - timedelta(hours=6))
        yield
        self.world.clock.move_to(now)


def tell(year: Year) -> str:
    tried = ", ".join(f"{what} {count}" for what, count in sorted(year.tried.items()))
    return f"deletions of protected copies tried: {year.tried.total()} ({tried}); succeeded: {year.succeeded.total()}; {dict(year.counts)}"


def bury_blindly(outcome: RetentionOutcome, ctx: StepContext) -> None:
    """A prune that believes what it was told: the guard switched off."""
    for decision in outcome.decisions:
        repository: Repository = ctx.repository(decision.repository)
        now = ctx.clock.now()
        copy = next(c for c in ctx.records.copies(HMIS) if (c.repository, c.set) == (decision.repository, decision.set))
        trace = Tombstone(system=HMIS, set=copy.set, manifest=copy.manifest, instant=copy.instant, removed=now, run=ctx.run, rule="forged")
        repository.remove(trace, write_signature(ctx.keys.sign(canonical(trace.to_facts()))), failpoint=lambda _: None)
        ctx.records.record_removed(copy.set, copy.repository, now, ctx.run, "forged")


def main(seed: str, nights: str) -> int:
    """A year from 1 March 2026, a week before the clocks go forward in Chicago; they go back on 1 November."""
    with tempfile.TemporaryDirectory() as place:
        year = Year(Path(place), seed=int(seed))
        for number in range(int(nights)):
            year.night(date(2026, 3, 1) + timedelta(days=number))
    print(tell(year))
    return 1 if year.succeeded.total() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
