"""The evidence page: one self-contained HTML file, read by a manager in 20 seconds and by an auditor in 20 minutes."""

from dr.clock import local
from dr.model.evidence import Evidence
from dr.model.record import CheckResult
from dr.report.timeline import timeline
from dr.units import show_duration, show_size

MARKS = {"PASS": "✔", "FAIL": "✖", "INCOMPLETE": "▲"}


def page(evidence: Evidence, digest: str, key: str) -> str:
    """`digest`: SHA-256 of the JSON file beside it, `key`: the id of the key that signed that."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    env = Environment(
        loader=PackageLoader("dr.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        duration=show_duration,
        size=show_size,
        when=lambda at: local(at, evidence.zone),
        words=lambda key: str(key).replace("_", " "),
    )
    return env.get_template("evidence.html.j2").render(
        e=evidence,
        mark=MARKS[evidence.verdict],
        answer=answer(evidence),
        timeline=timeline(evidence.run, evidence.steps),
        compared=compared(evidence),
        good=good,
        digest=digest,
        key=key,
    )


def good(check: CheckResult) -> bool:
    """Passed, and looked at something."""
    return check.passed and check.examined > 0


def compared(evidence: Evidence) -> tuple[int, int]:
    """Things compared with the source, and differences found, over all checks that prove content."""
    proofs = [c for c in evidence.checks if c.proves]
    return sum(c.examined for c in proofs), sum(len(c.differences) for c in proofs)


def answer(evidence: Evidence) -> str:
    """The page in one or two sentences."""
    ran = {"PASS": "passed", "FAIL": "FAILED", "INCOMPLETE": "is incomplete"}[evidence.verdict]
    if evidence.chosen is None:
        return f"{evidence.run.title}: {ran}." + (f" {evidence.reasons[0]}." if evidence.reasons else "")
    chosen = evidence.chosen
    parts = [f"This {evidence.run.kind} {ran}."]
    if evidence.rto:
        parts.append(f"The system was usable {show_duration(evidence.rto.seconds)} after recognition.")
    parts.append(f"It came back as it was on {local(chosen.instant, evidence.zone)}, from the {chosen.tier} copy in {chosen.repository}.")
    if evidence.reasons:
        parts.append(f"What is wrong: {evidence.reasons[0]}.")
    return " ".join(parts)
