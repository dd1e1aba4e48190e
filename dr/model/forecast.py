"""How long it would take to be back, foreseen from past drills: what a nightly records and `dr status` shows."""

from collections.abc import Sequence
from typing import Literal

from dr.model.base import ByteCount, HostName, Instant, RunId, Seconds, SetId, Sha256, StrictModel
from dr.model.opening import Day, OpeningHours
from dr.units import show_duration

GrowsWith = Literal["bytes", "rows", "nothing"]
"""What makes a phase take longer: the set's plain bytes, its rows, or nothing that is known."""
Sureness = Literal["rough", "fair", "good"]


class PhaseTime(StrictModel):
    """One phase of one drill, as it was measured: from the end of the phase before it to its own end, so that none of the time is lost."""

    name: str
    seconds: Seconds
    grows_with: GrowsWith = "nothing"
    inside: bool = True
    """Whether the recovery clock still ran: what came after the first user could work again (the rest of the proof) is not in the RTO."""


class DrillSample(StrictModel):
    """One past drill, as a forecast reads it. The phases that are `inside` and what it `waited` add up to the measured RTO."""

    run: RunId
    tier: str
    at: Instant
    """When it was recognised."""
    standby: HostName
    host: Sha256 | None = None
    """The standby as it was written then (`dr.model.written`): kind, address and all. None: of before that was kept."""
    source: str = ""
    """The source servers' major versions, `16` or `15, 16`; empty where the set has no server."""
    server: str = ""
    """The standby servers' major versions."""
    bytes: ByteCount
    rows: int | None = None
    phases: tuple[PhaseTime, ...]
    still: Seconds = Seconds(0.0)
    """How long it lay still before the first user could work: paused, or with nobody to carry it on."""
    waited: Seconds = Seconds(0.0)
    """How long it waited for a standby that another run had; in none of the phases."""


class Tonight(StrictModel):
    """What would have to be brought back."""

    set: SetId
    bytes: ByteCount
    rows: int | None = None
    source: str = ""


class Declared(StrictModel):
    """Time that no drill measures and that is added as it was declared (a courier, a bank's opening hours)."""

    name: str
    seconds: Seconds


class Unmeasured(StrictModel):
    """What stands between the loss of a system and its return from a tier, and no machine can measure."""

    declared: tuple[Declared, ...] = ()
    open: OpeningHours = None
    """When the place of that tier can be entered, in the organisation's zone; None: at any hour."""
    holidays: tuple[Day, ...] = ()


class Closed(StrictModel):
    """The longest that anybody would stand before a closed door who comes within a week."""

    seconds: Seconds
    at: Instant
    """Who comes then waits that long."""
    when: str
    """The same in the organisation's zone, as a person says it: `Friday 17:00`."""


def declared_words(declared: Sequence[Declared]) -> str:
    """`courier 45 min, decision 15 min`, the longest first."""
    return ", ".join(f"{one.name} {show_duration(one.seconds)}" for one in sorted(declared, key=lambda one: (-one.seconds, one.name)))


def closed_words(closed: Closed, place: str) -> str:
    return f"at the worst hour of the week ({closed.when}) + {show_duration(closed.seconds)} until {place} opens"


class PhaseForecast(StrictModel):
    """One phase for tonight's size. The phases' p50 add up to the whole's, their p95 do not: not everything is slow at once."""

    name: str
    inside: bool
    p50: Seconds
    p95: Seconds
    fixed: Seconds | None = None
    """Its fixed cost; None where too few drills of different sizes were held to tell it from what grows."""
    per_unit: float | None = None
    """Seconds more per byte, or per row; None as above."""
    grows_with: GrowsWith


class TierForecast(StrictModel):
    """When the system would be usable again if it had to come back from this tier now."""

    tier: str
    at: Instant
    set: SetId
    bytes: ByteCount
    rows: int | None = None
    p50: Seconds | None = None
    """As likely sooner as later. None: nothing is foreseen, and `why` says why."""
    p95: Seconds | None = None
    """19 times out of 20 it is back by then."""
    why: str = ""
    drills: int = 0
    """How many it was made from."""
    runs: tuple[RunId, ...] = ()
    sureness: Sureness = "rough"
    phases: tuple[PhaseForecast, ...] = ()
    declared: tuple[Declared, ...] = ()
    """In `p50` and `p95`: what was declared and not measured by the drills."""
    closed: Closed | None = None
    """Beside them: how much longer it takes at the worst hour of the week, when the place of that tier has just closed."""
    remarks: tuple[str, ...] = ()
    """What a reader must know of it: drills that were not counted, a size that was never drilled, a drill far slower than the others."""
    objective: Seconds | None = None
    target: Seconds | None = None

    @property
    def made_from(self) -> str:
        """`from 6 drills`; where they are few, or all of a much smaller set, that it is rough."""
        drills = f"from {self.drills} drill" + ("" if self.drills == 1 else "s")
        return f"{drills}, so roughly" if self.sureness == "rough" else drills

    @property
    def beside(self) -> list[str]:
        """What no drill measures: how much of it (or of what is to come, where nothing is foreseen) is declared, and the worst hour."""
        of = "of it declared" if self.p50 is not None else "declared beside it"
        said = [f"{of}: {declared_words(self.declared)}"] if self.declared else []
        return [*said, *([closed_words(self.closed, self.tier)] if self.closed else [])]
