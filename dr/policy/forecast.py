"""How long it would take to be back tonight, from the drills that were held. With no drill there is no forecast.

The method, for each phase of the drills of one tier, and then for their sum:

- **p50.** From four drills on whose sizes differ by a quarter or more, the line `fixed + per_unit * size` by repeated medians (Siegel,
  "Robust regression using repeated medians", Biometrika 69, 1982: half of the drills may be odd), neither coefficient below zero. With
  fewer, or sizes too alike, fixed and growing cost cannot be told apart: each drill says that its time grows in proportion with the size
  and never shrinks with it, and the median of what they say counts.
- **p95.** The upper 95% prediction bound for one further drill: the logarithms of measured over fitted totals are taken as normal, their
  variance unknown, with a weak prior of `PRIOR_SPREAD` that weighs as much as `PRIOR_WEIGHT` drills (the conjugate scaled inverse chi
  square; the posterior predictive is Student's t: Gelman et al., "Bayesian Data Analysis", 3rd ed., 3.3). So a single drill gives a wide
  bound, and six that agree a narrow one. One reading far off is drawn in to three robust deviations (Huber, "Robust Estimation of a
  Location Parameter", 1964), and is named in the remarks. An empirical 95% quantile needs 19 drills; we rarely have them.

A drill counts whatever its verdict was, if a user could work at its end: one that was too slow is what the forecast is about. It does
not count if it is older than `FORGET_AFTER`, was held on another standby (a host that was changed since is another one), restored or read
another major version, went through other phases, or lay still (a person's pause is no measurement of the machine); the remarks say how
many did not, and why. What a drill waited for a standby that another run had is left out of its time, and that is said too.
Deterministic, and free of the order in which the drills are given.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from dr.model.base import HostName, Seconds
from dr.model.forecast import Closed, DrillSample, GrowsWith, PhaseForecast, PhaseTime, Sureness, TierForecast, Tonight, Unmeasured
from dr.model.inventory import Objective
from dr.policy.still import LEAST, spoils
from dr.policy.unmeasured import on_top
from dr.policy.words import short
from dr.units import show_duration

FORGET_AFTER = timedelta(days=365)
MOST = 30
"""Drills that are looked at, the newest."""
LINE_FROM = 4
SPREAD = 1.25
"""Sizes must differ by this factor before a line is drawn through them."""
FAR = 1.5
"""A set larger than the largest that was drilled by more than this is said."""
PRIOR_SPREAD = 0.15
PRIOR_WEIGHT = 2
OUTLIER = 3.0
MAD = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""
_SHORTEST = 0.001
_STUDENT = (
    *(6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753),
    *(1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697),
)
"""The 95th percentile of Student's t for 1, 2, ... 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2)."""


def forecast(
    tier: str,
    samples: Sequence[DrillSample],
    tonight: Tonight,
    now: datetime,
    *,
    objective: Objective | None = None,
    standby: HostName | None = None,
    unmeasured: Unmeasured | None = None,
    closed: Closed | None = None,
    written: Mapping[str, str] | None = None,
) -> TierForecast:
    """When the system would be usable again from this tier, for tonight's size. `samples` in any order, of any tier.

    `standby`: where it would be restored; None: where the newest drill was held. What is declared `unmeasured` is added as it is, but for
    a phase that the drills measured; `closed`, the longest wait for an opening, stands beside the forecast. `written`: every host as
    `dr.model.written` tells it: a standby of another kind or at another address is another one, whatever it is called; None: not asked.
    """
    counted, remarks = _counted([s for s in samples if s.tier == tier], tonight, now, standby, written)
    declared = on_top(unmeasured, {p.name for s in counted[-1:] for p in s.phases if p.inside})
    bare = TierForecast(
        tier=tier,
        at=now,
        set=tonight.set,
        bytes=tonight.bytes,
        rows=tonight.rows,
        declared=declared,
        closed=closed,
        objective=objective.rto if objective else None,
        target=objective.target if objective else None,
    )
    if not counted:
        return bare.model_copy(update={"why": "; ".join(remarks) or "no drill was held from this tier yet", "remarks": tuple(remarks)})
    phases = _fitted(counted, tonight)
    added = sum(d.seconds for d in declared)
    inside = [p for p in phases if p.inside]
    p50 = sum(p.at(tonight) for p in inside)
    factor, odd = _spread([sum(p.times[i] for p in inside) / sum(p.fits[i] for p in inside) for i in range(len(counted))])
    remarks += [f"{counted[i].run} took {ratio:.1f} times as long as the others say; it is drawn in" for i, ratio in odd]
    remarks += [*_queues(counted), *_beyond(counted, tonight)]
    return bare.model_copy(
        update={
            "p50": Seconds(p50 + added),
            "p95": Seconds(p50 * factor + added),
            "drills": len(counted),
            "runs": tuple(s.run for s in counted),
            "sureness": _sureness(counted, tonight),
            "phases": tuple(p.forecast(tonight) for p in phases),
            "remarks": tuple(remarks),
        }
    )


