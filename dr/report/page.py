"""The evidence page: one self-contained HTML file, read by a manager in 20 seconds and by an auditor in 20 minutes."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from dr.clock import iso, local
from dr.model.evidence import Evidence
from dr.model.forecast import closed_words, declared_words
from dr.model.record import CheckResult, RpoMeasured, RtoMeasured, StepRecord
from dr.policy.recovery import made_here
from dr.policy.still import lay
from dr.report import tables
from dr.report.gather import MEASURED, succeeded
from dr.report.nightly import night
from dr.report.timeline import BAR, ROW, gauge, timeline
from dr.units import show_duration, show_size, visible

if TYPE_CHECKING:
    from jinja2 import Environment

MARKS = {"PASS": "✔", "FAIL": "✖", "INCOMPLETE": "▲"}
_WORDS = {"PASS": "passed", "FAIL": "FAILED", "INCOMPLETE": "is incomplete"}


Paper = Literal["", "A4", "Letter"]
PIECE = 16
"""Letters after which paper may break a word that is longer, where there is no room for the whole."""
SHOWN = 15
"""Differences, or findings, that are seen without unfolding."""


@dataclass(frozen=True)
class Proof:
    """One check, as it is drawn."""

    check: CheckResult
    good: bool
    wrong: tables.Table | None
    more: tables.Table | None
    """Differences beyond the first ones, folded away."""
    listed: tables.Table | None
    tables: tuple[tables.Table, ...]
    values: tuple[tuple[str, str], ...]


def page(evidence: Evidence, digest: str, key: str, *, paper: Paper = "") -> str:
    """`digest`: SHA-256 of the JSON file beside it, `key`: the id of the key that signed that, `paper`: its size, for a PDF alone."""
    template, when = environment(evidence.zone).get_template("evidence.html.j2"), partial(local, zone=evidence.zone)
    return template.render(
        e=evidence,
        mark=MARKS[evidence.verdict],
        answer=answer(evidence),
        next=next_step(evidence),
        parts=parts(evidence),
        paper=paper,
        measured=evidence.run.kind in MEASURED,
        rto_gauge=evidence.rto and gauge(evidence.rto.total, evidence.rto.objective, evidence.rto.target),
        rpo_gauge=None if since_set(evidence) else evidence.rpo and gauge(evidence.rpo.seconds, evidence.rpo.objective),
        since_set=since_set(evidence),
        timeline=timeline(evidence.run, evidence.steps, evidence.rto),
        some=SHOWN,
        row=ROW,
        bar=BAR,
        compared=compared(evidence),
        reach=tables.reach(evidence),
        unproven=tables.unproven(evidence),
        approved=[approval(s, evidence.zone) for s in evidence.steps if s.action == "approve" and s.state == "done"],
        proofs=[proof(c) for c in evidence.checks],
        night=night(evidence),
        steps=tables.steps(evidence),
        facts=[(s.step, *tables.facts_of(s)) for s in evidence.steps if s.facts],
        failures=[s for s in evidence.steps if s.failure],
        reasons=[r for r in evidence.reasons if r not in {f"step '{s.step}' failed" for s in evidence.steps if s.failure}],
        copies=tables.copies(evidence, when) if evidence.copies else None,
        scope=tables.scope(evidence) if evidence.scope else [],
        digest=digest,
        key=key,
    )


def environment(zone: str) -> "Environment":
    """What every page is made with: all text is escaped, and shown as `visible` shows it; instants are those of the zone."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("dr.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        duration=show_duration,
        size=show_size,
        when=partial(local, zone=zone),
        iso=iso,
        breakable=breakable,
        words=lambda key: str(key).replace("_", " "),
    )
    return env


def _shown(value: Any) -> Any:
    """Every plain text that the template prints; what the template itself made is left alone."""
    return visible(value) if type(value) is str else value


def breakable(text: str) -> Any:
    """A cell's text with places where a long word may be broken: for paper, which has no other way in a table."""
    from markupsafe import Markup

    words = re.split(r"(\s+)", visible(text))
    return Markup("").join(Markup("<wbr>").join(word[at : at + PIECE] for at in range(0, len(word), PIECE)) for word in words)


def proof(check: CheckResult) -> Proof:
    found, values = tables.of_details(check)
    first, rest = check.differences[:SHOWN], check.differences[SHOWN:]
    different = f"Different ({len(check.differences)})"
    listed = f"Not digested, by name ({len(check.unproven)})"
    return Proof(
        check=check,
        good=succeeded(check),
        wrong=tables.differences(different, first, bad=True) if first else None,
        more=tables.differences(f"and {len(rest)} more", rest, bad=True) if rest else None,
        listed=tables.differences(listed, check.unproven) if check.unproven else None,
        tables=tuple(found),
        values=tuple(values),
    )


def compared(evidence: Evidence) -> tuple[int, int]:
    """Things compared with the source, and differences found, over all checks that prove content."""
    proofs = [c for c in evidence.checks if c.proves]
    return sum(c.examined for c in proofs), sum(len(c.differences) for c in proofs)


