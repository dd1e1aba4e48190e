"""The status as one page: what would come back of each system, how old it is, how fast, proven when; what is red, and what to do next.

Self-contained, without a script: it is carried to whoever has no shell, by mail or on a phone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.clock import local
from dr.model.readiness import COLOURS, Colour, Readiness, Reason, TierReadiness, worst
from dr.model.record import Finding
from dr.report.page import environment
from dr.report.timeline import gauge
from dr.units import show_duration

MARKS: dict[Colour, str] = {"green": "✔", "amber": "▲", "red": "✖"}
WORDS: dict[Colour, str] = {"green": "READY", "amber": "NEEDS ATTENTION", "red": "AT RISK"}
_BANNERS: dict[Colour, str] = {"green": "PASS", "amber": "INCOMPLETE", "red": "FAIL"}
_SHADES: dict[Colour, str] = {"green": "good", "amber": "warn", "red": "bad"}
_ARE: tuple[tuple[Colour, str, str], ...] = (
    ("red", "is at risk", "are at risk"),
    ("amber", "needs attention", "need attention"),
    ("green", "is ready", "are ready"),
)
_SEEN = 3
"""Reasons that are seen without unfolding; what is red always is."""


@dataclass(frozen=True)
class Shown:
    """One system, as it is drawn."""

    readiness: Readiness
    title: str
    findings: Sequence[Finding]
    """The open ones: what to do next is in them."""


@dataclass(frozen=True)
class Standing:
    """The whole page: who is shown, and how many there are of each colour."""

    organisation: str
    zone: str
    at: datetime
    tool: str
    systems: Sequence[Shown]
    counts: Mapping[Colour, int]
    notes: Sequence[str] = ()
    """What is so beside the systems: runs that were interrupted, standbys that hold data."""
    out: Sequence[tuple[str, str, bool]] = ()
    """What users cannot work with now, or what is rehearsed: before anything else. A headline, the rest, and whether it is for real."""


def status_page(seen: Standing) -> str:
    """One self-contained HTML file."""
    colour = worst(tuple(colour for colour in COLOURS if seen.counts.get(colour)))
    shown = sorted(seen.systems, key=lambda one: -COLOURS.index(one.readiness.colour))
    return (
        environment(seen.zone)
        .get_template("status.html.j2")
        .render(
            s=seen,
            banner=_BANNERS[colour],
            mark=MARKS[colour],
            headline=headline(seen.counts),
            systems=[_drawn(one, seen.zone) for one in shown],
            hidden=sum(seen.counts.values()) - len(shown),
        )
    )


def headline(counts: Mapping[Colour, int]) -> str:
    """`1 of 3 systems is at risk, 2 are ready.`"""
    total = sum(counts.values())
    if total == 0:
        return "No system is protected."
    if counts.get("green", 0) == total:
        return "The system is ready." if total == 1 else f"All {total:,} systems are ready."
    if total == 1:
        return "The system is at risk." if counts.get("red") else "The system needs attention."
    said: list[str] = []
    for colour, one, many in _ARE:
        if number := counts.get(colour, 0):
            said.append(f"{number:,}{'' if said else f' of {total:,} systems'} {one if number == 1 else many}")
    return ", ".join(said) + "."


def _drawn(one: Shown, zone: str) -> dict[str, object]:
    found, every = one.readiness, _reasons(one)
    return {
        "name": found.system,
        "title": one.title,
        "colour": found.colour,
        "mark": MARKS[found.colour],
        "word": WORDS[found.colour],
        "shade": _SHADES[found.colour],
        "sentence": sentence(found, zone),
        "seen": max(_SEEN, sum(r.colour == "red" for r in every)),
        "wrong": [{"text": r.text, "hint": r.hint.rstrip("."), "shade": _SHADES[r.colour], "mark": MARKS[r.colour]} for r in every],
        "tiers": [_tier(tier, found, zone) for tier in found.tiers],
    }


def sentence(found: Readiness, zone: str) -> str:
    """What would we get back, how old, how fast, proven when: one sentence, and what is not known said as such."""
    good = [tier for tier in found.tiers if tier.instant is not None]
    if not good:
        return "If we lost it now, nothing would come back: there is no good copy."
    newest = max(good, key=lambda tier: tier.instant or found.at)
    assert newest.instant is not None
    until = f"If we lost it now, we would get back everything until {local(newest.instant, zone)}"
    lost = f"the last {show_duration(found.rpo or 0)} would be lost"
    newest_ones = [tier for tier in good if tier.instant == newest.instant]
    return f"{until} ({lost}), {_fast(newest_ones)}; {_proven(found, newest_ones)}."


def _fast(tiers: Sequence[TierReadiness]) -> str:
    """From the quickest of the tiers that hold the newest copy: another one's speed would not bring that back."""
    drilled = [(t.drill.rto, t.tier) for t in tiers if t.drill and t.drill.verdict == "PASS" and t.drill.rto is not None]
    if not drilled:
        why = "no drill passed" if any(t.drill for t in tiers) else "never drilled"
        return f"but nobody knows how fast (from {' or '.join(t.tier for t in tiers)}: {why})"
    quickest = min(drilled)
    return f"in about {show_duration(quickest[0])} from {quickest[1]}, as drilled"