# ---------------------------------------------------------------- which drills count


def _counted(
    samples: Sequence[DrillSample], tonight: Tonight, now: datetime, standby: HostName | None, written: Mapping[str, str] | None
) -> tuple[list[DrillSample], list[str]]:
    """Those that are like what would happen tonight, oldest first, and why the others are not."""
    left: dict[str, int] = {}
    fresh = []
    for sample in sorted(samples, key=lambda s: (s.at, s.run), reverse=True)[:MOST]:
        why = _old_or_other(sample, tonight, now)
        if why:
            left[why] = left.get(why, 0) + 1
        else:
            fresh.append(sample)
    here = standby or (fresh[0].standby if fresh else None)
    on_it = _keep(fresh, lambda s: s.standby == here, f"held on another standby than {here}", left)
    is_it = _keep(on_it, lambda s: _same_host(s, written), f"held before host '{here}' was changed", left)
    like = is_it[0] if is_it else None
    same = _keep(is_it, lambda s: like is not None and s.server == like.server, "restored into another major version", left)
    shape = _keep(same, lambda s: like is not None and _shape(s) == _shape(like), "gone through other phases", left)
    remarks = [f"{n} drill{'' if n == 1 else 's'} not counted: {why}" for why, n in left.items()]
    return shape[::-1], remarks


def _old_or_other(sample: DrillSample, tonight: Tonight, now: datetime) -> str:
    if now - sample.at > FORGET_AFTER:
        return f"older than {short(FORGET_AFTER.total_seconds())}"
    if sample.source != tonight.source:
        return f"of version {sample.source or '?'}, the source is {tonight.source or '?'} now"
    if spoils(sample.still, sum(p.seconds for p in sample.phases if p.inside)):
        return "paused or left lying before a user could work"
    return ""


def _same_host(sample: DrillSample, written: Mapping[str, str] | None) -> bool:
    return written is None or sample.host is None or written.get(f"host {sample.standby}") == sample.host


def _keep(samples: Sequence[DrillSample], fits: Callable[[DrillSample], bool], why: str, left: dict[str, int]) -> list[DrillSample]:
    kept = [s for s in samples if fits(s)]
    if len(kept) < len(samples):
        left[why] = left.get(why, 0) + len(samples) - len(kept)
    return kept


def _shape(sample: DrillSample) -> list[tuple[str, bool]]:
    return [(p.name, p.inside) for p in sample.phases]


# ---------------------------------------------------------------- one phase


@dataclass(frozen=True)
class _Phase:
    """One phase over all drills: its times, and what the fit says for each."""

    name: str
    inside: bool
    grows_with: GrowsWith
    sizes: tuple[float, ...]
    times: tuple[float, ...]

    @property
    def line(self) -> tuple[float, float] | None:
        """Fixed cost and seconds per unit, where the drills can tell them apart."""
        told = len(self.sizes) >= LINE_FROM and min(self.sizes) > 0 and max(self.sizes) >= SPREAD * min(self.sizes)
        return repeated_medians(self.sizes, self.times) if told and self.grows_with != "nothing" else None

    def of(self, size: float) -> float:
        if self.line is not None:
            return max(_SHORTEST, self.line[0] + self.line[1] * size)
        said = [time * max(1.0, size / had if had > 0 else 1.0) for had, time in zip(self.sizes, self.times, strict=True)]
        return max(_SHORTEST, median(said))

    def at(self, tonight: Tonight) -> float:
        return self.of(_size(self.grows_with, tonight))

    @property
    def fits(self) -> tuple[float, ...]:
        return tuple(self.of(size) for size in self.sizes)

    def forecast(self, tonight: Tonight) -> PhaseForecast:
        factor, _ = _spread([time / fit for time, fit in zip(self.times, self.fits, strict=True)])
        line = self.line
        return PhaseForecast(
            name=self.name,
            inside=self.inside,
            p50=Seconds(self.at(tonight)),
            p95=Seconds(self.at(tonight) * factor),
            fixed=Seconds(line[0]) if line else None,
            per_unit=line[1] if line else None,
            grows_with=self.grows_with,
        )