def answer(evidence: Evidence) -> str:
    """The page in a few sentences: how it ended, when it was usable, as of when, and what is wrong."""
    run, zone = evidence.run, evidence.zone
    parts = [f"This {_kind(run.kind)} {_WORDS[evidence.verdict]}."]
    if evidence.rto:
        parts.append(_usable(evidence, evidence.rto))
    elif run.kind in MEASURED:
        parts.append("The system did not become usable.")
    if evidence.declaration and evidence.rpo:
        parts.append(_lost(evidence, evidence.rpo))
    if evidence.chosen:
        as_of, where = local(evidence.chosen.instant, zone), f"the {evidence.chosen.tier} copy in {evidence.chosen.repository}"
        parts.append(
            f"It came back as it was on {as_of}, from {where}." if evidence.rto else f"It was to come back as of {as_of}, from {where}."
        )
    kept = night(evidence)
    if kept and kept.read:
        read, places = kept.read, ", ".join(kept.read["copies"]) or "no repository"
        parts.append(f"{show_size(read['bytes'])} went to {places}; {kept.verified[0]} of {kept.wanted} copies were read back and matched.")
    if evidence.reasons:
        parts.append(f"What is wrong: {_first_cause(evidence)}.")
    return " ".join(parts)


def _lost(evidence: Evidence, rpo: RpoMeasured) -> str:
    if rpo.seconds or evidence.chosen is None:
        return f"What was entered in the {show_duration(rpo.seconds)} before the failure is lost."
    as_of = local(evidence.chosen.instant, evidence.zone)
    if made_here(evidence.chosen.set, evidence.steps):
        return f"What was entered since this run made its own backup, {as_of}, is not there: nothing, where people had stopped before."
    return (
        f"What was entered since {as_of} is lost: the set was taken then, which was after the failure was recognised, "
        "and it may hold the damage."
    )


def since_set(evidence: Evidence) -> str:
    """In place of a length, where a recovery's set is not older than its failure: from when on all is lost."""
    if evidence.declaration is None or evidence.chosen is None or evidence.rpo is None or evidence.rpo.seconds:
        return ""
    return f"all since {evidence.chosen.instant.astimezone(ZoneInfo(evidence.zone)):%H:%M}"


def approval(step: StepRecord, zone: str) -> str:
    """Who said yes, when, and what they said."""
    comment = f": {step.facts['comment']}" if step.facts.get("comment") else ""
    return f"by {step.facts['by']}, {local(datetime.fromisoformat(step.facts['at']), zone)}{comment}"


def next_step(evidence: Evidence) -> str:
    """What to do about it, from what broke or else from the worst finding of this run; nothing where it passed."""
    if evidence.verdict == "PASS":
        return ""
    broken = [s.failure.hint for s in evidence.steps if s.failure and s.failure.hint and s.state == "failed" and s.section == "steps"]
    found = [f.hint for f in evidence.findings if f.hint and f.run == evidence.run.run]
    return next(iter([*broken, *found]), "").rstrip(".")


def parts(evidence: Evidence) -> list[tuple[str, str]]:
    """The page's chapters for whoever has 20 minutes: the id of each heading that is there, and its short name."""
    kept = night(evidence)
    there: dict[tuple[str, str], bool] = {
        ("why", "What went wrong"): bool(evidence.reasons),
        ("timeline", "Timeline"): any(s.started and s.ended for s in evidence.steps),
        ("noted", "Noted"): bool(evidence.comments),
        ("stored", "Stored"): bool(kept and kept.stored),
        ("retention", "Retention"): bool(kept and kept.retention),
        ("reach", "Compared"): bool(evidence.checks),
        ("proof", "Proof"): bool(evidence.checks),
        ("backup", "Backup"): evidence.chosen is not None,
        ("scrub", "Scrub"): evidence.scrub is not None,
        ("findings", "Findings"): True,
        ("done", "Steps"): True,
        ("scope", "Scope"): True,
        ("check", "How to check"): True,
    }
    return [part for part, yes in there.items() if yes]


def _usable(evidence: Evidence, rto: RtoMeasured) -> str:
    declared = f" (measured {show_duration(rto.seconds)} + declared {declared_words(rto.declared)})" if rto.declared else ""
    said = f"The system was usable {show_duration(rto.total)} after recognition{declared}{_against(evidence)}."
    still = f" {show_duration(lay(rto.still))} of that it lay still." if rto.still else ""
    shut = f" Beside that, {closed_words(rto.closed, evidence.run.tier or 'it')}." if rto.closed else ""
    return said + still + shut


def _kind(kind: str) -> str:
    return {"backup": "backup", "maintenance": "piece of upkeep", "outage": "watch over an outage"}.get(kind, kind)


def _against(evidence: Evidence) -> str:
    rto = evidence.rto
    if rto is None or rto.objective is None:
        return ""
    return f", {'over' if rto.within is False else 'within'} the objective of {show_duration(rto.objective)}"


def _first_cause(evidence: Evidence) -> str:
    """What broke first says more than that a step failed."""
    broken: list[StepRecord] = [s for s in evidence.steps if s.failure and s.state == "failed"]
    if broken and broken[0].failure and not any(not succeeded(c) for c in evidence.checks):
        return f"{broken[0].step}: {broken[0].failure.message.rstrip('.')}"
    return evidence.reasons[0].rstrip(".")
