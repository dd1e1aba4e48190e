"""What is protected, how often it is copied, and how long copies are kept."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from dr.clock import local
from dr.model.inventory import RetentionPolicy, SystemEntry
from dr.model.runbook import Runbook
from dr.policy.calendar import upcoming
from dr.policy.words import short
from dr.report.plan_document.blocks import Block, Chapter, Heading, Points, Text, counted, given, grid, joined
from dr.report.plan_document.facts import Facts, SystemSeen
from dr.report.tables import Cell, Table


def protected(facts: Facts) -> Chapter:
    blocks: list[Block] = []
    for name, entry in facts.inventory.systems.items():
        blocks += [
            *([Heading(entry.title)] if len(facts.inventory.systems) > 1 else []),
            *_sources(facts, entry),
            _copies(facts, entry, facts.systems[name]),
        ]
    if facts.internal:
        blocks.append(_machines(facts))
    return Chapter("protected", "What is protected, and where its copies are", "Protected", tuple(blocks))


def _sources(facts: Facts, entry: SystemEntry) -> list[Block]:
    rows = []
    for name, source in entry.sources.items():
        read = _SOURCES.get(source.kind) or facts.kinds.sources.get(source.kind, source.kind)
        place = _place(facts, source.host, source.with_.get("path"))
        mark = "yes" if source.needle else "no"
        rows.append((Cell(name), Cell(read), Cell(place), Cell(mark)))
    found: list[Block] = [grid("What is read, and copied", ("part", "what", "where", "marked"), rows)]
    if any(source.needle for source in entry.sources.values()):
        found.append(Text("Marked: before each copy one row, or one file, of ours is planted there, and a drill must find it.", "soft"))
    return found


def _machines(facts: Facts) -> Table:
    """For the organisation's own people alone."""
    rows = [(Cell(name), Cell(one.role), Cell(one.kind), Cell(given(one.with_) or "–")) for name, one in facts.inventory.hosts.items()]
    return grid("Machines", ("name", "is", "reached as", "where"), rows)


def _place(facts: Facts, host: str, path: object) -> str:
    """The host's part in it; its name and the path for the organisation's own people."""
    entry = facts.inventory.hosts.get(host)
    role = f"the {entry.role} machine" if entry else "a machine"
    if not facts.internal:
        return role
    return f"{role} ({host}{f': {path}' if path else ''})"


def _copies(facts: Facts, entry: SystemEntry, seen: SystemSeen) -> Table:
    tiers = {tier.tier: tier for tier in seen.readiness.tiers}
    rows = []
    for tier in entry.retention:
        there = [(name, one) for name, one in facts.inventory.repositories.items() if one.tier == tier]
        kinds = list(dict.fromkeys(_kind(facts, one.kind) for _, one in there))
        where = f"{counted(len(there), 'place')}: {'; '.join(kinds)}" if there else "NOWHERE"
        if facts.internal:
            where += "".join(f"; {name} at {one.with_.get('path') or one.with_.get('address') or 'its own place'}" for name, one in there)
        stands = tiers.get(tier)
        newest = Cell(local(stands.instant, facts.zone)) if stands and stands.instant else Cell("NONE", "bad")
        count = Cell(f"{stands.copies:,}", "n") if stands else Cell("0", "n")
        rows.append((Cell(tier), Cell(where, "" if there else "bad"), count, newest))
    return grid("Where its copies are", ("tier", "kept in", "copies now", "newest good data"), rows)


def _kind(facts: Facts, kind: str) -> str:
    return _PLACES.get(kind) or facts.kinds.repositories.get(kind) or kind


_SOURCES = {
    "postgres_logical": "every database of a PostgreSQL server, and who may use them",
    "files": "a folder with all that is in it: files, their owners and rights",
}
_PLACES = {"directory": "a folder on a disk or a mounted file server", "ssh": "a file server, reached over SSH"}


# ---------------------------------------------------------------- how often, how long


def kept(facts: Facts) -> Chapter:
    blocks: list[Block] = []
    for entry in facts.inventory.systems.values():
        nightly = facts.books.get(entry.runbooks.nightly or "")
        blocks += [
            *([Heading(entry.title)] if len(facts.inventory.systems) > 1 else []),
            _often(facts, nightly),
            Points(
                tuple(Text(f"{tier}: {retention_words(policy)}.") for tier, policy in entry.retention.items()), "How long, in each tier:"
            ),
        ]
    blocks.append(
        Text(
            "Whatever these rules say, nothing deletes the last copy that was proven, one that somebody holds, or one that is in use. If "
            "no new good copy comes, nothing expires."
        )
    )
    return Chapter("kept", "How often it is copied, and how long copies are kept", "Kept", tuple(blocks))


def _often(facts: Facts, nightly: Runbook | None) -> Text:
    if nightly is None:
        return Text("NO RUNBOOK makes copies of it.", "bad")
    if nightly.schedule is None:
        return Text(f"“{nightly.title}” makes a copy whenever a person starts it: no schedule is written.", "warn")
    at = next(upcoming(nightly.schedule, facts.zone, facts.at), None)
    following = f"; the next time {local(at, facts.zone)}" if at else ""
    return Text(f"“{nightly.title}”: {timed(nightly.schedule)}, in {facts.zone}{following}.")


def timed(schedule: str) -> str:
    """`at 03:00 on Sunday`, of five cron fields; the fields themselves where they cannot be put into words."""
    try:
        words = str(CronSim(schedule, _ANY).explain())
    except (CronSimError, AttributeError):
        return f"by the schedule {schedule}"
    return words[:1].lower() + words[1:]


def retention_words(policy: RetentionPolicy) -> str:
    """A tier's rules as one sentence without its end."""
    said = [f"all of the last {short(policy.keep_within)} before the newest good copy"] if policy.keep_within is not None else []
    said += [f"the last {counted(policy.keep_last, 'copy', 'copies')}"] if policy.keep_last else []
    for unit in ("daily", "weekly", "monthly", "yearly"):
        count = getattr(policy, f"keep_{unit}")
        said += [f"one for each of the last {counted(count, _UNITS[unit])}"] if count else []
    words = f"keeps {joined(said)}" if said else "keeps everything"
    if policy.requires_copy_in:
        words += f"; a copy stays until its twin in {policy.requires_copy_in} is there and was read back"
    if policy.expire_after is not None:
        words += f"; no copy gets older than {short(policy.expire_after)} (the privacy limit)"
    return words


_ANY = datetime(2000, 1, 1, tzinfo=UTC)
_UNITS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
