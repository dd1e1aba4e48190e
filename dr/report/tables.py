"""Tables as values: what stands in them is decided here, how they look is the template's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dr.model.base import JsonObject, JsonValue
from dr.model.evidence import Evidence
from dr.model.record import CheckResult, Difference, StepRecord
from dr.units import show_duration, show_size, visible

Kind = Literal["", "n", "mono", "good", "bad", "warn"]
When = Callable[[datetime], str]
"""An instant as the organisation's people read it."""
SIZES = frozenset({"bytes", "stored", "plain", "reused"})
SPANS = frozenset({"rto", "rpo", "target", "rto_seconds", "rto_total", "rpo_seconds", "objective", "p50", "p95"})
DIGESTS = frozenset({"digest", "sha256", "hmac", "manifest", "set", "run"})


@dataclass(frozen=True)
class Cell:
    """`n`: a number, to the right; `mono`: an identifier."""

    text: str
    kind: Kind = ""


@dataclass(frozen=True)
class Table:
    """`title` is also what a screen reader calls it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    return Table(title, tuple(heads), tuple(tuple(row) for row in rows))


def show(key: str, value: JsonValue) -> str:
    """A plain JSON value as a person reads it; its key says whether it is a size or a span of time."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and key in SPANS:
        return show_duration(float(value))
    if isinstance(value, int) and key in SIZES:
        return f"{show_size(value)} ({value:,} bytes)"
    if isinstance(value, int):
        return f"{value:,}"
    return visible(str(value))


def cell(key: str, value: JsonValue) -> Cell:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(show(key, value), "n" if number else "mono" if key in DIGESTS else "")


def of_rows(title: str, rows: Sequence[JsonObject]) -> Table:
    """Any list of flat objects."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    return _table(title, [h.replace("_", " ") for h in heads], [[cell(h, row.get(h)) for h in heads] for row in rows])


# ---------------------------------------------------------------- proofs


def differences(title: str, found: Sequence[Difference], *, bad: bool = False) -> Table:
    mark: Kind = "bad" if bad else ""
    return _table(
        title, ("kind", "name", "what"), [(Cell(d.kind, mark), Cell(visible(d.name), "mono"), Cell(visible(d.detail))) for d in found]
    )


def database(name: str, facts: JsonObject) -> Table:
    """Every table of one database: its rows and its digest at the source, and whether the restored one's are the same."""
    tables: Mapping[str, JsonObject] = facts["tables"]
    rows = [
        (
            Cell("equal", "good") if entry.get("equal") else Cell("DIFFERENT", "bad"),
            Cell(visible(table), "mono"),
            cell("rows", entry.get("rows")),
            cell("digest", entry.get("digest")),
        )
        for table, entry in tables.items()
    ]
    return _table(_database_title(name, facts), ("", "table", "rows", "digest"), rows)


def _database_title(name: str, facts: JsonObject) -> str:
    entries = facts["tables"].values()
    wrong = sum(not e.get("equal") for e in entries)
    counted = [
        (len(entries), "table", "tables"),
        (sum(e.get("rows") or 0 for e in entries), "row", "rows"),
        (facts.get("schema"), "schema object", "schema objects"),
        (facts.get("sequences"), "sequence", "sequences"),
        (facts.get("large_objects"), "large object", "large objects"),
    ]
    said = [f"{count:,} {one if count == 1 else many}" for count, one, many in counted if count]
    versions = " and ".join(dict.fromkeys(str(v) for v in facts.get("server", ())))
    return (
        f"{visible(name)}: {', '.join(said) or 'empty'}"
        + (f"; {wrong} TABLE{'S DIFFER' if wrong > 1 else ' DIFFERS'}" if wrong else "")
        + (f"; {facts['method']} digest" if facts.get("method") else "")
        + (f", PostgreSQL {versions}" if versions else "")
    )


def reach(evidence: Evidence) -> Table | None:
    """Per source, by what it was compared, what that covered, and what it did not; None where no check gave a result."""
    if not evidence.checks:
        return None
    sources = [str(name) for name in evidence.scope.get("sources", {})]
    rows = [_reached(name, [c for c in evidence.checks if c.proves and _covers(c, name)]) for name in sources]
    rows += [_beside(c) for c in evidence.checks if not c.proves or not any(_covers(c, name) for name in sources)]
    return _table("What was compared, and what was not", ("what", "by", "looked at", "different", "not compared"), rows)


def _covers(check: CheckResult, source: str) -> bool:
    return any(artifact.rpartition("-")[0] == source for artifact in check.artifacts)


def _reached(source: str, proofs: Sequence[CheckResult]) -> tuple[Cell, ...]:
    if not proofs:
        return Cell(source), Cell("nothing", "bad"), Cell("–", "n"), Cell("–"), Cell("NOT COMPARED with the source", "bad")
    by = ", ".join(c.check for c in proofs)
    return Cell(source), Cell(by), *_counts(proofs)


def _beside(check: CheckResult) -> tuple[Cell, ...]:
    """A check by which no source's content is compared, or that does not say whose."""
    what = "content" if check.proves else "can it be used?" if check.user_level else "beside the content"
    return Cell(what), Cell(check.check), *_counts([check])