def _proven(found: Readiness, newest: Sequence[TierReadiness]) -> str:
    proven = [tier.proven_at for tier in found.tiers if tier.proven_at is not None]
    if not proven:
        return "no copy was ever restored and compared"
    itself = [tier.proven_at for tier in newest if tier.level == "proven" and tier.proven_at is not None]
    return f"proven {_ago(max(itself), found.at)}" if itself else f"an older copy was proven {_ago(max(proven), found.at)}"


def _ago(then: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - then).total_seconds())
    for size, unit in ((172_800, "day"), (7200, "hour"), (120, "minute")):
        if seconds >= size:
            return f"{int(seconds // {'day': 86_400, 'hour': 3600, 'minute': 60}[unit])} {unit}s ago"
    return "just now"


def _reasons(one: Shown) -> list[Reason]:
    """Everything that is not green, the worst first, each with what to do next where that is known."""
    hints = {finding.message: finding.hint for finding in one.findings if finding.hint}
    named = [r.model_copy(update={"text": f"{tier.tier}: {r.text}"}) for tier in one.readiness.tiers for r in tier.reasons]
    open_ones = [r for r in (*one.readiness.reasons, *named) if r.colour != "green"]
    hinted = [r if r.hint else r.model_copy(update={"hint": hints.get(r.text, "")}) for r in open_ones]
    return sorted(hinted, key=lambda reason: reason.colour != "red")


def _tier(tier: TierReadiness, found: Readiness, zone: str) -> dict[str, object]:
    return {
        "name": tier.tier,
        "mark": MARKS[tier.colour],
        "shade": _SHADES[tier.colour],
        "word": WORDS[tier.colour].lower(),
        "tiles": [_age(tier, found), _time(tier), _proof(tier, found.at), _drill(tier, found.at, zone)],
    }


def _tile(cap: str, big: str, shade: str, note: str, drawn: object = None) -> dict[str, object]:
    return {"cap": cap, "big": big, "shade": shade, "note": note, "gauge": drawn}


def _age(tier: TierReadiness, found: Readiness) -> dict[str, object]:
    of = show_duration(found.rpo_objective)
    if tier.rpo is None:
        return _tile("Would be lost", "everything", "bad", f"no good copy; the objective is {of}")
    over = tier.rpo > found.rpo_objective
    note = f"{'OVER the' if over else 'within the'} objective of {of}"
    return _tile("Would be lost", show_duration(tier.rpo), "bad" if over else "good", note, gauge(tier.rpo, found.rpo_objective))


def _time(tier: TierReadiness) -> dict[str, object]:
    drill, objective = tier.drill, tier.rto_objective
    wanted = f"the objective is {show_duration(objective)}" if objective else "no objective"
    if drill is None or drill.verdict != "PASS" or drill.rto is None:
        return _tile("Back in", "not known", "bad" if drill and drill.verdict == "FAIL" else "warn", wanted)
    over = objective is not None and drill.rto > objective
    note = f"{'OVER the' if over else 'within the'} objective of {show_duration(objective)}{drill.how}" if objective else "no objective"
    foreseen = tier.forecast
    if foreseen is not None and foreseen.p50 is not None and foreseen.p95 is not None:
        note += f"; tonight about {show_duration(foreseen.p50)}, {show_duration(foreseen.p95)} at worst (p95)"
    note = "; ".join([note, *foreseen.beside]) if foreseen is not None else note
    shade = "bad" if over else "good" if objective else "warn"
    return _tile("Back in", show_duration(drill.rto), shade, note, gauge(drill.rto, objective, tier.rto_target))


def _proof(tier: TierReadiness, now: datetime) -> dict[str, object]:
    if tier.proven_at is None:
        return _tile("Proven", "never", "warn", "no copy here was restored and compared")
    newest = "the newest copy itself" if tier.level == "proven" else f"an older copy; the newest is {tier.level or 'not good'}"
    return _tile("Proven", _ago(tier.proven_at, now), "good" if tier.level == "proven" else "plain", newest)


def _drill(tier: TierReadiness, now: datetime, zone: str) -> dict[str, object]:
    if tier.drill is None:
        return _tile("Last drill", "never", "warn", "so nobody knows whether it comes back")
    shade = {"PASS": "good", "FAIL": "bad", "INCOMPLETE": "warn"}[tier.drill.verdict]
    return _tile("Last drill", tier.drill.verdict, shade, f"{_ago(tier.drill.ended, now)}, {local(tier.drill.ended, zone)}")
