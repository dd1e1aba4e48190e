"""The audit trail beside what bears witness to it: a lost, emptied, cut or forked one is told, with exactly what is missing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.base import Sha256, sha256
from dr.model.record import AuditEntry, AuditHead
from dr.policy.trail import Trail, Witness, judge_trail
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit


def hash_of(seq: int, trail: str = "ours") -> Sha256:
    return sha256(f"{trail} {seq}".encode())


def sealed(seq: int, trail: str = "ours", where: str = "vault/s") -> Witness:
    return Witness(f"{where}{seq}", AuditHead(seq=seq, hash=hash_of(seq, trail), at=NOW + timedelta(minutes=seq)))


def anew(seq: int, minutes: int, event: str = "catalog.rebuilt") -> AuditEntry:
    at = NOW + timedelta(minutes=minutes)
    return AuditEntry(seq=seq, at=at, actor="a", event=event, subject="catalog", previous=hash_of(0), hash=hash_of(seq))


def judged(entries: int, *witnesses: Witness, begun: tuple[AuditEntry, ...] = ()) -> Trail:
    """Of a trail of so many entries, each as it always was."""
    head = AuditHead(seq=entries, hash=hash_of(entries), at=NOW)
    return judge_trail(head, {seq: hash_of(seq) for seq in range(1, entries + 1)}, begun, witnesses)


def test_a_trail_that_holds_what_everything_was_sealed_with_is_whole() -> None:
    """One that was sealed before the first entry vouches for nothing, and is no reason for doubt."""
    assert judged(9, sealed(4), sealed(9), sealed(0)) == Trail(vouched=2)


def test_a_new_catalog_in_which_something_was_audited_already_is_not_whole() -> None:
    """The emptied catalog of one entry, beside sets that were sealed at entry 9 and 4."""
    assert judged(1, sealed(4, "old"), sealed(9, "old")).missing == (
        "the audit trail has 1 entry, none of which is vouched for; entries 1 to 9 are missing, or not as they were:"
        f" vault/s4 was sealed at entry 4, {hash_of(4, 'old')[:12]}; vault/s9 was sealed at entry 9, {hash_of(9, 'old')[:12]}"
    )


def test_a_catalog_that_was_put_back_lacks_its_end_and_only_that() -> None:
    """An older catalog.db: what it has is vouched for up to the last set that it knew."""
    missing = judged(6, sealed(4), sealed(9)).missing
    assert "of which 1 to 4 are vouched for; entries 5 to 9 are missing" in missing
    assert "entry 5 is missing" in judged(4, sealed(4), sealed(5)).missing


def test_one_that_went_on_from_an_older_state_is_told_from_the_right_one() -> None:
    """Longer than every witness, and yet another trail from entry 5 on."""
    assert "entries 5 to 7 are missing, or not as they were" in judged(20, sealed(4), sealed(7, "the right one")).missing


@pytest.mark.parametrize("event", ["catalog.rebuilt", "home.restored"])
def test_after_a_rebuild_what_was_sealed_before_is_explained_and_said(event: str) -> None:
    """Nobody can bring it back; what was sealed since must be here all the same."""
    begun = (anew(1, 30, event),)
    old = sealed(12, "old")
    found = judged(40, old, sealed(35), begun=begun)
    assert (found.missing, found.vouched) == ("", 1)
    assert found.before == f"before entry 1 ({event}) another trail reached entry 12: it went with its catalog"
    assert "entries 36 to 41" in judged(40, old, sealed(35), sealed(41, "old"), begun=begun).missing


@pytest.mark.positive_control
def test_without_the_witnesses_every_trail_is_whole() -> None:
    """Twin: the chain by itself says nothing of what was cut off its end."""
    assert judged(1).missing == ""


@given(st.integers(1, 40), st.lists(st.integers(1, 60), min_size=1))
def test_it_is_whole_exactly_if_every_witness_is_in_it(entries: int, seqs: list[int]) -> None:
    """In whatever order they come."""
    found = judged(entries, *(sealed(seq) for seq in seqs))
    assert bool(found.missing) == any(seq > entries for seq in seqs)
    assert found == judged(entries, *(sealed(seq) for seq in reversed(seqs)))
