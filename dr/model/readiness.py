"""How ready a system is, as one answer with its reasons: what `dr status` shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from dr.model.backup import ProofLevel
from dr.model.base import Instant, RunId, Seconds, SetId, Sha256, StepId, StrictModel, SystemName
from dr.model.forecast import TierForecast
from dr.model.record import Verdict
from dr.units import show_duration

Colour = Literal["green", "amber", "red"]
COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
"""From good to bad."""


def worst(colours: tuple[Colour, ...]) -> Colour:
    """The worst of them; nothing looked at is red, never green."""
    return max(colours, key=COLOURS.index, default="red")


class DrillFact(StrictModel):
    """One finished drill, as readiness judges it."""

    run: RunId
    tier: str
    verdict: Verdict
    ended: Instant
    rto: Seconds | None = None
    """From recognition to the first successful user-level probe, and what was declared beside it. None where no probe succeeded."""
    measured: Seconds | None = None
    """The former alone."""
    waited: Seconds = Seconds(0.0)
    """Of the measured time, how long it waited for a standby that another run had."""
    set: SetId | None = None
    rests_on: dict[str, Sha256] = Field(default_factory=dict)
    """As its plan has it: what must be as it was, for this drill to stand for the next one."""

    @property
    def how(self) -> str:
        """`, of it 1 h declared and 10 min waiting for the standby`; nothing where all of it was measured, of work."""
        declared = (self.rto or 0.0) - self.measured if self.measured is not None else 0.0
        said = [f"{show_duration(declared)} declared"] if declared >= 1 else []
        said += [f"{show_duration(self.waited)} waiting for the standby"] if self.waited >= 1 else []
        return f", of it {' and '.join(said)}" if said else ""


class NightFact(StrictModel):
    """The last nightly run that is over, as readiness judges it."""

    run: RunId
    verdict: Verdict
    began: Instant
    ended: Instant
    failed: tuple[StepId, ...] = ()
    """Its steps that failed."""


class Reason(StrictModel):
    """One thing that makes it amber or red (or, green, what holds), in words a person reads."""

    colour: Colour
    text: str
    hint: str = ""
    """What to do or look at next; empty when there is nothing to add."""


class TierReadiness(StrictModel):
    """What one tier would give back."""

    tier: str
    colour: Colour
    reasons: tuple[Reason, ...]
    copies: int
    newest: SetId | None = None
    """The newest good copy: intact or better, undamaged, not shrunken."""
    level: ProofLevel | None = None
    instant: Instant | None = None
    rpo: Seconds | None = None
    """What would be lost if only this tier were left, now. None: everything."""
    proven: SetId | None = None
    """The newest proven copy."""
    proven_at: Instant | None = None
    drill: DrillFact | None = None
    """The last one."""
    rto_objective: Seconds | None = None
    rto_target: Seconds | None = None
    forecast: TierForecast | None = None
    """How long it would take for the newest set, by the drills that were held."""


class Readiness(StrictModel):
    """What we would get back if we lost the system now, how fast, and how we know."""

    system: SystemName
    at: Instant
    colour: Colour
    reasons: tuple[Reason, ...]
    """Those of the system as a whole; each tier has its own beside."""
    rpo: Seconds | None
    """What would be lost now, by the newest good copy of any tier. None: everything."""
    rpo_objective: Seconds
    tiers: tuple[TierReadiness, ...]


@dataclass(frozen=True)
class Kept:
    """A judgement of one system that was kept, findings and notices left out: those are few, and asked for anew each time."""

    system: SystemName
    judged: int
    """How much had befallen the system (as the catalog counts) before the facts were read."""
    files: Sha256
    """What the home said then: the digest of its files."""
    at: datetime
    until: datetime
    """Before this instant it is not otherwise by the passing of time alone."""
    colour: Colour
    as_of: datetime | None
    """Of the newest good copy of any tier."""

    def holds(self, befallen: int, files: Sha256, now: datetime) -> bool:
        """Whether it is what a judgement of now would be. A clock that went back makes it none."""
        return self.judged == befallen and self.files == files and self.at <= now < self.until
