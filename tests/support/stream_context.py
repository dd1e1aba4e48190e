"""What the stream needs of a step: its records, its stop, its failpoints. Nothing else of a step is there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from dr.clock import FixedClock
from dr.errors import Stopped
from dr.model.backup import Copy, PartCopy
from dr.model.base import RepositoryName, SetId, Sha256, SystemName
from dr.model.ports import StepContext, Written
from dr.model.record import AuditHead

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
HMIS = SystemName("hmis")


class Killed(BaseException):
    """The process died at a failpoint, as far as the code under test can tell."""


@dataclass
class StreamRecords:
    """The catalog's facts that the stream reads and writes."""

    known: list[PartCopy] = field(default_factory=list)
    sets: list[Copy] = field(default_factory=list)

    def copies(self, system: SystemName | None = None) -> list[Copy]:
        return sorted((one for one in self.sets if system in (None, one.system)), key=lambda one: one.set, reverse=True)

    def newest(self, system: SystemName) -> Copy | None:
        return next(iter(self.copies(system)), None)

    def parts(self, system: SystemName, repository: RepositoryName, set_id: SetId | None = None) -> list[PartCopy]:
        return [one for one in self.known if (one.system, one.repository) == (system, repository) and set_id in (None, one.set)]

    def record_parts(self, parts: Sequence[PartCopy]) -> None:
        exist = {(one.repository, one.set) for one in self.sets}
        new = {(one.repository, one.set, one.artifact, one.number) for one in parts if (one.repository, one.set) not in exist}
        self.known = [one for one in self.known if (one.repository, one.set, one.artifact, one.number) not in new]
        there = {(one.repository, one.set, one.artifact, one.number) for one in self.known}
        self.known += [one for one in parts if (one.repository, one.set, one.artifact, one.number) not in there]

    def audit_head(self) -> AuditHead:
        return AuditHead(seq=7, hash=Sha256("ab" * 32), at=NOW)

    # what a nightly's other steps record

    def committed(self, written: Written, tiers: dict[str, str]) -> None:
        manifest = written.manifest
        for repository, at in written.committed.items():
            self.sets.append(
                Copy(
                    set=manifest.set,
                    system=manifest.system,
                    repository=repository,
                    tier=tiers[repository],  # type: ignore[arg-type]
                    instant=manifest.instant,
                    committed=at,
                    manifest=Sha256(written.manifest_sha256),
                    stored=manifest.stored,
                    level="stored",
                )
            )
        self.record_parts(list(written.parts))

    def read_back(self, at: datetime, repository: str | None = None) -> None:
        self.known = [one if repository not in (None, one.repository) else one.model_copy(update={"read_back": at}) for one in self.known]


@dataclass
class StreamContext:
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    records: StreamRecords = field(default_factory=StreamRecords)
    die_at: tuple[str, int] | None = None
    """Failpoint and which hit of it."""
    stop_after: int | None = None
    """How many looks at `check_stop` pass before the step is stopped."""
    hits: list[str] = field(default_factory=list)
    said: list[tuple[str, int | None]] = field(default_factory=list)
    looks: int = 0

    def check_stop(self) -> None:
        self.looks += 1
        if self.stop_after is not None and self.looks > self.stop_after:
            raise Stopped("the step was cancelled")

    def failpoint(self, name: str) -> None:
        self.hits.append(name)
        if self.die_at == (name, self.hits.count(name)):
            raise Killed(name)

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self.said.append((what, done))

    def later(self, **delta: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**delta))

    @property
    def step(self) -> StepContext:
        return cast("StepContext", self)
