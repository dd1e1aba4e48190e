"""What a night did, for its page: what was read, what each repository now holds, what was read back, what retention decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dr.model.base import JsonObject
from dr.model.evidence import Evidence
from dr.model.forecast import TierForecast
from dr.model.record import StepRecord
from dr.report.tables import Cell, Table
from dr.units import show_duration, show_size, visible


@dataclass(frozen=True)
class Night:
    """None where the run held no such step."""

    read: JsonObject | None
    stored: Table | None
    verified: tuple[int, int]
    """Copies and bytes that were read back and matched."""
    wanted: int
    """Copies that should have been: those made by this run."""
    retention: Table | None
    removed: int
    withheld: str
    """Why nothing was deleted, where that needs saying."""
    back: Table | None = None
    """How long it would take to be back, as foreseen that night."""


def night(evidence: Evidence) -> Night | None:
    """Of a run that backed up, verified or pruned; None for any other."""
    backups = [s for s in _of(evidence, "backup") if s.facts]
    verified = [one for step in _of(evidence, "verify") for one in step.facts.get("verified", ())]
    prunes = [s.facts for s in _of(evidence, "prune") if s.facts]
    if not any(_of(evidence, kind) for kind in ("backup", "verify", "prune")):
        return None
    read = backups[-1].facts if backups else None
    decisions = [d for facts in prunes for d in facts.get("decisions", ())]
    removed = {(r["set"], r["repository"]) for facts in prunes for r in facts.get("removed", ())}
    return Night(
        read=read,
        stored=_stored(read, verified, evidence) if read else None,
        verified=(len(verified), sum(v["bytes"] for v in verified)),
        wanted=len(read["copies"]) + len(read.get("failed", {})) if read else len(verified),
        retention=_decisions(decisions, removed) if decisions else None,
        removed=len(removed),
        back=_back([TierForecast.from_facts(f) for s in _of(evidence, "forecast") for f in s.facts.get("forecasts", ())]),
        withheld="; ".join(str(f[key]) for f in prunes for key in ("frozen", "needs_person") if f.get(key)),
    )


def _back(forecasts: Sequence[TierForecast]) -> Table | None:
    if not forecasts:
        return None
    heads = ("from", "back in about", "95% within", "objective", "how that is known")
    return Table("How long it would take to be back", heads, tuple(tuple(_foreseen(one)) for one in forecasts))


def _foreseen(one: TierForecast) -> Iterator[Cell]:
    yield Cell(one.tier)
    yield Cell(show_duration(one.p50) if one.p50 is not None else "not known", "" if one.p50 is not None else "warn")
    over = one.objective is not None and one.p95 is not None and one.p95 > one.objective
    yield Cell(show_duration(one.p95) if one.p95 is not None else "–", "bad" if over else "")
    yield Cell(show_duration(one.objective) if one.objective is not None else "–")
    known = [one.made_from, *one.remarks] if one.p50 is not None else [one.why]
    yield Cell(visible("; ".join([*known, *one.beside])))


def _of(evidence: Evidence, action: str) -> list[StepRecord]:
    return [s for s in evidence.steps if s.action == action]


def _stored(read: JsonObject, verified: Sequence[JsonObject], evidence: Evidence) -> Table:
    there = {c.repository for c in evidence.copies if c.set == read["set"]}  # what failed at first may have been copied since
    failed: dict[str, str] = {k: v for k, v in read.get("failed", {}).items() if k not in there}
    names = [*read["copies"], *sorted(there - set(read["copies"])), *failed]
    return Table(
        "Where it went", ("where", "stored", "read back"), tuple(tuple(_place(n, read, failed, verified, evidence)) for n in names)
    )


def _place(name: str, read: JsonObject, failed: dict[str, str], verified: Sequence[JsonObject], evidence: Evidence) -> Iterator[Cell]:
    tiers = {str(c.repository): c.tier for c in evidence.copies}
    yield Cell(f"{name} ({tiers[name]})" if name in tiers else name)
    if name in failed:
        yield Cell(f"NO COPY: {visible(failed[name])}", "bad")
        yield Cell("–")
        return
    yield Cell(show_size(read["stored"]))
    matched = [v for v in verified if (v["set"], v["repository"]) == (read["set"], name)]
    if matched:
        yield Cell(f"{matched[-1]['parts']:,} parts, {show_size(matched[-1]['bytes'])}: all as signed", "good")
    else:
        yield Cell("not read back", "bad")


def _decisions(decisions: Sequence[JsonObject], removed: set[tuple[str, str]]) -> Table:
    return Table(
        f"What retention decided ({len(decisions)})",
        ("set", "where", "", "rule", "why"),
        tuple(
            (
                Cell(d["set"], "mono"),
                Cell(f"{d['repository']} ({d['tier']})"),
                _fate(d, removed),
                Cell(d["rule"]),
                Cell(visible(d["reason"])),
            )
            for d in decisions
        ),
    )


def _fate(decision: JsonObject, removed: set[tuple[str, str]]) -> Cell:
    if (decision["set"], decision["repository"]) in removed:
        return Cell("removed", "bad")
    if not decision["keep"]:
        return Cell("expired, still there", "warn")
    return Cell("kept, look at it", "warn") if decision["loud"] else Cell("kept", "good")
