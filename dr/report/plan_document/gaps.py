"""What is missing or wrong, said before somebody asks; and how to check the rest."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from dr.clock import local
from dr.model.inventory import SystemEntry
from dr.model.runbook import Runbook
from dr.policy.calendar import upcoming
from dr.policy.readiness import valid_for
from dr.policy.roster import roster_of
from dr.policy.succession import gaps as unowned
from dr.report.plan_document.blocks import Block, Chapter, Points, Text, counted, joined
from dr.report.plan_document.facts import Facts
from dr.units import visible


def known_gaps(facts: Facts) -> tuple[Text, ...]:
    """Everything in a line each, the gravest first; nothing of it names a person or a place."""
    found = [*_of_systems(facts), *_of_places(facts), *_of_people(facts)]
    return tuple(sorted(found, key=lambda gap: gap.shade != "bad"))


def gaps(facts: Facts) -> Chapter:
    known = known_gaps(facts)
    blocks: list[Block] = [Points(known)] if known else [Text("None is known in what this document is made from.", "good")]
    counts = Counter(one.severity for one in facts.findings)
    if counts:
        said = joined([f"{counts[each]} {each}" for each in ("critical", "warning", "info") if counts[each]])
        blocks.append(Text(f"The runs have left {counted(len(facts.findings), 'open finding')}: {said}.", "warn"))
    if facts.internal and facts.findings:
        hinted = tuple(
            Text(visible(f"{one.severity}: {one.message}" + (f" Next: {one.hint}" if one.hint else ""))) for one in facts.findings
        )
        blocks.append(Points(hinted, "The findings:"))
    if facts.internal:
        blocks += [Points(said, f"What keeps {entry.title} from being ready:") for entry, said in _reasons(facts) if said]
    if facts.internal and facts.unstarted:
        blocks.append(Points(tuple(Text(words) for words in facts.unstarted), "What nothing begins by itself:"))
    return Chapter("gaps", "Known gaps", "Gaps", tuple(blocks))


def _reasons(facts: Facts) -> Iterator[tuple[SystemEntry, tuple[Text, ...]]]:
    """As `dr status` says it."""
    for name, entry in facts.inventory.systems.items():
        readiness = facts.systems[name].readiness
        said = [*readiness.reasons, *(reason for tier in readiness.tiers for reason in tier.reasons)]
        yield entry, tuple(Text(reason.text) for reason in said if reason.colour != "green")


def _of_systems(facts: Facts) -> Iterator[Text]:
    for name, entry in facts.inventory.systems.items():
        seen = facts.systems[name]
        if seen.readiness.rpo is None:
            yield Text(f"{entry.title}: there is no good copy.", "bad")
        drills = {tier.tier: tier.drill for tier in seen.readiness.tiers}
        for tier in entry.objectives.tiers:
            drill = drills.get(tier)
            if drill is None:
                yield Text(f"{entry.title}: it was never drilled from {tier}.", "bad")
            elif drill.verdict != "PASS":
                yield Text(f"{entry.title}: the last drill from {tier} did not pass.", "bad")
            elif facts.at - drill.ended > valid_for(entry, tier):
                yield Text(f"{entry.title}: the last drill from {tier} is too long ago to be believed.", "bad")
        if len(entry.retention) < 2:
            yield Text(f"{entry.title}: all of its copies are in one tier.", "warn")
        if not entry.runbooks.recover:
            yield Text(f"{entry.title}: no runbook says how it is brought back for real.", "bad")
        if entry.suppression is None:
            yield Text(f"{entry.title}: what was erased on request would come back with a copy made before.", "warn")


def _of_places(facts: Facts) -> Iterator[Text]:
    if facts.unstarted:
        yield Text("Nothing begins the nightly copies by itself: a person must.", "bad")
    if facts.escrow_here:
        yield Text("The private escrow key is still on the machine that makes the copies.", "bad")
    wrong = sum(not one.whole for one in facts.watched)
    if wrong:
        yield Text(f"{counted(wrong, 'thing')} that there are two of {'is' if wrong == 1 else 'are'} not known to be whole.", "bad")
    if not facts.inventory.redundancy:
        yield Text("Nothing that there are two of is watched.", "warn")
    if not facts.inventory.pings:
        yield Text("Nobody outside would notice that the machine which runs all this is silent.", "warn")


def _of_people(facts: Facts) -> Iterator[Text]:
    if not facts.inventory.contacts:
        yield Text("Nobody would be told: no contact is written.", "bad")
    unproven = len({way.contact for way in facts.ways} - {way.contact for way in facts.ways if way.valid})
    if unproven:
        yield Text(f"Of {counted(unproven, 'contact')} nobody knows whether an alarm arrives: no test was acknowledged lately.", "warn")
    if facts.inventory.duties:
        yield from (Text(f"{gap.why}.", "bad") for gap in unowned(roster_of(facts.inventory)))
        if facts.office_rehearsed is None:
            yield Text("The loss of an office was never rehearsed.", "warn")
    unheld = sum(each.state != "held" for each in facts.board.assignments if each.duty in facts.inventory.duties)
    if unheld:
        yield Text(f"{counted(unheld, 'duty is', 'duties are')} in nobody's hands now.", "bad")


# ---------------------------------------------------------------- how to check it


def checking(facts: Facts) -> Chapter:
    last = [drill.run for seen in facts.systems.values() for drill in seen.drills[:1]]
    named = f" The newest drill's is {joined([f'{run}.json' for run in last])}." if last else " There is none of a drill yet."
    points = [
        Text(
            "Ask for the evidence of a drill: each run leaves a page for people and a signed file for an auditor."
            + named
            + " On any machine, "
            "without access to ours: dr report verify FILE --key signing.pub says whether it is genuine, or was changed."
        ),
        *(
            Text(f"The public key's fingerprint is {one}: compare it with the one on our paper, not with one that came with the file.")
            for one in facts.fingerprints
        ),
        Text(_come(facts)),
        Text("Ask which copy will be drilled, or name one yourself: dr drill takes any that is kept, or one at random."),
        Text(f"Every run keeps the digest of the inventory that it went by. This document was made from the one with {facts.digest}."),
        Text("This document itself is not signed: what it says of drills is in their evidence, which is."),
    ]
    return Chapter("check", "How to check this", "Check", (Points(tuple(points), numbered=True),))


def _come(facts: Facts) -> str:
    drills = [book for book in facts.books.values() if book.kind == "drill" and book.schedule]
    following = sorted((at, book.title) for book in drills if (at := _next(facts, book)) is not None)
    if not following:
        return "Ask to be there at a drill: none has a schedule, so a person starts it."
    at, title = following[0]
    return f"Ask to be there at a drill: the next is “{title}”, {local(at, facts.zone)}."


def _next(facts: Facts, book: Runbook) -> datetime | None:
    return next(upcoming(book.schedule or "", facts.zone, facts.at), None)