def _counts(checks: Sequence[CheckResult]) -> tuple[Cell, Cell, Cell]:
    wrong, left = sum(len(c.differences) for c in checks), sum(len(c.unproven) for c in checks)
    failed = [c for c in checks if not c.passed or not c.examined]
    different = (
        Cell(f"{wrong:,}", "bad")
        if wrong
        else Cell("FAILED", "bad")
        if failed
        else Cell("none" if all(c.proves for c in checks) else "passed", "good")
    )
    return (
        Cell(f"{sum(c.examined for c in checks):,}", "n"),
        different,
        Cell(f"{left:,}, named below" if left else "–", "warn" if left else ""),
    )


def unproven(evidence: Evidence) -> Table | None:
    """What is there and was not compared, by name and with its reason, over all checks."""
    found = [d for c in evidence.checks for d in c.unproven]
    return differences(f"Not compared, by name ({len(found)})", found) if found else None


def of_details(check: CheckResult) -> tuple[list[Table], list[tuple[str, str]]]:
    """What a check laid down: its tables, and its single values in words."""
    tables: list[Table] = []
    values: list[tuple[str, str]] = []
    for key, value in check.details.items():
        words = key.replace("_", " ")
        if key == "databases" and isinstance(value, dict):
            tables += [database(name, facts) for name, facts in sorted(value.items()) if "tables" in facts]
        elif isinstance(value, dict) and value:
            tables.append(
                of_rows(f"{words} ({len(value)})", [{"name": k, **(v if isinstance(v, dict) else {"": v})} for k, v in value.items()])
            )
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            tables.append(of_rows(f"{words} ({len(value)})", value))
        else:
            values.append((words, ", ".join(show(key, one) for one in value) if isinstance(value, list) else show(key, value)))
    return tables, values


# ---------------------------------------------------------------- the run


def copies(evidence: Evidence, when: When) -> Table:
    rows = [
        (
            Cell(c.set, "mono"),
            Cell(f"{c.repository} ({c.tier})"),
            Cell(when(c.instant)),
            Cell("DAMAGED", "bad") if c.damaged else Cell(c.level, "good" if c.level == "proven" else ""),
        )
        for c in evidence.copies
    ]
    return _table(f"Copies there were ({len(rows)})", ("set", "where", "data as of", "proof"), rows)


def steps(evidence: Evidence) -> Table:
    heads = ("step", "action", "state", "began after", "took", "budget", "attempt")
    return _table("Every step", heads, [_step(s, evidence.run.started) for s in evidence.steps])


def _step(step: StepRecord, start: datetime) -> tuple[Cell, ...]:
    took = step.ended - step.started if step.started and step.ended else None
    over = took is not None and step.budget is not None and took > timedelta(seconds=step.budget)
    states: dict[str, Kind] = {"failed": "bad", "cancelled": "warn", "skipped": "warn"}
    return (
        Cell(step.step),
        Cell(step.action),
        Cell(step.state, states.get(step.state, "")),
        Cell(show_duration(max(0.0, (step.started - start).total_seconds())) if step.started else "–", "n"),
        Cell(
            (show_duration(took.total_seconds()) if took is not None else "–") + (", over budget" if over else ""), "bad" if over else "n"
        ),
        Cell(show_duration(step.budget) if step.budget else "–", "n"),
        Cell(str(step.attempt or "–"), "n"),
    )


def scope(evidence: Evidence) -> list[Table]:
    sources = evidence.scope.get("sources", {})
    objectives = evidence.scope.get("objectives", {}).get("tiers", {})
    found = [_table("Sources", ("source", "kind", "host", "needle planted"), [_source(n, s) for n, s in sources.items()])]
    rows = [(Cell(tier), cell("rto", o.get("rto")), cell("target", o.get("target")), *_unmeasured(o)) for tier, o in objectives.items()]
    heads = ("tier", "back within (RTO)", "target", "declared", "open")
    said = 5 if any(o.get("declared") or o.get("open") for o in objectives.values()) else 3
    return [*found, *([_table("Recovery objectives", heads[:said], [row[:said] for row in rows])] if rows else [])]


def _unmeasured(objective: JsonObject) -> tuple[Cell, Cell]:
    """What the inventory declares of a tier: phases that no machine measures, and when it can be entered."""
    declared = ", ".join(f"{name} {show_duration(seconds)}" for name, seconds in (objective.get("declared") or {}).items())
    holidays = [f"not on {', '.join(objective['holidays'])}"] if objective.get("holidays") else []
    return Cell(declared or "–"), Cell("; ".join([*(objective.get("open") or ()), *holidays]) or "–")


def _source(name: str, facts: JsonObject) -> tuple[Cell, ...]:
    return Cell(name), cell("kind", facts.get("kind")), cell("host", facts.get("host")), cell("needle", facts.get("needle"))


def facts_of(step: StepRecord) -> tuple[list[Table], list[tuple[str, str]]]:
    """Every fact that a step left: lists of objects as tables, the rest as words."""
    tables, values = [], []
    for key, value in step.facts.items():
        words = key.replace("_", " ")
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            tables.append(of_rows(f"{words} ({len(value)})", value))
        elif isinstance(value, list):
            values.append((words, ", ".join(show(key, one) for one in value) or "none"))
        elif isinstance(value, dict):
            values.append((words, "; ".join(f"{visible(k)}: {show(k, v)}" for k, v in value.items()) or "none"))
        else:
            values.append((words, show(key, value)))
    return tables, values
