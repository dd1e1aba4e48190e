"""What there are two of, and how what people told us in confidence is kept."""

from collections.abc import Iterator

from dr.clock import local
from dr.model.inventory import RetentionPolicy
from dr.model.redundancy import RedundancyEntry
from dr.policy.words import short
from dr.report.plan_document.blocks import Block, Chapter, Points, Text, counted, given, grid
from dr.report.plan_document.facts import Facts, SystemSeen
from dr.report.tables import Cell

REPLAY = "replay-suppressions"


def redundancy(facts: Facts) -> Chapter:
    entries = facts.inventory.redundancy
    seen = {one.name: one for one in facts.watched}
    rows = []
    for name, entry in entries.items():
        found = seen.get(name)
        title = entry.title or name.replace("-", " ")
        place = _where(entry) if facts.internal else ""
        what = facts.kinds.redundancy.get(entry.kind, entry.kind).split(". ")[0].rstrip(".")
        stands = Cell(found.stands, "good" if found.whole else "bad") if found else Cell("never looked at", "bad")
        rows.append((Cell(title + place), Cell(what), stands, Cell(local(found.at, facts.zone) if found and found.at else "–")))
    blocks: list[Block] = []
    if rows:
        blocks.append(grid("What there are two of, and how it stands", ("what", "looked at by", "stands", "last look"), rows))
    else:
        blocks.append(
            Text("Nothing that there are two of (disks, power, internet lines, routers) is named, so nobody looks at it.", "warn")
        )
    return Chapter("redundancy", "What there are two of, so that one may fail", "Redundancy", (*blocks, *_asked(facts)))


def _where(entry: RedundancyEntry) -> str:
    """For the organisation's own people alone."""
    words = given(entry.with_)
    return (f" on {entry.host}" if entry.host else "") + (f" ({words})" if words else "")


def _asked(facts: Facts) -> Iterator[Block]:
    for entry in facts.inventory.systems.values():
        found = entry.detection
        if found is None:
            yield Text(f"Whether {entry.title} answers is not asked by itself: a person must notice that it does not.", "warn")
            continue
        then = "the outage declares itself" if found.declares == "itself" else "a person is asked to declare the outage"
        yield Text(
            f"Whether {entry.title} answers is asked from {counted(len(set(found.vantages)), 'machine')}. When {found.agree} of them fail "
            f"{found.failures} times in a row, {then}."
        )


# ---------------------------------------------------------------- privacy


def privacy(facts: Facts) -> Chapter:
    keys = facts.inventory.organisation.keys
    points = [
        Text(
            f"Every copy is encrypted (age, X25519) before it is stored, to {counted(len(keys.recipients), 'key')}, each of which opens "
            "it: one that drills use, and an escrow key that is meant to lie in a safe in another building."
        ),
        _escrow(facts),
        Text(
            f"Who did what, which copy was opened and by whom, is in an audit trail of {counted(facts.audit.seq, 'entry', 'entries')}, "
            "each bearing the digest of the one before it: a changed or missing one breaks the chain. Its newest digest is sealed into "
            "every copy and every piece of evidence."
        ),
        *(text for name in facts.systems for text in _of_system(facts, name)),
        Text("What is told in messages, written in logs, and said in this document holds no data of the people who are served."),
    ]
    return Chapter("privacy", "Privacy", "Privacy", (Points(tuple(points)),))


def _escrow(facts: Facts) -> Text:
    if facts.escrow_here:
        return Text("The private escrow key is STILL ON THIS MACHINE: it belongs in a safe in another building.", "bad")
    return Text("No private escrow key lies among the keys of the machine that makes the copies.")


def _of_system(facts: Facts, name: str) -> Iterator[Text]:
    entry, seen = facts.inventory.systems[name], facts.systems[name]
    of = f" ({entry.title})" if len(facts.systems) > 1 else ""
    yield _wiped(seen, of)
    yield _oldest(list(entry.retention.values()), of)
    recovers = facts.books.get(entry.runbooks.recover or "")
    if entry.suppression is not None and recovers is not None and any(step.action == REPLAY for step in recovers.steps):
        yield Text(
            f"Who asked to be erased, or to be shared no longer, stays so{of}: requests are kept, sealed, outside of the database, and are "
            "carried out again on whatever is restored, before anybody is let in."
        )
    else:
        yield Text(f"Requests to be erased, or shared no longer, are NOT carried out again on what is restored{of}.", "warn")


def _wiped(seen: SystemSeen, of: str) -> Text:
    looked = len(seen.looked_for)
    clean = sum(one.found == 0 and one.canaries > 0 for one in seen.certificates.values())
    if looked == 0:
        return Text(f"No drill was held yet{of}, so nothing of a copy was ever in clear on the standby.")
    words = (
        f"Of the last {counted(looked, 'drill')}{of}, {clean} left a signed certificate that the standby was wiped and that a search for"
    )
    return Text(f"{words} what had been there found nothing.", "" if clean == looked else "bad")


def _oldest(policies: list[RetentionPolicy], of: str) -> Text:
    limits = [policy.expire_after for policy in policies]
    written = [limit for limit in limits if limit is not None]
    if not written:
        return Text(f"No tier says after how long a copy must go{of}.", "warn")
    within = [limit or policy.keep_within for limit, policy in zip(limits, policies, strict=True)]
    where = "" if all(one is not None for one in within) else ", where a tier says so"
    return Text(f"No copy gets older than {short(max(one for one in within if one is not None))}{of}{where}.")
