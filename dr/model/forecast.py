"""How long it would take to be back, foreseen from past drills: what a nightly records and `dr status` shows."""

from typing import Literal

from dr.model.base import ByteCount, HostName, Instant, RunId, Seconds, SetId, StrictModel

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
    """One past drill, as a forecast reads it. The phases that are `inside` add up to the measured RTO."""

    run: RunId
    tier: str
    at: Instant
    """When it was recognised."""
    standby: HostName
    source: str = ""
    """The source servers' major versions, `16` or `15, 16`; empty where the set has no server."""
    server: str = ""
    """The standby servers' major versions."""
    bytes: ByteCount
    rows: int | None = None
    phases: tuple[PhaseTime, ...]


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
    remarks: tuple[str, ...] = ()
    """What a reader must know of it: drills that were not counted, a size that was never drilled, a drill far slower than the others."""
    objective: Seconds | None = None
    target: Seconds | None = None

    @property
    def made_from(self) -> str:
        """`from 6 drills`; where they are few, or all of a much smaller set, that it is rough."""
        drills = f"from {self.drills} drill" + ("" if self.drills == 1 else "s")
        return f"{drills}, so roughly" if self.sureness == "rough" else drills