def _fitted(samples: Sequence[DrillSample], tonight: Tonight) -> list[_Phase]:
    return [_phase(samples, tonight, number) for number in range(len(samples[0].phases))]


def _phase(samples: Sequence[DrillSample], tonight: Tonight, number: int) -> _Phase:
    first: PhaseTime = samples[0].phases[number]
    counts = [s.rows for s in samples] + [tonight.rows]
    by: GrowsWith = "bytes" if first.grows_with == "rows" and not all(counts) else first.grows_with
    return _Phase(
        first.name,
        first.inside,
        by,
        tuple(_size(by, s) for s in samples),
        tuple(max(_SHORTEST, s.phases[number].seconds) for s in samples),
    )


def _size(by: GrowsWith, of: DrillSample | Tonight) -> float:
    return {"bytes": float(of.bytes), "rows": float(of.rows or 0), "nothing": 1.0}[by]


def repeated_medians(sizes: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """Siegel's line (intercept, slope), neither below zero: a slope below zero is noise, an intercept below zero would promise that a
    set twice the size takes more than twice the time."""
    slopes = []
    for i, (x, t) in enumerate(zip(sizes, times, strict=True)):
        to_others = [(u - t) / (y - x) for j, (y, u) in enumerate(zip(sizes, times, strict=True)) if j != i and y != x]
        slopes += [median(to_others)] if to_others else []
    slope = median(slopes)
    if slope <= 0:
        return median(times), 0.0
    fixed = median(t - slope * x for x, t in zip(sizes, times, strict=True))
    if fixed < 0:
        return 0.0, median(t / x for x, t in zip(sizes, times, strict=True))
    return fixed, slope


# ---------------------------------------------------------------- how sure


def _spread(ratios: Sequence[float]) -> tuple[float, list[tuple[int, float]]]:
    """p95 over p50, from measured over fitted; and which of them are far off, by how much."""
    logs = [math.log(ratio) for ratio in ratios]
    middle = median(logs)
    most = OUTLIER * max(PRIOR_SPREAD, MAD * median(abs(log - middle) for log in logs))
    odd = [(i, ratio) for i, (log, ratio) in enumerate(zip(logs, ratios, strict=True)) if log > most]
    free = PRIOR_WEIGHT + len(logs) - 1
    variance = (PRIOR_WEIGHT * PRIOR_SPREAD**2 + math.fsum(min(abs(log), most) ** 2 for log in logs)) / free
    student = _STUDENT[min(free, len(_STUDENT)) - 1]
    return math.exp(student * math.sqrt(variance * (1 + 1 / len(logs)))), odd


def _queues(samples: Sequence[DrillSample]) -> list[str]:
    waited = [s.waited for s in samples if s.waited >= LEAST]
    if not waited:
        return []
    drills = "1 drill" if len(waited) == 1 else f"{len(waited)} drills"
    return [f"{drills} waited for the standby while another run had it: {show_duration(sum(waited))}, left out here"]


def _beyond(samples: Sequence[DrillSample], tonight: Tonight) -> list[str]:
    largest = max(s.bytes for s in samples)
    if tonight.bytes <= FAR * largest:
        return []
    return [f"tonight's set is {tonight.bytes / largest:.1f} times the largest that was drilled" if largest else "no drill had any bytes"]


def _sureness(samples: Sequence[DrillSample], tonight: Tonight) -> Sureness:
    if len(samples) < 3 or _beyond(samples, tonight):
        return "rough"
    return "fair" if len(samples) < 6 else "good"
