"""Very many systems judged at once, for one screen that cannot hold them all; the judgement is `readiness`'s own.

A judgement is kept beside the facts, and taken as it is while nothing befell its system, the home's files are the same, and no instant was
passed at which time alone changes it. Findings and notices are few: they are looked at anew each time, and whoever is shown is judged anew.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.app.unrecorded import lost_catalog
from dr.catalog.catalog import Catalog
from dr.clock import Clock
from dr.errors import Unreachable
from dr.model.backup import Copy
from dr.model.base import Sha256, SystemName
from dr.model.inventory import SystemEntry
from dr.model.notice_record import Notice
from dr.model.ports import Repository
from dr.model.readiness import COLOURS, Colour, DrillFact, Kept, NightFact, Readiness, worst
from dr.model.record import Finding
from dr.policy.readiness import CLOCK_TOLERANCE, newest_good, noticed, readiness
from dr.policy.standing import holds_until

MOST = 40
"""Systems that are named; the rest are counted."""
_RECENTLY = timedelta(days=2)
"""Most systems have a good copy that is younger: among the older ones nothing but proofs and damage is looked for then."""
_FEW = 1000
"""So many are asked for by name; of more, everybody's facts are read."""


@dataclass(frozen=True)
class Many:
    """The systems of a home and what they are judged by, however the home was opened."""

    systems: Sequence[SystemName]
    entry: Callable[[SystemName], SystemEntry]
    files: Sha256 | None
    """The digest of the home's files; None: nothing is kept."""
    records: Catalog
    clock: Clock
    repositories: Callable[[], Sequence[Repository]]
    written: Mapping[str, str]
    """Every runbook and host, as `App.written`; the digest of the files covers them."""


@dataclass(frozen=True)
class _Facts:
    """What is on record of one system."""

    system: SystemName
    entry: SystemEntry
    copies: Sequence[Copy]
    drills: Sequence[DrillFact]
    night: NightFact | None
    written: Mapping[str, str]

    def judged(self, findings: Sequence[Finding], notices: Sequence[Notice], now: datetime) -> Readiness:
        return readiness(self.system, self.entry, self.copies, self.drills, findings, notices, now, self.night, written=self.written)

    def kept(self, befallen: int, files: Sha256, now: datetime) -> Kept:
        newest = newest_good(self.copies, now)
        until = holds_until(self.entry, self.copies, self.drills, self.night, now)
        return Kept(self.system, befallen, files, now, until, self.judged((), (), now).colour, newest.as_of if newest else None)


@dataclass(frozen=True)
class Fleet:
    """What one screen shows of them."""

    counts: Mapping[Colour, int]
    oldest: Readiness | None
    """Who would lose most, of those that have a good copy."""
    poor: Sequence[Readiness]
    """Who is not green, the worst first; `MOST` of them."""
    more: int
    """How many others are not."""
    titles: Mapping[str, str]
    """Of those that are shown."""


def fleet(many: Many) -> Fleet:
    """Count all, and judge in full whoever is shown."""
    now, notices, findings = many.clock.now(), many.records.notices(), _by_system(many.records.open_findings())
    stands = _standings(many, now)
    common = noticed(None, findings.get(None, ()), notices, now)
    own = {name: noticed(SystemName(name), findings[name], (), now) for name in findings if name is not None}
    colours = {name: worst((one.colour, *(reason.colour for reason in (*common, *own.get(name, ()))))) for name, one in stands.items()}
    poor = sorted((name for name in many.systems if colours[name] != "green"), key=lambda name: (-COLOURS.index(colours[name]), name))
    good = {name: min(as_of, now) for name in many.systems if (as_of := stands[name].as_of) is not None}
    oldest = min(good, key=lambda name: good[name], default=None)
    shown = judge(many, [*poor[:MOST], *([oldest] if oldest else [])], now)
    titles: dict[str, str] = {name: many.entry(name).title for name in shown}
    worst_off, poor_ones = shown[oldest] if oldest else None, [shown[name] for name in poor[:MOST]]
    return Fleet(Counter(colours.values()), worst_off, poor_ones, len(poor[MOST:]), titles)


def judge(many: Many, systems: Sequence[SystemName], now: datetime) -> dict[SystemName, Readiness]:
    """As `App.readiness` judges each, the forecasts and the number of copies left out."""
    records, notices, findings = many.records, many.records.notices(), _by_system(many.records.open_findings())
    found = {}
    for name, facts in _facts(many, systems, now).items():
        lost = [] if facts.copies else lost_catalog(records, many.repositories(), now, name)
        found[name] = facts.judged([*findings.get(None, ()), *findings.get(name, ()), *lost], notices, now)
    return found


def renew(many: Many, systems: Sequence[SystemName]) -> None:
    """Keep a judgement of these for the next look."""
    if many.files is not None:
        _judged(many, systems, {name: stand[0] for name, stand in many.records.standings().items()}, many.clock.now())


def _standings(many: Many, now: datetime) -> dict[SystemName, Kept]:
    """Every system's, findings and notices left out: as it was kept, or judged now."""
    known = many.records.standings()  # before any fact is read: what befalls a system from here on makes its judgement void
    found = {}
    for name in many.systems:
        befallen, kept = known.get(name, (0, None))
        if kept is not None and many.files is not None and kept.holds(befallen, many.files, now):
            found[name] = kept
    befallen_by = {name: stand[0] for name, stand in known.items()}
    return found | _judged(many, [name for name in many.systems if name not in found], befallen_by, now)


def _judged(many: Many, systems: Sequence[SystemName], befallen: Mapping[str, int], now: datetime) -> dict[SystemName, Kept]:
    """Judged now and, where that can be, kept."""
    found = {name: facts.kept(befallen.get(name, 0), many.files or Sha256(""), now) for name, facts in _facts(many, systems, now).items()}
    if many.files is not None:
        with suppress(Unreachable):  # then they are judged again the next time
            many.records.keep_judgements(list(found.values()))
    return found


def _facts(many: Many, systems: Sequence[SystemName], now: datetime) -> dict[SystemName, _Facts]:
    """In a handful of statements, where asking for each of thousands took minutes."""
    records, ahead, of = many.records, now + CLOCK_TOLERANCE, list(systems) if len(systems) <= _FEW else None
    entries = {name: many.entry(name) for name in systems}
    tiers = {(name, tier) for name, entry in entries.items() for tier in (*entry.objectives.tiers, *entry.retention)}
    copies = records.judged_copies_of(of, ahead) if of is not None else records.judged_copies(tiers, ahead, now - _RECENTLY)
    drills, nights = records.last_drills(of), records.last_nights(of)
    return {
        name: _Facts(
            name, entry, copies.get(name, ()), drills.get(name, ()), nights.get((name, entry.runbooks.nightly or "")), many.written
        )
        for name, entry in entries.items()
    }


def _by_system(findings: Sequence[Finding]) -> dict[str | None, list[Finding]]:
    found: dict[str | None, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.system, []).append(finding)
    return found
