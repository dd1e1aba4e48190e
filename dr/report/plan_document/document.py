"""The whole document, put together: in short, then chapter by chapter. Redacted unless it is for the organisation's own people."""

from dr.clock import local
from dr.model.readiness import DrillFact, Readiness
from dr.policy.words import short, spoken
from dr.report.plan_document.blocks import Document, Shade, Summary, Text, Tile, counted
from dr.report.plan_document.care import privacy, redundancy
from dr.report.plan_document.facts import Facts
from dr.report.plan_document.gaps import checking, gaps, known_gaps
from dr.report.plan_document.outside import outside, sensitive, veiled
from dr.report.plan_document.people import duties, told
from dr.report.plan_document.promises import lost, promised, vault
from dr.report.plan_document.protected import kept, protected
from dr.report.plan_document.steps import steps
from dr.report.status import sentence
from dr.units import show_duration

CHAPTERS = (protected, kept, promised, lost, vault, steps, told, duties, redundancy, privacy, gaps, checking)


def document(facts: Facts) -> Document:
    """`facts` as they are, whether it is for outside (`facts.internal` is False) or not."""
    return written(facts) if facts.internal else veiled(written(outside(facts)), sensitive(facts.inventory))


def written(facts: Facts) -> Document:
    """From facts that are fit to be told to its reader."""
    organisation = facts.inventory.organisation
    return Document(
        organisation=organisation.name,
        zone=organisation.zone,
        made=local(facts.at, organisation.zone),
        digest=facts.digest,
        tool=facts.tool,
        internal=facts.internal,
        gaps=_gaps(facts),
        summaries=tuple(_summary(facts, name) for name in facts.inventory.systems),
        chapters=tuple(chapter(facts) for chapter in CHAPTERS),
    )


def _gaps(facts: Facts) -> Text:
    known = known_gaps(facts)
    grave = sum(gap.shade == "bad" for gap in known)
    if not known:
        return Text("No gap is known.", "good")
    words = f"{counted(len(known), 'gap is', 'gaps are')} known"
    return Text(f"{words}, {grave} of them grave." if grave else f"{words}, none of them grave.", "bad" if grave else "warn")


def _summary(facts: Facts, name: str) -> Summary:
    entry, seen = facts.inventory.systems[name], facts.systems[name]
    tiles = (_loss(seen.readiness), *_back(facts, name), _proof(facts, name))
    return Summary(entry.title, sentence(seen.readiness, facts.zone), tiles)


def _loss(readiness: Readiness) -> Tile:
    if readiness.rpo is None:
        return Tile("Would be lost", "everything", f"the promise is {short(readiness.rpo_objective)} at most", "bad")
    over = readiness.rpo > readiness.rpo_objective
    note = f"the promise is {short(readiness.rpo_objective)} at most"
    return Tile("Would be lost now", show_duration(readiness.rpo), note, "bad" if over else "good")


def _back(facts: Facts, name: str) -> tuple[Tile, ...]:
    """A tile a tier: what was promised, and what the last drill took."""
    drills = {tier.tier: tier.drill for tier in facts.systems[name].readiness.tiers}
    found = []
    for tier, wanted in facts.inventory.systems[name].objectives.tiers.items():
        big, shade = _took(drills.get(tier), wanted.rto)
        found.append(Tile(f"Back from {tier}", big, f"the promise is {short(wanted.rto)}", shade))
    return tuple(found)


def _took(drill: DrillFact | None, wanted: float) -> tuple[str, Shade]:
    if drill is None:
        return "never drilled", "bad"
    if drill.verdict != "PASS" or drill.rto is None:
        return "did not pass", "bad"
    return f"{show_duration(drill.rto)}", "bad" if drill.rto > wanted else "good"


def _proof(facts: Facts, name: str) -> Tile:
    proven = [tier.proven_at for tier in facts.systems[name].readiness.tiers if tier.proven_at is not None]
    if not proven:
        return Tile("Last proven", "never", "no copy was restored and compared", "bad")
    return Tile(
        "Last proven", f"{spoken((facts.at - max(proven)).total_seconds())} ago", "a copy was restored and compared with its source", "good"
    )
