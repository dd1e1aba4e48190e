"""Which copy of a suppression journal holds, which requests a restore must replay, and which have outlived every copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model.suppression import SuppressionEntry, SuppressionJournal

SKEW = timedelta(minutes=5)
"""By how much the database's clock may differ from the one that dated a request."""


@dataclass(frozen=True)
class Judged:
    """`journal`: the one that holds; None where `wrong` says why none does. `behind`: places with an earlier state of it, or none."""

    journal: SuppressionJournal | None
    behind: tuple[str, ...]
    wrong: str = ""


def judge(copies: Mapping[str, SuppressionJournal | None], known: Sequence[tuple[int, str]]) -> Judged:
    """The longest of several copies (None: none lies there), where all others are earlier states of it.

    `known`: numbers and hashes of entries that the audit trail bears witness to. A journal that lacks one of them was shortened, one that
    has another there was rewritten; so was one of two that go on differently. Then nobody can say what is missing, and none holds.
    """
    there = {place: journal for place, journal in copies.items() if journal is not None}
    if not there:
        return Judged(None, (), "there is no suppression journal")
    longest = max(there.values(), key=lambda one: (one.seq, one.base_seq))
    forked = [place for place, one in there.items() if not _is_earlier(one, longest)]
    if forked:
        return Judged(None, (), f"its copies in {' and '.join(sorted(there))} go on differently")
    for seq, digest in known:
        if seq > longest.seq:
            return Judged(None, (), f"it was shortened: it ends with entry {longest.seq}, and entry {seq} is on record")
        if seq >= longest.base_seq and longest.hash_at(seq) != digest:
            return Judged(None, (), f"its entry {seq} is not the one that is on record")
    behind = [place for place, one in copies.items() if one is None or (one.seq, one.base_seq) != (longest.seq, longest.base_seq)]
    return Judged(longest, tuple(sorted(behind)))


def _is_earlier(one: SuppressionJournal, of: SuppressionJournal) -> bool:
    """Whether `of` is `one` with more entries (or with fewer old ones): what was let go of since cannot be compared any more."""
    return one.seq < of.base_seq or of.hash_at(one.seq) == one.head


def due(journal: SuppressionJournal, instant: datetime, margin: float) -> list[SuppressionEntry]:
    """What was asked after a backup's instant, or so shortly before it that production may not have done it by then; oldest first."""
    since = instant - timedelta(seconds=margin) - SKEW
    return [entry for entry in journal.entries if entry.at > since]


def outlived(
    journal: SuppressionJournal, instants: Sequence[datetime], margin: float, longest: float | None, now: datetime
) -> list[SuppressionEntry]:
    """The leading entries that no restore can need: every copy is younger, and would be by the longest period of any tier (seconds).

    `longest` None: no tier names a period, so that only the copies that exist tell.
    """
    gone = []
    for entry in journal.entries:
        needed = any(instant <= entry.at + timedelta(seconds=margin) + SKEW for instant in instants)
        young = longest is not None and now - entry.at <= timedelta(seconds=longest + margin) + SKEW
        if needed or young:
            break
        gone.append(entry)
    return gone
