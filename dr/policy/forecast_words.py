"""A forecast in words: one line for a person, and what is wrong with it where it does not hold what was promised."""

from typing import Literal

from dr.model.forecast import TierForecast
from dr.model.summary import Anomaly
from dr.units import show_duration


def breach(system: str, found: TierForecast) -> Anomaly | None:
    """Critical where the p95 is over the objective, a warning where it is only over the target; None within both or without a forecast."""
    if found.p50 is None or found.p95 is None:
        return None
    if found.objective is not None and found.p95 > found.objective:
        return _breach(system, found, found.p50 > found.objective, "objective", found.objective, "critical")
    if found.target is not None and found.p95 > found.target:
        return _breach(system, found, found.p50 > found.target, "target", found.target, "warning")
    return None


def _breach(system: str, found: TierForecast, likely: bool, what: str, limit: float, severity: Literal["warning", "critical"]) -> Anomaly:
    would = "would" if likely else "could"
    late = f"{system} {would} come back from {found.tier} later than its {what} of {show_duration(limit)}"
    parts = [(p.p50, p.name) for p in found.phases if p.inside] + [(d.seconds, f"{d.name} (declared)") for d in found.declared]
    longest, name = max(parts, key=lambda part: part[0])
    hint = f"most of it is '{name}' ({show_duration(longest)}): make that faster, or move the {what}; nothing is lost yet"
    return Anomaly(key=f"forecast:{system}:{found.tier}", severity=severity, message=f"{late}: {in_words(found)}", hint=hint)


def in_words(found: TierForecast) -> str:
    """`back in about 3 h 10 min (p95 3 h 40 min), from 6 drills`; with what of it was declared, and the worst hour of the week."""
    if found.p50 is None or found.p95 is None:
        return "; ".join([f"no forecast: {found.why}", *found.beside])
    back = f"back in about {show_duration(found.p50)} (p95 {show_duration(found.p95)}), {found.made_from}"
    return "; ".join([back, *found.beside])
