"""Which journal holds, what a restore must replay, and what has outlived every copy."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.base import sha256
from dr.model.suppression import SuppressionEntry, SuppressionJournal
from dr.policy.suppression import SKEW, due, judge, outlived
from tests.support.catalog_copies import HMIS, NOW

pytestmark = pytest.mark.unit
HOURS = st.integers(min_value=-400, max_value=0)


def journal(*hours: float, word: str = "a") -> SuppressionJournal:
    """With an entry so many hours from now each; `word` sets two apart."""
    made = SuppressionJournal(organisation="Harbor", system=HMIS)
    for hour in hours:
        entry = SuppressionEntry(
            seq=made.seq + 1,
            kind="erase",
            at=NOW + timedelta(hours=hour),
            by="ann",
            subject=sha256(f"{word}{hour}".encode()),
            sealed="c2VhbGVk",
            previous=made.head,
        )
        made = made.model_copy(update={"entries": (*made.entries, entry)})
    return made


def shrunk(one: SuppressionJournal, count: int) -> SuppressionJournal:
    last = one.entries[count - 1]
    return one.model_copy(update={"base_seq": last.seq, "base_hash": last.hash, "entries": one.entries[count:]})


def witnessed(one: SuppressionJournal) -> list[tuple[int, str]]:
    return [(entry.seq, entry.hash) for entry in one.entries]


@given(hours=st.lists(HOURS, min_size=1, max_size=6), cut=st.integers(min_value=0, max_value=5))
def test_a_shortened_copy_is_behind_and_a_shortened_journal_is_found(hours: list[int], cut: int) -> None:
    """One whole copy is enough, and names the others; where all are short, the trail knows what is missing."""
    whole = journal(*hours)
    short = journal(*hours[: min(cut, len(hours) - 1)])
    found = judge({"home": short, "vault": whole, "online": None}, witnessed(whole))
    assert (found.journal, found.behind) == (whole, ("home", "online"))
    assert judge({"home": short, "vault": short}, witnessed(whole)).journal is None


@given(hours=st.lists(HOURS, min_size=1, max_size=5))
def test_two_that_go_on_differently_are_neither_believed(hours: list[int]) -> None:
    one, other = journal(*hours), journal(*hours[:-1], -500, word="a")
    found = judge({"home": one, "vault": other}, [])
    assert found.journal is None
    assert found.wrong == "its copies in home and vault go on differently"


def test_an_entry_that_is_not_the_one_on_record_is_found() -> None:
    one = journal(-3, -2, word="forged")
    assert judge({"home": one}, witnessed(journal(-3, -2))).wrong == "its entry 1 is not the one that is on record"


def test_no_copy_at_all_is_said() -> None:
    assert judge({"home": None, "vault": None}, []).wrong == "there is no suppression journal"


@given(hours=st.lists(HOURS, min_size=2, max_size=6), count=st.integers(min_value=1, max_value=5))
def test_a_shrunken_journal_holds_over_the_one_before_it(hours: list[int], count: int) -> None:
    """A repository that was away while it shrank is behind, no fork; what the trail knows of old entries is no complaint."""
    whole = journal(*hours)
    less = shrunk(whole, min(count, len(hours) - 1))
    found = judge({"home": less, "vault": whole}, witnessed(whole))
    assert (found.journal, found.behind) == (less, ("vault",))
    assert less.broken_at() is None


def test_an_entry_taken_out_of_the_middle_breaks_the_chain() -> None:
    whole = journal(-3, -2, -1)
    assert whole.broken_at() is None
    assert whole.model_copy(update={"entries": (whole.entries[0], whole.entries[2])}).broken_at() == 2


@given(hours=st.lists(HOURS, max_size=6), instant=HOURS, margin=st.integers(min_value=0, max_value=100))
def test_everything_asked_after_the_backup_is_due_and_nothing_from_long_before(hours: list[int], instant: int, margin: int) -> None:
    at = NOW + timedelta(hours=instant)
    found = {entry.at for entry in due(journal(*hours), at, margin * 3600.0)}
    asked = {NOW + timedelta(hours=hour) for hour in hours}
    assert {one for one in asked if one > at} <= found
    assert found == {one for one in asked if one > at - timedelta(hours=margin) - SKEW}


@given(
    hours=st.lists(HOURS, max_size=6).map(sorted),
    copies=st.lists(HOURS, max_size=4),
    margin=st.integers(min_value=0, max_value=48),
    longest=st.none() | st.integers(min_value=0, max_value=300),
)
def test_what_is_let_go_of_is_due_for_no_copy(hours: list[int], copies: list[int], margin: int, longest: int | None) -> None:
    """Shrinking changes nothing about any restore, of a copy that exists or of one that the privacy limit still allows."""
    instants: list[datetime] = [NOW + timedelta(hours=hour) for hour in copies]
    if longest is not None:
        instants.append(NOW - timedelta(hours=longest))
    whole = journal(*hours)
    gone = outlived(whole, [NOW + timedelta(hours=h) for h in copies], margin * 3600.0, None if longest is None else longest * 3600.0, NOW)
    for instant in instants:
        assert not {entry.seq for entry in due(whole, instant, margin * 3600.0)} & {entry.seq for entry in gone}
    assert gone == list(whole.entries[: len(gone)])


def test_what_no_copy_needs_goes() -> None:
    """The twin: it does shrink."""
    assert len(outlived(journal(-100, -90, -2), [NOW - timedelta(hours=10)], 0.0, 24 * 3600.0, NOW)) == 2
